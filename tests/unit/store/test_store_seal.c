/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "store/store.h"
#include "store/store_seal.h"

static int check(struct str key, struct str value)
{
    struct str members = STR("unset");
    uint32_t sum = 4711;
    int r = store_seal_check(key, value, &members, &sum);
    if (r) {
        assert_str(members, "unset");
        assert_int_equal(sum, 4711);
    }
    return r;
}

/* The bytes on disk, with a CRC-32 from another implementation (Python's zlib, over `k`, NUL, `"a":1}`). */
static void test_bytes(void **state)
{
    (void)state;
    char value[64];
    struct str json = STR("{\"a\":1}"), members;
    uint32_t sum;
    assert_int_equal(store_seal_size(json), 30);
    assert_int_equal(store_seal_write(STR("k"), json, value), 0xcdbb9484);
    assert_str(((struct str){ value, 30 }), "{\"v\":1,\"crc\":\"cdbb9484\",\"a\":1}");
    assert_int_equal(store_seal_check(STR("k"), (struct str){ value, 30 }, &members, &sum), 0);
    assert_str(members, "\"a\":1}");
    assert_int_equal(sum, 0xcdbb9484);
}

/* A CRC of 0 is written and named as 1. */
static void test_sum_is_never_zero(void **state)
{
    (void)state;
    char value[64];
    struct str json = STR("{\"a\":1897764624}");
    assert_int_equal(store_seal_write(STR("k"), json, value), 1);
    assert_memory_equal(value + STORE_SEAL_SUM_AT, "00000001", 8);
    assert_int_equal(check(STR("k"), (struct str){ value, store_seal_size(json) }), 0);
    memcpy(value + STORE_SEAL_SUM_AT, "00000000", 8);
    assert_int_equal(check(STR("k"), (struct str){ value, store_seal_size(json) }), STORE_DAMAGED);
}

/* Any other byte anywhere, any other length, another key: damaged, or another version. */
static void test_damage(void **state)
{
    (void)state;
    char value[64];
    struct str json = STR("{\"a\":\"text\"}");
    size_t n = store_seal_size(json);
    store_seal_write(STR("k"), json, value);
    for (size_t i = 0; i < n; i++) {
        for (int flip = 1; flip < 256; flip++) {
            value[i] = (char)(value[i] ^ flip);
            int r = check(STR("k"), (struct str){ value, n });
            if (i == 5 && value[i] > '1' && value[i] <= '9')
                assert_int_equal(r, STORE_NEWER);
            else
                assert_int_equal(r, STORE_DAMAGED);
            value[i] = (char)(value[i] ^ flip);
        }
        assert_int_equal(check(STR("k"), (struct str){ value, i }), STORE_DAMAGED);
    }
    assert_int_equal(check(STR("l"), (struct str){ value, n }), STORE_DAMAGED);
    assert_int_equal(check(STR("k"), (struct str){ value, n }), 0);
}

static void test_versions(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int result;
    } cases[] = {
        { "{\"v\":2,\"crc\":\"00000000\",\"a\":1}", STORE_NEWER },
        { "{\"v\":10,\"x\":1}", STORE_NEWER },
        { "{\"v\":999999999,", STORE_NEWER },
        { "{\"v\":9999999999,", STORE_DAMAGED },
        { "{\"v\":1,\"x\":1}", STORE_DAMAGED },
        { "{\"v\":0,\"x\":1}", STORE_DAMAGED },
        { "{\"v\":02,\"x\":1}", STORE_DAMAGED },
        { "{\"v\":-2,\"x\":1}", STORE_DAMAGED },
        { "{\"v\":2", STORE_DAMAGED },
        { "{\"v\":,", STORE_DAMAGED },
        { "{\"v\":", STORE_DAMAGED },
        { "{\"v\":2.0,", STORE_DAMAGED },
        { " {\"v\":2,", STORE_DAMAGED },
        { "{}", STORE_DAMAGED },
        { "", STORE_DAMAGED },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_int_equal(check(STR("k"), str_of(cases[i].value)), cases[i].result);
}

static void test_digits(void **state)
{
    (void)state;
    char digits[8];
    store_seal_format_sum(0x01a2f3c4, digits);
    assert_memory_equal(digits, "01a2f3c4", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),  cmocka_unit_test(test_sum_is_never_zero),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_versions),
        cmocka_unit_test(test_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
