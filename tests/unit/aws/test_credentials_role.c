/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

#define LATER "2026-01-02T04:04:05Z"
#define ARN "arn:aws:iam::123456789012:role/x"

static const struct credentials_set base = { .access_key_id = (char *)"BASE",
                                             .secret_access_key = (char *)"secret-of-BASE",
                                             .session_token = (char *)"token-of-BASE",
                                             .source = "the base" };

static int assume(struct bed *bed, const struct credentials_role *role, struct credentials_set *ret_set,
                  struct aws_error *ret_error)
{
    const struct credentials_search search = { .environment = &bed->environment, .clock = &bed->clock.clock };
    return credentials_role_assume(&search, "here", role, role->token_path ? NULL : &base, ret_set, ret_error);
}

static void refuse(struct bed *bed, const struct credentials_role *role, const char *text)
{
    struct credentials_set set;
    struct aws_error error;
    assert_int_equal(assume(bed, role, &set, &error), AWS_NO_CREDENTIALS);
    if (!strstr(error.message, text))
        print_error("the message is '%s'\n", error.message);
    assert_non_null(strstr(error.message, text));
    assert_int_equal(strncmp(error.message, "here: ", 6), 0);
    assert_null(strstr(error.message, "secret-of"));
}

static void test_assume(void **state)
{
    struct bed *bed = *state;
    struct credentials_set set;
    struct aws_error error;
    struct credentials_role role = { .arn = STR(ARN) };

    bed_route_sts(bed, "AssumeRole", "R", LATER);
    assert_int_equal(assume(bed, &role, &set, &error), 0);
    assert_string_equal(set.access_key_id, "R");
    assert_string_equal(set.secret_access_key, "secret-of-R");
    assert_string_equal(set.session_token, "token-of-R");
    /* By our clock, which is not STS's; a Date has whole seconds. */
    assert_true(llabs(set.expires_ms - (BED_NOW_MS + 3600 * 1000)) <= 3000);
    assert_true(bed_saw(bed, "Credential=BASE/"));
    assert_true(bed_saw(bed,
                        "\nAction=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx"
                        "&RoleSessionName=cloudmap-1767323045\n"));
    credentials_set_fini(&set);
    role.session_name = STR("me@here");
    role.external_id = STR("a&b");
    role.duration_seconds = STR("900");
    assert_int_equal(assume(bed, &role, &set, &error), 0);
    assert_true(bed_saw(bed, "&RoleSessionName=me%40here&ExternalId=a%26b&DurationSeconds=900\n"));
    credentials_set_fini(&set);
}

static void test_web_identity(void **state)
{
    struct bed *bed = *state;
    struct credentials_set set;
    struct aws_error error;
    char path[256];
    struct credentials_role role = { .arn = STR(ARN), .token_path = path };

    snprintf(path, sizeof(path), "%s/token", bed->dir);
    refuse(bed, &role, "/token cannot be read: No such file");
    bed_write(bed, "token", " \n");
    refuse(bed, &role, "/token is empty");
    bed_write(bed, "token", "one.two\n");
    bed_route_sts(bed, "AssumeRoleWithWebIdentity", "W", LATER);
    assert_int_equal(assume(bed, &role, &set, &error), 0);
    assert_string_equal(set.access_key_id, "W");
    credentials_set_fini(&set);
    assert_true(bed_saw(bed, "&WebIdentityToken=one.two\n"));
    assert_true(bed_saw(bed, "Action=AssumeRoleWithWebIdentity&"));
    bed_clear_log(bed);
    bed_route_sts(bed, "AssumeRole", "W", LATER); /* the answer of another action */
    refuse(bed, &role, "another root");
    assert_false(bed_saw(bed, "Credential="));
}

static void test_refusals(void **state)
{
    struct bed *bed = *state;
    struct credentials_set set;
    struct aws_error error;
    struct credentials_role role = { .arn = STR(ARN) };

    bed_route(bed, "POST", "/", 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
    refuse(bed, &role,
           "STS did not give " ARN " to the credentials of the base: STS AssumeRole in us-east-1: AccessDenied");
    assert_int_equal(assume(bed, &role, &set, &error), AWS_NO_CREDENTIALS);
    assert_int_equal(error.status, 403);
    assert_string_equal(error.code, "AccessDenied");
    bed_set(bed, "AWS_REGION", NULL);
    refuse(bed, &role, "region");
    bed_set(bed, "AWS_REGION", "us-east-1");
    role.duration_seconds = STR("1h");
    refuse(bed, &role, "duration_seconds");
    role.duration_seconds = STR("99999999");
    refuse(bed, &role, "duration_seconds");
}

static void test_odd_answers(void **state)
{
#define OPEN "<AssumeRoleResponse><AssumeRoleResult><Credentials>"
#define CLOSE "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define KEYS "<AccessKeyId>A</AccessKeyId><SecretAccessKey>secret-of-A</SecretAccessKey>"
#define TOKEN "<SessionToken>t</SessionToken>"
#define END "<Expiration>" LATER "</Expiration>"
    static const char *const odd[] = {
        "",
        "secret-of-A",
        OPEN KEYS TOKEN END,
        OPEN KEYS TOKEN CLOSE,
        OPEN TOKEN END CLOSE,
        OPEN KEYS TOKEN "<Expiration>soon</Expiration>" CLOSE,
        OPEN KEYS KEYS TOKEN END CLOSE,
        OPEN KEYS TOKEN END CLOSE "<more/>",
        "<!DOCTYPE x [<!ENTITY e \"secret-of-A\">]>" OPEN KEYS TOKEN END CLOSE,
        "<AssumeRoleResponse><Credentials>" KEYS TOKEN END "</Credentials></AssumeRoleResponse>",
        OPEN "<AccessKeyId>A&#10;B</AccessKeyId><SecretAccessKey>secret-of-A</SecretAccessKey>" TOKEN END CLOSE,
    };
    struct bed *bed = *state;
    struct credentials_set set;
    struct aws_error error;
    struct credentials_role role = { .arn = STR(ARN) };

    for (size_t i = 0; i < TEST_COUNT(odd); i++) {
        bed_route(bed, "POST", "/", 200, odd[i]);
        refuse(bed, &role, "");
    }
    bed_route(bed, "POST", "/", 200, OPEN KEYS TOKEN END CLOSE);
    assert_int_equal(assume(bed, &role, &set, &error), 0);
    credentials_set_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_assume, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_web_identity, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_refusals, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_odd_answers, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
