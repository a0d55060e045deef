/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json_copy.h"
#include "json/reader.h"

/* A text in a block of its own size, a reader on it, and an arena. */
struct fixture {
    char *text;
    struct arena arena;
    struct json_reader reader;
};

static void fixture_init(struct fixture *fixture, struct str text)
{
    fixture->text = mem_dup(text.p, text.n);
    assert_non_null(fixture->text);
    arena_init(&fixture->arena, (size_t)3 << 20);
    json_reader_init(&fixture->reader, fixture->text, text.n, &fixture->arena);
}

static void fixture_fini(struct fixture *fixture)
{
    arena_fini(&fixture->arena);
    mem_free(fixture->text);
}

/* The verdict on a whole text, by skipping and by reading, which must agree. */
static int judge(struct str text, size_t *ret_error_at)
{
    struct fixture fixture;
    fixture_init(&fixture, text);
    int r = json_skip(&fixture.reader);
    if (r == 0)
        r = json_end(&fixture.reader);
    assert_int_equal(r, fixture.reader.error);
    *ret_error_at = fixture.reader.error_at;
    fixture_fini(&fixture);

    struct buf buf;
    size_t copy_error_at = 0;
    char *copy = mem_dup(text.p, text.n);
    assert_non_null(copy);
    buf_init(&buf, (size_t)16 << 20);
    assert_int_equal(json_copy_text(copy, text.n, &buf, &copy_error_at), r);
    assert_int_equal(copy_error_at, r ? *ret_error_at : 0);
    buf_fini(&buf);
    mem_free(copy);
    return r;
}

/* Texts that are JSON. */
static void test_accepted(void **state)
{
    (void)state;
    static const struct str cases[] = {
        STR("{}"),
        STR("[]"),
        STR("null"),
        STR("true"),
        STR("false"),
        STR("0"),
        STR("-0"),
        STR("\"\""),
        STR("\"a\""),
        STR(" \t\r\n[ \t\r\n] \t\r\n"),
        STR("[1]"),
        STR("[1,2]"),
        STR("[ 1 , 2 ]"),
        STR("[[],{}]"),
        STR("[[[[]]]]"),
        STR("{\"a\":1}"),
        STR("{ \"a\" : 1 }"),
        STR("{\"a\":1,\"b\":2}"),
        STR("{\"\":0}"),
        STR("{\"a\":{\"a\":{}}}"),
        STR("{\"a\":[],\"b\":[{}]}"),
        STR("{\"\\u0000\":1,\"\":2}"),
        STR("{\"a\":1,\"A\":2}"),
        STR("[123456789012345678901234567890]"),
        STR("[1.5]"),
        STR("[-1.5e-10]"),
        STR("[0e0]"),
        STR("[1E+2]"),
        STR("[1e400]"),
        STR("[0.1e1]"),
        STR("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
        STR("[\"\\u0012\\uabCD\"]"),
        STR("[\"\\ud83d\\ude00\"]"),
        STR("[\"\x7f\"]"),
        STR("[\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\"]"),
        STR("[\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]"),
        STR("[\"\xef\xbb\xbf\"]"),
        STR("[\"\\u2028\xe2\x80\xa8\"]"),
        STR("[null,true,false,1,\"\",[],{}]"),
        STR("[\"// no comment\"]"),
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        size_t at;
        int r = judge(cases[i], &at);
        if (r != 0)
            fail_msg("'" STR_FMT "' refused: %s", STR_ARG(cases[i]), json_error_text(r));
    }
}

struct refusal {
    struct str text;
    enum json_error error;
    size_t at;
};

static void check_refused(const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at;
        int r = judge(cases[i].text, &at);
        if (r != (int)cases[i].error || at != cases[i].at)
            fail_msg("'" STR_FMT "': %s at %zu", STR_ARG(cases[i].text), json_error_text(r), at);
    }
}

#define SYNTAX(text, at)           \
    {                              \
        STR(text), JSON_SYNTAX, at \
    }

