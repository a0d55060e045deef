/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/timestamp.h"

#include <time.h>

static void reads_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01T00:00:00.001Z", 1 },
        { "2000-02-29T12:00:00Z", INT64_C(951825600000) },
        { "2026-01-02T03:04:05.678Z", INT64_C(1767323045678) },
        { "2026-01-02T03:04:05.6789012Z", INT64_C(1767323045678) },
        { "2026-01-02T03:04:05.6Z", INT64_C(1767323045600) },
        { "2026-01-02T05:04:05+02:00", INT64_C(1767323045000) },
        { "2026-01-02T01:04:05-0200", INT64_C(1767323045000) },
        { "2016-12-31T23:59:60Z", INT64_C(1483228800000) },
        { "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int64_t ms = -1;
        assert_int_equal(timestamp_parse_ms(str_of(cases[i].text), &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Z ",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05+2:00",
        "2026-01-02T03:04:05+02:0",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+00:60",
        "2026-01-02T24:00:00Z",
        "2026-01-02T00:60:00Z",
        "2026-01-02T00:00:61Z",
        "2026-00-02T00:00:00Z",
        "2026-13-02T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00",
        "YYYY-MM-DDTHH:MM:SS+0000",
        "+026-01-02T03:04:05Z",
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int64_t ms = 7;
        if (timestamp_parse_ms(str_of(cases[i]), &ms) != 1)
            print_error("case %zu\n", i);
        assert_int_equal(timestamp_parse_ms(str_of(cases[i]), &ms), 1);
        assert_int_equal(ms, 7);
    }
}

/* Each day of a hundred and fifty years, against the C library. */
static void agrees_with_timegm(void **state)
{
    (void)state;
    for (time_t day = 0; day < 55000; day++) {
        char text[64];
        time_t seconds = day * 86400 + day % 86400;
        int64_t ms;
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        assert_int_equal(timestamp_parse_ms((struct str){ text, n }, &ms), 0);
        assert_int_equal(ms, (int64_t)seconds * 1000);
    }
}

static void test_format(void **state)
{
    char text[TIMESTAMP_ROOM];

    (void)state;
    assert_str(timestamp_format_s(0, text), "1970-01-01T00:00:00Z");
    assert_str(timestamp_format_s(INT64_C(1767323045), text), "2026-01-02T03:04:05Z");
    assert_string_equal(text, "2026-01-02T03:04:05Z");
    assert_str(timestamp_format_s(INT64_MAX, text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(reads_times),
        cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(agrees_with_timegm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
