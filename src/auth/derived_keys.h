/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's cache of signing keys: what a secret derives for a day, region and service, so that a check needs one HMAC
 * instead of five. It is of fixed size and forgets what was used longest ago. A key is found under the credential of
 * the request (`AKID/20150830/us-east-1/servicediscovery/aws4_request`) and the version of its access key, so that a
 * changed secret is never met again. One thread. */
#pragma once

#include "sigv4/signature.h"

#define DERIVED_KEYS_MAX 512
#define DERIVED_KEYS_CREDENTIAL_MAX 224 /* longer ones are not kept */

struct derived_keys;

/* 0 or -errno. */
int derived_keys_new(struct derived_keys **ret_keys);
void derived_keys_free(struct derived_keys *keys); /* wipes them; accepts NULL */

/* NULL when it is not there. Valid until the next call of derived_keys_add. */
const struct signature_key *derived_keys_find(struct derived_keys *keys, struct str credential, uint64_t version);
/* Only of a credential whose signature was good: others could push it out. */
void derived_keys_add(struct derived_keys *keys, struct str credential, uint64_t version,
                      const struct signature_key *key);