static void test_refused_structure(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        SYNTAX("", 0),
        SYNTAX(" ", 1),
        SYNTAX("[", 1),
        SYNTAX("{", 1),
        SYNTAX("]", 0),
        SYNTAX("}", 0),
        SYNTAX(",", 0),
        SYNTAX(":", 0),
        SYNTAX("[]]", 2),
        SYNTAX("{}}", 2),
        SYNTAX("[] []", 3),
        SYNTAX("1 2", 2),
        SYNTAX("{},", 2),
        SYNTAX("[1", 2),
        SYNTAX("[1,", 3),
        SYNTAX("[1,]", 3),
        SYNTAX("[,]", 1),
        SYNTAX("[,1]", 1),
        SYNTAX("[1,,2]", 3),
        SYNTAX("[1 2]", 3),
        SYNTAX("[1:2]", 2),
        SYNTAX("[\"a\":1]", 4),
        SYNTAX("[}", 1),
        SYNTAX("[{]}", 2),
        SYNTAX("[1}", 2),
        SYNTAX("{\"a\"", 4),
        SYNTAX("{\"a\":", 5),
        SYNTAX("{\"a\":1", 6),
        SYNTAX("{\"a\":1,", 7),
        SYNTAX("{\"a\":1,}", 7),
        SYNTAX("{,}", 1),
        SYNTAX("{\"a\"}", 4),
        SYNTAX("{\"a\",1}", 4),
        SYNTAX("{\"a\" 1}", 5),
        SYNTAX("{\"a\"::1}", 5),
        SYNTAX("{\"a\":1 \"b\":2}", 7),
        SYNTAX("{\"a\":1,,\"b\":2}", 7),
        SYNTAX("{a:1}", 1),
        SYNTAX("{'a':1}", 1),
        SYNTAX("{1:1}", 1),
        SYNTAX("{null:1}", 1),
        SYNTAX("{[]:1}", 1),
        SYNTAX("{\"a\":}", 5),
        SYNTAX("{\"a\":1]", 6),
        SYNTAX("{]", 1),
        SYNTAX("\xef\xbb\xbf{}", 0),
        SYNTAX("[1]\0", 3),
        SYNTAX("\0", 0),
        SYNTAX("[\v1]", 1),
        SYNTAX("[\f1]", 1),
        SYNTAX("[\xc2\xa0]", 1),
        SYNTAX("[/**/1]", 1),
        SYNTAX("[1]//x", 3),
        SYNTAX("#", 0),
        SYNTAX("<x>", 0),
        SYNTAX("[\xff]", 1),
        SYNTAX("\xff\xfe[\0", 0),
    };
    check_refused(cases, TEST_COUNT(cases));
}

static void test_refused_scalars(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        SYNTAX("nul", 0),         SYNTAX("nulL", 0),    SYNTAX("Null", 0),     SYNTAX("True", 0),
        SYNTAX("tru", 0),         SYNTAX("fals", 0),    SYNTAX("falsy", 0),    SYNTAX("truee", 4),
        SYNTAX("nullnull", 4),    SYNTAX("NaN", 0),     SYNTAX("[NaN]", 1),    SYNTAX("Infinity", 0),
        SYNTAX("-Infinity", 0),   SYNTAX("[-]", 1),     SYNTAX("[+1]", 1),     SYNTAX("[01]", 2),
        SYNTAX("[-01]", 3),       SYNTAX("[00]", 2),    SYNTAX("[1.]", 1),     SYNTAX("[.5]", 1),
        SYNTAX("[-.5]", 1),       SYNTAX("[1.e1]", 1),  SYNTAX("[1e]", 1),     SYNTAX("[1e+]", 1),
        SYNTAX("[1e1.5]", 4),     SYNTAX("[0x1]", 2),   SYNTAX("[1_000]", 2),  SYNTAX("[1a]", 2),
        SYNTAX("[--1]", 1),       SYNTAX("[- 1]", 1),   SYNTAX("[1e 1]", 1),   SYNTAX("[\xef\xbc\x91]", 1),
        SYNTAX("'a'", 0),         SYNTAX("\"", 1),      SYNTAX("\"a", 2),      SYNTAX("[\"a]", 4),
        SYNTAX("\"\\", 1),        SYNTAX("\"\\\"", 3),  SYNTAX("\"\\x\"", 1),  SYNTAX("\"\\u12\"", 1),
        SYNTAX("\"\\u12g4\"", 1), SYNTAX("\"\\a\"", 1), SYNTAX("\"\\0\"", 1),  SYNTAX("\"\n\"", 1),
        SYNTAX("\"a\tb\"", 2),    SYNTAX("\"\0\"", 1),  SYNTAX("\"\x1f\"", 1), SYNTAX("{\"a\n\":1}", 3),
        SYNTAX("undefined", 0),   SYNTAX("\"a\"b", 3),
    };
    check_refused(cases, TEST_COUNT(cases));
}

