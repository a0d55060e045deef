/* SPDX-License-Identifier: Apache-2.0
 *
 * From a signed request to whoever signed it. The signature is judged by sigv4/verifier; here it meets the access keys,
 * which come through a struct of functions, and the texts in which AWS refuses. Nothing of the request is trusted, or
 * even read, beyond what the signature needs. Source: IAM User Guide, "Troubleshoot Signature Version 4", and the
 * Common Errors of the services. */
#pragma once

#include "auth/principal.h"
#include "sigv4/verifier.h"

/* Conditions: the request is refused. */
enum authenticate_result {
    AUTHENTICATE_MISSING = 1, /* it is not signed */
    AUTHENTICATE_INCOMPLETE,  /* the signature lacks something, or has a form that nobody knows */
    AUTHENTICATE_INVALID,     /* the signature is wrong, stale, early, or for something else */
    AUTHENTICATE_UNKNOWN,     /* no such access key, a disabled one, or a session token that is not its */
    AUTHENTICATE_EXPIRED,     /* the session is over */
};

/* An access key as its look-up tells of it. */
struct authenticate_key {
    const void *handle; /* the look-up's own */
    uint64_t version;   /* another one for each secret that the id ever had */
    bool is_active;
    bool is_expired; /* of a session */
};

/* Where access keys come from. All are called on the caller's thread, with `arg`. */
struct authenticate_lookup {
    void *arg;
    /* `token` is absent when the request has none. 0, 1: there is no such key with this token, or -ENOMEM. */
    int (*find)(void *arg, struct str access_key_id, struct str token, struct arena *arena,
                struct authenticate_key *ret_key);
    /* The secret, at most SIGNATURE_SECRET_MAX bytes, for as long as a key is derived from it. 0 or -errno. */
    int (*open_secret)(void *arg, const struct authenticate_key *key, struct arena *arena,
                       char ret_secret[SIGNATURE_SECRET_MAX], size_t *ret_n);
    /* Whose it is; slices into the arena, the session policy is the caller's. 0, 1: nobody's any more, or -ENOMEM. */
    int (*identify)(void *arg, const struct authenticate_key *key, struct arena *arena,
                    struct principal *ret_principal);
};

struct authenticate_outcome {
    struct principal principal; /* with a session policy of the caller's, who frees it */
    struct str region;
    /* Of a refusal: what to tell the client, absent when the error says all of it; who it claims to be, if anybody. */
    struct str message, access_key_id;
};

/* What a thread needs to authenticate; one thread. */
struct authenticate_worker;

/* `regions` are those that a scope may name, borrowed; none: any. 0 or -errno. */
int authenticate_worker_new(const struct str *regions, size_t n_regions, struct authenticate_worker **ret_worker);
void authenticate_worker_free(struct authenticate_worker *worker); /* accepts NULL */

/* `service` is the one that the scope must name. 0 with principal and region, -errno, or a condition with message. */
int authenticate_request(struct authenticate_worker *worker, const struct authenticate_lookup *lookup,
                         const struct verifier_request *request, struct str service, int64_t now_s, struct arena *arena,
                         struct authenticate_outcome *ret_outcome);

/* Can text be a region's name? At most 32 of a-z, 0-9 and `-`. */
bool authenticate_is_region(struct str text);
