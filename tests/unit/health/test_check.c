/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "health/check.h"
#include "health/probe.h"

#define REST "\r\nUser-Agent: Cloudmap-Health-Check/" CLOUDMAP_VERSION "\r\nAccept: */*\r\nConnection: close\r\n\r\n"

static struct check draft_of(const char *path, const char *host)
{
    return (struct check){ .protocol = CHECK_HTTP, .interval_ms = 1, .path = str_of(path), .host = str_of(host) };
}

static void test_requests(void **state)
{
    static const struct {
        const char *path, *host, *request;
    } cases[] = {
        { "/health", "web.example.com:8080", "GET /health HTTP/1.1\r\nHost: web.example.com:8080" REST },
        { "health?x=1#y", "h", "GET /health?x=1#y HTTP/1.1\r\nHost: h" REST },
        { NULL, "h", "GET / HTTP/1.1\r\nHost: h" REST },
        { "", "", "GET / HTTP/1.1\r\nHost: " REST },
        { "/a b", "h", "GET /a%20b HTTP/1.1\r\nHost: h" REST },
        { "/ HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET /", "h\r\nX: y\tz",
          "GET /%20HTTP/1.1%0D%0AX-Evil:%201%0D%0A%0D%0AGET%20/ HTTP/1.1\r\nHost: h%0D%0AX:%20y%09z" REST },
        { "/\xc3\xa9\x7f", "h", "GET /%C3%A9%7F HTTP/1.1\r\nHost: h" REST },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct check draft = draft_of(cases[i].path, cases[i].host), *check = check_new(&draft);
        assert_non_null(check);
        if (!str_eq(check->request, str_of(cases[i].request)))
            fail_msg("case %zu: " STR_FMT, i, STR_ARG(check->request));
        mem_free(check);
    }
}

static void test_a_tcp_check_sends_nothing(void **state)
{
    struct check draft = draft_of("/", "h"), *check;

    (void)state;
    draft.protocol = CHECK_TCP;
    check = check_new(&draft);
    assert_false(str_is_set(check->request));
    mem_free(check);
}

static void test_the_block_holds_everything(void **state)
{
    char path[] = "/p", host[] = "h", header[] = "X-Id", value[] = "abab", body[] = "body", name[] = "n", ca[] = "ca";
    struct check draft = draft_of(path, host), *check;

    (void)state;
    draft.expect = (struct check_expect){ str_of(header), str_of(value), str_of(body), str_of(name), str_of(ca) };
    check = check_new(&draft);
    struct check again = *check;
    memset(path, 'x', 2), memset(host, 'x', 1), memset(header, 'x', 4), memset(value, 'x', 4), memset(body, 'x', 4);
    memset(name, 'x', 1), memset(ca, 'x', 2);
    assert_str(check->path, "/p");
    assert_str(check->host, "h");
    assert_str(check->expect.header, "X-Id");
    assert_str(check->expect.header_value, "abab");
    assert_str(check->expect.body, "body");
    assert_str(check->expect.tls_name, "n");
    assert_str(check->expect.tls_ca, "ca");
    assert_int_equal(check->header_value_borders[3], 2);
    assert_int_equal(check->body_borders[3], 0);
    assert_true(check_eq(check, &again));
    mem_free(check);
}

static void test_what_makes_checks_differ(void **state)
{
    struct check draft = draft_of("/p", "h"), *one = check_new(&draft);

    (void)state;
    for (int i = 0; i < 14; i++) {
        struct check other = draft;
        other.protocol = i == 0 ? CHECK_TCP : other.protocol;
        other.address.octets[3] = i == 1;
        other.address.is_ipv6 = i == 2;
        other.port = i == 3;
        other.path = i == 4 ? STR("/q") : other.path;
        other.host = i == 5 ? STR("g") : other.host;
        other.interval_ms = i == 6 ? 2 : other.interval_ms;
        other.threshold = i == 7;
        other.verify_tls = i == 8;
        other.expect.header = i == 9 ? STR("X") : other.expect.header;
        other.expect.header_value = i == 10 ? STR("") : other.expect.header_value;
        other.expect.body = i == 11 ? STR("b") : other.expect.body;
        other.expect.tls_name = i == 12 ? STR("n") : other.expect.tls_name;
        other.expect.tls_ca = i == 13 ? STR("c") : other.expect.tls_ca;
        struct check *two = check_new(&other);
        if (check_eq(one, two))
            fail_msg("difference %d is not seen", i);
        assert_true(check_eq(two, two));
        mem_free(two);
    }
    mem_free(one);
}

static void test_without_memory(void **state)
{
    struct check draft = draft_of("/p", "h");

    (void)state;
    for (long k = 1; k <= 2; k++) {
        mem_fail_at(k, false);
        assert_null(check_new(&draft));
        assert_true(mem_fail_at(0, false));
    }
}

/* Section 11.2 of the behaviour: 4 s, 10 s, 2 s. */
static void test_the_limits_are_those_of_aws(void **state)
{
    (void)state;
    assert_int_equal(PROBE_LIMITS_AWS.http_connect_ms, 4000);
    assert_int_equal(PROBE_LIMITS_AWS.tcp_connect_ms, 10000);
    assert_int_equal(PROBE_LIMITS_AWS.answer_ms, 2000);
    assert_int_equal(PROBE_READER_MAX, 5120);
}

static void test_words(void **state)
{
    (void)state;
    for (int i = 0; i < PROBE_RESULT_COUNT; i++) {
        assert_non_null(probe_result_text((enum probe_result)i));
        for (const char *p = probe_result_word((enum probe_result)i); *p; p++)
            assert_true((*p >= 'a' && *p <= 'z') || *p == '_');
    }
    assert_string_equal(check_protocol_word(CHECK_HTTPS), "https");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_a_tcp_check_sends_nothing),
        cmocka_unit_test(test_the_block_holds_everything),
        cmocka_unit_test(test_what_makes_checks_differ),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_the_limits_are_those_of_aws),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