static void test_refused_unicode(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        { STR("\"\\ud800\""), JSON_UTF8, 1 },
        { STR("\"\\udc00\""), JSON_UTF8, 1 },
        { STR("\"\\ud800\\ud800\""), JSON_UTF8, 1 },
        { STR("\"\\ud800a\""), JSON_UTF8, 1 },
        { STR("{\"\\ud800\":1}"), JSON_UTF8, 2 },
        { STR("\"\x80\""), JSON_UTF8, 1 },
        { STR("\"\xff\""), JSON_UTF8, 1 },
        { STR("\"\xc0\xaf\""), JSON_UTF8, 1 },
        { STR("\"\xe0\x80\x80\""), JSON_UTF8, 1 },
        { STR("\"\xed\xa0\x80\""), JSON_UTF8, 1 },
        { STR("\"\xf4\x90\x80\x80\""), JSON_UTF8, 1 },
        { STR("\"\xf8\x88\x80\x80\x80\""), JSON_UTF8, 1 },
        { STR("\"a\xe2\x82\""), JSON_UTF8, 2 },
        { STR("{\"\xe9\":1}"), JSON_UTF8, 2 },
        { STR("[\"\xc3"), JSON_UTF8, 2 },
    };
    check_refused(cases, TEST_COUNT(cases));
}

static void test_refused_duplicates(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        { STR("{\"a\":1,\"a\":1}"), JSON_DUPLICATE, 7 },
        { STR("{\"\":1,\"\":1}"), JSON_DUPLICATE, 6 },
        { STR("{\"a\":1,\"b\":{},\"a\":1}"), JSON_DUPLICATE, 14 },
        { STR("{\"a\":1,\"\\u0061\":1}"), JSON_DUPLICATE, 7 },
        { STR("{\"\\/\":1,\"/\":1}"), JSON_DUPLICATE, 8 },
        { STR("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":1}"), JSON_DUPLICATE, 10 },
        { STR("[{\"x\":[{\"a\":1,\"a\":1}]}]"), JSON_DUPLICATE, 14 },
        { STR("{\"b\":{\"a\":1},\"c\":{\"a\":1},\"b\":1}"), JSON_DUPLICATE, 25 },
    };
    check_refused(cases, TEST_COUNT(cases));
}

/* Each of `open` n times, then each of `close`. */
static struct str nest(struct buf *buf, const char *open, const char *close, int n)
{
    buf_clear(buf);
    for (int i = 0; i < n; i++)
        buf_put_str(buf, str_of(open));
    buf_put_char(buf, '1');
    for (int i = 0; i < n; i++)
        buf_put_str(buf, str_of(close));
    return buf_str(buf);
}

static void test_depth(void **state)
{
    (void)state;
    struct buf buf;
    size_t at;
    buf_init(&buf, (size_t)8 << 20);
    assert_int_equal(judge(nest(&buf, "[", "]", JSON_MAX_DEPTH), &at), 0);
    assert_int_equal(judge(nest(&buf, "{\"a\":", "}", JSON_MAX_DEPTH), &at), 0);
    assert_int_equal(judge(nest(&buf, "[", "]", JSON_MAX_DEPTH + 1), &at), JSON_DEPTH);
    assert_int_equal(at, JSON_MAX_DEPTH);
    assert_int_equal(judge(nest(&buf, "{\"a\":", "}", JSON_MAX_DEPTH + 1), &at), JSON_DEPTH);
    assert_int_equal(judge(nest(&buf, "[{\"a\":", "}]", 1 << 17), &at), JSON_DEPTH);
    buf_fini(&buf);
}

