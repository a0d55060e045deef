/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/rand.h"
#include "base/units.h"

#define YEAR_MS ((int64_t)365 * 86400000)

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
        const char *shortest;
    } cases[] = {
        { "0", 0, "0" },          { "0s", 0, "0" },
        { "1ms", 1, "1ms" },      { "250ms", 250, "250ms" },
        { "30s", 30000, "30s" },  { "5m", 300000, "5m" },
        { "2h", 7200000, "2h" },  { "30d", 2592000000, "30d" },
        { "90s", 90000, "90s" },  { "60s", 60000, "1m" },
        { "1000ms", 1000, "1s" }, { "24h", 86400000, "1d" },
        { "007s", 7000, "7s" },   { "3650d", 10 * YEAR_MS, "3650d" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int64_t ms = -1;
        char text[24];
        assert_int_equal(units_parse_duration_ms(str_of(cases[i].text), &ms), 0);
        assert_int_equal(ms, cases[i].ms);
        assert_int_equal(units_format_duration(ms, text), strlen(cases[i].shortest));
        assert_string_equal(text, cases[i].shortest);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
        const char *shortest;
    } cases[] = {
        { "0", 0, "0" },
        { "0MiB", 0, "0" },
        { "512", 512, "512" },
        { "1024", 1024, "1KiB" },
        { "64KiB", 65536, "64KiB" },
        { "1MiB", 1048576, "1MiB" },
        { "1536KiB", 1572864, "1536KiB" },
        { "2GiB", 2147483648, "2GiB" },
        { "9007199254740991", ((uint64_t)1 << 53) - 1, "9007199254740991" },
        { "8388607GiB", (uint64_t)8388607 << 30, "8388607GiB" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        uint64_t bytes = 1;
        char text[24];
        assert_int_equal(units_parse_size(str_of(cases[i].text), &bytes), 0);
        assert_true(bytes == cases[i].bytes);
        assert_int_equal(units_format_size(bytes, text), strlen(cases[i].shortest));
        assert_string_equal(text, cases[i].shortest);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct str durations[] = {
        STR(""),
        STR("1"),
        STR("00"),
        STR("s"),
        STR("1 s"),
        STR(" 1s"),
        STR("1s "),
        STR("-1s"),
        STR("+1s"),
        STR("1.5s"),
        STR("1S"),
        STR("1M"),
        STR("1min"),
        STR("1ss"),
        STR("1m30s"),
        STR("1w"),
        STR("1us"),
        STR("3651d"),
        STR("315360000001ms"),
        STR("99999999999999999999s"),
        STR("18446744073709551615d"),
        STR("1s\0"),
        STR("0x1s"),
    };
    static const struct str sizes[] = {
        STR(""),
        STR("B"),
        STR("1B"),
        STR("1k"),
        STR("1K"),
        STR("1KB"),
        STR("1kib"),
        STR("1 KiB"),
        STR("1KiBs"),
        STR("-1"),
        STR("1.5MiB"),
        STR("9007199254740992"),
        STR("8388608GiB"),
        STR("18446744073709551616"),
        STR("17179869184GiB"),
        STR("1TiB"),
    };
    for (size_t i = 0; i < TEST_COUNT(durations); i++) {
        int64_t ms = 42;
        if (units_parse_duration_ms(durations[i], &ms) != 1 || ms != 42)
            fail_msg("'" STR_FMT "' taken", STR_ARG(durations[i]));
    }
    for (size_t i = 0; i < TEST_COUNT(sizes); i++) {
        uint64_t bytes = 42;
        if (units_parse_size(sizes[i], &bytes) != 1 || bytes != 42)
            fail_msg("'" STR_FMT "' taken", STR_ARG(sizes[i]));
    }
}

/* What is formatted parses back to itself, whatever its size. */
static void test_round_trip(void **state)
{
    (void)state;
    struct rand rand;
    rand_init_seed(&rand, 9);
    for (int i = 0; i < 100000; i++) {
        char text[24];
        uint64_t bytes = rand_u64(&rand) >> (11 + rand_below(&rand, 53)), bytes_back = bytes + 1;
        size_t n = units_format_size(bytes, text);
        assert_int_equal(units_parse_size((struct str){ text, n }, &bytes_back), 0);
        assert_true(bytes_back == bytes);
        int64_t ms = (int64_t)rand_below(&rand, (uint64_t)(i % 2 ? 10 * YEAR_MS : 100000000)), ms_back = -1;
        if (i % 3 == 0)
            ms -= ms % 60000;
        n = units_format_duration(ms, text);
        assert_int_equal(units_parse_duration_ms((struct str){ text, n }, &ms_back), 0);
        assert_int_equal(ms_back, ms);
    }
    char text[24];
    assert_int_equal(units_format_duration(INT64_MAX, text), strlen("9223372036854775807ms"));
    assert_string_equal(text, "9223372036854775807ms");
    assert_int_equal(units_format_size(UINT64_MAX, text), strlen("18446744073709551615"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
