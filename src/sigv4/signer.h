/* SPDX-License-Identifier: Apache-2.0
 *
 * The side that signs. What is to be signed is a canonical_request with the headers that shall be signed, all of them,
 * and only them: Host always, in the header form X-Amz-Date with the signer's time, and X-Amz-Security-Token when there
 * is a token. Pure; any thread. */
#pragma once

#include "sigv4/signature.h"

struct signer {
    struct str access_key_id;
    struct str session_token; /* absent: none; the presigned form puts it into the query */
    struct str region, service;
    struct signature_key key;
    char time[AMZ_DATE_LEN];
};

/* Steps on the way, for people who look for a difference. */
struct signer_trace {
    struct str canonical, string_to_sign, signature;
};

/* Borrows all but the secret. `seconds` is wall time. 0, or 1 when the secret is too long. */
int signer_init(struct signer *signer, struct str access_key_id, struct str secret_access_key, struct str region,
                struct str service, int64_t seconds);
/* Wipes the key. */
void signer_fini(struct signer *signer);

/* The value of the Authorization header, in the arena. ret_trace may be NULL. 0, -ENOMEM, or a condition of
 * canonical.h. */
int signer_make_header(const struct signer *signer, const struct canonical_request *request, struct arena *arena,
                       struct str *ret_value, struct signer_trace *ret_trace);
/* The whole query of the presigned form, in the arena: that of the request, then X-Amz-Algorithm to X-Amz-Signature.
 * It holds for expires_s seconds. As above. */
int signer_make_query(const struct signer *signer, const struct canonical_request *request, unsigned expires_s,
                      struct arena *arena, struct str *ret_query, struct signer_trace *ret_trace);
