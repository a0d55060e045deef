/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/clock.h"
#include "base/mem.h"
#include "json/number.h"

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {
        { "0", 0 },
        { "-0", 0 },
        { "7", 7 },
        { "-7", -7 },
        { "1234567890", 1234567890 },
        { "999999999999999999", 999999999999999999 },
        { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN },
        { "-9223372036854775807", -INT64_MAX },
        { "1e2", 100 },
        { "1E2", 100 },
        { "1e+2", 100 },
        { "100e-2", 1 },
        { "-100e-2", -1 },
        { "3.0", 3 },
        { "3.000000000000000000000000000000000000000", 3 },
        { "0.5e1", 5 },
        { "12.340e2", 1234 },
        { "12.34e3", 12340 },
        { "0.0000000000000000000000000000000000000000001e43", 1 },
        { "10000000000000000000000000000000000000000000e-43", 1 },
        { "9.223372036854775807e18", INT64_MAX },
        { "-922337203685477580800e-2", INT64_MIN },
        { "0e99999999999999999999999", 0 },
        { "-0.0e-99999999999999999999999", 0 },
        { "0.000e5", 0 },
        { "10.50e1", 105 },
        { "1e18", 1000000000000000000 },
        { "000", 0 },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int64_t value = 42;
        if (number_to_int(str_of(cases[i].text), &value) != 0 || value != cases[i].value)
            fail_msg("%s gave %lld", cases[i].text, (long long)value);
    }
}

static void test_no_integers(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "0.5",
        "-0.5",
        "1e-1",
        "105e-2",
        "9223372036854775808",
        "-9223372036854775809",
        "9.223372036854775808e18",
        "99999999999999999999",
        "1e19",
        "-1e19",
        "1e99999999999999999999999",
        "1e-99999999999999999999999",
        "1.00000000000000000000000000001",
        "18446744073709551616",
        "1e9223372036854775807",
        "1e-9223372036854775808",
        "1e18446744073709551616",
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int64_t value = 42;
        if (number_to_int(str_of(cases[i]), &value) != 1 || value != 42)
            fail_msg("%s gave %lld", cases[i], (long long)value);
    }
}

static void test_where_a_number_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long n; /* -1: no number */
    } cases[] = {
        { "", -1 },     { "-", -1 },     { "+1", -1 },  { ".5", -1 },   { "1.", -1 },      { "1.e1", -1 },
        { "1e", -1 },   { "1e+", -1 },   { "1E-", -1 }, { "-a", -1 },   { "a", -1 },       { "--1", -1 },
        { "01", 1 },    { "-01", 2 },    { "0", 1 },    { "-0", 2 },    { "12", 2 },       { "12,", 2 },
        { "1.25", 4 },  { "1.25e3", 6 }, { "1e3", 3 },  { "1E+30", 5 }, { "1e-30]", 5 },   { "0e0", 3 },
        { "1.5.5", 3 }, { "0x10", 1 },   { "1 2", 1 },  { "1e5e5", 3 }, { "-1.0E+00", 8 },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const char *p = cases[i].text;
        const char *end = number_end(p, p + strlen(p));
        if ((end ? end - p : -1) != cases[i].n)
            fail_msg("'%s' ends at %ld", p, end ? (long)(end - p) : -1);
    }
}

/* Whole values written in random ways come back; the same with a digit behind the point do not. */
static void test_many_spellings(void **state)
{
    (void)state;
    static const int64_t values[] = { 0, 1, -1, 10, 120, -5000, 123456789, 1000000000000, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i < TEST_COUNT(values); i++) {
        for (int shift = 0; shift < 40; shift++) {
            char text[128];
            int n = snprintf(text, sizeof(text), "%lld%0*de-%d", (long long)values[i], shift + 1, 0, shift + 1);
            int64_t value = 42;
            assert_int_equal(number_to_int((struct str){ text, (size_t)n }, &value), 0);
            assert_int_equal(value, values[i]);
            n = snprintf(text, sizeof(text), "%lld.%0*d1e%d", (long long)values[i], shift + 1, 0, shift);
            assert_int_equal(number_to_int((struct str){ text, (size_t)n }, &value), 1);
        }
    }
}

/* A megabyte of digits or of exponent takes milliseconds; the bound is far above what a busy machine needs. */
static void test_time_is_linear(void **state)
{
    (void)state;
    size_t n = (size_t)1 << 20;
    char *text = mem_alloc(n);
    assert_non_null(text);
    static const char *const heads[] = { "1", "-", "1e", "1e-", "0.0", "1.0", "0e" };
    int64_t begin = clock_mono_ns(clock_system()), value;
    for (size_t i = 0; i < TEST_COUNT(heads); i++) {
        for (int digit = '0'; digit <= '9'; digit += 9) {
            memset(text, digit, n);
            memcpy(text, heads[i], strlen(heads[i]));
            const char *end = number_end(text, text + n);
            assert_non_null(end);
            (void)number_to_int((struct str){ text, (size_t)(end - text) }, &value);
        }
    }
    assert_true(clock_mono_ns(clock_system()) - begin < 5000000000);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),       cmocka_unit_test(test_no_integers),
        cmocka_unit_test(test_many_spellings), cmocka_unit_test(test_where_a_number_ends),
        cmocka_unit_test(test_time_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
