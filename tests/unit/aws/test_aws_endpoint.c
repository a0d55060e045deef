/* SPDX-License-Identifier: Apache-2.0
 *
 * Regions and endpoints. The table of hosts is what botocore 1.43 makes of the rules that AWS publishes. */
#include "../test.h"
#include "aws/aws_endpoint.h"
#include "aws/shared_config.h"

static struct arena arena;
static struct aws_error error;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct shared_config *config_of(const char *text)
{
    struct shared_config *config;
    assert_int_equal(shared_config_parse(str_of(text), STR(""), &config, &error), 0);
    return config;
}

static const struct {
    enum aws_service service;
    const char *region;
    bool fips, dualstack;
    const char *url;
} hosts[] = {
    { AWS_EC2, "eu-central-1", false, false, "https://ec2.eu-central-1.amazonaws.com/" },
    { AWS_EC2, "eu-central-1", false, true, "https://ec2.eu-central-1.api.aws/" },
    { AWS_EC2, "eu-central-1", true, false, "https://ec2-fips.eu-central-1.amazonaws.com/" },
    { AWS_EC2, "eu-central-1", true, true, "https://ec2-fips.eu-central-1.api.aws/" },
    { AWS_EC2, "cn-north-1", false, false, "https://ec2.cn-north-1.amazonaws.com.cn/" },
    { AWS_EC2, "cn-north-1", false, true, "https://ec2.cn-north-1.api.amazonwebservices.com.cn/" },
    { AWS_EC2, "cn-north-1", true, false, "https://ec2-fips.cn-north-1.amazonaws.com.cn/" },
    { AWS_EC2, "cn-north-1", true, true, "https://ec2-fips.cn-north-1.api.amazonwebservices.com.cn/" },
    { AWS_EC2, "us-gov-west-1", false, false, "https://ec2.us-gov-west-1.amazonaws.com/" },
    { AWS_EC2, "us-gov-west-1", false, true, "https://ec2.us-gov-west-1.api.aws/" },
    { AWS_EC2, "us-gov-west-1", true, false, "https://ec2.us-gov-west-1.amazonaws.com/" },
    { AWS_EC2, "us-gov-west-1", true, true, "https://ec2-fips.us-gov-west-1.api.aws/" },
    { AWS_CLOUD_MAP, "eu-central-1", false, false, "https://servicediscovery.eu-central-1.amazonaws.com/" },
    { AWS_CLOUD_MAP, "eu-central-1", false, true, "https://servicediscovery.eu-central-1.amazonaws.com/" },
    { AWS_CLOUD_MAP, "eu-central-1", true, false, "https://servicediscovery-fips.eu-central-1.amazonaws.com/" },
    { AWS_CLOUD_MAP, "eu-central-1", true, true, "https://servicediscovery-fips.eu-central-1.api.aws/" },
    { AWS_CLOUD_MAP, "cn-north-1", false, false, "https://servicediscovery.cn-north-1.amazonaws.com.cn/" },
    { AWS_CLOUD_MAP, "cn-north-1", false, true, "https://servicediscovery.cn-north-1.amazonaws.com.cn/" },
    { AWS_CLOUD_MAP, "cn-north-1", true, false, "https://servicediscovery-fips.cn-north-1.amazonaws.com.cn/" },
    { AWS_CLOUD_MAP, "cn-north-1", true, true,
      "https://servicediscovery-fips.cn-north-1.api.amazonwebservices.com.cn/" },
    { AWS_CLOUD_MAP, "us-gov-west-1", false, false, "https://servicediscovery.us-gov-west-1.amazonaws.com/" },
    { AWS_CLOUD_MAP, "us-gov-west-1", false, true, "https://servicediscovery.us-gov-west-1.amazonaws.com/" },
    { AWS_CLOUD_MAP, "us-gov-west-1", true, false, "https://servicediscovery-fips.us-gov-west-1.amazonaws.com/" },
    { AWS_CLOUD_MAP, "us-gov-west-1", true, true, "https://servicediscovery-fips.us-gov-west-1.api.aws/" },
    { AWS_SQS, "eu-central-1", false, false, "https://sqs.eu-central-1.amazonaws.com/" },
    { AWS_SQS, "eu-central-1", false, true, "https://sqs.eu-central-1.api.aws/" },
    { AWS_SQS, "eu-central-1", true, false, "https://sqs-fips.eu-central-1.amazonaws.com/" },
    { AWS_SQS, "eu-central-1", true, true, "https://sqs-fips.eu-central-1.api.aws/" },
    { AWS_SQS, "cn-north-1", false, false, "https://sqs.cn-north-1.amazonaws.com.cn/" },
    { AWS_SQS, "cn-north-1", false, true, "https://sqs.cn-north-1.api.amazonwebservices.com.cn/" },
    { AWS_SQS, "cn-north-1", true, false, "https://sqs-fips.cn-north-1.amazonaws.com.cn/" },
    { AWS_SQS, "cn-north-1", true, true, "https://sqs-fips.cn-north-1.api.amazonwebservices.com.cn/" },
    { AWS_SQS, "us-gov-west-1", false, false, "https://sqs.us-gov-west-1.amazonaws.com/" },
    { AWS_SQS, "us-gov-west-1", false, true, "https://sqs.us-gov-west-1.api.aws/" },
    { AWS_SQS, "us-gov-west-1", true, false, "https://sqs.us-gov-west-1.amazonaws.com/" },
    { AWS_SQS, "us-gov-west-1", true, true, "https://sqs-fips.us-gov-west-1.api.aws/" },
    { AWS_STS, "eu-central-1", false, false, "https://sts.eu-central-1.amazonaws.com/" },
    { AWS_STS, "eu-central-1", false, true, "https://sts.eu-central-1.api.aws/" },
    { AWS_STS, "eu-central-1", true, false, "https://sts-fips.eu-central-1.amazonaws.com/" },
    { AWS_STS, "eu-central-1", true, true, "https://sts-fips.eu-central-1.api.aws/" },
    { AWS_STS, "cn-north-1", false, false, "https://sts.cn-north-1.amazonaws.com.cn/" },
    { AWS_STS, "cn-north-1", false, true, "https://sts.cn-north-1.api.amazonwebservices.com.cn/" },
    { AWS_STS, "cn-north-1", true, false, "https://sts-fips.cn-north-1.amazonaws.com.cn/" },
    { AWS_STS, "cn-north-1", true, true, "https://sts-fips.cn-north-1.api.amazonwebservices.com.cn/" },
    { AWS_STS, "us-gov-west-1", false, false, "https://sts.us-gov-west-1.amazonaws.com/" },
    { AWS_STS, "us-gov-west-1", false, true, "https://sts.us-gov-west-1.api.aws/" },
    { AWS_STS, "us-gov-west-1", true, false, "https://sts.us-gov-west-1.amazonaws.com/" },
    { AWS_STS, "us-gov-west-1", true, true, "https://sts-fips.us-gov-west-1.api.aws/" },
};

