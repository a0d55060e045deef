/* SPDX-License-Identifier: Apache-2.0
 *
 * What the public vectors leave out: odd paths and queries, hostile ones, and the caps. */
#include "../test.h"
#include "base/mem.h"
#include "sigv4/canonical.h"

#include <errno.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, (size_t)8 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* Line `n` (from 0) of the canonical form of GET with one header, or the condition as text. */
static struct str line_of(struct canonical_request request, unsigned n)
{
    const struct str_pair host = { STR("Host"), STR("h") };
    struct str text;
    if (!request.method.n)
        request.method = STR("GET");
    if (!request.headers) {
        request.headers = &host;
        request.n_headers = 1;
    }
    int r = canonical_make(&request, STR("host"), &arena, &text);
    if (r != 0)
        return arena_printf(&arena, "!%d", r);
    while (n-- > 0)
        text = str_skip(text, str_find_char(text, '\n') + 1);
    text.n = str_find_char(text, '\n');
    return text;
}

static struct str path_of(const char *path, bool keeps)
{
    return line_of((struct canonical_request){ .path = str_of(path), .keeps_path = keeps }, 1);
}

static struct str query_of(const char *query)
{
    return line_of((struct canonical_request){ .query = str_of(query) }, 2);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *wanted, *kept;
    } cases[] = {
        { "", "/", "/" },
        { "/", "/", "/" },
        { "//", "/", "//" },
        { "/a/./b/../c/", "/a/c/", "/a/./b/../c/" },
        { "/a/..", "/", "/a/.." },
        { "/a/../", "/", "/a/../" },
        { "/a/b/..", "/a", "/a/b/.." },
        { "/a/.", "/a", "/a/." },
        { "/...", "/...", "/..." },
        { "/%2F/%2e%2e/", "/%252F/%252e%252e/", "/%252F/%252e%252e/" },
        { "/ \x7f\xff~", "/%20%7F%FF~", "/%20%7F%FF~" },
        { "/..", "!1", "/.." },
        { "/a/../../b", "!1", "/a/../../b" },
        { "*", "!1", "!1" },
        { "a", "!1", "!1" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct str got = path_of(cases[i].path, false), kept = path_of(cases[i].path, true);
        assert_true(str_eq(got, str_of(cases[i].wanted)));
        assert_true(str_eq(kept, str_of(cases[i].kept)));
    }
}

static void test_queries(void **state)
{
    (void)state;
    assert_str(query_of(""), "");
    assert_str(query_of("&&"), "");
    assert_str(query_of("b&a=&a"), "a=&a=&b=");
    assert_str(query_of("a=2&a=1&A=3"), "A=3&a=1&a=2");
    assert_str(query_of("a=b=c&=v"), "=v&a=b%3Dc");
    assert_str(query_of("a=+&a=%20&a= "), "a=%20&a=%20&a=%2B");
    assert_str(query_of("%61=%7e%7E"), "a=~~");
    /* By name and then value, not by the whole: `=` stands behind `-`. */
    assert_str(query_of("a-b=1&a=2"), "a=2&a-b=1");
    static const char *const broken[] = { "a=%", "a=%4", "a=%4g", "%g0=a", "a=%%41" };
    for (size_t i = 0; i < TEST_COUNT(broken); i++)
        assert_str(query_of(broken[i]), "!1");
}

static void test_left_out(void **state)
{
    (void)state;
    struct canonical_request request = { .query = STR("X-Amz-Signature=1&X%2DAmz-Security-Token=2&x-amz-signature=3") };
    assert_str(line_of(request, 2), "X-Amz-Security-Token=2&X-Amz-Signature=1&x-amz-signature=3");
    request.is_presigned = true;
    assert_str(line_of(request, 2), "X-Amz-Security-Token=2&x-amz-signature=3");
    request.omits_token = true;
    assert_str(line_of(request, 2), "x-amz-signature=3");
}

