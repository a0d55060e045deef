/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include "base/mem.h"

#include <errno.h>

#define MINUTE_MS (60 * 1000)
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"

static void set_keys(struct bed *bed, const char *id)
{
    char secret[64];
    snprintf(secret, sizeof(secret), "secret-of-%s", id);
    bed_set(bed, "AWS_ACCESS_KEY_ID", id);
    bed_set(bed, "AWS_SECRET_ACCESS_KEY", secret);
}

/* A document of a container or of metadata; `minutes` until its end. */
static char *document(const char *id, int minutes, char ret_text[512])
{
    int total = 3 * 60 + 4 + minutes; /* BED_NOW_MS is four minutes past three */
    snprintf(ret_text, 512,
             "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"secret-of-%s\",\"Token\":\"t\",\"Expiration\":"
             "\"2026-01-02T%02d:%02d:05Z\"}",
             id, id, total / 60, total % 60);
    return ret_text;
}

static char *place(struct bed *bed, char ret_text[128])
{
    snprintf(ret_text, 128, "container endpoint http://127.0.0.1:%u", bed->port);
    return ret_text;
}

static void test_environment(void **state)
{
    struct bed *bed = *state;
    struct credentials_chain *chain = bed_chain(bed, NULL);
    struct credentials found;
    struct aws_error error;

    set_keys(bed, "E");
    bed_set(bed, "AWS_SECURITY_TOKEN", "old");
    bed_write(bed, ".aws/config", "damaged"); /* not looked at */
    bed_set(bed, "AWS_PROFILE", "gone");
    bed_expect(bed, chain, "E", "environment");
    assert_int_equal(credentials_chain_get(chain, &found, &error), 0);
    assert_str(found.session_token, "old");
    assert_int_equal(found.expires_ms, 0);
    bed_set(bed, "AWS_SESSION_TOKEN", "new");
    set_keys(bed, "F");
    bed_expect(bed, chain, "E", "environment"); /* until it is told to forget */
    credentials_chain_forget(chain);
    bed_expect(bed, chain, "F", "environment");
    assert_int_equal(credentials_chain_get(chain, &found, &error), 0);
    assert_str(found.session_token, "new");
    credentials_chain_free(chain);
    bed_set(bed, "AWS_SESSION_TOKEN", "secret-of-F\nX: y");
    bed_refuse_once(bed, "environment", "the session token");
    bed_set(bed, "AWS_SESSION_TOKEN", NULL);
    bed_set(bed, "AWS_CREDENTIAL_EXPIRATION", "soon");
    bed_refuse_once(bed, "environment", "AWS_CREDENTIAL_EXPIRATION");
    bed_set(bed, "AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z");
    bed_refuse_once(bed, "environment", "have expired");
    bed_set(bed, "AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:06Z");
    bed_expect_once(bed, "F", "environment");
    bed_set(bed, "AWS_SECRET_ACCESS_KEY", "");
    bed_refuse_once(bed, "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not", "environment");
    bed_set(bed, "AWS_ACCESS_KEY_ID", NULL); /* a secret alone says nothing */
    bed_set(bed, "AWS_PROFILE", NULL);
    bed_unlink(bed, ".aws/config");
    bed_refuse_once(bed, "No AWS credentials", "Set one of these");
}

static void test_order(void **state)
{
    struct bed *bed = *state;
    char text[512], at[128];

    bed_route_metadata(bed, document("M", 360, text));
    bed_expect_once(bed, "M", "instance metadata, role role-x");
    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, document("C", 360, text));
    bed_expect_once(bed, "C", place(bed, at));
    bed_write(bed, ".aws/config", "[default]\naws_access_key_id = G\naws_secret_access_key = secret-of-G\n");
    bed_expect_once(bed, "G", "profile default, config file");
    set_keys(bed, "E");
    bed_expect_once(bed, "E", "environment");
}

