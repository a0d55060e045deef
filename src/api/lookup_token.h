/* SPDX-License-Identifier: Apache-2.0
 *
 * NextToken of LookupEvents: the number of the row that the next page begins with. Rows are numbered over all accounts,
 * so the number is sealed: a token tells nothing, and opens only for whom and what it was made. Any thread. */
#pragma once

#include "auth/seal.h"

#define LOOKUP_TOKEN_LEN (2 * (AEAD_NONCE_LEN + sizeof(uint64_t) + AEAD_TAG_LEN)) /* hex digits */

/* A key that is derived from the seal's, so that tokens survive a restart. 0 or -errno. The owner wipes it. */
int lookup_token_key(const struct seal *seal, struct aead *ret_aead);

/* `context` says who asks for what. 0 or -errno. */
int lookup_token_write(const struct aead *aead, struct str context, uint64_t number, char ret_token[LOOKUP_TOKEN_LEN]);
/* 0, or 1: it is none of that context. */
int lookup_token_read(const struct aead *aead, struct str context, struct str token, uint64_t *ret_number);
