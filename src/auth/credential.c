/* SPDX-License-Identifier: Apache-2.0
 *
 * An access key without a token is one of the registry's; with a token it is the one that the token holds. */
#include "auth/credential.h"
#include "auth/access_lookup.h"
#include "auth/session.h"
#include "auth/vault.h"
#include "model/policy.h"

#include <errno.h>

/* What is found: one of the two. */
struct credential {
    const struct access_key *key;
    const struct identity_node *role;
    struct session session; /* of that role */
};

static int find_key(const struct credential_source *source, struct str access_key_id, struct credential *credential,
                    struct authenticate_key *ret_key)
{
    const struct access_key *key = access_lookup_key(source->snapshot, access_key_id);
    if (!key)
        return 1;
    credential->key = key;
    ret_key->is_active = !key->is_disabled;
    /* Sealed anew with each secret, under a nonce: so is the record's sum. */
    ret_key->version = (uint64_t)key->record_sum << 31 ^ (uint64_t)key->create_ms << 1;
    return 0;
}

static int find_session(const struct credential_source *source, struct str access_key_id, struct str token,
                        struct arena *arena, struct credential *credential, struct authenticate_key *ret_key)
{
    struct session *session = &credential->session;
    int r = session_open(source->seal, token, arena, session);
    if (r != 0)
        return r;
    credential->role = access_lookup_role(source->snapshot, session->account, session->role);
    if (!str_eq(session->access_key_id, access_key_id) || !credential->role ||
        !str_eq(credential->role->config->id, session->role_id))
        return 1;
    ret_key->is_active = access_lookup_issuer_holds(source->snapshot, &session->issuer);
    ret_key->is_expired = source->now_s >= session->expires_s;
    ret_key->version = (uint64_t)session->issue_s << 1 | 1;
    return 0;
}

static int find(void *arg, struct str access_key_id, struct str token, struct arena *arena,
                struct authenticate_key *ret_key)
{
    const struct credential_source *source = arg;
    struct credential *credential = ARENA_NEW(arena, struct credential);
    if (!credential)
        return -ENOMEM;
    *ret_key = (struct authenticate_key){ .handle = credential };
    return str_is_set(token) ? find_session(source, access_key_id, token, arena, credential, ret_key)
                             : find_key(source, access_key_id, credential, ret_key);
}

static int open_secret(void *arg, const struct authenticate_key *key, struct arena *arena,
                       char ret_secret[SIGNATURE_SECRET_MAX], size_t *ret_n)
{
    const struct credential_source *source = arg;
    const struct credential *credential = key->handle;
    if (credential->key) {
        struct str record = vault_record(arena, credential->key->id);
        if (!str_is_set(record))
            return -ENOMEM;
        return seal_open(source->seal, record, credential->key->sealed, ret_secret, SIGNATURE_SECRET_MAX, ret_n) == 0
                   ? 0
                   : -EIO;
    }
    struct str secret = credential->session.secret;
    if (secret.n > SIGNATURE_SECRET_MAX)
        return -EINVAL;
    memcpy(ret_secret, secret.p, secret.n);
    *ret_n = secret.n;
    return 0;
}

static int identify(void *arg, const struct authenticate_key *key, struct arena *arena, struct principal *ret_principal)
{
    const struct credential_source *source = arg;
    const struct credential *credential = key->handle;
    const struct session *session = &credential->session;
    if (credential->key)
        return principal_of_key(source->snapshot, credential->key, arena, ret_principal);
    struct policy *policy = NULL;
    struct policy_error error;
    int r = principal_of_role(credential->role, session->name, arena, ret_principal);
    if (r == 0 && str_is_set(session->policy))
        r = policy_compile(session->policy, POLICY_SESSION, &policy, &error);
    ret_principal->access_key_id = session->access_key_id;
    ret_principal->token_issue_s = session->issue_s;
    ret_principal->session_policy = policy;
    ret_principal->issuer = session->issuer;
    return r;
}

struct authenticate_lookup credential_lookup(struct credential_source *source)
{
    return (struct authenticate_lookup){ source, find, open_secret, identify };
}
