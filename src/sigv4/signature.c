/* SPDX-License-Identifier: Apache-2.0
 *
 * HMAC-SHA256 is nettle's. */
#include "sigv4/signature.h"
#include "base/hash.h"
#include "base/text.h"

#include <errno.h>
#include <nettle/memops.h>

void signature_hash(struct str bytes, char ret_hash[CANONICAL_HASH_LEN])
{
    uint8_t digest[HASH_SHA256_LEN];
    hash_sha256(bytes.p, bytes.n, digest);
    text_hex(digest, sizeof(digest), ret_hash);
}

static void hmac(const void *key, size_t n_key, struct str text, uint8_t ret_digest[SIGNATURE_KEY_LEN])
{
    struct hmac_sha256_ctx context;
    hmac_sha256_set_key(&context, n_key, key);
    hmac_sha256_update(&context, text.n, (const uint8_t *)text.p);
    hmac_sha256_digest(&context, SIGNATURE_KEY_LEN, ret_digest);
    signature_wipe(&context, sizeof(context));
}

void signature_set_key(const uint8_t bytes[SIGNATURE_KEY_LEN], struct signature_key *ret_key)
{
    hmac_sha256_set_key(&ret_key->hmac, SIGNATURE_KEY_LEN, bytes);
}

int signature_derive_key(struct str secret, const struct signature_scope *scope, struct signature_key *ret_key)
{
    const struct str steps[] = { scope->date, scope->region, scope->service, STR(SIGNATURE_TERMINATOR) };
    char first[4 + SIGNATURE_SECRET_MAX] = "AWS4";
    uint8_t bytes[SIGNATURE_KEY_LEN];
    if (secret.n > SIGNATURE_SECRET_MAX)
        return 1;
    if (secret.n)
        memcpy(first + 4, secret.p, secret.n);
    hmac(first, 4 + secret.n, steps[0], bytes);
    signature_wipe(first, sizeof(first));
    for (size_t i = 1; i < sizeof(steps) / sizeof(steps[0]); i++)
        hmac(bytes, sizeof(bytes), steps[i], bytes);
    signature_set_key(bytes, ret_key);
    signature_wipe(bytes, sizeof(bytes));
    return 0;
}

void signature_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

int signature_make_scope(const struct signature_scope *scope, struct arena *arena, struct str *ret_text)
{
    *ret_text = arena_printf(arena, STR_FMT "/" STR_FMT "/" STR_FMT "/" SIGNATURE_TERMINATOR, STR_ARG(scope->date),
                             STR_ARG(scope->region), STR_ARG(scope->service));
    return str_is_set(*ret_text) ? 0 : -ENOMEM;
}

static char *put(char *p, struct str s)
{
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

/* Once for each request that is verified: by hand. */
int signature_make_string(struct str time, const struct signature_scope *scope, struct str canonical,
                          struct arena *arena, struct str *ret_text)
{
    const struct str parts[] = {
        STR(SIGNATURE_ALGORITHM "\n"),
        time,
        STR("\n"),
        scope->date,
        STR("/"),
        scope->region,
        STR("/"),
        scope->service,
        STR("/" SIGNATURE_TERMINATOR "\n"),
    };
    size_t n = CANONICAL_HASH_LEN;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        n += parts[i].n;
    char *text = arena_alloc(arena, n), *p = text;
    if (!text)
        return -ENOMEM;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        p = put(p, parts[i]);
    signature_hash(canonical, p);
    *ret_text = (struct str){ text, n };
    return 0;
}

void signature_compute(const struct signature_key *key, struct str string_to_sign, char ret_signature[SIGNATURE_LEN])
{
    struct hmac_sha256_ctx context = key->hmac;
    uint8_t digest[SIGNATURE_KEY_LEN];
    hmac_sha256_update(&context, string_to_sign.n, (const uint8_t *)string_to_sign.p);
    hmac_sha256_digest(&context, sizeof(digest), digest);
    signature_wipe(&context, sizeof(context));
    text_hex(digest, sizeof(digest), ret_signature);
}

bool signature_is_equal(struct str got, const char wanted[SIGNATURE_LEN])
{
    return got.n == SIGNATURE_LEN && memeql_sec(got.p, wanted, SIGNATURE_LEN);
}
