/* SPDX-License-Identifier: Apache-2.0
 *
 * Error bodies as services write them, and as nobody should. */
#include "../test.h"
#include "aws/aws_failure.h"
#include "base/mem.h"

static struct aws_error read_answer(const char *head, struct str text)
{
    struct http_client_answer answer = { .status = 400 };
    struct aws_error error;
    buf_init(&answer.head, 4096);
    buf_init(&answer.body, (size_t)64 << 20);
    buf_put_str(&answer.head, str_of(head));
    buf_put_str(&answer.body, text);
    aws_failure_read(&answer, &error);
    assert_int_equal(error.status, 400);
    http_client_answer_free(&answer);
    return error;
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *head, *body, *code, *message, *id;
    } cases[] = {
        { "x-amzn-RequestId: r\r\n", "{\"__type\":\"A\",\"message\":\"m\"}", "A", "m", "r" },
        { "", "{\"__type\":\"com.amazonaws.x#A\",\"Message\":\"m\"}", "A", "m", "" },
        { "", "{\"Message\":\"m\",\"more\":[{\"__type\":\"B\"}],\"__type\":\"A:http://x\"}", "A", "m", "" },
        { "x-amzn-ErrorType: A:http://internal/\r\n", "{\"message\":\"m\"}", "A", "m", "" },
        { "x-amzn-ErrorType: B\r\n", "{\"__type\":\"A\"}", "A", "", "" },
        { "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n", "",
          "AWS.SimpleQueueService.NonExistentQueue", "", "" },
        { "",
          "<?xml version=\"1.0\" "
          "encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>A</Code><Message>m&amp;n</Message>"
          "</Error></Errors><RequestID>r</RequestID></Response>",
          "A", "m&n", "r" },
        { "",
          "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n"
          "    <Code>A</Code>\n    <Message>m</Message>\n  </Error>\n  <RequestId>r</RequestId>\n</ErrorResponse>",
          "A", "m", "r" },
        { "", "<Response><Errors><Error><Code>A</Code></Error><Error><Code>B</Code></Error></Errors></Response>", "A",
          "", "" },
        /* Not in its place, not whole, not one. */
        { "", "<html><Code>A</Code></html>", "", "", "" },
        { "", "<Response><x><Errors><Error><Code>A</Code></Error></Errors></x></Response>", "", "", "" },
        { "", "<Response><Errors><Error><Code>A</Code>", "", "", "" },
        { "", "<Response><Errors><Error><Code>A</Code></Error></Errors></Response><x/>", "", "", "" },
        { "", "<!DOCTYPE x [<!ENTITY e \"A\">]><Response><Errors><Error><Code>&e;</Code></Error></Errors></Response>",
          "", "", "" },
        { "", "{\"__type\":\"A\"", "", "", "" },
        { "", "{\"__type\":\"A\"}x", "", "", "" },
        { "", "{\"__type\":\"A\",\"__type\":\"B\"}", "", "", "" },
        { "", "{\"__type\":1,\"message\":null}", "", "", "" },
        { "", "{\"__type\":\"a b\"}", "", "", "" },
        { "", "{\"__type\":\"a\\u0000b\"}", "", "", "" },
        { "", "[\"__type\"]", "", "", "" },
        { "", "\x00\xff", "", "", "" },
        { "", "", "", "", "" },
        { "", "{\"__type\":\"A\",\"message\":\"a\\nb\\u0007\"}", "A", "a b ", "" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct aws_error error = read_answer(cases[i].head, str_of(cases[i].body));
        assert_string_equal(error.code, cases[i].code);
        assert_string_equal(error.message, cases[i].message);
        assert_string_equal(error.request_id, cases[i].id);
    }
}

static void test_long_texts(void **state)
{
    (void)state;
    char *text = mem_alloc(8192), body[16384 + 256];
    for (size_t i = 0; i < 2; i++) {
        struct aws_error error;
        memset(text, 'c', 4000);
        text[4000] = '\0';
        /* A code that does not fit is none; a message is cut, between characters. */
        for (size_t n = 0; n + 2 < 4000; n += 2)
            memcpy(text + n, "\u00e9", 2);
        if (i == 0)
            snprintf(body, sizeof(body), "{\"__type\":\"%s\",\"message\":\"%s\"}", text, text);
        else
            snprintf(body, sizeof(body),
                     "<Response><Errors><Error><Code>%s</Code><Message>x%s</Message></Error></Errors></Response>", text,
                     text);
        error = read_answer("", str_of(body));
        assert_string_equal(error.code, "");
        assert_in_range(strlen(error.message), sizeof(error.message) - 3, sizeof(error.message) - 1);
    }
    mem_free(text);
}

static void test_deep_and_large(void **state)
{
    (void)state;
    size_t n = (size_t)1 << 20;
    char *text = mem_alloc(2 * n);
    static const char *const units[] = { "<a>", "[", "{\"a\":", "<", "{", "<Response>", "&amp;", "\xff" };
    for (size_t i = 0; i < TEST_COUNT(units); i++) {
        size_t unit = strlen(units[i]);
        for (size_t at = 0; at + unit <= 2 * n; at += unit)
            memcpy(text + at, units[i], unit);
        struct aws_error error = read_answer("", (struct str){ text, n });
        assert_string_equal(error.code, "");
        error = read_answer("", (struct str){ text, 2 * n - 8 });
        assert_string_equal(error.code, "");
    }
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_deep_and_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