static void test_values(void **state)
{
    (void)state;
    struct buf buf;
    size_t at;
    buf_init(&buf, (size_t)1 << 20);
    for (int n = JSON_MAX_VALUES - 1; n <= JSON_MAX_VALUES; n++) {
        buf_clear(&buf);
        buf_put_char(&buf, '[');
        for (int i = 0; i < n; i++)
            buf_put_str(&buf, i ? STR(",1") : STR("1"));
        buf_put_char(&buf, ']');
        assert_int_equal(judge(buf_str(&buf), &at), n < JSON_MAX_VALUES ? 0 : JSON_VALUES);
    }
    struct json_reader reader;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    json_reader_init(&reader, buf.p, buf.n, &arena);
    reader.max_values = JSON_MAX_VALUES + 1;
    assert_int_equal(json_skip(&reader), 0);
    assert_int_equal(json_end(&reader), 0);
    arena_fini(&arena);
    buf_fini(&buf);
}

/* An object of n members with the first key once more at its end. */
static void test_duplicates_at_every_size(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, (size_t)1 << 20);
    for (int n = 1; n < 15000; n += n < 200 ? 1 : 1733) {
        buf_clear(&buf);
        for (int i = 0; i < n; i++)
            buf_printf(&buf, "%c\"key %d\":%d", i ? ',' : '{', i, i);
        size_t at, whole = buf.n;
        buf_put_char(&buf, '}');
        assert_int_equal(judge(buf_str(&buf), &at), 0);
        buf_truncate(&buf, whole);
        buf_printf(&buf, ",\"\\u006bey %d\":0}", n / 2);
        assert_int_equal(judge(buf_str(&buf), &at), JSON_DUPLICATE);
        assert_int_equal(at, whole + 1);
    }
    buf_fini(&buf);
}

static void test_reading_by_shape(void **state)
{
    (void)state;
    struct fixture f;
    bool more, truth = false;
    struct str key, text;
    int64_t number = 0;
    enum json_type type;
    fixture_init(&f, STR("{ \"n\\u0061me\" : \"caf\\u00e9\" , \"ttl\" : 6e1, \"list\" : [ true , null, \"x\" ], "
                         "\"other\" : {\"deep\":[1.5,{}]} } "));
    assert_int_equal(json_object(&f.reader), 0);
    assert_int_equal(json_member(&f.reader, &more, &key), 0);
    assert_true(more);
    assert_str(key, "name");
    assert_int_equal(json_string(&f.reader, &text), 0);
    assert_str(text, "caf\xc3\xa9");
    assert_int_equal(json_member(&f.reader, &more, &key), 0);
    assert_str(key, "ttl");
    assert_int_equal(json_int(&f.reader, &number), 0);
    assert_int_equal(number, 60);
    assert_int_equal(json_member(&f.reader, &more, &key), 0);
    assert_int_equal(json_array(&f.reader), 0);
    assert_int_equal(json_element(&f.reader, &more), 0);
    assert_true(more);
    assert_int_equal(json_bool(&f.reader, &truth), 0);
    assert_true(truth);
    assert_int_equal(json_element(&f.reader, &more), 0);
    assert_int_equal(json_null(&f.reader), 0);
    assert_int_equal(json_element(&f.reader, &more), 0);
    assert_int_equal(json_peek(&f.reader, &type), 0);
    assert_int_equal(type, JSON_STRING);
    assert_int_equal(json_skip(&f.reader), 0);
    assert_int_equal(json_element(&f.reader, &more), 0);
    assert_false(more);
    assert_int_equal(json_member(&f.reader, &more, &key), 0);
    assert_str(key, "other");
    assert_int_equal(json_skip(&f.reader), 0);
    assert_int_equal(json_member(&f.reader, &more, &key), 0);
    assert_false(more);
    assert_int_equal(json_end(&f.reader), 0);
    fixture_fini(&f);
}

