/* SPDX-License-Identifier: Apache-2.0
 *
 * What changes during a message lives on the stack; the key is only read. */
#include "auth/aead.h"

#include <nettle/memops.h>
#include <strings.h>

static void encrypt_block(const void *cipher, size_t n, uint8_t *to, const uint8_t *from)
{
    aes256_encrypt(cipher, n, to, from);
}

void aead_init(struct aead *aead, const uint8_t key[AEAD_KEY_LEN])
{
    aes256_set_encrypt_key(&aead->cipher, key);
    gcm_set_key(&aead->hash, &aead->cipher, encrypt_block);
}

static void begin(const struct aead *aead, struct gcm_ctx *message, const uint8_t *nonce, struct str context)
{
    gcm_set_iv(message, &aead->hash, AEAD_NONCE_LEN, nonce);
    gcm_update(message, &aead->hash, context.n, (const uint8_t *)context.p);
}

void aead_encrypt(const struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct str context, struct str plain,
                  uint8_t *ret_sealed)
{
    struct gcm_ctx message;
    begin(aead, &message, nonce, context);
    gcm_encrypt(&message, &aead->hash, &aead->cipher, encrypt_block, plain.n, ret_sealed, (const uint8_t *)plain.p);
    gcm_digest(&message, &aead->hash, &aead->cipher, encrypt_block, AEAD_TAG_LEN, ret_sealed + plain.n);
}

int aead_decrypt(const struct aead *aead, const uint8_t nonce[AEAD_NONCE_LEN], struct str context,
                 const uint8_t *sealed, size_t n, uint8_t *ret_plain)
{
    struct gcm_ctx message;
    uint8_t tag[AEAD_TAG_LEN];
    if (n < AEAD_TAG_LEN)
        return 1;
    begin(aead, &message, nonce, context);
    gcm_decrypt(&message, &aead->hash, &aead->cipher, encrypt_block, n - AEAD_TAG_LEN, ret_plain, sealed);
    gcm_digest(&message, &aead->hash, &aead->cipher, encrypt_block, AEAD_TAG_LEN, tag);
    if (memeql_sec(tag, sealed + n - AEAD_TAG_LEN, AEAD_TAG_LEN))
        return 0;
    explicit_bzero(ret_plain, n - AEAD_TAG_LEN);
    return 1;
}
