/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "aws/sts_client.h"
#include "base/mem.h"
#include "fake_aws.h"

#include <errno.h>

#define ANSWER(result)                                                                                                \
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>" result \
    "</GetCallerIdentityResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"                       \
    "</GetCallerIdentityResponse>"
#define GOOD \
    ANSWER("<Arn>arn:aws:sts::111122223333:assumed-role/r/s</Arn><UserId>A:s</UserId><Account>111122223333</Account>")

static int ask(struct str answer, struct arena *arena, struct sts_client_identity *ret_identity)
{
    struct aws_client *client = fake_aws_new();
    struct aws_error error = { 0 };
    fake_aws_answer(client, answer);
    int r = sts_client_get_identity(client, arena, ret_identity, &error);
    bool failed = mem_fail_at(0, 0);
    if (!failed) {
        assert_int_equal(client->n_calls, 1);
        assert_string_equal(client->calls[0].action, "GetCallerIdentity");
        assert_str(client->calls[0].body, "Action=GetCallerIdentity&Version=2011-06-15");
        assert_true(r == 0 || error.message[0]);
    } else {
        assert_int_equal(r, -ENOMEM);
    }
    fake_aws_free(client);
    return r;
}

static int ask_once(struct str answer)
{
    struct arena arena;
    struct sts_client_identity identity;
    arena_init(&arena, 1 << 16);
    int r = ask(answer, &arena, &identity);
    arena_fini(&arena);
    return r;
}

static void reads_the_identity(void **state)
{
    (void)state;
    struct arena arena;
    struct sts_client_identity identity;
    arena_init(&arena, 1 << 16);
    assert_int_equal(ask(STR(GOOD "\n"), &arena, &identity), 0);
    assert_str(identity.account, "111122223333");
    assert_str(identity.arn, "arn:aws:sts::111122223333:assumed-role/r/s");
    arena_fini(&arena);
}

static void refuses_what_is_odd(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{}",
        ANSWER(""),
        ANSWER("<Arn>a</Arn>"),
        ANSWER("<Account>1</Account>"),
        ANSWER("<Arn/><Account>1</Account>"),
        ANSWER("<Arn>a</Arn><Account/>"),
        ANSWER("<Arn>a</Arn><Account>1 </Account>"),
        ANSWER("<Arn>a</Arn><Account>1</Account><Account>2</Account>"),
        ANSWER("<Arn>a</Arn><x><Account>1</Account></x>"),
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><Account>1</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>",
        GOOD GOOD,
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_int_equal(ask_once(str_of(cases[i])), AWS_ODD);
    for (size_t n = 0; n < strlen(GOOD); n++)
        assert_int_equal(ask_once((struct str){ GOOD, n }), AWS_ODD);
}

static void forwards_refusals(void **state)
{
    (void)state;
    struct aws_client *client = fake_aws_new();
    struct arena arena;
    struct aws_error error;
    struct sts_client_identity identity;
    arena_init(&arena, 1 << 16);
    fake_aws_refuse(client, AWS_REFUSED, "ExpiredToken");
    assert_int_equal(sts_client_get_identity(client, &arena, &identity, &error), AWS_REFUSED);
    assert_string_equal(error.code, "ExpiredToken");
    arena_fini(&arena);
    fake_aws_free(client);
}

static void survives_without_memory(void **state)
{
    (void)state;
    int r;
    long k = 1;
    do {
        mem_fail_at(k++, 0);
        r = ask_once(STR(GOOD));
    } while (r == -ENOMEM);
    assert_int_equal(r, 0);
    assert_true(k > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_identity),
        cmocka_unit_test(refuses_what_is_odd),
        cmocka_unit_test(forwards_refusals),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