/* Reads the first value of a text as each type; only its own succeeds. */
static void test_types(void **state)
{
    (void)state;
    static const struct str texts[] = {
        [JSON_NULL] = STR(" null"),   [JSON_BOOL] = STR(" true"), [JSON_NUMBER] = STR(" 1"),
        [JSON_STRING] = STR(" \"\""), [JSON_ARRAY] = STR(" []"),  [JSON_OBJECT] = STR(" {}"),
    };
    for (enum json_type is = JSON_NULL; is <= JSON_OBJECT; is++) {
        for (enum json_type asked = JSON_NULL; asked <= JSON_OBJECT; asked++) {
            struct fixture f;
            bool truth;
            int64_t number;
            struct str text;
            fixture_init(&f, texts[is]);
            int r = asked == JSON_NULL     ? json_null(&f.reader)
                    : asked == JSON_BOOL   ? json_bool(&f.reader, &truth)
                    : asked == JSON_NUMBER ? json_int(&f.reader, &number)
                    : asked == JSON_STRING ? json_string(&f.reader, &text)
                    : asked == JSON_ARRAY  ? json_array(&f.reader)
                                           : json_object(&f.reader);
            assert_int_equal(r, is == asked ? 0 : JSON_TYPE);
            if (r != 0)
                assert_int_equal(f.reader.error_at, 1);
            fixture_fini(&f);
        }
        assert_true(strlen(json_type_text(is)) > 0);
    }
}

static void test_integers(void **state)
{
    (void)state;
    struct fixture f;
    int64_t number = 7;
    fixture_init(&f, STR("-9223372036854775808"));
    assert_int_equal(json_int(&f.reader, &number), 0);
    assert_true(number == INT64_MIN);
    fixture_fini(&f);
    static const struct str beyond[] = { STR("9223372036854775808"), STR("1.5"), STR("1e19"), STR("1e-1") };
    for (size_t i = 0; i < TEST_COUNT(beyond); i++) {
        number = 7;
        fixture_init(&f, beyond[i]);
        assert_int_equal(json_int(&f.reader, &number), JSON_RANGE);
        assert_int_equal(number, 7);
        assert_int_equal(f.reader.error_at, 0);
        fixture_fini(&f);
    }
}

/* After the first error every call returns that one, and changes nothing. */
static void test_first_error_stays(void **state)
{
    (void)state;
    struct fixture f;
    bool more = false, truth = false;
    struct str text = { 0 };
    int64_t number = 7;
    enum json_type type;
    fixture_init(&f, STR("[\"a\",1]"));
    assert_int_equal(json_array(&f.reader), 0);
    assert_int_equal(json_element(&f.reader, &more), 0);
    assert_int_equal(json_int(&f.reader, &number), JSON_TYPE);
    assert_int_equal(json_string(&f.reader, &text), JSON_TYPE);
    assert_int_equal(json_null(&f.reader), JSON_TYPE);
    assert_int_equal(json_bool(&f.reader, &truth), JSON_TYPE);
    assert_int_equal(json_array(&f.reader), JSON_TYPE);
    assert_int_equal(json_object(&f.reader), JSON_TYPE);
    assert_int_equal(json_element(&f.reader, &more), JSON_TYPE);
    assert_int_equal(json_member(&f.reader, &more, &text), JSON_TYPE);
    assert_int_equal(json_peek(&f.reader, &type), JSON_TYPE);
    assert_int_equal(json_skip(&f.reader), JSON_TYPE);
    assert_int_equal(json_end(&f.reader), JSON_TYPE);
    assert_int_equal(f.reader.error_at, 1);
    assert_int_equal(number, 7);
    assert_false(str_is_set(text));
    fixture_fini(&f);
}

/* Whatever prefix of a text arrives, it is refused, and nothing behind it is touched (AddressSanitizer watches). */
static void test_every_prefix(void **state)
{
    (void)state;
    struct str text = STR("{\"a\\n\":[1.5e3,-0,true,false,null,\"\\u00e9\\ud83d\\ude00\xc3\xa9\"],\"b\":{\"c\":{}}}");
    size_t at;
    assert_int_equal(judge(text, &at), 0);
    for (size_t n = 0; n < text.n; n++) {
        assert_int_not_equal(judge((struct str){ text.p, n }, &at), 0);
        assert_true(at <= n);
    }
}

/* A megabyte of each hostile shape: memory from the arena stays below 3 MiB, time far below what a quadratic step
 * would take. */
