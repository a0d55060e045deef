/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "aws/sqs.h"
#include "base/mem.h"
#include "fake_aws.h"

#include <errno.h>

#define URL "https://sqs.us-east-1.amazonaws.com/111122223333/q.fifo"
#define MESSAGE(n, body)                                                                            \
    "{\"MessageId\":\"m-" n "\",\"ReceiptHandle\":\"h-" n "\",\"MD5OfBody\":\"x\",\"Body\":\"" body \
    "\",\"Attributes\":{\"SentTimestamp\":\"1767323045678\"}}"
#define FIVE MESSAGE("1", "") "," MESSAGE("2", "") "," MESSAGE("3", "") "," MESSAGE("4", "") "," MESSAGE("5", "")
#define TWO "{\"Messages\":[" MESSAGE("1", "{\\\"a\\\":1}") "," MESSAGE("2", "") "]}"

struct fixture {
    struct aws_client *client;
    struct arena arena;
    struct aws_error error;
    struct sqs_messages messages;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){ .client = fake_aws_new() };
    arena_init(&f->arena, 1 << 20);
}

static void teardown(struct fixture *f)
{
    fake_aws_free(f->client);
    arena_fini(&f->arena);
}

static int receive(struct fixture *f)
{
    return sqs_receive(f->client, URL, SQS_WAIT_S, &f->arena, &f->messages, &f->error);
}

static void receives(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    fake_aws_answer(f.client, STR(TWO));
    fake_aws_answer(f.client, STR("{}"));
    fake_aws_answer(f.client, STR("{\"Messages\":null}"));
    fake_aws_answer(f.client, STR("{\"Messages\":[{\"Body\":\"b\",\"MessageId\":\"m\",\"ReceiptHandle\":\"h\"}]}"));
    assert_int_equal(receive(&f), 0);
    assert_string_equal(f.client->calls[0].action, "ReceiveMessage");
    assert_string_equal(f.client->calls[0].url, "https://sqs.us-east-1.amazonaws.com/");
    assert_int_equal(f.client->calls[0].total_ms, 25000);
    assert_str(f.client->calls[0].body, "{\"QueueUrl\":\"" URL "\",\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":20,"
                                        "\"AttributeNames\":[\"SentTimestamp\"]}");
    assert_int_equal(f.messages.n, 2);
    assert_str(f.messages.items[0].id, "m-1");
    assert_str(f.messages.items[0].receipt_handle, "h-1");
    assert_str(f.messages.items[0].body, "{\"a\":1}");
    assert_int_equal(f.messages.items[0].sent_ms, INT64_C(1767323045678));
    assert_str(f.messages.items[1].body, "");
    assert_int_equal(receive(&f), 0);
    assert_int_equal(f.messages.n, 0);
    assert_int_equal(receive(&f), 0);
    assert_int_equal(f.messages.n, 0);
    assert_int_equal(receive(&f), 0);
    assert_int_equal(f.messages.n, 1);
    assert_int_equal(f.messages.items[0].sent_ms, 0);
    teardown(&f);
}

static void calls_the_host_of_the_queue(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "http://127.0.0.1:9324/q", "http://127.0.0.1:9324/" },
        { "http://127.0.0.1:9324", "http://127.0.0.1:9324/" },
        { "http://[::1]:9324/1/q?x=/", "http://[::1]:9324/" },
        { "q", "q/" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct fixture f;
        setup(&f);
        fake_aws_answer(f.client, STR("{}"));
        assert_int_equal(sqs_receive(f.client, cases[i][0], 0, &f.arena, &f.messages, &f.error), 0);
        assert_string_equal(f.client->calls[0].url, cases[i][1]);
        teardown(&f);
    }
}

static void refuses_what_is_odd(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "[]",
        "{\"Messages\":{}}",
        "{\"Messages\":[{}]}",
        "{\"Messages\":[null]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\"}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"Body\":\"b\"}]}",
        "{\"Messages\":[{\"ReceiptHandle\":\"h\",\"Body\":\"b\"}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":7}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":\"b\",\"Attributes\":[]}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":\"b\","
        "\"Attributes\":{\"SentTimestamp\":\"-1\"}}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":\"b\","
        "\"Attributes\":{\"SentTimestamp\":\"9223372036854775808\"}}]}",
        "{\"Messages\":[]}x",
        "{\"Messages\":[" FIVE "," FIVE "," MESSAGE("11", "") "]}",
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct fixture f;
        setup(&f);
        fake_aws_answer(f.client, str_of(cases[i]));
        if (receive(&f) != AWS_ODD)
            print_error("case %zu\n", i);
        fake_aws_rewind(f.client);
        assert_int_equal(receive(&f), AWS_ODD);
        assert_int_equal(f.messages.n, 0);
        teardown(&f);
    }
    for (size_t n = 0; n < strlen(TWO); n++) {
        struct fixture f;
        setup(&f);
        fake_aws_answer(f.client, (struct str){ TWO, n });
        assert_int_equal(receive(&f), AWS_ODD);
        teardown(&f);
    }
}

/* --- deleting ---------------------------------------------------------------------------------------------------- */

static int delete_of(struct fixture *f, bool first, bool second, bool third)
{
    const struct sqs_messages messages = {
        .items = { { .receipt_handle = STR("h-0") },
                   { .receipt_handle = STR("h\"1") },
                   { .receipt_handle = STR("h-2") } },
        .n = 3,
    };
    const bool wanted[SQS_BATCH] = { first, second, third };
    return sqs_delete(f->client, URL, &messages, wanted, &f->arena, &f->error);
}