/* From 15 minutes before the end a failure is forgiven, from 10 it is an error; a set that holds is not asked for. */
static void test_refresh(void **state)
{
    struct bed *bed = *state;
    struct credentials_chain *chain = bed_chain(bed, NULL);
    char text[512], at[128];

    place(bed, at);
    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, document("A", 60, text));
    bed_expect(bed, chain, "A", at);
    bed_route(bed, "GET", "/creds", 200, document("B", 120, text));
    clock_manual_advance(&bed->clock, 45 * MINUTE_MS - 1);
    bed_expect(bed, chain, "A", at);
    assert_int_equal(bed_count(bed), 1);
    clock_manual_advance(&bed->clock, 1);
    bed_expect(bed, chain, "B", at);
    assert_int_equal(bed_count(bed), 2);
    /* B ends at 120. Failures: forgiven at 105, not tried again within a minute, an error at 110. */
    bed_route(bed, "GET", "/creds", 404, "");
    clock_manual_advance(&bed->clock, 60 * MINUTE_MS);
    bed_expect(bed, chain, "B", at);
    assert_int_equal(bed_count(bed), 3);
    bed_expect(bed, chain, "B", at);
    assert_int_equal(bed_count(bed), 3);
    clock_manual_advance(&bed->clock, MINUTE_MS);
    bed_expect(bed, chain, "B", at);
    assert_int_equal(bed_count(bed), 4);
    clock_manual_advance(&bed->clock, 4 * MINUTE_MS);
    bed_refuse(bed, chain, at, "status 404");
    bed_refuse(bed, chain, at, "status 404");
    assert_int_equal(bed_count(bed), 6);
    bed_route(bed, "GET", "/creds", 200, document("C", 240, text));
    bed_expect(bed, chain, "C", at);
    credentials_chain_free(chain);
}

/* A source that gives sets about to expire is asked once a minute, not at each call. */
static void test_short_lived(void **state)
{
    struct bed *bed = *state;
    struct credentials_chain *chain = bed_chain(bed, NULL);
    char text[512], at[128];

    place(bed, at);
    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, document("A", 2, text));
    bed_expect(bed, chain, "A", at);
    bed_expect(bed, chain, "A", at);
    assert_int_equal(bed_count(bed), 1);
    clock_manual_advance(&bed->clock, MINUTE_MS);
    bed_expect(bed, chain, "A", at);
    assert_int_equal(bed_count(bed), 2);
    clock_manual_advance(&bed->clock, MINUTE_MS);
    bed_refuse(bed, chain, at, "have expired");
    credentials_chain_free(chain);
}

static void test_forget(void **state)
{
    struct bed *bed = *state;
    struct credentials_chain *chain = bed_chain(bed, NULL);
    char text[512], at[128];

    place(bed, at);
    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, document("A", 600, text));
    bed_expect(bed, chain, "A", at);
    bed_route(bed, "GET", "/creds", 404, "");
    credentials_chain_forget(chain);
    bed_refuse(bed, chain, at, "status 404");
    bed_refuse(bed, chain, at, "status 404");
    bed_route(bed, "GET", "/creds", 200, document("B", 600, text));
    bed_expect(bed, chain, "B", at);
    bed_expect(bed, chain, "B", at);
    assert_int_equal(bed_count(bed), 4);
    credentials_chain_free(chain);
}

