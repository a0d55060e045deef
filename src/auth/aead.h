/* SPDX-License-Identifier: Apache-2.0
 *
 * AES-256-GCM (NIST SP 800-38D), nettle's, with a prepared key that many threads may use at a time. */
#pragma once

#include "base/str.h"

#include <nettle/aes.h>
#include <nettle/gcm.h>

#define AEAD_KEY_LEN 32
#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN 16

struct aead {
    struct aes256_ctx cipher;
    struct gcm_key hash;
};

/* The prepared key is a secret as well: its owner wipes it. */
void aead_init(struct aead *aead, const uint8_t key[AEAD_KEY_LEN]);
/* ret_sealed holds plain.n + AEAD_TAG_LEN bytes. A nonce is used once with a key. */
void aead_encrypt(const struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct str context, struct str plain,
                  uint8_t *ret_sealed);
/* ret_plain holds n - AEAD_TAG_LEN bytes. 0; 1: not sealed with this key, nonce and context (ret_plain is wiped). */
int aead_decrypt(const struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct str context,
                 const uint8_t *sealed, size_t n, uint8_t *ret_plain);
