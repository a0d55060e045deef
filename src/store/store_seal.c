/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing and checking the seal of a stored value. */
#include "store/store_seal.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/store.h"

static const struct str before_sum = { "{\"v\":1,\"crc\":\"", STORE_SEAL_SUM_AT };
static const struct str after_sum = { "\",", 2 };
static const struct str before_version = { "{\"v\":", 5 };

static uint32_t sum_of(struct str key, struct str members)
{
    uint32_t crc = hash_crc32(0, key.p, key.n);
    crc = hash_crc32(crc, "", 1);
    crc = hash_crc32(crc, members.p, members.n);
    /* 0 means "no record" to callers */
    return crc ? crc : 1;
}

void store_seal_format_sum(uint32_t sum, char ret_digits[8])
{
    const uint8_t bytes[4] = { sum >> 24, sum >> 16 & 0xff, sum >> 8 & 0xff, sum & 0xff };
    text_hex(bytes, sizeof(bytes), ret_digits);
}

uint32_t store_seal_write(struct str key, struct str json, char *ret_value)
{
    ASSERT(json.n > 2 && json.p[0] == '{' && json.p[json.n - 1] == '}');
    struct str members = str_skip(json, 1);
    uint32_t sum = sum_of(key, members);
    memcpy(ret_value, before_sum.p, before_sum.n);
    store_seal_format_sum(sum, ret_value + before_sum.n);
    memcpy(ret_value + before_sum.n + 8, after_sum.p, after_sum.n);
    memcpy(ret_value + STORE_SEAL_LEN, members.p, members.n);
    return sum;
}

/* A seal that this program does not know, but that names a version above 1, was written by a newer one. */
static int check_version(struct str value)
{
    uint64_t version;
    if (!str_starts(value, before_version))
        return STORE_DAMAGED;
    struct str rest = str_skip(value, before_version.n);
    struct str digits = { rest.p, str_find_char(rest, ',') };
    if (digits.n == rest.n || digits.n > 9 || digits.p[0] == '0' || str_parse_u64(digits, &version))
        return STORE_DAMAGED;
    return version > 1 ? STORE_NEWER : STORE_DAMAGED;
}

int store_seal_check(struct str key, struct str value, struct str *ret_members, uint32_t *ret_sum)
{
    if (value.n < STORE_SEAL_LEN + 2 || !str_starts(value, before_sum))
        return check_version(value);
    struct str members = str_skip(value, STORE_SEAL_LEN);
    uint32_t sum = sum_of(key, members);
    char digits[8];
    store_seal_format_sum(sum, digits);
    if (memcmp(value.p + before_sum.n, digits, sizeof(digits)) != 0 ||
        memcmp(value.p + before_sum.n + 8, after_sum.p, after_sum.n) != 0 || members.p[members.n - 1] != '}')
        return STORE_DAMAGED;
    *ret_members = members;
    *ret_sum = sum;
    return 0;
}
