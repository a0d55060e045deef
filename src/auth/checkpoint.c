/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers are digits, all else is hex in lower case: there is one spelling of a checkpoint. */
#include "auth/checkpoint.h"

#include "base/text.h"

#include <inttypes.h>
#include <nettle/eddsa.h>
#include <stdio.h>

#define PREFIX STR("cloudmap-checkpoint:")

struct str checkpoint_sign(const struct seal *seal, const struct store_trail_head *head, int64_t wall_ms,
                           char ret_text[CHECKPOINT_ROOM])
{
    uint8_t key[SEAL_PUBLIC_KEY_LEN], signature[SEAL_SIGNATURE_LEN];
    char hash[2 * HASH_SHA256_LEN + 1] = "";
    size_t n;

    text_hex(head->hash, sizeof(head->hash), hash);
    n = (size_t)snprintf(ret_text, CHECKPOINT_ROOM, STR_FMT "%" PRIu64 ":%s:%" PRId64, STR_ARG(PREFIX), head->last,
                         hash, wall_ms);
    if (seal_sign(seal, (struct str){ ret_text, n }, key, signature))
        return (struct str){ 0 };
    ret_text[n++] = ':';
    n += text_hex(key, sizeof(key), ret_text + n);
    ret_text[n++] = ':';
    n += text_hex(signature, sizeof(signature), ret_text + n);
    ret_text[n] = '\0';
    return (struct str){ ret_text, n };
}

/* The text up to the next colon; *rest moves on behind it. */
static struct str take_part(struct str *rest)
{
    struct str part = { rest->p, str_find_char(*rest, ':') };

    *rest = str_skip(*rest, part.n < rest->n ? part.n + 1 : part.n);
    return part;
}

static int read_hex(struct str *rest, size_t n, uint8_t *ret_bytes)
{
    struct str part = take_part(rest);

    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] >= 'A' && part.p[i] <= 'F')
            return 1;
    return part.n != 2 * n || text_parse_hex(part, ret_bytes);
}

int checkpoint_read(struct str text, struct checkpoint *ret_checkpoint)
{
    uint8_t signature[SEAL_SIGNATURE_LEN];
    struct str rest = text, is_signed = { text.p, 0 };
    uint64_t time_ms;

    if (!str_starts(text, PREFIX))
        return 1;
    rest = str_skip(text, PREFIX.n);
    if (str_parse_u64(take_part(&rest), &ret_checkpoint->number) ||
        read_hex(&rest, HASH_SHA256_LEN, ret_checkpoint->hash) || str_parse_u64(take_part(&rest), &time_ms) ||
        time_ms > INT64_MAX || !rest.n)
        return 1;
    is_signed.n = (size_t)(rest.p - text.p) - 1;
    ret_checkpoint->time_ms = (int64_t)time_ms;
    if (read_hex(&rest, SEAL_PUBLIC_KEY_LEN, ret_checkpoint->key) || read_hex(&rest, sizeof(signature), signature) ||
        rest.n)
        return 1;
    return !ed25519_sha512_verify(ret_checkpoint->key, is_signed.n, (const uint8_t *)is_signed.p, signature);
}

static bool is_word_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == ':' || c == '-';
}

bool checkpoint_find(struct str *text, struct str *ret_word)
{
    const char *at = text->n ? memmem(text->p, text->n, PREFIX.p, PREFIX.n) : NULL;
    size_t n = PREFIX.n;

    if (!at)
        return false;
    *text = str_skip(*text, (size_t)(at - text->p));
    while (n < text->n && is_word_char(text->p[n]))
        n++;
    *ret_word = (struct str){ text->p, n };
    *text = str_skip(*text, n);
    return true;
}