static void deletes(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    assert_int_equal(delete_of(&f, false, false, false), 0);
    assert_int_equal(f.client->n_calls, 0);
    fake_aws_answer(f.client, STR("{\"Successful\":[{\"Id\":\"2\"},{\"Id\":\"1\"}],\"Failed\":[]}"));
    fake_aws_answer(f.client, STR("{\"Successful\":[{\"Id\":\"0\"}]}"));
    assert_int_equal(delete_of(&f, false, true, true), 0);
    assert_string_equal(f.client->calls[0].action, "DeleteMessageBatch");
    assert_string_equal(f.client->calls[0].url, "https://sqs.us-east-1.amazonaws.com/");
    assert_str(f.client->calls[0].body, "{\"QueueUrl\":\"" URL "\",\"Entries\":[{\"Id\":\"1\",\"ReceiptHandle\":"
                                        "\"h\\\"1\"},{\"Id\":\"2\",\"ReceiptHandle\":\"h-2\"}]}");
    assert_int_equal(delete_of(&f, true, false, false), 0);
    teardown(&f);
}

static void tells_what_was_not_deleted(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int result;
    } cases[] = {
        { "{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":[{\"Id\":\"1\",\"Code\":\"ReceiptHandleIsInvalid\","
          "\"Message\":\"too old\",\"SenderFault\":true},{\"Id\":\"2\",\"Code\":\"Other\",\"SenderFault\":false}]}",
          AWS_REFUSED },
        { "{\"Failed\":[{\"Id\":\"2\",\"Code\":\"ReceiptHandleIsInvalid\",\"Message\":\"too old\"},"
          "{\"Id\":\"1\"},{\"Id\":\"0\"}],\"Successful\":null}",
          AWS_REFUSED },
        { "{}", AWS_ODD },
        { "", AWS_ODD },
        { "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"}]}", AWS_ODD },
        { "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"},{\"Id\":\"2\"},{\"Id\":\"2\"}]}", AWS_ODD },
        { "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"},{\"Id\":\"3\"}]}", AWS_ODD },
        { "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"},{\"Id\":\"99999999999\"}]}", AWS_ODD },
        { "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"},{}]}", AWS_ODD },
        { "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"},{\"Id\":\"2\"}],\"Failed\":{}}", AWS_ODD },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct fixture f;
        setup(&f);
        fake_aws_answer(f.client, str_of(cases[i].answer));
        assert_int_equal(delete_of(&f, true, true, true), cases[i].result);
        if (cases[i].result == AWS_REFUSED) {
            assert_string_equal(f.error.code, "ReceiptHandleIsInvalid");
            assert_string_equal(f.error.message, "too old");
        }
        teardown(&f);
    }
}

static void forwards_refusals(void **state)
{
    (void)state;
    for (int result = AWS_REFUSED; result <= AWS_TOO_LATE; result++) {
        struct fixture f;
        setup(&f);
        fake_aws_refuse(f.client, result, "QueueDoesNotExist");
        fake_aws_refuse(f.client, result, "QueueDoesNotExist");
        assert_int_equal(receive(&f), result);
        assert_int_equal(delete_of(&f, true, true, true), result);
        assert_string_equal(f.error.code, "QueueDoesNotExist");
        teardown(&f);
    }
}

static void survives_without_memory(void **state)
{
    (void)state;
    for (int call = 0; call < 2; call++) {
        for (long k = 1;; k++) {
            struct fixture f;
            setup(&f);
            fake_aws_answer(f.client, call ? STR("{\"Successful\":[{\"Id\":\"0\"}]}") : STR(TWO));
            mem_fail_at(k, 0);
            int r = call ? delete_of(&f, true, false, false) : receive(&f);
            bool failed = mem_fail_at(0, 0);
            assert_int_equal(r, failed ? -ENOMEM : 0);
            teardown(&f);
            if (!failed)
                break;
        }
    }
}

static void finds_the_region(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { URL, "us-east-1" },
        { "https://sqs.eu-central-1.amazonaws.com/1/q", "eu-central-1" },
        { "HTTPS://SQS.us-gov-west-1.AmazonAWS.com:443/1/q", "us-gov-west-1" },
        { "https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1" },
        { "https://sqs-fips.us-west-2.amazonaws.com/1/q", "us-west-2" },
        { "https://sqs.us-west-2.api.aws/1/q", "us-west-2" },
        { "https://us-west-2.queue.amazonaws.com/1/q", "us-west-2" },
        { "https://vpce-0a1-b2.sqs.us-west-2.vpce.amazonaws.com/1/q", "us-west-2" },
        { "http://sqs.us-west-2.amazonaws.com", "us-west-2" },
        { "https://queue.amazonaws.com/1/q", NULL },
        { "https://sqs.amazonaws.com/1/q", NULL },
        { "https://sqs.us-west-2.example.com/1/q", NULL },
        { "https://sqs.us-west-2.amazonaws.com.evil.example/1/q", NULL },
        { "https://evil.example/sqs.us-west-2.amazonaws.com", NULL },
        { "https://user@evil.example:1/.amazonaws.com", NULL },
        { "ftp://sqs.us-west-2.amazonaws.com/1/q", NULL },
        { "sqs.us-west-2.amazonaws.com/1/q", NULL },
        { "https://", NULL },
        { "", NULL },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct str region = sqs_region_of(cases[i][0]);
        assert_int_equal(str_is_set(region), cases[i][1] != NULL);
        assert_true(str_eq(region, str_of(cases[i][1])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receives),
        cmocka_unit_test(calls_the_host_of_the_queue),
        cmocka_unit_test(refuses_what_is_odd),
        cmocka_unit_test(deletes),
        cmocka_unit_test(tells_what_was_not_deleted),
        cmocka_unit_test(forwards_refusals),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(finds_the_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