static void test_hosts(void **state)
{
    (void)state;
    struct shared_config *empty = config_of("");
    struct shared_config *both = config_of("[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n");
    for (size_t i = 0; i < TEST_COUNT(hosts); i++) {
        const char *variables[] = { hosts[i].fips ? "AWS_USE_FIPS_ENDPOINT=true" : "AWS_USE_FIPS_ENDPOINT=false",
                                    hosts[i].dualstack ? "AWS_USE_DUALSTACK_ENDPOINT=true"
                                                       : "AWS_USE_DUALSTACK_ENDPOINT=false",
                                    NULL };
        const struct environment environment = { (char **)variables };
        const struct shared_config *configs[] = { empty, both };
        for (size_t j = 0; j < TEST_COUNT(configs); j++) {
            struct aws_endpoint endpoint;
            assert_int_equal(aws_endpoint_find(hosts[i].service, str_of(hosts[i].region), &environment, configs[j],
                                               &arena, &endpoint, &error),
                             0);
            assert_string_equal(endpoint.url.p, hosts[i].url);
            assert_int_equal(endpoint.host.n, endpoint.url.n - strlen("https:///"));
            assert_str(endpoint.path, "/");
            assert_false(endpoint.is_configured);
        }
    }
    const char *none[] = { NULL };
    const struct environment environment = { (char **)none };
    struct aws_endpoint endpoint;
    assert_int_equal(aws_endpoint_find(AWS_EC2, STR("eu-west-1"), &environment, both, &arena, &endpoint, &error), 0);
    assert_string_equal(endpoint.url.p, "https://ec2-fips.eu-west-1.api.aws/");
    shared_config_free(empty);
    shared_config_free(both);
}

#define SERVICES \
    "[default]\nendpoint_url = http://profile\nservices = s\n[services s]\nsqs =\n  endpoint_url = http://section\n"

