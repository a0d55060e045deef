/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "json/unescape.h"

struct result {
    char *block;
    struct str value;
    size_t at; /* where reading stopped */
    int r;
};

/* Reads a string that begins behind an opening quote, in a block of exactly its size. */
static struct result unescape_copy(struct str text)
{
    struct result result = { .block = mem_dup(text.p, text.n) };
    assert_non_null(result.block);
    char *at = result.block;
    result.r = unescape_string(&at, result.block + text.n, &result.value);
    result.at = (size_t)(at - result.block);
    return result;
}

#define assert_value(text, want)                                    \
    do {                                                            \
        struct result result = unescape_copy(STR(text "\"behind")); \
        assert_int_equal(result.r, 0);                              \
        assert_int_equal(result.at, sizeof(text));                  \
        assert_str(result.value, want);                             \
        mem_free(result.block);                                     \
    } while (0)

#define assert_refused(text, want_r, want_at)            \
    do {                                                 \
        struct result result = unescape_copy(STR(text)); \
        assert_int_equal(result.r, want_r);              \
        assert_int_equal(result.at, want_at);            \
        mem_free(result.block);                          \
    } while (0)

static void test_plain(void **state)
{
    (void)state;
    assert_value("", "");
    assert_value("a", "a");
    assert_value("exactly8", "exactly8");
    assert_value("more than eight bytes of text", "more than eight bytes of text");
    assert_value("\x7f", "\x7f");
    assert_value("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

static void test_escapes(void **state)
{
    (void)state;
    assert_value("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
    assert_value("one\\ntwo\\nthree, and then a longer tail", "one\ntwo\nthree, and then a longer tail");
    assert_value("\\u0041", "A");
    assert_value("\\u00e9\\u00E9", "\xc3\xa9\xc3\xa9");
    assert_value("\\u07ff\\u0800\\uffff", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
    assert_value("\\ud800\\udc00", "\xf0\x90\x80\x80");
    assert_value("\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf");
    assert_value("x\\u0000y", "x\0y");
    assert_value("\\u0022 \\u005c", "\" \\");
    assert_value("\xc3\xa9\\n\xc3\xa9", "\xc3\xa9\n\xc3\xa9");
}

static void test_syntax(void **state)
{
    (void)state;
    assert_refused("", UNESCAPE_SYNTAX, 0);
    assert_refused("abc", UNESCAPE_SYNTAX, 3);
    assert_refused("abc\xc3\xa9", UNESCAPE_SYNTAX, 5);
    assert_refused("a\nb\"", UNESCAPE_SYNTAX, 1);
    assert_refused("a\0b\"", UNESCAPE_SYNTAX, 1);
    assert_refused("\xc3\xa9\x1f\"", UNESCAPE_SYNTAX, 2);
    assert_refused("\\", UNESCAPE_SYNTAX, 0);
    assert_refused("\\\"", UNESCAPE_SYNTAX, 2);
    assert_refused("\\x41\"", UNESCAPE_SYNTAX, 0);
    assert_refused("\\U0041\"", UNESCAPE_SYNTAX, 0);
    assert_refused("\\'\"", UNESCAPE_SYNTAX, 0);
    assert_refused("\\u", UNESCAPE_SYNTAX, 0);
    assert_refused("\\u004", UNESCAPE_SYNTAX, 0);
    assert_refused("\\u004\"", UNESCAPE_SYNTAX, 0);
    assert_refused("\\u00g0\"", UNESCAPE_SYNTAX, 0);
    assert_refused("\\u+041\"", UNESCAPE_SYNTAX, 0);
    assert_refused("ok\\n\\q\"", UNESCAPE_SYNTAX, 4);
}

static void test_unicode(void **state)
{
    (void)state;
    assert_refused("\\ud800\"", UNESCAPE_UTF8, 0);
    assert_refused("\\udc00\"", UNESCAPE_UTF8, 0);
    assert_refused("\\ud800\\ud800\"", UNESCAPE_UTF8, 0);
    assert_refused("\\ud800\\n\"", UNESCAPE_UTF8, 0);
    assert_refused("\\ud800x\"", UNESCAPE_UTF8, 0);
    assert_refused("\\ud800\\u0041\"", UNESCAPE_UTF8, 0);
    assert_refused("\\ud800\\", UNESCAPE_UTF8, 0);
    assert_refused("\\udc00\\ud800\"", UNESCAPE_UTF8, 0);
    assert_refused("a\x80\"", UNESCAPE_UTF8, 1);
    assert_refused("a\xff\"", UNESCAPE_UTF8, 1);
    assert_refused("\xc3\"", UNESCAPE_UTF8, 0);
    assert_refused("\xc3", UNESCAPE_UTF8, 0);
    assert_refused("\xe2\x82\"", UNESCAPE_UTF8, 0);
    assert_refused("\xc3\xa9\xc0\xaf\"", UNESCAPE_UTF8, 2);
    assert_refused("\xed\xa0\x80\"", UNESCAPE_UTF8, 0);
    assert_refused("\xf4\x90\x80\x80\"", UNESCAPE_UTF8, 0);
    assert_refused("12345678\\n\x80\"", UNESCAPE_UTF8, 10);
}

/* An escape at every place of strings of many lengths: the moved rest stays whole. */
static void test_each_place(void **state)
{
    (void)state;
    for (size_t n = 0; n < 40; n++) {
        for (size_t at = 0; at <= n; at++) {
            char text[64], want[64];
            for (size_t i = 0; i < n; i++)
                want[i] = text[i < at ? i : i + 6] = (char)('a' + i % 26);
            memcpy(text + at, "\\u20AC", 6);
            text[n + 6] = '"';
            struct result result = unescape_copy((struct str){ text, n + 7 });
            assert_int_equal(result.r, 0);
            assert_int_equal(result.value.n, n + 3);
            assert_memory_equal(result.value.p, want, at);
            assert_memory_equal(result.value.p + at, "\xe2\x82\xac", 3);
            assert_memory_equal(result.value.p + at + 3, want + at, n - at);
            mem_free(result.block);
        }
    }
}

/* Each code point by escape, as UTF-8 by the plain rule. */
static void test_each_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 61) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char text[16];
        int n = c < 0x10000 ? snprintf(text, sizeof(text), "\\u%04X\"", c)
                            : snprintf(text, sizeof(text), "\\u%04x\\u%04x\"", 0xd800 + ((c - 0x10000) >> 10),
                                       0xdc00 + ((c - 0x10000) & 0x3ff));
        struct result result = unescape_copy((struct str){ text, (size_t)n });
        assert_int_equal(result.r, 0);
        const unsigned char *u = (const unsigned char *)result.value.p;
        uint32_t back = result.value.n == 1   ? u[0]
                        : result.value.n == 2 ? (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu)
                        : result.value.n == 3
                            ? (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu)
                            : (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
        assert_int_equal(back, c);
        mem_free(result.block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_escapes),    cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_unicode), cmocka_unit_test(test_each_place), cmocka_unit_test(test_each_code_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
