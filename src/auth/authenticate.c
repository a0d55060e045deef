/* SPDX-License-Identifier: Apache-2.0
 *
 * The order is AWS's: form, signed headers, window, scope, access key, signature. The signature of a key that nobody
 * has is made all the same, with a key of our own, so that time tells no more than the answer does. */
#include "auth/authenticate.h"
#include "auth/derived_keys.h"
#include "auth/refusal.h"
#include "base/mem.h"
#include "base/rand.h"

#include <errno.h>

struct authenticate_worker {
    struct derived_keys *keys;
    struct signature_key nobodys;
    const struct str *regions;
    size_t n_regions;
};

int authenticate_worker_new(const struct str *regions, size_t n_regions, struct authenticate_worker **ret_worker)
{
    struct authenticate_worker *worker = mem_zalloc(sizeof(*worker));
    uint8_t nobodys[SIGNATURE_KEY_LEN];
    int r = worker ? derived_keys_new(&worker->keys) : -ENOMEM;
    if (r == 0)
        r = rand_secret(nobodys, sizeof(nobodys));
    if (r < 0) {
        authenticate_worker_free(worker);
        return r;
    }
    signature_set_key(nobodys, &worker->nobodys);
    worker->regions = regions;
    worker->n_regions = n_regions;
    *ret_worker = worker;
    return 0;
}

void authenticate_worker_free(struct authenticate_worker *worker)
{
    if (!worker)
        return;
    derived_keys_free(worker->keys);
    mem_free(worker);
}

bool authenticate_is_region(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!(text.p[i] >= 'a' && text.p[i] <= 'z') && !(text.p[i] >= '0' && text.p[i] <= '9') && text.p[i] != '-')
            return false;
    return text.n > 0 && text.n <= 32;
}

static int derive(const struct authenticate_lookup *lookup, const struct authenticate_key *key,
                  const struct signature_scope *scope, struct arena *arena, struct signature_key *ret_key)
{
    char secret[SIGNATURE_SECRET_MAX];
    size_t n = 0;
    int r = lookup->open_secret(lookup->arg, key, arena, secret, &n);
    if (r == 0 && signature_derive_key((struct str){ secret, n }, scope, ret_key) != 0)
        r = -EINVAL;
    signature_wipe(secret, sizeof(secret));
    return r;
}

/* 0 or a condition of the verifier; -errno. */
static int check(struct authenticate_worker *worker, const struct authenticate_lookup *lookup,
                 const struct verifier_request *request, const struct verifier_options *options,
                 const struct verifier_claim *claim, const struct authenticate_key *key, struct arena *arena)
{
    const struct signature_key *known = derived_keys_find(worker->keys, claim->parts.credential, key->version);
    if (known)
        return verifier_check(request, options, claim, known, arena);
    struct signature_key fresh;
    int r = derive(lookup, key, &claim->scope, arena, &fresh);
    if (r == 0)
        r = verifier_check(request, options, claim, &fresh, arena);
    if (r == 0)
        derived_keys_add(worker->keys, claim->parts.credential, key->version, &fresh);
    signature_wipe(&fresh, sizeof(fresh));
    return r;
}

int authenticate_request(struct authenticate_worker *worker, const struct authenticate_lookup *lookup,
                         const struct verifier_request *request, struct str service, int64_t now_s, struct arena *arena,
                         struct authenticate_outcome *ret_outcome)
{
    struct authenticate_outcome *outcome = ret_outcome;
    const struct verifier_options options = {
        .window_s = VERIFIER_WINDOW_S, .regions = worker->regions, .n_regions = worker->n_regions, .service = service
    };
    struct verifier_claim claim;
    struct authenticate_key key = { 0 };

    *outcome = (struct authenticate_outcome){ 0 };
    int r = verifier_read(request, &options, now_s, arena, &claim);
    if (r == 0 && !authenticate_is_region(claim.scope.region))
        r = VERIFIER_WRONG_SCOPE;
    outcome->access_key_id = claim.access_key_id;
    if (r != 0)
        return r < 0 ? r : refusal_describe(r, request, &options, &claim, now_s, arena, &outcome->message);
    r = lookup->find(lookup->arg, claim.access_key_id, claim.parts.token, arena, &key);
    if (r < 0)
        return r;
    if (r != 0 || !key.is_active) {
        r = verifier_check(request, &options, &claim, &worker->nobodys, arena);
        return r < 0 ? r : AUTHENTICATE_UNKNOWN;
    }
    r = check(worker, lookup, request, &options, &claim, &key, arena);
    if (r != 0)
        return r < 0 ? r : refusal_describe(r, request, &options, &claim, now_s, arena, &outcome->message);
    if (key.is_expired)
        return AUTHENTICATE_EXPIRED;
    outcome->region = claim.scope.region;
    r = lookup->identify(lookup->arg, &key, arena, &outcome->principal);
    return r > 0 ? AUTHENTICATE_UNKNOWN : r;
}