/* What instance metadata gave is used beyond its end while nothing fresh comes. */
static void test_static_stability(void **state)
{
    struct bed *bed = *state;
    struct credentials_chain *chain = bed_chain(bed, NULL);
    struct credentials found;
    struct aws_error error;
    char text[512];
    const char *source = "instance metadata, role role-x";

    bed_route_metadata(bed, document("M", -30, text));
    bed_expect(bed, chain, "M", source);
    assert_int_equal(bed_count(bed), 3);
    assert_int_equal(credentials_chain_get(chain, &found, &error), 0);
    assert_true(found.expires_ms >= BED_NOW_MS + 17 * MINUTE_MS && found.expires_ms <= BED_NOW_MS + 25 * MINUTE_MS);
    clock_manual_advance(&bed->clock, 2 * MINUTE_MS - 1);
    bed_expect(bed, chain, "M", source);
    assert_int_equal(bed_count(bed), 3);
    clock_manual_advance(&bed->clock, 8 * MINUTE_MS + 1);
    bed_expect(bed, chain, "M", source);
    assert_int_equal(bed_count(bed), 6);
    /* The same when nothing answers at all. */
    bed_route(bed, "PUT", "/latest/api/token", 404, "");
    for (unsigned i = 0; i < 10; i++) {
        clock_manual_advance(&bed->clock, 10 * MINUTE_MS);
        bed_expect(bed, chain, "M", source);
    }
    assert_int_equal(bed_count(bed), 16);
    credentials_chain_forget(chain); /* AWS does not take them any more */
    bed_refuse(bed, chain, "No AWS credentials", "status 404");
    credentials_chain_free(chain);
}

static void test_role_on_top(void **state)
{
    struct bed *bed = *state;
    struct credentials_chain *chain = bed_chain(bed, "arn:aws:iam::1:role/top");

    set_keys(bed, "E");
    bed_route_sts(bed, "AssumeRole", "R", "2026-01-02T04:04:05Z");
    bed_expect(bed, chain, "R", "role over environment");
    bed_expect(bed, chain, "R", "role over environment");
    assert_int_equal(bed_count(bed), 1);
    assert_true(bed_saw(bed, "Credential=E/"));
    assert_true(bed_saw(bed, "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Ftop&"));
    set_keys(bed, "F"); /* its source is asked anew, too */
    bed_route_sts(bed, "AssumeRole", "S", "2026-01-02T05:04:05Z");
    clock_manual_advance(&bed->clock, 50 * MINUTE_MS);
    bed_expect(bed, chain, "S", "role over environment");
    assert_true(bed_saw(bed, "Credential=F/"));
    bed_route(bed, "POST", "/", 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
    credentials_chain_forget(chain);
    bed_refuse(bed, chain, "assumed role: STS did not give arn:aws:iam::1:role/top to the credentials of environment",
               "AccessDenied");
    credentials_chain_free(chain);
}

static void test_clock_set_back(void **state)
{
    struct bed *bed = *state;
    struct credentials_chain *chain = bed_chain(bed, NULL);
    char text[512], at[128];

    place(bed, at);
    bed_set_url(bed, FULL, "/creds");
    bed_route(bed, "GET", "/creds", 200, document("A", 5, text));
    bed_expect(bed, chain, "A", at);
    bed_route(bed, "GET", "/creds", 200, document("B", 5, text));
    clock_manual_advance(&bed->clock, -9 * MINUTE_MS); /* within the window still, long before the next attempt */
    bed_expect(bed, chain, "B", at);
    credentials_chain_free(chain);
}

/* Whatever allocation fails, the result is a failure or what it would have been, and nothing leaks. */
static void test_no_memory(void **state)
{
    struct bed *bed = *state;
    long k = 1;

    bed_write(bed, ".aws/config",
              "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = a\n[profile a]\ncredential_process = "
              "echo '{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"secret-of-P\"}'\n");
    bed_route_sts(bed, "AssumeRole", "R", "2026-01-02T04:04:05Z");
    for (;; k++) {
        struct credentials_chain *chain = bed_chain(bed, NULL);
        struct credentials found;
        struct aws_error error = { 0 };
        mem_fail_at(k, false);
        int r = credentials_chain_get(chain, &found, &error);
        bool failed = mem_fail_at(0, false);
        /* An answer that cannot be kept counts as one that is too long. */
        assert_true(r == 0 || (failed && (r == -ENOMEM || strstr(error.message, "longer than"))));
        credentials_chain_free(chain);
        if (!failed)
            break;
    }
    assert_true(k > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_environment, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_order, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_refresh, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_short_lived, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_forget, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_static_stability, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_role_on_top, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_clock_set_back, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