static void test_configured(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        const char *variables[4];
        const char *url; /* NULL: as the rules say */
    } cases[] = {
        { "", { "AWS_ENDPOINT_URL=http://all" }, "http://all/" },
        { "", { "AWS_ENDPOINT_URL=http://all", "AWS_ENDPOINT_URL_SQS=https://one:8443/p" }, "https://one:8443/p" },
        { "", { "AWS_ENDPOINT_URL_EC2=http://other" }, NULL },
        { SERVICES, { "AWS_ENDPOINT_URL=http://all" }, "http://all/" },
        { SERVICES, { NULL }, "http://section/" },
        { "[default]\nendpoint_url = http://profile\n", { NULL }, "http://profile/" },
        { "[profile p]\nendpoint_url = http://p\n", { "AWS_PROFILE=p" }, "http://p/" },
        { "[profile p]\nendpoint_url = http://p\n", { NULL }, NULL },
        { SERVICES, { "AWS_ENDPOINT_URL=http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true" }, NULL },
        { "[default]\nendpoint_url = http://p\nignore_configured_endpoint_urls = true\n", { NULL }, NULL },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct shared_config *config = config_of(cases[i].config);
        const struct environment environment = { (char **)cases[i].variables };
        struct aws_endpoint endpoint;
        assert_int_equal(aws_endpoint_find(AWS_SQS, STR("eu-west-1"), &environment, config, &arena, &endpoint, &error),
                         0);
        assert_string_equal(endpoint.url.p, cases[i].url ? cases[i].url : "https://sqs.eu-west-1.amazonaws.com/");
        assert_int_equal(endpoint.is_configured, cases[i].url != NULL);
        shared_config_free(config);
    }
}

static void test_regions(void **state)
{
    (void)state;
    static const struct {
        const char *wanted, *config;
        const char *variables[3];
        const char *region; /* NULL: AWS_ODD */
    } cases[] = {
        { "us-east-1", "", { "AWS_REGION=eu-west-1" }, "us-east-1" },
        { NULL, "", { "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=us-west-2" }, "eu-west-1" },
        { NULL, "[default]\nregion = x-1\n", { "AWS_DEFAULT_REGION=us-west-2" }, "us-west-2" },
        { NULL, "[default]\nregion = eu-south-1\n", { "TEST_IS_EC2=1" }, "eu-south-1" },
        { NULL, "[default]\nregion = a\n[profile p]\nregion = b\n", { "AWS_PROFILE=p" }, "b" },
        { NULL, "", { "TEST_IS_EC2=1" }, "ap-south-1" },
        { NULL, "", { NULL }, NULL },
        { "", "", { NULL }, NULL },
        { "eu-west-1.evil.example", "", { NULL }, NULL },
        { "eu/west", "", { NULL }, NULL },
        { "EU-WEST-1", "", { NULL }, NULL },
        { "-eu", "", { NULL }, NULL },
        { "eu-", "", { NULL }, NULL },
        { "eu west", "", { NULL }, NULL },
        { "a23456789012345678901234567890123", "", { NULL }, NULL },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct shared_config *config = config_of(cases[i].config);
        const struct environment environment = { (char **)cases[i].variables };
        struct str region;
        int r = aws_endpoint_find_region(&environment, config, cases[i].wanted, &arena, &region, &error);
        assert_int_equal(r, cases[i].region ? 0 : AWS_ODD);
        if (r == 0)
            assert_string_equal(region.p, cases[i].region);
        shared_config_free(config);
    }
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *path; /* NULL: AWS_ODD */
    } cases[] = {
        { "http://h", "h", "/" },
        { "HTTP://H:8080/", "H:8080", "/" },
        { "http://h:80/a/b%20c", "h", "/a/b%20c" },
        { "https://h:443", "h", "/" },
        { "https://h:80", "h:80", "/" },
        { "https://[::1]:8650/x", "[::1]:8650", "/x" },
        { "", NULL, NULL },
        { "h", NULL, NULL },
        { "http://", NULL, NULL },
        { "http:///x", NULL, NULL },
        { "file:///etc/passwd", NULL, NULL },
        { "http://user:secret@h/", NULL, NULL },
        { "http://h/?q=1", NULL, NULL },
        { "http://h/#f", NULL, NULL },
        { "http://h\r\nX: y/", NULL, NULL },
        { "http://h/ x", NULL, NULL },
        { "http://h/\xc3\xa9", NULL, NULL },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct aws_endpoint endpoint;
        int r = aws_endpoint_parse(str_of(cases[i].url), &arena, &endpoint, &error);
        assert_int_equal(r, cases[i].host ? 0 : AWS_ODD);
        if (r == 0) {
            assert_string_equal(endpoint.host.p, cases[i].host);
            assert_string_equal(endpoint.path.p, cases[i].path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_configured),
        cmocka_unit_test(test_regions),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
