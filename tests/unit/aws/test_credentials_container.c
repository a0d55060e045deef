/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include <stdlib.h>

#define GOOD                                                                                                        \
    "{\"AccessKeyId\":\"C\",\"SecretAccessKey\":\"secret-of-C\",\"Token\":\"t\",\"Expiration\":\"2026-01-02T09:04:" \
    "05Z\"}"
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"

static void expect(struct bed *bed)
{
    char source[64];
    snprintf(source, sizeof(source), "container endpoint http://127.0.0.1:%u", bed->port);
    bed_expect_once(bed, "C", source);
}

static void test_urls(void **state)
{
    static const char *const good[] = { "https://example.com/a",      "HTTPS://example.com:8443/a?b",
                                        "http://localhost/a",         "http://LocalHost:80/a",
                                        "http://127.0.0.1/a",         "http://127.9.8.7:1234",
                                        "http://169.254.170.2/a",     "http://169.254.170.23/v1/credentials",
                                        "http://[::1]:8080/a",        "http://[fd00:ec2::23]/v1/credentials",
                                        "http://[fd00:0ec2:0::0:23]/" };
    static const char *const bad[] = { "http://example.com/a",
                                       "http://127.0.0.1.example.com/",
                                       "http://127.0.0.1@example.com/",
                                       "http://localhost:80@example.com/",
                                       "http://example.com\\@127.0.0.1/",
                                       "http://localhost.example.com/",
                                       "http://localhost./",
                                       "http://169.254.169.254/",
                                       "http://169.254.170.22/",
                                       "http://2130706433/",
                                       "http://0x7f.1/",
                                       "http://127.1/",
                                       "http://0177.0.0.1/",
                                       "http://[::ffff:127.0.0.1]/",
                                       "http://[fe80::1]/",
                                       "http://[::1/",
                                       "http://[::1]x/",
                                       "http://127.0.0.1:99999/",
                                       "http://127.0.0.1:/",
                                       "http://%6cocalhost/",
                                       "http:///",
                                       "https:///",
                                       "https://user@example.com/",
                                       "ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "127.0.0.1",
                                       "http://127.0.0.1/ x",
                                       "http://127.0.0.1/\r\nX: y" };
    struct bed *bed = *state;
    struct aws_error error;
    char url[2048];

    for (size_t i = 0; i < TEST_COUNT(good); i++) {
        bed_set(bed, FULL, good[i]);
        assert_int_equal(credentials_container_url(&bed->environment, url, &error), 0);
        assert_string_equal(url, good[i]);
    }
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        bed_set(bed, FULL, bad[i]);
        int r = credentials_container_url(&bed->environment, url, &error);
        if (r != AWS_NO_CREDENTIALS)
            print_error("allowed: %s\n", bad[i]);
        assert_int_equal(r, AWS_NO_CREDENTIALS);
        assert_non_null(strstr(error.message, FULL));
    }
}

static void test_relative(void **state)
{
    static const char *const bad[] = { "v2/credentials", ".example.com/", "@example.com/", ":80/", "/a b", "/\n" };
    struct bed *bed = *state;
    struct aws_error error;
    char url[2048];

    assert_int_equal(credentials_container_url(&bed->environment, url, &error), CREDENTIALS_NONE);
    bed_set(bed, FULL, "http://127.0.0.1/");
    bed_set(bed, RELATIVE, "/v2/credentials/abc"); /* wins */
    assert_int_equal(credentials_container_url(&bed->environment, url, &error), 0);
    assert_string_equal(url, "http://169.254.170.2/v2/credentials/abc");
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        bed_set(bed, RELATIVE, bad[i]);
        assert_int_equal(credentials_container_url(&bed->environment, url, &error), AWS_NO_CREDENTIALS);
        assert_non_null(strstr(error.message, RELATIVE));
    }
}

static void test_answers(void **state)
{
    struct bed *bed = *state;

    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, GOOD);
    expect(bed);
    assert_true(bed_saw(bed, "GET /creds\n"));
    assert_int_equal(bed_count(bed), 1);
    /* Set but failing: an error, not the next source. */
    bed_route_metadata(bed, "");
    bed_clear_log(bed);
    bed_route(bed, "GET", "/creds", 400, "{\"code\":\"AccessDenied\",\"message\":\"no association\"}");
    bed_refuse_once(bed, "container endpoint http://127.0.0.1",
                    "status 400: the answer holds no credentials but Access");
    bed_route(bed, "GET", "/creds", 404, "secret-of-nobody");
    bed_refuse_once(bed, "container endpoint", "status 404");
    bed_route(bed, "GET", "/creds", 403, GOOD);
    bed_refuse_once(bed, "container endpoint", "status 403");
    bed_route(bed, "GET", "/creds", 302, GOOD);
    bed_refuse_once(bed, "container endpoint", "status 302");
    bed_route(bed, "GET", "/creds", 200, "");
    bed_refuse_once(bed, "container endpoint", "not the expected JSON");
    assert_int_equal(bed_count(bed), 5);
    bed_set(bed, FULL, "http://127.0.0.1:1/creds");
    bed_refuse_once(bed, "container endpoint", "nothing accepts a connection");
    bed_set(bed, FULL, "http://10.0.0.1/creds");
    bed_refuse_once(bed, FULL, "must be https");
}

static void test_tries(void **state)
{
    struct bed *bed = *state;

    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, GOOD);
    bed_fail_first(bed, "GET", "/creds", 2);
    expect(bed);
    assert_int_equal(bed_count(bed), 3);
}

static void test_token(void **state)
{
    struct bed *bed = *state;

    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, GOOD);
    bed_set(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic abc");
    expect(bed);
    assert_true(bed_saw(bed, "Authorization: Basic abc\n"));
    /* The file wins, and is read each time. */
    bed_set_path(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token");
    bed_write(bed, "token", "one");
    expect(bed);
    assert_true(bed_saw(bed, "Authorization: one\n"));
    bed_write(bed, "token", "two");
    expect(bed);
    assert_true(bed_saw(bed, "Authorization: two\n"));

    bed_clear_log(bed);
    bed_write(bed, "token", "secret-of-token\r\nX: y");
    bed_refuse_once(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "a line break");
    bed_write(bed, "token", "secret-of-token\n");
    bed_refuse_once(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "a line break");
    bed_write(bed, "token", "");
    bed_refuse_once(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "is empty");
    bed_unlink(bed, "token");
    bed_refuse_once(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "No such file");
    bed_set(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", NULL);
    bed_set(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret-of-token\nX: y");
    bed_refuse_once(bed, "AWS_CONTAINER_AUTHORIZATION_TOKEN is", "a line break");
    assert_int_equal(bed_count(bed), 0);
}

/* The token is for the endpoint alone, never for a proxy. */
static void test_no_proxy(void **state)
{
    struct bed *bed = *state;

    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, GOOD);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    expect(bed);
    unsetenv("http_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_urls, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_relative, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_answers, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_tries, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_token, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_no_proxy, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
