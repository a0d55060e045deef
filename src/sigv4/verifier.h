/* SPDX-License-Identifier: Apache-2.0
 *
 * The side that verifies, in two steps, with the caller's look-up between them: verifier_read takes apart what a
 * request claims and judges all that needs no secret; verifier_check makes the signature anew with the key of the
 * claimed access key (of a dummy secret when it is unknown, so that time does not tell) and compares. Both forms: the
 * Authorization header and the presigned query. Pure; any thread. */
#pragma once

#include "sigv4/signature.h"

#define VERIFIER_WINDOW_S 300
#define VERIFIER_EXPIRES_MAX_S 604800
#define VERIFIER_TOKEN_MAX 8192

/* Conditions: the request is refused. */
enum verifier_result {
    VERIFIER_MISSING = 1,     /* no signature at all, or none of AWS's version 4 */
    VERIFIER_UNSUPPORTED,     /* another algorithm of version 4, or a payload form that is S3's */
    VERIFIER_INCOMPLETE,      /* a part is missing, or empty */
    VERIFIER_NOT_A_PAIR,      /* something in the header is not NAME=VALUE */
    VERIFIER_TWICE,           /* a part, or a header that counts, is there twice */
    VERIFIER_BAD_DATE,        /* in no form of amz_date.h */
    VERIFIER_BAD_EXPIRES,     /* not 1 to VERIFIER_EXPIRES_MAX_S */
    VERIFIER_BAD_CREDENTIAL,  /* not five parts */
    VERIFIER_NO_HEADER,       /* a header is said to be signed and is not there */
    VERIFIER_TWO_FORMS,       /* header and query at once */
    VERIFIER_UNSIGNED_HEADER, /* host, date, target or token is not signed */
    VERIFIER_TOO_OLD,
    VERIFIER_TOO_NEW,
    VERIFIER_WRONG_SCOPE, /* date, region, service or terminator */
    VERIFIER_WRONG_HASH,  /* X-Amz-Content-Sha256 is not the body's */
    VERIFIER_MALFORMED,   /* the request has no canonical form */
    VERIFIER_TOO_LARGE,
    VERIFIER_MISMATCH, /* all there, and the signature is another one */
};

struct verifier_request {
    struct str method, path, query; /* raw, as in canonical.h */
    const struct str_pair *headers; /* as received */
    size_t n_headers;
    struct str body;
};

struct verifier_options {
    int64_t window_s;          /* either way, the limits included */
    const struct str *regions; /* of the scope, any of these; n_regions 0: any at all */
    size_t n_regions;
    struct str service;           /* of the scope; absent: any */
    bool keeps_path, omits_token; /* as in canonical.h */
    bool takes_unsigned_headers;  /* X-Amz-Target and X-Amz-Security-Token need not be signed */
};

/* What the signature says of itself, as it was sent; absent: it does not say so. */
struct verifier_parts {
    struct str algorithm, credential, signed_headers, signature;
    struct str date, expires, token;
};

/* Slices live as long as the request and the arena. */
struct verifier_claim {
    struct verifier_parts parts;
    struct str access_key_id;
    struct signature_scope scope;
    struct str terminator; /* of the scope, as it was sent */
    struct str culprit;    /* of NOT_A_PAIR, TWICE and UNSIGNED_HEADER: the part or header */
    char time[AMZ_DATE_LEN];
    int64_t life_s; /* how long after `time` the request is good */
    bool is_presigned;
};

/* May a scope name that region? */
bool verifier_takes_region(const struct verifier_options *options, struct str region);

/* 0 with the claim, nothing of which is proved; -ENOMEM or a condition, with as much of the claim as was understood. */
int verifier_read(const struct verifier_request *request, const struct verifier_options *options, int64_t now_seconds,
                  struct arena *arena, struct verifier_claim *ret_claim);
/* 0: signed with this key. -ENOMEM or a condition. */
int verifier_check(const struct verifier_request *request, const struct verifier_options *options,
                   const struct verifier_claim *claim, const struct signature_key *key, struct arena *arena);
