/* SPDX-License-Identifier: Apache-2.0
 *
 * In hex: a nonce, the number, and the tag. */
#include "api/lookup_token.h"

#include "base/rand.h"
#include "base/text.h"

int lookup_token_key(const struct seal *seal, struct aead *ret_aead)
{
    uint8_t key[AEAD_KEY_LEN];
    int r = seal_derive(seal, STR("LookupEvents tokens"), key);

    if (r == 0)
        aead_init(ret_aead, key);
    explicit_bzero(key, sizeof(key));
    return r;
}

int lookup_token_write(const struct aead *aead, struct str context, uint64_t number, char ret_token[LOOKUP_TOKEN_LEN])
{
    uint8_t token[LOOKUP_TOKEN_LEN / 2];
    int r = rand_secret(token, AEAD_NONCE_LEN);

    if (r)
        return r;
    aead_encrypt(aead, token, context, (struct str){ (const char *)&number, sizeof(number) }, token + AEAD_NONCE_LEN);
    text_hex(token, sizeof(token), ret_token);
    return 0;
}

int lookup_token_read(const struct aead *aead, struct str context, struct str token, uint64_t *ret_number)
{
    uint8_t bytes[LOOKUP_TOKEN_LEN / 2];

    if (token.n != LOOKUP_TOKEN_LEN || text_parse_hex(token, bytes))
        return 1;
    return aead_decrypt(aead, bytes, context, bytes + AEAD_NONCE_LEN, sizeof(bytes) - AEAD_NONCE_LEN,
                        (uint8_t *)ret_number);
}
