/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#define LATER "2026-01-02T04:04:05Z"
#define KEYS(id) "aws_access_key_id = " id "\naws_secret_access_key = secret-of-" id "\n"
#define PROCESS(id)                                                                                                   \
    "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"secret-of-" id "\"}'" \
    "\n"
#define ROLE "role_arn = arn:aws:iam::1:role/x\n"

static void config(struct bed *bed, const char *text)
{
    bed_write(bed, ".aws/config", text);
}

static void credentials(struct bed *bed, const char *text)
{
    bed_write(bed, ".aws/credentials", text);
}

static void test_keys(void **state)
{
    struct bed *bed = *state;

    credentials(bed, "[default]\n" KEYS("F") "[x]\n" KEYS("X") "aws_session_token = t\n");
    bed_expect_once(bed, "F", "profile default, credentials file");
    config(bed, "[default]\n" KEYS("G"));
    bed_expect_once(bed, "F", "profile default, credentials file");
    bed_set(bed, "AWS_PROFILE", "x");
    bed_expect_once(bed, "X", "profile x, credentials file");
    bed_set(bed, "AWS_PROFILE", NULL);
    bed_unlink(bed, ".aws/credentials");
    bed_expect_once(bed, "G", "profile default, config file");
    config(bed, "[default]\naws_access_key_id = G\n");
    bed_refuse_once(bed, "profile default: the config file", "without an aws_secret_access_key");
    config(bed, "[default]\naws_secret_access_key = secret-of-G\n");
    credentials(bed, "[default]\naws_access_key_id = G\n"); /* halves of two files are no pair */
    bed_refuse_once(bed, "profile default: the credentials file", "without an aws_secret_access_key");
}

/* Of several kinds in one profile the first in order counts. */
static void test_order(void **state)
{
    struct bed *bed = *state;

    bed_write(bed, "token", "t");
    bed_route_sts(bed, "AssumeRoleWithWebIdentity", "W", LATER);
    config(bed, "[default]\n" KEYS("G") PROCESS("P"));
    bed_expect_once(bed, "P", "profile default, credential_process");
    credentials(bed, "[default]\n" KEYS("F"));
    bed_expect_once(bed, "F", "profile default, credentials file");
    config(bed, "[default]\nsso_account_id = 1\nsso_role_name = x\n" KEYS("G") PROCESS("P"));
    bed_refuse_once(bed, "profile default", "SSO");
    bed_set_path(bed, "AWS_WEB_IDENTITY_TOKEN_FILE", "token");
    bed_set(bed, "AWS_ROLE_ARN", "arn:aws:iam::1:role/w");
    bed_expect_once(bed, "W", "web identity of the environment");
    config(bed, "[default]\n" ROLE "source_profile = default\n");
    bed_route_sts(bed, "AssumeRole", "R", LATER);
    bed_expect_once(bed, "R", "profile default, role");
    bed_unlink(bed, ".aws/credentials");
    config(bed, "[default]\nlogin_session = x\n" PROCESS("P"));
    bed_set(bed, "AWS_WEB_IDENTITY_TOKEN_FILE", NULL);
    bed_refuse_once(bed, "profile default", "console login");
}

static void test_source_profiles(void **state)
{
    struct bed *bed = *state;

    bed_route_sts(bed, "AssumeRole", "R", LATER);
    config(bed, "[default]\n" ROLE "source_profile = a\nexternal_id = e&f\nrole_session_name = s\n"
                "duration_seconds = 1000\n[profile a]\n" PROCESS("P"));
    bed_expect_once(bed, "R", "profile default, role");
    assert_true(bed_saw(bed, "Credential=P/"));
    assert_true(bed_saw(bed, "&RoleSessionName=s&ExternalId=e%26f&DurationSeconds=1000\n"));
    /* Roles one behind the other, down to the keys. */
    bed_clear_log(bed);
    config(bed, "[default]\n" ROLE "source_profile = a\n[profile a]\nrole_arn = y\nsource_profile = b\n"
                "[profile b]\nrole_arn = z\nsource_profile = c\n[profile c]\n" KEYS("C"));
    bed_expect_once(bed, "R", "profile default, role");
    assert_int_equal(bed_count(bed), 3);
    assert_true(bed_saw(bed, "Credential=C/"));
    assert_true(bed_saw(bed, "Credential=R/"));
    assert_true(bed_saw(bed, "&RoleArn=z&"));
    /* The keys of a source come before its role. */
    bed_clear_log(bed);
    config(bed, "[default]\n" ROLE "source_profile = a\n[profile a]\nrole_arn = y\nsource_profile = a\n" KEYS("A"));
    bed_expect_once(bed, "R", "profile default, role");
    assert_int_equal(bed_count(bed), 1);
    assert_true(bed_saw(bed, "Credential=A/"));
    /* A profile's own keys are its source when it names itself. */
    bed_clear_log(bed);
    config(bed, "[default]\n" ROLE "source_profile = default\n" KEYS("D"));
    bed_expect_once(bed, "R", "profile default, role");
    assert_int_equal(bed_count(bed), 1);
    assert_true(bed_saw(bed, "Credential=D/"));
}

