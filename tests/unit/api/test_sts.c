/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "api/sts.h"

static struct arena arena;
static struct sts_request request;
static struct str message;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 65536);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* The form stays in the arena, for the request points into it. */
static int parse(const char *form, size_t n)
{
    return sts_parse((char *)(uintptr_t)arena_dup(&arena, (struct str){ form, n }).p, n, &arena, &request, &message);
}

static int parse_text(const char *form)
{
    return parse(form, strlen(form));
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
        { "Action=GetSessionToken&Version=2011-06-15", STS_INVALID_ACTION },
        { "Action=Get+CallerIdentity&Version=2011-06-15", STS_INVALID_ACTION },
        { "Action=GetCallerIdentity&Action=GetCallerIdentity&Version=2011-06-15", STS_MALFORMED },
        { "Action=Get%4&Version=2011-06-15", STS_MALFORMED },
        { "Action=Get%", STS_MALFORMED },
        { "Action=Get%zz", STS_MALFORMED },
        { "%xx=1", STS_MALFORMED },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_int_equal(parse_text(cases[i].form), cases[i].result);
}

#define ASSUME "Action=AssumeRole&Version=2011-06-15"
#define ROLE "&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Freader"
#define NAME "&RoleSessionName=ci"
#define CONSTRAINT "' failed to satisfy constraint: Member must "

static void knows_assume_role(void **state)
{
    (void)state;
    assert_int_equal(parse_text(ASSUME ROLE NAME), 0);
    assert_int_equal(request.action, STS_ASSUME_ROLE);
    assert_str(request.role_arn, "arn:aws:iam::000000000000:role/reader");
    assert_str(request.session_name, "ci");
    assert_false(str_is_set(request.policy) || str_is_set(request.external_id) || request.duration_s);
    assert_int_equal(
        parse_text(ASSUME ROLE NAME "&DurationSeconds=900&ExternalId=a%3A%2Fb&Policy=%7B%7D&X-Amz-Expires=5"), 0);
    assert_str(request.policy, "{}");
    assert_str(request.external_id, "a:/b");
    assert_int_equal(request.duration_s, 900);
}

static void refuses_what_no_session_can_have(void **state)
{
    (void)state;
    static const struct {
        const char *form, *message;
    } cases[] = {
        { NAME, "Value null at 'roleArn" CONSTRAINT "not be null" },
        { ROLE, "Value null at 'roleSessionName" CONSTRAINT "not be null" },
        { NAME "&RoleArn=x", "Value 'x' at 'roleArn" CONSTRAINT "have length greater than or equal to 20" },
        { ROLE "&RoleSessionName=x",
          "Value 'x' at 'roleSessionName" CONSTRAINT "have length greater than or equal to 2" },
        { ROLE "&RoleSessionName=a+b",
          "Value 'a b' at 'roleSessionName" CONSTRAINT "satisfy regular expression pattern: [\\w+=,.@-]*" },
        { ROLE "&RoleSessionName=a%ffb",
          "Value '...' at 'roleSessionName" CONSTRAINT "satisfy regular expression pattern: [\\w+=,.@-]*" },
        { ROLE NAME "&ExternalId=a%00b", NULL },
        { ROLE NAME "&Policy=", "Value '' at 'policy" CONSTRAINT "have length greater than or equal to 1" },
        { ROLE NAME "&DurationSeconds=", "Value '' at 'durationSeconds" CONSTRAINT "be a number" },
        { ROLE NAME "&DurationSeconds=899",
          "Value '899' at 'durationSeconds" CONSTRAINT "have value greater than or equal to 900" },
        { ROLE NAME "&DurationSeconds=43201",
          "Value '43201' at 'durationSeconds" CONSTRAINT "have value less than or equal to 43200" },
        { ROLE NAME "&PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess",
          "Value 'PolicyArns.member.1.arn' at 'parameters" CONSTRAINT "be one that this server knows" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char form[1024], wanted[1024];
        snprintf(form, sizeof(form), ASSUME "%s", cases[i].form);
        assert_int_equal(parse_text(form), STS_INVALID_INPUT);
        snprintf(wanted, sizeof(wanted), "1 validation error detected: %s", cases[i].message);
        if (cases[i].message)
            assert_string_equal(arena_dup(&arena, message).p, wanted);
    }
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
    const struct principal principal = { .account = STR("123456789012"),
                                         .arn = STR("arn:aws:iam::123456789012:root"),
                                         .id = STR("123456789012") };
    sts_render_identity(&buf, &principal, STR("id-1"));
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

static void renders_a_session(void **state)
{
    (void)state;
    struct buf buf;
    const struct sts_session session = { .role_id = STR("AROAX:ci"),
                                         .arn = STR("arn:aws:sts::123456789012:assumed-role/reader/ci"),
                                         .access_key_id = STR("ASIAX"),
                                         .secret = STR("a+/="),
                                         .token = STR("t<>&\x01"),
                                         .expires_s = 1700000000 };
    buf_init(&buf, 4096);
    sts_render_session(&buf, &session, STR("id-1"));
    assert_str(buf_str(&buf), "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                              "  <AssumeRoleResult>\n"
                              "    <AssumedRoleUser>\n"
                              "      <AssumedRoleId>AROAX:ci</AssumedRoleId>\n"
                              "      <Arn>arn:aws:sts::123456789012:assumed-role/reader/ci</Arn>\n"
                              "    </AssumedRoleUser>\n"
                              "    <Credentials>\n"
                              "      <AccessKeyId>ASIAX</AccessKeyId>\n"
                              "      <SecretAccessKey>a+/=</SecretAccessKey>\n"
                              "      <SessionToken>t&lt;&gt;&amp;?</SessionToken>\n"
                              "      <Expiration>2023-11-14T22:13:20Z</Expiration>\n"
                              "    </Credentials>\n"
                              "  </AssumeRoleResult>\n"
                              "  <ResponseMetadata>\n"
                              "    <RequestId>id-1</RequestId>\n"
                              "  </ResponseMetadata>\n"
                              "</AssumeRoleResponse>\n");
    buf_fini(&buf);
}

static void renders_errors(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    sts_render_error(&buf, STS_INVALID_ACTION, (struct str){ 0 }, STR("id-1"));
    assert_str(buf_str(&buf),
               "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
               "  <Error>\n"
               "    <Type>Sender</Type>\n"
               "    <Code>InvalidAction</Code>\n"
               "    <Message>Only GetCallerIdentity and AssumeRole of version 2011-06-15 exist here.</Message>\n"
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(knows_get_caller_identity),
        TEST(knows_assume_role),
        TEST(refuses_what_no_session_can_have),
        TEST(counts_parameters),
        TEST(renders_the_account),
        TEST(renders_a_session),
        TEST(renders_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
