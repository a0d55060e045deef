/* SPDX-License-Identifier: Apache-2.0
 *
 * Which URL clients get, and the shell lines that say it. Names outside this machine are not asked for. */
#include "../test.h"

#include "admin/endpoint.h"

static void test_addresses(void **state)
{
    (void)state;
    struct endpoint endpoint;
    /* Whether the local name resolves is up to the machine; both answers are right, mixtures are not. */
    assert_int_equal(endpoint_of_address(STR("127.0.0.1:8650"), &endpoint), 0);
    if (endpoint.data_resolves) {
        assert_string_equal(endpoint.url, "http://cloudmap.localhost:8650");
        assert_string_equal(endpoint.data_host, "data-cloudmap.localhost");
    } else {
        assert_string_equal(endpoint.url, "http://127.0.0.1:8650");
        assert_string_equal(endpoint.data_host, "data-127.0.0.1");
    }
    assert_string_equal(endpoint.port, "8650");
    /* No name leads here. */
    assert_int_equal(endpoint_of_address(STR("127.9.8.7:1"), &endpoint), 0);
    assert_string_equal(endpoint.url, "http://127.9.8.7:1");
    assert_string_equal(endpoint.host, "127.9.8.7");
    assert_false(endpoint.data_resolves);
}

static void test_urls(void **state)
{
    (void)state;
    struct endpoint endpoint;
    assert_int_equal(endpoint_of_url(STR("http://127.0.0.1:8650/"), &endpoint), 0);
    assert_string_equal(endpoint.url, "http://127.0.0.1:8650");
    assert_string_equal(endpoint.data_host, "data-127.0.0.1");
    assert_false(endpoint.data_resolves);
    assert_int_equal(endpoint_of_url(STR("http://[::1]:80"), &endpoint), 0);
    assert_string_equal(endpoint.url, "http://[::1]:80");
    assert_string_equal(endpoint.host, "::1");
    assert_int_equal(endpoint_of_url(STR("http://127.0.0.1"), &endpoint), 0);
    assert_string_equal(endpoint.port, "80");
    assert_false(endpoint.is_tls || endpoint.needs_signature);
    assert_int_equal(endpoint_of_url(STR("https://127.0.0.1"), &endpoint), 0);
    assert_string_equal(endpoint.url, "https://127.0.0.1:443");
    assert_true(endpoint.is_tls && endpoint.needs_signature);
}

static void test_not_urls(void **state)
{
    (void)state;
    static const char *const texts[] = { "",           "127.0.0.1:1",    "ftp://h:1",       "http://",
                                         "http://h:x", "http://h:65536", "http://h:1/path", "http://u@h:1",
                                         "http://:1",  "http://[::1" };
    struct endpoint endpoint;
    for (size_t i = 0; i < TEST_COUNT(texts); i++)
        if (endpoint_of_url(str_of(texts[i]), &endpoint) != ENDPOINT_BAD)
            fail_msg("accepted: %s", texts[i]);
}

static void test_words(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1024);
    endpoint_write_word(&buf, STR("http://a.b:80"));
    buf_put_char(&buf, ' ');
    endpoint_write_word(&buf, STR(""));
    buf_put_char(&buf, ' ');
    endpoint_write_word(&buf, STR("it's $HOME"));
    assert_str(buf_str(&buf), "http://a.b:80 '' 'it'\\''s $HOME'");
    buf_fini(&buf);
}

static void test_exports(void **state)
{
    (void)state;
    struct endpoint endpoint = { .url = "http://cloudmap.localhost:1", .data_resolves = true };
    struct buf buf;
    buf_init(&buf, 1024);
    endpoint_write_exports(&buf, &endpoint, STR("eu-west-1"), "  ");
    assert_str(buf_str(&buf), "  export AWS_ACCESS_KEY_ID=any\n  export AWS_SECRET_ACCESS_KEY=any\n"
                              "  export AWS_DEFAULT_REGION=eu-west-1\n  export AWS_REGION=eu-west-1\n"
                              "  export AWS_ENDPOINT_URL=http://cloudmap.localhost:1\n  export AWS_PAGER=''\n");
    buf_clear(&buf);
    endpoint.data_resolves = false;
    endpoint_write_exports(&buf, &endpoint, STR("eu-west-1"), "");
    buf_put_char(&buf, '\0');
    assert_non_null(strstr(buf.p, "\nexport AWS_DISABLE_HOST_PREFIX_INJECTION=true\n"));
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_urls),    cmocka_unit_test(test_not_urls),
        cmocka_unit_test(test_words),     cmocka_unit_test(test_exports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