static void test_roles_that_cannot_be(void **state)
{
    static const struct {
        const char *config, *text, *other;
    } cases[] = {
        { ROLE, "profile default", "neither source_profile nor credential_source" },
        { ROLE "source_profile = a\ncredential_source = Environment\n", "profile default", "both" },
        { ROLE "source_profile = none\n", "profile default", "does not exist" },
        { ROLE "source_profile = default\n", "profile default", "leads back" },
        { ROLE "source_profile = a\n[profile a]\n" ROLE "source_profile = default\n", "profile a", "leads back" },
        { ROLE "source_profile = a\n[profile a]\n" ROLE "source_profile = b\n[profile b]\n" ROLE "source_profile = a\n",
          "profile b", "leads back" },
        { ROLE "source_profile = a\n[profile a]\nregion = x\n", "profile a", "must have credentials" },
        { ROLE "source_profile = a\n[profile a]\naws_access_key_id = A\n", "profile a", "without an aws_secret" },
        { ROLE "source_profile = a\nmfa_serial = m\n[profile a]\n" KEYS("A"), "profile default", "MFA" },
        { ROLE "source_profile = a\nduration_seconds = x\n[profile a]\n" KEYS("A"), "profile default", "duration" },
        { ROLE "credential_source = Nonsense\n", "profile default", "none of Environment" },
        { ROLE "credential_source = Environment\n", "profile default", "Environment has no credentials" },
        { ROLE "credential_source = EcsContainer\n", "profile default", "EcsContainer has no credentials" },
        { ROLE "credential_source = Ec2InstanceMetadata\n", "no credentials: instance metadata", "DISABLED is set" },
        { ROLE "web_identity_token_file = /none\n", "profile default, web identity", "No such file" },
        { "web_identity_token_file = /none\n", "profile default, web identity", "no role" },
    };
    struct bed *bed = *state;
    char text[2048];

    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        snprintf(text, sizeof(text), "[default]\n%s", cases[i].config);
        config(bed, text);
        bed_refuse_once(bed, cases[i].text, cases[i].other);
    }
    assert_int_equal(bed_count(bed), 0);
    size_t n = (size_t)snprintf(text, sizeof(text), "[default]\n" ROLE "source_profile = p0\n");
    for (unsigned i = 0; i < 20; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "[profile p%u]\n" ROLE "source_profile = p%u\n", i, i + 1);
    config(bed, text);
    bed_refuse_once(bed, "profile p14", "too many");
}

static void test_named_sources(void **state)
{
    struct bed *bed = *state;

    bed_route_sts(bed, "AssumeRole", "R", LATER);
    config(bed, "[default]\n" ROLE "credential_source = Ec2InstanceMetadata\n");
    bed_route_metadata(bed, "{\"AccessKeyId\":\"M\",\"SecretAccessKey\":\"secret-of-M\",\"Token\":\"t\"}");
    bed_expect_once(bed, "R", "profile default, role");
    assert_true(bed_saw(bed, "Credential=M/"));
    config(bed, "[default]\n" ROLE "credential_source = EcsContainer\n");
    bed_set_url(bed, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "/creds");
    bed_route(bed, "GET", "/creds", 200, "{\"AccessKeyId\":\"E\",\"SecretAccessKey\":\"secret-of-E\"}");
    bed_expect_once(bed, "R", "profile default, role");
    assert_true(bed_saw(bed, "Credential=E/"));
}

static void test_web_identity(void **state)
{
    struct bed *bed = *state;
    char text[512];

    bed_route_sts(bed, "AssumeRoleWithWebIdentity", "W", LATER);
    bed_write(bed, "token", "t");
    snprintf(text, sizeof(text), "[default]\n" ROLE "web_identity_token_file = %s/token\nrole_session_name = s\n",
             bed->dir);
    config(bed, text);
    bed_expect_once(bed, "W", "profile default, web identity");
    assert_true(bed_saw(bed, "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx&RoleSessionName=s&WebIdentityToken=t"));
    /* The environment's role, session and file come first, each for itself. */
    bed_clear_log(bed);
    bed_set(bed, "AWS_ROLE_ARN", "env-role");
    bed_set(bed, "AWS_ROLE_SESSION_NAME", "env-session");
    bed_expect_once(bed, "W", "profile default, web identity");
    assert_true(bed_saw(bed, "RoleArn=env-role&RoleSessionName=env-session&WebIdentityToken=t"));
    /* A source profile does not look into the environment. */
    bed_clear_log(bed);
    snprintf(text, sizeof(text),
             "[default]\n" ROLE
             "source_profile = a\n[profile a]\nrole_arn = a-role\nweb_identity_token_file = %s/token\n",
             bed->dir);
    config(bed, text);
    bed_refuse_once(bed, "", "another root"); /* the second call gets the answer of the first */
    assert_true(bed_saw(bed, "RoleArn=a-role&RoleSessionName=cloudmap-"));
    assert_true(bed_saw(bed, "Credential=W/"));
    bed_unlink(bed, ".aws/config");
    bed_set(bed, "AWS_ROLE_ARN", NULL);
    bed_set_path(bed, "AWS_WEB_IDENTITY_TOKEN_FILE", "token");
    bed_refuse_once(bed, "web identity of the environment", "set AWS_ROLE_ARN");
}

static void test_profiles_that_are_not_there(void **state)
{
    struct bed *bed = *state;

    bed_set(bed, "AWS_PROFILE", "gone");
    bed_refuse_once(bed, "profile gone", "neither of the shared files");
    bed_set(bed, "AWS_PROFILE", NULL);
    bed_refuse_once(bed, "No AWS credentials", "the profile default");
    config(bed, "[default\n");
    bed_refuse_once(bed, "/.aws/config, line 1", "section");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_order, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_source_profiles, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_roles_that_cannot_be, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_named_sources, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_web_identity, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_profiles_that_are_not_there, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
