/* SPDX-License-Identifier: Apache-2.0
 *
 * The keys stand in pages of their own. Threads that seal and open read the number of keys and the one in use as
 * atomics; a key does not change once it is counted. */
#include "auth/seal.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/text.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/eddsa.h>
#include <nettle/hmac.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define KEYS_MAX 8 /* within the least limit of locked memory */
#define NO_KEY KEYS_MAX
#define SEALED_MAX (AEAD_NONCE_LEN + SEAL_PLAIN_MAX + AEAD_TAG_LEN)
#define DECODED_MAX BASE64_DECODE_LENGTH(BASE64_ENCODE_RAW_LENGTH(SEALED_MAX)) /* what nettle may write */

struct seal_key {
    struct aead aead;
    uint8_t root[AEAD_KEY_LEN]; /* of derived keys */
    char id[SEAL_KEY_ID_LEN];
};

struct seal {
    atomic_uint n_keys, current;
    struct seal_key keys[KEYS_MAX];
};

struct seal *seal_new(void)
{
    struct seal *seal = mmap(NULL, sizeof(struct seal), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (seal == MAP_FAILED)
        return NULL;
    (void)madvise(seal, sizeof(*seal), MADV_DONTDUMP);
    (void)mlock(seal, sizeof(*seal)); /* as far as the limit allows */
    atomic_init(&seal->n_keys, 0);
    atomic_init(&seal->current, NO_KEY);
    return seal;
}

void seal_free(struct seal *seal)
{
    if (!seal)
        return;
    explicit_bzero(seal, sizeof(*seal));
    munmap(seal, sizeof(*seal));
}

static void derive(const uint8_t key[AEAD_KEY_LEN], struct str purpose, size_t n, uint8_t *ret_key)
{
    struct hmac_sha256_ctx hmac;
    hmac_sha256_set_key(&hmac, AEAD_KEY_LEN, key);
    hmac_sha256_update(&hmac, purpose.n, (const uint8_t *)purpose.p);
    hmac_sha256_digest(&hmac, n, ret_key);
    explicit_bzero(&hmac, sizeof(hmac));
}

void seal_key_id(const uint8_t key[AEAD_KEY_LEN], char ret_id[SEAL_KEY_ID_LEN])
{
    uint8_t digest[SEAL_KEY_ID_LEN / 2];
    derive(key, STR("cloudmap seal key id"), sizeof(digest), digest);
    text_hex(digest, sizeof(digest), ret_id);
}

/* Its place, or NO_KEY. */
static unsigned find_key(const struct seal *seal, struct str key_id)
{
    unsigned n = atomic_load_explicit(&seal->n_keys, memory_order_acquire);
    for (unsigned i = 0; i < n; i++)
        if (str_eq((struct str){ seal->keys[i].id, SEAL_KEY_ID_LEN }, key_id))
            return i;
    return NO_KEY;
}

int seal_add(struct seal *seal, const uint8_t key[AEAD_KEY_LEN])
{
    unsigned n = atomic_load_explicit(&seal->n_keys, memory_order_relaxed);
    char id[SEAL_KEY_ID_LEN];
    seal_key_id(key, id);
    if (find_key(seal, (struct str){ id, sizeof(id) }) != NO_KEY)
        return 0;
    if (n == KEYS_MAX)
        return -ENOSPC;
    aead_init(&seal->keys[n].aead, key);
    derive(key, STR("cloudmap derived keys"), AEAD_KEY_LEN, seal->keys[n].root);
    memcpy(seal->keys[n].id, id, sizeof(id));
    atomic_store_explicit(&seal->n_keys, n + 1, memory_order_release);
    return 0;
}

int seal_use(struct seal *seal, struct str key_id)
{
    unsigned i = find_key(seal, key_id);
    if (i == NO_KEY)
        return 1;
    atomic_store_explicit(&seal->current, i, memory_order_release);
    return 0;
}

struct str seal_current(const struct seal *seal)
{
    unsigned i = atomic_load_explicit(&seal->current, memory_order_acquire);
    return i == NO_KEY ? (struct str){ 0 } : (struct str){ seal->keys[i].id, SEAL_KEY_ID_LEN };
}

int seal_derive(const struct seal *seal, struct str purpose, uint8_t ret_key[AEAD_KEY_LEN])
{
    unsigned i = atomic_load_explicit(&seal->current, memory_order_acquire);
    if (i == NO_KEY)
        return -ENOKEY;
    derive(seal->keys[i].root, purpose, AEAD_KEY_LEN, ret_key);
    return 0;
}

static void signing_key(const struct seal_key *key, uint8_t ret_private[ED25519_KEY_SIZE],
                        uint8_t ret_public[ED25519_KEY_SIZE])
{
    derive(key->root, STR("cloudmap signing key"), ED25519_KEY_SIZE, ret_private);
    ed25519_sha512_public_key(ret_public, ret_private);
}

int seal_sign(const struct seal *seal, struct str text, uint8_t ret_public[SEAL_PUBLIC_KEY_LEN],
              uint8_t ret_signature[SEAL_SIGNATURE_LEN])
{
    uint8_t private[ED25519_KEY_SIZE];
    unsigned i = atomic_load_explicit(&seal->current, memory_order_acquire);
    if (i == NO_KEY)
        return -ENOKEY;
    signing_key(&seal->keys[i], private, ret_public);
    ed25519_sha512_sign(ret_public, private, text.n, (const uint8_t *)text.p, ret_signature);
    explicit_bzero(private, sizeof(private));
    return 0;
}

int seal_public_key(const struct seal *seal, size_t i, uint8_t ret_public[SEAL_PUBLIC_KEY_LEN])
{
    uint8_t private[ED25519_KEY_SIZE];
    if (i >= atomic_load_explicit(&seal->n_keys, memory_order_acquire))
        return 1;
    signing_key(&seal->keys[i], private, ret_public);
    explicit_bzero(private, sizeof(private));
    return 0;
}

int seal_current_public_key(const struct seal *seal, uint8_t ret_public[SEAL_PUBLIC_KEY_LEN])
{
    unsigned i = atomic_load_explicit(&seal->current, memory_order_acquire);
    return i == NO_KEY || seal_public_key(seal, i, ret_public) ? -ENOKEY : 0;
}

int seal_close(const struct seal *seal, struct str record, struct str plain, struct arena *arena,
               struct str *ret_sealed)
{
    unsigned i = atomic_load_explicit(&seal->current, memory_order_acquire);
    size_t n = AEAD_NONCE_LEN + plain.n + AEAD_TAG_LEN;
    if (i == NO_KEY)
        return -ENOKEY;
    if (plain.n > SEAL_PLAIN_MAX)
        return -EINVAL;
    uint8_t *bytes = arena_alloc(arena, n);
    char *text = arena_alloc(arena, SEAL_KEY_ID_LEN + 1 + BASE64_ENCODE_RAW_LENGTH(n));
    if (!bytes || !text)
        return -ENOMEM;
    int r = rand_secret(bytes, AEAD_NONCE_LEN);
    if (r < 0)
        return r;
    aead_encrypt(&seal->keys[i].aead, bytes, record, plain, bytes + AEAD_NONCE_LEN);
    memcpy(text, seal->keys[i].id, SEAL_KEY_ID_LEN);
    text[SEAL_KEY_ID_LEN] = '.';
    base64_encode_raw(text + SEAL_KEY_ID_LEN + 1, n, bytes);
    *ret_sealed = (struct str){ text, SEAL_KEY_ID_LEN + 1 + BASE64_ENCODE_RAW_LENGTH(n) };
    return 0;
}

/* Strict base64; returns the number of bytes, 0 when it is none or too long. */
static size_t decode(struct str text, uint8_t ret_bytes[DECODED_MAX])
{
    struct base64_decode_ctx ctx;
    size_t n = DECODED_MAX;
    if (text.n > BASE64_ENCODE_RAW_LENGTH(SEALED_MAX) || text.n % 4 != 0)
        return 0;
    base64_decode_init(&ctx);
    if (!base64_decode_update(&ctx, &n, ret_bytes, text.n, text.p) || !base64_decode_final(&ctx))
        return 0;
    return n;
}

int seal_open(const struct seal *seal, struct str record, struct str sealed, char *ret_plain, size_t size,
              size_t *ret_n)
{
    uint8_t bytes[DECODED_MAX];
    if (sealed.n <= SEAL_KEY_ID_LEN || sealed.p[SEAL_KEY_ID_LEN] != '.')
        return SEAL_BROKEN;
    unsigned i = find_key(seal, (struct str){ sealed.p, SEAL_KEY_ID_LEN });
    if (i == NO_KEY)
        return SEAL_UNKNOWN_KEY;
    size_t n = decode(str_skip(sealed, SEAL_KEY_ID_LEN + 1), bytes);
    if (n < AEAD_NONCE_LEN + AEAD_TAG_LEN || n - AEAD_NONCE_LEN - AEAD_TAG_LEN > size)
        return SEAL_BROKEN;
    n -= AEAD_NONCE_LEN;
    if (aead_decrypt(&seal->keys[i].aead, bytes, record, bytes + AEAD_NONCE_LEN, n, (uint8_t *)ret_plain) != 0)
        return SEAL_BROKEN;
    *ret_n = n - AEAD_TAG_LEN;
    return 0;
}
