/* SPDX-License-Identifier: Apache-2.0 */
#include "bed.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#define GOOD                                                                                                      \
    "{\"Code\":\"Success\",\"LastUpdated\":\"2026-01-02T03:00:00Z\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"M\"," \
    "\"SecretAccessKey\":\"secret-of-M\",\"Token\":\"t\",\"Expiration\":\"2026-01-02T09:04:05Z\"}"
#define ROLES "/latest/meta-data/iam/security-credentials/"
#define REGION "/latest/meta-data/placement/region"

static void test_conversation(void **state)
{
    struct bed *bed = *state;

    bed_route_metadata(bed, GOOD);
    bed_expect_once(bed, "M", "instance metadata, role role-x");
    assert_int_equal(bed_count(bed), 3);
    assert_true(bed_saw(bed, "PUT /latest/api/token\n"));
    assert_true(bed_saw(bed, "X-aws-ec2-metadata-token-ttl-seconds: 21600\n"));
    assert_true(bed_saw(bed, "Content-Length: 0\n"));
    assert_true(bed_saw(bed, "GET " ROLES "role-x\n"));
    assert_true(bed_saw(bed, "X-aws-ec2-metadata-token: metadata/token==\n"));
    bed_clear_log(bed);
    bed_fail_first(bed, "PUT", "/latest/api/token", 2);
    bed_fail_first(bed, "GET", ROLES, 1);
    bed_expect_once(bed, "M", "instance metadata, role role-x");
    assert_int_equal(bed_count(bed), 6);
}

/* Never version 1: without a token nothing more is asked. */
static void test_no_token(void **state)
{
    static const unsigned statuses[] = { 400, 403, 404, 405, 500 };
    static const char *const tokens[] = { "", "a b", "a\x7f", "\r\nX: y" };
    struct bed *bed = *state;

    bed_route_metadata(bed, GOOD);
    for (size_t i = 0; i < TEST_COUNT(statuses); i++) {
        bed_clear_log(bed);
        bed_route(bed, "PUT", "/latest/api/token", statuses[i], "nothing");
        bed_refuse_once(bed, "No AWS credentials", "hop limit");
        assert_int_equal(bed_count(bed), statuses[i] < 500 ? 1 : 3);
    }
    for (size_t i = 0; i < TEST_COUNT(tokens); i++) {
        bed_clear_log(bed);
        bed_route(bed, "PUT", "/latest/api/token", 200, tokens[i]);
        bed_refuse_once(bed, "No AWS credentials", "the session token is not one");
        assert_int_equal(bed_count(bed), 1);
    }
}

static void test_odd_answers(void **state)
{
    static const char *const roles[] = { "", "a/b", "a?b", "a b", "<html>", "..%2f", "a\x01" };
    struct bed *bed = *state;

    bed_route_metadata(bed, "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the role\"}");
    bed_refuse_once(bed, "instance metadata, role role-x: ", "AssumeRoleUnauthorizedAccess (EC2 cannot assume");
    bed_route(bed, "GET", ROLES "role-x", 200, "<html>secret-of-M</html>");
    bed_refuse_once(bed, "instance metadata, role role-x: ", "not the expected JSON");
    bed_route(bed, "GET", ROLES "role-x", 404, "");
    bed_refuse_once(bed, "No AWS credentials", "credentials got status 404");
    for (size_t i = 0; i < TEST_COUNT(roles); i++) {
        bed_clear_log(bed);
        bed_route(bed, "GET", ROLES, 200, roles[i]);
        bed_refuse_once(bed, "No AWS credentials", "the answer does not hold the name of the instance's role");
        assert_int_equal(bed_count(bed), 2);
    }
    bed_route(bed, "GET", ROLES, 404, "");
    bed_refuse_once(bed, "role got status 404", "has it a role?");
    bed_route(bed, "GET", ROLES, 200, "role-x\r\nrole-y\r\n");
    bed_route(bed, "GET", ROLES "role-x", 200, GOOD);
    bed_expect_once(bed, "M", "instance metadata, role role-x");
}

static void test_endpoints(void **state)
{
    static const char *const bad[] = { "ftp://127.0.0.1", "http://127.0.0.1/ x", "127.0.0.1" };
    struct bed *bed = *state;

    bed_route_metadata(bed, GOOD);
    bed_set(bed, "AWS_EC2_METADATA_DISABLED", "TRUE");
    bed_refuse_once(bed, "No AWS credentials", "AWS_EC2_METADATA_DISABLED is set");
    assert_int_equal(bed_count(bed), 0);
    bed_set(bed, "AWS_EC2_METADATA_DISABLED", "false");
    bed_set(bed, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "nonsense"); /* the endpoint is set: without effect */
    bed_expect_once(bed, "M", "instance metadata, role role-x");
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        bed_set(bed, "AWS_EC2_METADATA_SERVICE_ENDPOINT", bad[i]);
        bed_refuse_once(bed, "No AWS credentials", "URL");
    }
    bed_set(bed, "AWS_EC2_METADATA_SERVICE_ENDPOINT", NULL);
    bed_refuse_once(bed, "No AWS credentials", "neither IPv4 nor IPv6");
    bed_set(bed, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    bed_refuse_once(bed, "No AWS credentials", "nothing accepts a connection");
}

/* What a container sees whose packets are dropped for their hop limit. */
static void test_silence(void **state)
{
    struct bed *bed = *state;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof(address);
    char url[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    bed_set(bed, "AWS_EC2_METADATA_DISABLED", NULL);
    bed_set(bed, "AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
    bed_refuse_once(bed, "did not answer within 1000 ms, tried 3 times", "hop limit");
    close(fd);
}

static void test_region(void **state)
{
    struct bed *bed = *state;
    struct arena arena;
    struct str region;

    arena_init(&arena, 65536);
    assert_int_equal(credentials_metadata_region(&bed->environment, &arena, &region), 1); /* off */
    bed_route_metadata(bed, GOOD);
    assert_int_equal(credentials_metadata_region(&bed->environment, &arena, &region), 1); /* 404 */
    bed_route(bed, "GET", REGION, 200, "eu-west-1\n");
    assert_int_equal(credentials_metadata_region(&bed->environment, &arena, &region), 0);
    assert_str(region, "eu-west-1");
    bed_route(bed, "GET", REGION, 200, "evil.example.com");
    assert_int_equal(credentials_metadata_region(&bed->environment, &arena, &region), 1);
    bed_route(bed, "GET", REGION, 200, "a-region-that-is-longer-than-any-other");
    assert_int_equal(credentials_metadata_region(&bed->environment, &arena, &region), 1);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_conversation, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_no_token, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_odd_answers, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_endpoints, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_silence, bed_setup, bed_teardown),
        cmocka_unit_test_setup_teardown(test_region, bed_setup, bed_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
