/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

static int sign(int c)
{
    return (c > 0) - (c < 0);
}

static void test_absent_and_empty(void **state)
{
    (void)state;
    struct str absent = { 0 };
    assert_false(str_is_set(absent));
    assert_true(str_is_set(STR("")));
    assert_false(str_is_set(str_of(NULL)));
    assert_true(str_is_set(str_of("")));
    assert_true(str_eq(absent, STR("")));
    assert_true(str_eq_nocase(absent, STR("")));
    assert_int_equal(str_cmp(absent, STR("")), 0);
    assert_int_equal(str_cmp_nocase(absent, absent), 0);
    assert_true(str_starts(STR("a"), absent));
    assert_true(str_starts_nocase(STR("a"), absent));
    assert_int_equal(str_find_char(absent, 'a'), 0);
}

/* In ascending order, bytewise. */
static void test_order(void **state)
{
    (void)state;
    static const struct str sorted[] = {
        STR(""),  STR("\0"),  STR("\0a"), STR("A"),    STR("AB"),   STR("B"),
        STR("a"), STR("a\0"), STR("ab"),  STR("\x80"), STR("\xff"),
    };
    for (size_t i = 0; i < TEST_COUNT(sorted); i++) {
        for (size_t k = 0; k < TEST_COUNT(sorted); k++) {
            assert_int_equal(sign(str_cmp(sorted[i], sorted[k])), sign((int)i - (int)k));
            assert_int_equal(str_eq(sorted[i], sorted[k]), i == k);
        }
    }
}

static void test_nocase(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        int want = c >= 'A' && c <= 'Z' ? c + 32 : c;
        assert_int_equal((unsigned char)str_fold_char((char)c), want);
    }
    assert_true(str_eq_nocase(STR("WeB.Example"), STR("wEb.eXAMPLE")));
    assert_false(str_eq_nocase(STR("a"), STR("b")));
    assert_false(str_eq_nocase(STR("a"), STR("aa")));
    assert_false(str_eq_nocase(STR("["), STR("{"))); /* 32 apart, no letters */
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_false(str_eq_nocase(STR("\xc9"), STR("\xe9")));
    assert_int_equal(str_cmp_nocase(STR("ABC"), STR("abc")), 0);
    assert_true(str_cmp_nocase(STR("ABC"), STR("abd")) < 0);
    assert_true(str_cmp_nocase(STR("b"), STR("A")) > 0);
    assert_true(str_cmp_nocase(STR("ab"), STR("ABC")) < 0);
    assert_true(str_cmp_nocase(STR("ABC"), STR("ab")) > 0);
    assert_true(str_cmp_nocase(STR("\xff"), STR("a")) > 0);
    assert_true(str_starts_nocase(STR("Content-Type"), STR("content-")));
    assert_false(str_starts_nocase(STR("Con"), STR("content")));
}

static void test_parts(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_false(str_starts(STR("abc"), STR("bc")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_str(str_skip(STR("abc"), 1), "bc");
    assert_str(str_skip(STR("abc"), 3), "");
    assert_int_equal(str_find_char(STR("a=b=c"), '='), 1);
    assert_int_equal(str_find_char(STR("abc"), '='), 3);
    assert_int_equal(str_find_char(STR("ab\0"), '\0'), 2);
}

static void test_parse_u64(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        uint64_t value;
    } good[] = {
        { STR("0"), 0 },
        { STR("00"), 0 },
        { STR("7"), 7 },
        { STR("0012"), 12 },
        { STR("4294967296"), 4294967296 },
        { STR("18446744073709551615"), UINT64_MAX },
    };
    static const struct str bad[] = {
        STR(""),
        STR(" 1"),
        STR("1 "),
        STR("+1"),
        STR("-1"),
        STR("0x1"),
        STR("1.0"),
        STR("a"),
        STR("1\0"),
        STR("18446744073709551616"),
        STR("18446744073709551620"),
        STR("99999999999999999999999"),
        STR("\xb2"),
    };
    for (size_t i = 0; i < TEST_COUNT(good); i++) {
        uint64_t value = 42;
        assert_int_equal(str_parse_u64(good[i].text, &value), 0);
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        uint64_t value = 42;
        assert_int_equal(str_parse_u64(bad[i], &value), 1);
        assert_int_equal(value, 42);
    }
    uint64_t value = 42;
    assert_int_equal(str_parse_u64((struct str){ 0 }, &value), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent_and_empty), cmocka_unit_test(test_order),
        cmocka_unit_test(test_nocase),           cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parse_u64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
