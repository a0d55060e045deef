/* SPDX-License-Identifier: Apache-2.0
 *
 * Stored values: the first line of the input is the key, the rest a value as it might be read from a file. What passes
 * the check is, byte for byte, what sealing it again gives; what is sealed passes, and does not with any one byte
 * changed; a ledger that is accepted is what writing it again gives. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "store/store.h"
#include "store/store_ledger.h"
#include "store/store_seal.h"

#include <string.h>

static void check_ledger(struct str members)
{
    struct store_ledger ledger;
    char text[STORE_LEDGER_SIZE];
    uint32_t sum;
    int r = store_ledger_parse(members, &ledger);
    FUZZ_CHECK(r == 0 || r == STORE_DAMAGED);
    if (r == 0) {
        struct str again = store_ledger_write(&ledger, text, &sum);
        FUZZ_CHECK(str_eq(str_skip(again, STORE_SEAL_LEN), members));
    }
}

static char *seal(struct str key, struct str json, uint32_t *ret_sum)
{
    char *value = mem_alloc(store_seal_size(json));
    FUZZ_CHECK(value);
    *ret_sum = store_seal_write(key, json, value);
    return value;
}

/* The value as it came. */
static void check_given(struct str key, struct str value)
{
    struct str members;
    uint32_t sum, again_sum;
    int r = store_seal_check(key, value, &members, &sum);
    FUZZ_CHECK(r == 0 || r == STORE_DAMAGED || r == STORE_NEWER);
    if (r)
        return;
    char *json = mem_alloc(members.n + 1);
    FUZZ_CHECK(json);
    json[0] = '{';
    memcpy(json + 1, members.p, members.n);
    char *again = seal(key, (struct str){ json, members.n + 1 }, &again_sum);
    FUZZ_CHECK(again_sum == sum && sum != 0);
    FUZZ_CHECK(memcmp(again, value.p, value.n) == 0);
    mem_free(again);
    mem_free(json);
}

/* The value as what a caller stores. */
static void check_sealed(struct str key, struct str json)
{
    struct str members;
    uint32_t sum, again;
    char *bytes = seal(key, json, &sum);
    struct str value = { bytes, store_seal_size(json) };
    FUZZ_CHECK(store_seal_check(key, value, &members, &again) == 0);
    FUZZ_CHECK(again == sum && str_eq(members, str_skip(json, 1)));
    check_ledger(members);
    size_t at = json.n * 31 % value.n;
    bytes[at] ^= 1;
    FUZZ_CHECK(store_seal_check(key, value, &members, &again) != 0);
    mem_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str all = { (const char *)data, n };
    struct str key = { all.p, str_find_char(all, '\n') };
    struct str value = key.n < n ? str_skip(all, key.n + 1) : (struct str){ all.p + n, 0 };
    check_given(key, value);
    check_ledger(value);
    if (value.n > 2 && value.p[0] == '{' && value.p[value.n - 1] == '}')
        check_sealed(key, value);
    return 0;
}