static void test_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *head, *unit, *tail;
        int error;
    } shapes[] = {
        { "[", "{},", "1]", JSON_VALUES },
        { "", "[", "", JSON_DEPTH },
        { "", "{\"a\":", "", JSON_DEPTH },
        { "\"", "\\u0000", "\"", 0 },
        { "\"", "\\ud83d\\ude00", "\"", 0 },
        { "\"", "\xf0\x9f\x98\x80", "\"", 0 },
        { "\"", "a\\n", "\"", 0 },
        { "", " ", "1", 0 },
        { "", "9", "", 0 },
        { "1e", "9", "", 0 },
        { "{\"", "k", "\":1}", 0 },
    };
    struct buf buf;
    buf_init(&buf, (size_t)2 << 20);
    int64_t begin = clock_mono_ns(clock_system());
    for (size_t i = 0; i < TEST_COUNT(shapes); i++) {
        buf_clear(&buf);
        buf_put_str(&buf, str_of(shapes[i].head));
        while (buf.n < (size_t)1 << 20)
            buf_put_str(&buf, str_of(shapes[i].unit));
        buf_put_str(&buf, str_of(shapes[i].tail));
        size_t at;
        assert_int_equal(judge(buf_str(&buf), &at), shapes[i].error);
    }
    assert_true(clock_mono_ns(clock_system()) - begin < 10000000000);
    buf_fini(&buf);
}

/* Objects in which everything that can be made costly is: members are as many as the cap allows, in one object, in
 * objects just too large for comparing key by key, nested so that all keys are alive at a time. */
static void test_hostile_members(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, (size_t)2 << 20);
    for (int size = 16; size < 2 * JSON_MAX_VALUES; size *= 2) {
        for (int more = 0; more < 2; more++) {
            int members = size + more < JSON_MAX_VALUES - 100 ? size + more : JSON_MAX_VALUES - 100;
            buf_clear(&buf);
            buf_put_char(&buf, '[');
            for (int object = 0; object < (JSON_MAX_VALUES - 100) / (members + 1) || object == 0; object++) {
                for (int i = 0; i < members; i++)
                    buf_printf(&buf, "%s\"%05d%s\":1",
                               i        ? ","
                               : object ? ",{"
                                        : "{",
                               i, members < 60 ? "same end" : "");
                buf_put_char(&buf, '}');
            }
            buf_put_char(&buf, ']');
            assert_false(buf.failed);
            struct fixture f;
            fixture_init(&f, buf_str(&buf));
            int64_t begin = clock_mono_ns(clock_system());
            assert_int_equal(json_skip(&f.reader), 0);
            assert_true(clock_mono_ns(clock_system()) - begin < 1000000000);
            assert_true(f.arena.used < (size_t)5 << 19);
            fixture_fini(&f);
        }
    }
    buf_fini(&buf);
}

/* Each allocation fails once: JSON_MEMORY or the full result. */
static void test_memory(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, (size_t)1 << 20);
    for (int i = 0; i < 2000; i++)
        buf_printf(&buf, "%c\"%d\":[]", i ? ',' : '{', i);
    buf_put_char(&buf, '}');
    int delivered = 1;
    long k = 1;
    for (; delivered; k++) {
        struct fixture f;
        fixture_init(&f, buf_str(&buf));
        mem_fail_at(k, 0);
        int r = json_skip(&f.reader);
        delivered = mem_fail_at(0, 0);
        assert_int_equal(r, delivered ? JSON_MEMORY : 0);
        fixture_fini(&f);
    }
    assert_true(k > 4);
    buf_fini(&buf);
}

static void test_error_texts(void **state)
{
    (void)state;
    for (enum json_error i = JSON_OK; i <= JSON_RANGE; i++)
        for (enum json_error k = JSON_OK; k < i; k++)
            assert_string_not_equal(json_error_text(i), json_error_text(k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused_structure),
        cmocka_unit_test(test_refused_scalars),
        cmocka_unit_test(test_refused_unicode),
        cmocka_unit_test(test_refused_duplicates),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_duplicates_at_every_size),
        cmocka_unit_test(test_reading_by_shape),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_first_error_stays),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_hostile_members),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_error_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
