/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request as a value: what is found in it, and whether its bytes are an unbroken sequence of lines. What
 * is refused, test_server_refusals.c shows over the wire. */
#include "../test.h"

#include "http/head.h"

static void init(struct head *head, const char *method, const char *target)
{
    *head = (struct head){ .method = str_of(method), .target = str_of(target), .version = STR("HTTP/1.1") };
}

static void add(struct head *head, const char *name, const char *value)
{
    head->headers[head->n_headers++] = (struct str_pair){ str_of(name), str_of(value) };
}

static void test_parts_of_a_target(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path, *query, *host;
    } cases[] = {
        { "/", "/", NULL, "h" },
        { "/a?b?c", "/a", "b?c", "h" },
        { "/?", "/", "", "h" },
        { "//a//b", "//a//b", NULL, "h" },
        { "/http://x", "/http://x", NULL, "h" },
        { "http://x", "/", NULL, "x" },
        { "http://x/", "/", NULL, "x" },
        { "HTTPS://x:1/a?b", "/a", "b", "x:1" },
        { "http://[::1]:8650?q/r", "/", "q/r", "[::1]:8650" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct head head;
        struct head_refusal refusal;
        init(&head, "GET", cases[i].target);
        add(&head, "Host", "h");
        assert_int_equal(head_check(&head, &refusal), 0);
        assert_true(str_eq(head.path, str_of(cases[i].path)));
        assert_true(str_eq(head.query, str_of(cases[i].query)));
        assert_int_equal(str_is_set(head.query), cases[i].query != NULL);
        assert_true(str_eq(head.host, str_of(cases[i].host)));
    }
}

static void test_framing(void **state)
{
    (void)state;
    struct head head;
    struct head_refusal refusal;
    init(&head, "POST", "/");
    add(&head, "hOST", "h");
    assert_int_equal(head_check(&head, &refusal), 0);
    assert_false(head.has_body || head.chunked);
    add(&head, "content-LENGTH", "0012");
    assert_int_equal(head_check(&head, &refusal), 0);
    assert_true(head.has_body && !head.chunked);
    assert_int_equal(head.content_length, 12);
    head.n_headers = 1;
    add(&head, "Transfer-encoding", "Chunked");
    assert_int_equal(head_check(&head, &refusal), 0);
    assert_true(head.has_body && head.chunked);
    add(&head, "Content-Length", "0");
    assert_int_equal(head_check(&head, &refusal), 1);
    assert_int_equal(refusal.status, 400);
}

static void test_blanks_around_values_are_cut(void **state)
{
    (void)state;
    struct head head;
    struct head_refusal refusal;
    init(&head, "GET", "/");
    add(&head, "Host", "h \t ");
    add(&head, "A", "b c\t");
    add(&head, "B", " ");
    assert_int_equal(head_check(&head, &refusal), 0);
    assert_str(head.host, "h");
    assert_str(head.headers[1].value, "b c");
    assert_str(head.headers[2].value, "");
}

/* Each position of a value, whichever way it is looked at, and each byte. */
static void test_control_characters_are_found_everywhere(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n++) {
        for (size_t at = 0; at < n; at++) {
            for (int c = 0; c < 256; c++) {
                struct head head;
                struct head_refusal refusal;
                char value[40];
                memset(value, 'v', n);
                value[at] = (char)c;
                init(&head, "GET", "/");
                add(&head, "Host", "h");
                head.headers[head.n_headers++] = (struct str_pair){ STR("A"), { value, n } };
                bool is_control = (c < 0x20 && c != '\t') || c == 0x7f;
                assert_int_equal(head_check(&head, &refusal), is_control);
            }
        }
    }
}

/* The memory as the library leaves it: NUL for each delimiter. */
static void test_unbroken(void **state)
{
    (void)state;
    static const char whole[] = "GET\0/\0HTTP/1.1\0\0Host\0 h\0\0A\0\t b c \0\0E\0\0\0\0";
    struct head head = { .method = { whole, 3 }, .target = { whole + 4, 1 }, .version = { whole + 6, 8 } };
    size_t n = sizeof(whole); /* its own NUL is the last line's LF */
    head.headers[0] = (struct str_pair){ { whole + 16, 4 }, { whole + 22, 1 } };
    head.headers[1] = (struct str_pair){ { whole + 25, 1 }, { whole + 29, 4 } };
    head.headers[2] = (struct str_pair){ { whole + 35, 1 }, { whole + 37, 0 } };
    head.n_headers = 3;
    assert_true(head_is_unbroken(&head, whole, n));
    assert_false(head_is_unbroken(&head, whole, n - 1));
    head.n_headers = 2;
    assert_false(head_is_unbroken(&head, whole, n));
    head.n_headers = 3;
    head.headers[1].value.n--;
    assert_false(head_is_unbroken(&head, whole, n));
    head.headers[1].value.n++;
    head.headers[0].key.p--;
    assert_false(head_is_unbroken(&head, whole, n));
    head.headers[0].key = STR("Host");
    assert_false(head_is_unbroken(&head, whole, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_a_target),
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_blanks_around_values_are_cut),
        cmocka_unit_test(test_control_characters_are_found_everywhere),
        cmocka_unit_test(test_unbroken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
