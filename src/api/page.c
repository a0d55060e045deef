/* SPDX-License-Identifier: Apache-2.0
 *
 * A token is the hex of: version (1 byte), digest of what was asked (8), key, checksum over all before it (8). */
#include "api/page.h"

#include <errno.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#define VERSION 1
#define DIGEST_LEN 8
#define HEAD_LEN (1 + DIGEST_LEN)
#define CHECKSUM_LEN 8
#define MIN_RAW (HEAD_LEN + 1 + CHECKSUM_LEN)
#define MAX_RAW (HEAD_LEN + PAGE_MAX_KEY + CHECKSUM_LEN)

/* The text of an input can be no longer than the request that brought it, times the growth of escapes. */
#define MAX_INPUT_TEXT (8u << 20)

_Static_assert(2 * MAX_RAW <= 4096, "tokens fit the model's limit for NextToken");

/* Fixed, so that tokens survive restarts and any daemon on the same store accepts them. */
static const struct hash_key hash_key = { { UINT64_C(0x636c6f75646d6170), UINT64_C(0x4e657874546f6b65) } };

static void put_u64(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

/* The operation and everything it asks for but the page. 0 or -ENOMEM. */
static int digest_of(const struct op *op, const void *in, uint8_t ret_digest[DIGEST_LEN])
{
    struct buf text;
    buf_init(&text, MAX_INPUT_TEXT);
    buf_put_str(&text, op->name);
    shape_render_with(&text, op->input, in, SHAPE_PAGING);
    int r = text.failed ? -ENOMEM : 0;
    if (r == 0)
        put_u64(ret_digest, hash_sip(&hash_key, text.p, text.n));
    buf_fini(&text);
    return r;
}

struct str page_encode(struct arena *arena, const struct op *op, const void *in, struct str key)
{
    const struct str absent = { 0 };
    ASSERT(key.n > 0 && key.n <= PAGE_MAX_KEY);
    uint8_t raw[MAX_RAW] = { VERSION };
    if (digest_of(op, in, raw + 1))
        return absent;
    memcpy(raw + HEAD_LEN, key.p, key.n);
    size_t n = HEAD_LEN + key.n;
    put_u64(raw + n, hash_sip(&hash_key, raw, n));
    n += CHECKSUM_LEN;
    char *token = arena_alloc(arena, 2 * n);
    if (!token)
        return absent;
    return (struct str){ token, text_hex(raw, n, token) };
}

int page_decode(struct arena *arena, const struct op *op, const void *in, struct str token, struct str *ret_key)
{
    uint8_t raw[MAX_RAW], checksum[CHECKSUM_LEN], digest[DIGEST_LEN];
    size_t n = token.n / 2;
    if (n < MIN_RAW || n > MAX_RAW || text_parse_hex(token, raw))
        return PAGE_INVALID;
    n -= CHECKSUM_LEN;
    put_u64(checksum, hash_sip(&hash_key, raw, n));
    if (raw[0] != VERSION || memcmp(raw + n, checksum, CHECKSUM_LEN) != 0)
        return PAGE_INVALID;
    int r = digest_of(op, in, digest);
    if (r)
        return r;
    if (memcmp(raw + 1, digest, DIGEST_LEN) != 0)
        return PAGE_INVALID;
    struct str key = arena_dup(arena, (struct str){ (const char *)raw + HEAD_LEN, n - HEAD_LEN });
    if (!str_is_set(key))
        return -ENOMEM;
    *ret_key = key;
    return 0;
}
