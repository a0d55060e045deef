/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifiers; see id.h. */
#include "model/id.h"

#include "base/hash.h"
#include "base/text.h"

#include <string.h>

#define ID_RANDOM_BYTES 10 /* 80 bits are 16 base32 characters */

static void id_random(struct rand *rand, char *ret_text)
{
    uint8_t random[16];

    rand_id(rand, random);
    text_base32(random, ID_RANDOM_BYTES, ret_text);
    ret_text[ID_RANDOM_LEN] = '\0';
}

void id_new_namespace(struct rand *rand, char ret_id[ID_NAMESPACE_SIZE])
{
    memcpy(ret_id, "ns-", 3);
    id_random(rand, ret_id + 3);
}

void id_new_suffix(struct rand *rand, char ret_suffix[ID_RANDOM_LEN + 1])
{
    id_random(rand, ret_suffix);
}

void id_new_hosted_zone(struct rand *rand, char ret_id[ID_HOSTED_ZONE_SIZE])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    uint64_t random[2];
    struct rand own;

    rand_id(rand, (uint8_t *)random);
    rand_init_seed(&own, random[0]);
    ret_id[0] = 'Z';
    for (size_t i = 1; i < ID_HOSTED_ZONE_SIZE - 1; i++)
        ret_id[i] = alphabet[rand_below(&own, sizeof(alphabet) - 1)];
    ret_id[ID_HOSTED_ZONE_SIZE - 1] = '\0';
}

void id_of_service(struct str account, struct str region, struct str namespace_id, struct str name,
                   char ret_id[ID_SERVICE_SIZE])
{
    const struct str parts[] = { account, region, namespace_id, name };
    char joined[512];
    uint8_t digest[HASH_SHA256_LEN];
    size_t n = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t room = sizeof(joined) - n - 1;
        size_t len = parts[i].n < room ? parts[i].n : room;
        memcpy(joined + n, parts[i].p, len);
        n += len;
        joined[n++] = '/';
    }
    hash_sha256(joined, n, digest);
    memcpy(ret_id, "srv-", 4);
    text_base32(digest, ID_RANDOM_BYTES, ret_id + 4);
    ret_id[ID_SERVICE_SIZE - 1] = '\0';
}

void id_target(struct str lock_key, uint8_t ret_target[ID_TARGET_LEN])
{
    uint8_t digest[HASH_SHA256_LEN];

    hash_sha256(lock_key.p, lock_key.n, digest);
    memcpy(ret_target, digest, ID_TARGET_LEN);
}

void id_format_operation(const struct id_operation *id, char ret_text[ID_OPERATION_SIZE])
{
    size_t n = text_base32(id->target, ID_TARGET_LEN, ret_text);

    ret_text[n++] = '-';
    n += text_base36((uint64_t)id->create_ms, ret_text + n);
    ret_text[n] = '\0';
}

static int id_base32_digit(char c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    if (c >= '2' && c <= '7')
        return c - '2' + 26;
    return -1;
}

int id_parse_operation(struct str text, struct id_operation *ret_id)
{
    struct id_operation id = { 0 };
    uint64_t ms;

    if (text.n < 34 || text.n >= ID_OPERATION_SIZE || text.p[32] != '-')
        return 1;
    for (size_t i = 0; i < 32; i++) {
        int digit = id_base32_digit(text.p[i]);
        if (digit < 0)
            return 1;
        for (size_t bit = 0; bit < 5; bit++) {
            size_t at = i * 5 + bit;
            if (digit & (16 >> bit))
                id.target[at / 8] |= (uint8_t)(128 >> (at % 8));
        }
    }
    if (text_parse_base36(str_skip(text, 33), &ms) || ms > INT64_MAX)
        return 1;
    id.create_ms = (int64_t)ms;
    *ret_id = id;
    return 0;
}
