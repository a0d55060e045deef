/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/health_tag.h"

static const char *read_one(const char *key, const char *value, struct health_tag_settings *ret_settings)
{
    struct str_pair tag = { str_of(key), str_of(value) };
    struct str bad;
    const char *why = health_tag_read(&tag, 1, ret_settings, &bad);

    if (why)
        assert_true(str_eq(bad, str_of(key)));
    return why;
}

static void test_what_is_taken(void **state)
{
    struct health_tag_settings settings;

    (void)state;
    assert_null(read_one("cloudmap:unknown-is", "healthy", &settings));
    assert_int_equal(settings.unknown_is, HEALTH_TAG_UNKNOWN_HEALTHY);
    assert_null(read_one("cloudmap:unknown-is", "unhealthy", &settings));
    assert_int_equal(settings.unknown_is, HEALTH_TAG_UNKNOWN_UNHEALTHY);
    assert_null(read_one("cloudmap:health-interval", "2s", &settings));
    assert_int_equal(settings.interval_ms, 2000);
    assert_null(read_one("cloudmap:health-interval", "5m", &settings));
    assert_int_equal(settings.interval_ms, 300000);
    assert_null(read_one("cloudmap:health-expect-header", "X-Service:  shop:v2 ", &settings));
    assert_true(str_eq(settings.header_name, STR("X-Service")));
    assert_true(str_eq(settings.header_value, STR("shop:v2")));
    assert_null(read_one("cloudmap:health-expect-header", "X-Service", &settings));
    assert_true(str_eq(settings.header_name, STR("X-Service")));
    assert_false(str_is_set(settings.header_value));
    assert_null(read_one("cloudmap:health-expect-body", "I am the shop", &settings));
    assert_true(str_eq(settings.body, STR("I am the shop")));
    assert_null(read_one("cloudmap:health-expect-tls-name", "shop.example.com", &settings));
    assert_true(str_eq(settings.tls_name, STR("shop.example.com")));
    assert_null(read_one("cloudmap:health-expect-tls-ca", "inner-ca.pem", &settings));
    assert_true(str_eq(settings.tls_ca, STR("inner-ca.pem")));
    /* Others' tags say nothing. */
    assert_null(read_one("team", "cloudmap:", &settings));
    assert_null(read_one("cloudmap:owner", "me", &settings));
    assert_false(settings.unknown_is || settings.interval_ms || str_is_set(settings.body));
}

static void test_what_is_refused(void **state)
{
    static const char *const bad[][2] = {
        { "cloudmap:unknown-is", "" },
        { "cloudmap:unknown-is", "HEALTHY" },
        { "cloudmap:health-interval", "" },
        { "cloudmap:health-interval", "30" },
        { "cloudmap:health-interval", "0" },
        { "cloudmap:health-interval", "1999ms" },
        { "cloudmap:health-interval", "301s" },
        { "cloudmap:health-intervall", "30s" },
        { "cloudmap:health-", "30s" },
        { "cloudmap:health-expect-header", "" },
        { "cloudmap:health-expect-header", ": v" },
        { "cloudmap:health-expect-header", "two words: v" },
        { "cloudmap:health-expect-header", "X-Name:" },
        { "cloudmap:health-expect-header", "X-Name:  " },
        { "cloudmap:health-expect-header", "X-Name: a\r\nb" },
        { "cloudmap:health-expect-body", "" },
        { "cloudmap:health-expect-body", "a\nb" },
        { "cloudmap:health-expect-tls-name", "" },
        { "cloudmap:health-expect-tls-name", "a..b" },
        { "cloudmap:health-expect-tls-name", "a.b." },
        { "cloudmap:health-expect-tls-name", "*.b" },
        { "cloudmap:health-expect-tls-ca", "" },
        { "cloudmap:health-expect-tls-ca", "../etc/passwd" },
        { "cloudmap:health-expect-tls-ca", "/etc/ssl/ca.pem" },
        { "cloudmap:health-expect-tls-ca", ".hidden" },
    };
    struct health_tag_settings settings;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        if (!read_one(bad[i][0], bad[i][1], &settings))
            fail_msg("%s = %s was taken", bad[i][0], bad[i][1]);
    assert_string_equal(read_one("cloudmap:health-expect-tls-ca", "", &settings),
                        "it must be the name of a file in the directory that health.tls_authorities names");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_taken),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
