/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "api/sts.h"

static int parse(const char *form, size_t n)
{
    char text[4096];
    assert_true(n <= sizeof(text));
    memcpy(text, form, n);
    return sts_parse(text, n);
}

static void knows_get_caller_identity(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        int result;
    } cases[] = {
        { "Action=GetCallerIdentity&Version=2011-06-15", 0 },
        { "Version=2011-06-15&Action=GetCallerIdentity", 0 },
        { "Action=%47etCaller%49dentity&Version=2011%2d06%2D15&", 0 },
        { "&&Foo&=&Action=GetCallerIdentity&Version=2011-06-15&Bar=%00", 0 },
        { "", STS_MISSING_ACTION },
        { "Version=2011-06-15", STS_MISSING_ACTION },
        { "action=GetCallerIdentity&Version=2011-06-15", STS_MISSING_ACTION },
        { "Action=&Version=2011-06-15", STS_INVALID_ACTION },
        { "Action&Version=2011-06-15", STS_INVALID_ACTION },
        { "Action=GetCallerIdentity", STS_INVALID_ACTION },
        { "Action=GetCallerIdentity&Version=2012-06-15", STS_INVALID_ACTION },
        { "Action=AssumeRole&Version=2011-06-15", STS_INVALID_ACTION },
        { "Action=Get+CallerIdentity&Version=2011-06-15", STS_INVALID_ACTION },
        { "Action=GetCallerIdentity&Action=GetCallerIdentity&Version=2011-06-15", STS_MALFORMED },
        { "Action=Get%4&Version=2011-06-15", STS_MALFORMED },
        { "Action=Get%", STS_MALFORMED },
        { "Action=Get%zz", STS_MALFORMED },
        { "%xx=1", STS_MALFORMED },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_int_equal(parse(cases[i].form, strlen(cases[i].form)), cases[i].result);
}

static void counts_parameters(void **state)
{
    (void)state;
    struct buf form;
    buf_init(&form, 4096);
    buf_printf(&form, "Action=GetCallerIdentity&Version=2011-06-15");
    for (int i = 2; i < STS_MAX_PARAMETERS; i++)
        buf_printf(&form, "&a=b");
    assert_int_equal(parse(form.p, form.n), 0);
    buf_printf(&form, "&a=b");
    assert_int_equal(parse(form.p, form.n), STS_MALFORMED);
    buf_fini(&form);
}

static void renders_the_account(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    sts_render_identity(&buf, STR("123456789012"), STR("id-1"));
    assert_str(buf_str(&buf), "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                              "  <GetCallerIdentityResult>\n"
                              "    <Arn>arn:aws:iam::123456789012:root</Arn>\n"
                              "    <UserId>123456789012</UserId>\n"
                              "    <Account>123456789012</Account>\n"
                              "  </GetCallerIdentityResult>\n"
                              "  <ResponseMetadata>\n"
                              "    <RequestId>id-1</RequestId>\n"
                              "  </ResponseMetadata>\n"
                              "</GetCallerIdentityResponse>\n");
    buf_fini(&buf);
}

static void renders_errors(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    sts_render_error(&buf, STS_INVALID_ACTION, STR("id-1"));
    assert_str(buf_str(&buf), "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                              "  <Error>\n"
                              "    <Type>Sender</Type>\n"
                              "    <Code>InvalidAction</Code>\n"
                              "    <Message>Only GetCallerIdentity of version 2011-06-15 exists here.</Message>\n"
                              "  </Error>\n"
                              "  <RequestId>id-1</RequestId>\n"
                              "</ErrorResponse>\n");
    assert_int_equal(sts_status(STS_MALFORMED), 400);
    assert_int_equal(sts_status(STS_MISSING_ACTION), 400);
    assert_int_equal(sts_status(STS_INVALID_ACTION), 400);
    assert_int_equal(sts_status(STS_INTERNAL), 500);
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_get_caller_identity),
        cmocka_unit_test(counts_parameters),
        cmocka_unit_test(renders_the_account),
        cmocka_unit_test(renders_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
