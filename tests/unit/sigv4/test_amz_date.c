/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"
#include "sigv4/amz_date.h"

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = { { 0, "19700101T000000Z" },         { 1440938160, "20150830T123600Z" },
                  { 951782399, "20000228T235959Z" }, { 253402300799, "99991231T235959Z" },
                  { -5, "19700101T000000Z" },        { INT64_MAX, "99991231T235959Z" } };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char text[AMZ_DATE_LEN];
        int64_t seconds;
        amz_date_format(cases[i].seconds, text);
        assert_memory_equal(text, cases[i].text, AMZ_DATE_LEN);
        assert_int_equal(amz_date_parse((struct str){ text, AMZ_DATE_LEN }, &seconds), 0);
        assert_true(seconds == cases[i].seconds || cases[i].seconds < 0 || cases[i].seconds == INT64_MAX);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "",
                                         "20150830T123600",
                                         "20150830T123600Z ",
                                         "20150830 123600Z",
                                         "2015083T0123600Z",
                                         "20150230T123600Z",
                                         "20151330T123600Z",
                                         "20150030T123600Z",
                                         "20150830T243600Z",
                                         "20150830T126000Z",
                                         "20150830T123660Z",
                                         "19691231T235959Z",
                                         "+0150830T123600Z",
                                         "20150830T1236-1Z" };
    int64_t seconds;
    for (size_t i = 0; i < TEST_COUNT(texts); i++)
        assert_int_equal(amz_date_parse(str_of(texts[i]), &seconds), 1);
}

static void test_http(void **state)
{
    (void)state;
    int64_t seconds;
    assert_int_equal(amz_date_parse_http(STR("Sun, 30 Aug 2015 12:36:00 GMT"), &seconds), 0);
    assert_int_equal(seconds, 1440938160);
    assert_int_equal(amz_date_parse_http(STR("Thu, 29 Feb 2024 23:59:59 GMT"), &seconds), 0);
    assert_int_equal(seconds, 1709251199);
    static const char *const texts[] = { "",
                                         "Sunday, 30-Aug-15 12:36:00 GMT",
                                         "Sun, 30 Aug 2015 12:36:00 UTC",
                                         "Sun, 30 aug 2015 12:36:00 GMT",
                                         "Sun, 30 Feb 2015 12:36:00 GMT",
                                         "Sun,  3 Aug 2015 12:36:00 GMT",
                                         "Sun, 30 Aug 2015 12:36:00 GMT " };
    for (size_t i = 0; i < TEST_COUNT(texts); i++)
        assert_int_equal(amz_date_parse_http(str_of(texts[i]), &seconds), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