static void test_headers(void **state)
{
    (void)state;
    const struct str_pair headers[] = {
        { STR("B"), STR(" \t 1 \t  2\t") },
        { STR("a"), STR("") },
        { STR("A-b"), STR("x") },
        { STR("b"), STR("3") },
        { STR("C"), STR("no") },
    };
    struct canonical_request request = {
        .method = STR("POST"),
        .headers = headers,
        .n_headers = TEST_COUNT(headers),
        .payload_hash = STR("hash"),
    };
    struct str text;
    assert_int_equal(canonical_make(&request, STR("a;a-b;b"), &arena, &text), 0);
    assert_str(text, "POST\n/\n\na:\na-b:x\nb:1 2,3\n\na;a-b;b\nhash");
    static const char *const lists[] = { "", ";", "a;", ";a", "b;a", "a;a", "A", "a;a-b;B", "a b", "a;\x80" };
    for (size_t i = 0; i < TEST_COUNT(lists); i++)
        assert_int_equal(canonical_make(&request, str_of(lists[i]), &arena, &text), CANONICAL_BAD_LIST);
    assert_int_equal(canonical_make(&request, STR("a;host"), &arena, &text), CANONICAL_NO_HEADER);
    assert_int_equal(canonical_list(headers, TEST_COUNT(headers), &arena, &text), 0);
    assert_str(text, "a;a-b;b;c");
    assert_int_equal(canonical_list(NULL, 0, &arena, &text), 0);
    assert_str(text, "");
}

/* Nothing in a request may end a line of the text. */
static void test_line_ends(void **state)
{
    (void)state;
    static const struct str values[] = { STR("a\nb"), STR("a\rb"), STR("a\0b") };
    for (size_t i = 0; i < TEST_COUNT(values); i++) {
        const struct str_pair host = { STR("host"), values[i] };
        struct canonical_request request = { .headers = &host, .n_headers = 1 };
        assert_str(line_of(request, 0), "!1");
        assert_str(line_of((struct canonical_request){ .method = values[i] }, 0), "!1");
        assert_false(memchr(line_of((struct canonical_request){ .path = STR("/\n") }, 1).p, '\n', 4));
    }
}

static void test_caps(void **state)
{
    (void)state;
    char *large = mem_zalloc(CANONICAL_MAX_BYTES + 1);
    memset(large, '/', CANONICAL_MAX_BYTES + 1);
    struct str text;
    struct canonical_request request = { .path = { large, CANONICAL_MAX_BYTES + 1 } };
    assert_str(line_of(request, 1), "!4");
    request.path.n = CANONICAL_MAX_BYTES / 2;
    assert_str(line_of(request, 1), "/");
    memset(large, 0xff, CANONICAL_MAX_BYTES / 2);
    large[0] = '/';
    assert_int_equal(line_of(request, 1).n, 3 * (CANONICAL_MAX_BYTES / 2) - 2);
    for (size_t i = 0; i <= 2 * CANONICAL_MAX_PARAMETERS; i++)
        large[i] = i % 2 ? '&' : 'a';
    request = (struct canonical_request){ .query = { large, 2 * CANONICAL_MAX_PARAMETERS + 1 } };
    assert_str(line_of(request, 2), "!4");
    request.query.n = 2 * CANONICAL_MAX_PARAMETERS - 1;
    assert_int_equal(line_of(request, 2).n, 3 * CANONICAL_MAX_PARAMETERS - 1);
    struct str_pair headers[CANONICAL_MAX_HEADERS + 1];
    for (size_t i = 0; i < TEST_COUNT(headers); i++)
        headers[i] = (struct str_pair){ arena_printf(&arena, "h%03zu", i), STR("") };
    assert_int_equal(canonical_list(headers, TEST_COUNT(headers), &arena, &text), CANONICAL_TOO_LARGE);
    assert_int_equal(canonical_list(headers, CANONICAL_MAX_SIGNED + 1, &arena, &text), 0);
    request =
        (struct canonical_request){ .method = STR("GET"), .headers = headers, .n_headers = TEST_COUNT(headers) - 1 };
    struct str whole;
    assert_int_equal(canonical_make(&request, text, &arena, &whole), CANONICAL_TOO_LARGE);
    assert_int_equal(canonical_list(headers, CANONICAL_MAX_SIGNED, &arena, &text), 0);
    assert_int_equal(canonical_make(&request, text, &arena, &whole), 0);
    mem_free(large);
}

static void test_without_memory(void **state)
{
    (void)state;
    const struct str_pair host = { STR("host"), STR("h") };
    struct canonical_request request = {
        .method = STR("GET"), .path = STR("/a"), .query = STR("a=b&c=d"), .headers = &host, .n_headers = 1
    };
    struct str text = { 0 };
    int r = -ENOMEM;
    for (size_t cap = 0; r != 0; cap += 16) {
        struct arena small;
        arena_init(&small, cap);
        assert_true(cap < 100000);
        r = canonical_make(&request, STR("host"), &small, &text);
        assert_true(r == 0 || r == -ENOMEM);
        arena_fini(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),          cmocka_unit_test(test_queries),   cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_headers),        cmocka_unit_test(test_line_ends), cmocka_unit_test(test_caps),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
