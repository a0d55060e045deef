/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include "base/mem.h"

#include <errno.h>

static int read_json(const char *json, bool has_version, struct credentials_set *ret_set, struct aws_error *ret_error)
{
    char *text = mem_dup_cstr(json);
    int r = credentials_set_read_json(ret_set, "here", "Token", has_version, text, strlen(json), ret_error);
    mem_free(text);
    return r;
}

static void test_fill(void **state)
{
    struct credentials_set set;
    struct aws_error error;
    (void)state;
    assert_int_equal(credentials_set_fill(&set, "here", STR("AKID"), STR("s+/="), STR("t"), &error), 0);
    assert_string_equal(set.access_key_id, "AKID");
    assert_string_equal(set.secret_access_key, "s+/=");
    assert_string_equal(set.session_token, "t");
    assert_string_equal(set.source, "here");
    credentials_set_fini(&set);
    assert_null(set.secret_access_key);
    assert_int_equal(credentials_set_fill(&set, "here", STR("AKID"), STR("s"), (struct str){ 0 }, &error), 0);
    assert_null(set.session_token);
    credentials_set_fini(&set);
    for (long k = 1; k <= 3; k++) {
        mem_fail_at(k, false);
        assert_int_equal(credentials_set_fill(&set, "here", STR("AKID"), STR("s"), STR("t"), &error), -ENOMEM);
    }
}

/* Nothing that could end a header's line, or the header. */
static void test_unfit(void **state)
{
    static const struct {
        struct str id, secret, token;
        const char *text;
    } cases[] = {
        { STR(""), STR("hush"), STR(""), "the access key id" },
        { STR("A B"), STR("hush"), STR(""), "the access key id" },
        { STR("A\nB"), STR("hush"), STR(""), "the access key id" },
        { STR("A"), STR(""), STR(""), "the secret access key" },
        { STR("A"), STR("hush\r\n"), STR(""), "the secret access key" },
        { STR("A"), STR("hu\0sh"), STR(""), "the secret access key" },
        { STR("A"), STR("hush\xc3\xa9"), STR(""), "the secret access key" },
        { STR("A"), STR("hush"), STR("hush\nX: y"), "the session token" },
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct credentials_set set;
        struct aws_error error;
        assert_int_equal(credentials_set_fill(&set, "here", cases[i].id, cases[i].secret, cases[i].token, &error),
                         AWS_NO_CREDENTIALS);
        assert_non_null(strstr(error.message, cases[i].text));
        assert_null(strstr(error.message, "hush"));
    }
}

static void test_documents(void **state)
{
    struct credentials_set set;
    struct aws_error error;
    (void)state;
    assert_int_equal(read_json(" {\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":"
                               "\"s\\/x\",\"Token\":\"t\",\"Expiration\":\"2026-01-02T03:04:05Z\",\"X\":[{}]} ",
                               false, &set, &error),
                     0);
    assert_string_equal(set.access_key_id, "A");
    assert_string_equal(set.secret_access_key, "s/x");
    assert_string_equal(set.session_token, "t");
    assert_int_equal(set.expires_ms, BED_NOW_MS);
    credentials_set_fini(&set);
    assert_int_equal(read_json("{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":null,"
                               "\"Expiration\":null}",
                               true, &set, &error),
                     0);
    assert_null(set.session_token);
    assert_int_equal(set.expires_ms, 0);
    credentials_set_fini(&set);
}

static void test_documents_that_are_none(void **state)
{
    static const struct {
        const char *json, *text;
        bool has_version;
    } cases[] = {
        { "", "not the expected JSON", false },
        { "hush", "not the expected JSON", false },
        { "[]", "not the expected JSON", false },
        { "{}", "access key id is empty", false },
        { "{\"AccessKeyId\":\"A\"}", "secret access key is empty", false },
        { "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":1}", "not the expected JSON", false },
        { "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"", "not the expected JSON", false },
        { "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}x", "not the expected JSON", false },
        { "{\"AccessKeyId\":\"A\",\"AccessKeyId\":\"B\",\"SecretAccessKey\":\"hush\"}", "not the expected", false },
        { "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\\n\"}", "secret access key is empty, too long", false },
        { "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\",\"Expiration\":\"soon\"}", "Expiration", false },
        { "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}", "Version is not 1", true },
        { "{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}", "Version is not 1", true },
        { "{\"Code\":\"Assume\\u000aRole\",\"Message\":\"not\\u0007 trusted\"}", "Assume?Role (not? trusted)", false },
        { "{\"Code\":\"Failed\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}", "but Failed", false },
        { "{\"code\":\"AccessDenied\",\"message\":\"no association\"}", "AccessDenied (no association)", false },
        { "{\"message\":\"no\"}", "an error (no)", false },
    };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct credentials_set set;
        struct aws_error error;
        assert_int_equal(read_json(cases[i].json, cases[i].has_version, &set, &error), AWS_NO_CREDENTIALS);
        if (!strstr(error.message, cases[i].text))
            print_error("the message is '%s'\n", error.message);
        assert_non_null(strstr(error.message, cases[i].text));
        assert_int_equal(strncmp(error.message, "here: ", 6), 0);
        assert_null(strstr(error.message, "hush"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_fill), cmocka_unit_test(test_unfit),
                                        cmocka_unit_test(test_documents),
                                        cmocka_unit_test(test_documents_that_are_none) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
