/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "json/reader.h"
#include "json/writer.h"

/* A text with everything in it. */
static void write_all(struct json_writer *writer)
{
    json_open_object(writer);
    json_field_string(writer, STR("text"), STR("a \"b\" \\ \n"));
    json_field_optional(writer, STR("absent"), (struct str){ 0 });
    json_field_optional(writer, STR("present"), STR(""));
    json_field_int(writer, STR("int"), -42);
    json_field_timestamp(writer, STR("time"), 1763712000123);
    json_key(writer, STR("list"));
    json_open_array(writer);
    json_put_null(writer);
    json_put_bool(writer, true);
    json_put_bool(writer, false);
    json_open_array(writer);
    json_close_array(writer);
    json_open_object(writer);
    json_close_object(writer);
    json_put_raw(writer, STR("{\"raw\":1}"));
    json_put_int(writer, INT64_MIN);
    json_put_int(writer, INT64_MAX);
    json_close_array(writer);
    json_key(writer, STR("last\t"));
    json_put_string(writer, STR("x"));
    json_close_object(writer);
}

#define ALL_TEXT                                                                               \
    "{\"text\":\"a \\\"b\\\" \\\\ \\n\",\"present\":\"\",\"int\":-42,\"time\":1763712000.123," \
    "\"list\":[null,true,false,[],{},{\"raw\":1},-9223372036854775808,9223372036854775807],\"last\\t\":\"x\"}"

static void test_everything(void **state)
{
    (void)state;
    struct buf buf;
    struct json_writer writer;
    buf_init(&buf, 4096);
    json_writer_init(&writer, &buf);
    write_all(&writer);
    assert_str(buf_str(&buf), ALL_TEXT);
    buf_fini(&buf);
}

static void test_timestamps(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        { 0, "0.000" },
        { 1, "0.001" },
        { 10, "0.010" },
        { 999, "0.999" },
        { 1000, "1.000" },
        { 1763712000000, "1763712000.000" },
        { -1, "-0.001" },
        { -1500, "-1.500" },
        { INT64_MAX, "9223372036854775.807" },
        { INT64_MIN, "-9223372036854775.808" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct buf buf;
        struct json_writer writer;
        buf_init(&buf, 64);
        json_writer_init(&writer, &buf);
        json_put_timestamp(&writer, cases[i].ms);
        assert_true(str_eq(buf_str(&buf), str_of(cases[i].text)));
        buf_fini(&buf);
    }
}

/* Every byte at every place of a word: what is written reads back the same, and is as short as it may be. */
static void test_escape_each_byte(void **state)
{
    (void)state;
    for (int c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < 17; at++) {
            char text[17];
            memset(text, 'a', sizeof(text));
            text[at] = (char)c;
            struct buf buf;
            buf_init(&buf, 64);
            json_escape(&buf, (struct str){ text, sizeof(text) });
            size_t extra = c == '"' || c == '\\' || (c && strchr("\b\f\n\r\t", c)) ? 1 : c < 0x20 ? 5 : 0;
            assert_int_equal(buf.n, sizeof(text) + 2 + extra);
            struct arena arena;
            struct json_reader reader;
            struct str back;
            arena_init(&arena, 0);
            json_reader_init(&reader, buf.p, buf.n, &arena);
            assert_int_equal(json_string(&reader, &back), 0);
            assert_int_equal(json_end(&reader), 0);
            assert_true(str_eq(back, (struct str){ text, sizeof(text) }));
            buf_fini(&buf);
        }
    }
}

static void test_unicode_passes(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 64);
    json_escape(&buf, STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\xe2\x80\xa8 and more"));
    assert_str(buf_str(&buf), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\xe2\x80\xa8 and more\"");
    buf_fini(&buf);
}

/* At every maximum the buffer either holds the whole text or says that it failed. */
static void test_every_maximum(void **state)
{
    (void)state;
    size_t whole = sizeof(ALL_TEXT) - 1;
    for (size_t max = 0; max < whole + 10; max++) {
        struct buf buf;
        struct json_writer writer;
        buf_init(&buf, max);
        json_writer_init(&writer, &buf);
        write_all(&writer);
        assert_int_equal(buf.failed, max < whole);
        assert_true(buf.n <= max);
        if (!buf.failed)
            assert_str(buf_str(&buf), ALL_TEXT);
        buf_fini(&buf);
    }
}

static void test_memory(void **state)
{
    (void)state;
    int delivered = 1;
    for (long k = 1; delivered; k++) {
        struct buf buf;
        struct json_writer writer;
        buf_init(&buf, 4096);
        json_writer_init(&writer, &buf);
        mem_fail_at(k, 0);
        write_all(&writer);
        delivered = mem_fail_at(0, 0);
        assert_int_equal(buf.failed, delivered);
        buf_fini(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),       cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_escape_each_byte), cmocka_unit_test(test_unicode_passes),
        cmocka_unit_test(test_every_maximum),    cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
