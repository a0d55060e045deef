/* SPDX-License-Identifier: Apache-2.0
 *
 * The option table: keys, suggestions, names of variables, and each type's values and refusals. */
#include "../test.h"

#include "cloudmapd/config.h"

struct value_case {
    const char *key, *text;
    const char *why; /* NULL: accepted */
};

static const struct option_row *row(const char *key)
{
    struct str id;
    size_t i = option_find(str_of(key));
    if (i < OPTION_COUNT)
        return &option_table[i];
    i = option_find_vpc(str_of(key), &id);
    assert_true(i < OPTION_VPC_COUNT);
    return &option_vpc_table[i];
}

/* Any type's value fits. */
union any_value {
    const char *text;
    int64_t number;
    bool truth;
    int position;
    struct config_list list;
};

static struct arena arena; /* of the values of one test */

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

static int parse(const char *key, const char *text, union any_value *ret_value, char *ret_why, size_t size)
{
    struct buf why;
    buf_init(&why, 1024);
    int r = option_parse(row(key), str_of(text), &arena, ret_value, &why);
    snprintf(ret_why, size, STR_FMT, STR_ARG(buf_str(&why)));
    buf_fini(&why);
    return r;
}

static const struct value_case value_cases[] = {
    { "store.path", "/var/lib/cloudmap", NULL },
    { "store.path", "  ", "is empty" },
    { "api.region", "eu-central-1", NULL },
    { "api.region", "EU", "is not the name of a region (such as us-east-1)" },
    { "api.region", "a/b", "is not the name of a region (such as us-east-1)" },
    { "api.region", "abcdefghijabcdefghijabcdefghij123", "is not the name of a region (such as us-east-1)" },
    { "api.account", "123456789012", NULL },
    { "api.account", "12345678901", "is not an account (12 digits)" },
    { "api.account", "12345678901x", "is not an account (12 digits)" },
    { "api.workers", "0", NULL },
    { "api.workers", "64", NULL },
    { "api.workers", "65", "must be from 0 to 64" },
    { "api.workers", "-1", "is not a whole number" },
    { "api.workers", "", "is not a whole number" },
    { "api.workers", "18446744073709551615", "is not a whole number" },
    { "api.max_body", "16KiB", NULL },
    { "api.max_body", "64MiB", NULL },
    { "api.max_body", "16383", "must be from 16KiB to 64MiB" },
    { "api.max_body", "5MB", "is not a size (such as 512, 64KiB, 1MiB)" },
    { "dns.query_log", "off", NULL },
    { "dns.query_log", "all", NULL },
    { "dns.query_log", "0.000001", NULL },
    { "dns.query_log", "1.0", NULL },
    { "dns.query_log", "", "is not off, all or a share from 0 to 1 (such as 0.01)" },
    { "dns.query_log", ".5", "is not off, all or a share from 0 to 1 (such as 0.01)" },
    { "dns.query_log", "0.", "is not off, all or a share from 0 to 1 (such as 0.01)" },
    { "dns.query_log", "1.1", "is not off, all or a share from 0 to 1 (such as 0.01)" },
    { "dns.query_log", "0.1234567", "is not off, all or a share from 0 to 1 (such as 0.01)" },
    { "dns.query_log", "-0.5", "is not off, all or a share from 0 to 1 (such as 0.01)" },
    { "operations.keep", "1s", NULL },
    { "operations.keep", "999ms", "must be from 1s to 3650d" },
    { "operations.keep", "10", "is not a duration (such as 0, 250ms, 30s, 5m, 2h, 30d)" },
    { "health.private_namespaces", "true", NULL },
    { "health.private_namespaces", "yes", "is not true or false" },
    { "log.level", "debug", NULL },
    { "log.level", "error", NULL },
    { "log.level", "err", "is not one of debug, info, warning, error" },
    { "log.level", "", "is not one of debug, info, warning, error" },
    { "api.listen", "127.0.0.1:0", NULL },
    { "api.listen", "localhost:65535, [::1]:80", NULL },
    { "api.listen", "", "is empty" },
    { "api.listen", "127.0.0.1", "holds \"127.0.0.1\", which is not HOST:PORT or [IPV6]:PORT" },
    { "api.listen", ":80", "holds \":80\", which is not HOST:PORT or [IPV6]:PORT" },
    { "api.listen", "a:65536", "holds \"a:65536\", which is not HOST:PORT or [IPV6]:PORT" },
    { "api.listen", "::1:80", "holds \"::1:80\", which is not HOST:PORT or [IPV6]:PORT" },
    { "api.listen", "[::1:80", "holds \"[::1:80\", which is not HOST:PORT or [IPV6]:PORT" },
    { "api.listen", "[x]:80", "holds \"[x]:80\", which is not HOST:PORT or [IPV6]:PORT" },
    { "api.listen", "a:1,,b:2", "holds \"\", which is not HOST:PORT or [IPV6]:PORT" },
    { "api.listen", "a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1", "holds more than 16 items" },
    { "health.allow", "", NULL },
    { "health.allow", "10.0.0.0/8, fd00::/8", NULL },
    { "health.allow", "10.0.0.1/8", "holds \"10.0.0.1/8\", which is not ADDRESS/BITS with zeros behind the prefix" },
    { "health.allow", "10.0.0.0/33", "holds \"10.0.0.0/33\", which is not ADDRESS/BITS with zeros behind the prefix" },
    { "health.allow", "10.0.0.0", "holds \"10.0.0.0\", which is not ADDRESS/BITS with zeros behind the prefix" },
    { "dns.api_addresses", "10.0.0.1, fd00::1", NULL },
    { "dns.api_addresses", "10.0.0.1:80", "holds \"10.0.0.1:80\", which is not an IPv4 or IPv6 address" },
    { "dns.api_addresses", "localhost", "holds \"localhost\", which is not an IPv4 or IPv6 address" },
    { "vpc.vpc-1.shares", "vpc-2, vpc-3", NULL },
    { "vpc.vpc-1.shares", "111122223333/eu-west-1/vpc-2, vpc-3", NULL },
    { "vpc.vpc-1.shares", "vpc 2", "holds \"vpc 2\", which is not ID or ACCOUNT/REGION/ID of a VPC" },
    { "vpc.vpc-1.shares", "1/eu-west-1/vpc-2",
      "holds \"1/eu-west-1/vpc-2\", which is not ID or ACCOUNT/REGION/ID of a VPC" },
    { "dns.nsid", "a b", "holds \"a b\", which is not a name of letters, digits, - and _" },
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(value_cases); i++) {
        const struct value_case *one = &value_cases[i];
        union any_value value;
        char why[256];
        int r = parse(one->key, one->text, &value, why, sizeof(why));
        if ((r == 0) != (one->why == NULL) || strcmp(why, one->why ? one->why : "") != 0)
            fail_msg("%s = %s: %d, %s", one->key, one->text, r, why);
    }
}

static void test_what_a_value_means(void **state)
{
    (void)state;
    union any_value value;
    char why[256];
    assert_int_equal(parse("operations.delay", " 90s ", &value, why, sizeof(why)), 0);
    assert_int_equal(value.number, 90000);
    assert_int_equal(parse("api.max_body", "2MiB", &value, why, sizeof(why)), 0);
    assert_int_equal(value.number, 2 << 20);
    assert_int_equal(parse("compat", "aws", &value, why, sizeof(why)), 0);
    assert_int_equal(value.position, CONFIG_COMPAT_AWS);
    assert_int_equal(parse("health.unknown_is", "unhealthy", &value, why, sizeof(why)), 0);
    assert_int_equal(value.position, CONFIG_UNKNOWN_UNHEALTHY);
    assert_int_equal(parse("api.listen", " a:1 ,b:2,", &value, why, sizeof(why)), 0);
    assert_int_equal(value.list.n, 2);
    assert_string_equal(value.list.items[0], "a:1");
    assert_string_equal(value.list.items[1], "b:2");
}

static void test_defaults_are_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        union any_value value;
        char why[256];
        assert_int_equal(option_find(str_of(option_table[i].key)), i);
        assert_int_equal(parse(option_table[i].key, option_table[i].value, &value, why, sizeof(why)), 0);
        if (option_table[i].aws)
            assert_int_equal(parse(option_table[i].key, option_table[i].aws, &value, why, sizeof(why)), 0);
    }
}

static void test_keys_of_vpcs(void **state)
{
    (void)state;
    struct str id;
    assert_int_equal(option_find_vpc(STR("vpc.vpc-1.shares"), &id), 1);
    assert_str(id, "vpc-1");
    assert_int_equal(option_find_vpc(STR("vpc.vpc-1.share"), &id), OPTION_VPC_COUNT);
    assert_int_equal(option_find_vpc(STR("vpc..cidr"), &id), OPTION_VPC_COUNT);
    assert_int_equal(option_find_vpc(STR("vpc.vpc-1"), &id), OPTION_VPC_COUNT);
    assert_int_equal(option_find_vpc(STR("vpc.a b.cidr"), &id), OPTION_VPC_COUNT);
    assert_int_equal(option_find_vpc(STR("vpc.111122223333/eu-west-1/vpc-1.cidr"), &id), 0);
    assert_str(id, "111122223333/eu-west-1/vpc-1");
    assert_int_equal(option_find_vpc(STR("vpc.111122223333/vpc-1.cidr"), &id), OPTION_VPC_COUNT);
    assert_int_equal(option_find_vpc(STR("vpc.111122223333//vpc-1.cidr"), &id), OPTION_VPC_COUNT);
    assert_int_equal(option_find_vpc(STR("vpc.111122223333/eu-west-1/.cidr"), &id), OPTION_VPC_COUNT);
    assert_int_equal(option_find(STR("vpc.ID.cidr")), OPTION_COUNT);
}

static void test_keys_of_transfers(void **state)
{
    (void)state;
    struct str zone;
    size_t i = option_find_transfer(STR("transfer.a.shop.example.key"), &zone);
    assert_true(i < OPTION_TRANSFER_COUNT);
    assert_string_equal(option_transfer_table[i].key, "transfer.ZONE.key");
    assert_str(zone, "a.shop.example");
    assert_true(option_transfer_table[i].flags & OPTION_SECRET);
    assert_int_equal(option_find_transfer(STR("transfer.example.keys"), &zone), OPTION_TRANSFER_COUNT);
    assert_int_equal(option_find_transfer(STR("transfer..key"), &zone), OPTION_TRANSFER_COUNT);
    assert_int_equal(option_find_transfer(STR("transfer.key"), &zone), OPTION_TRANSFER_COUNT);
    assert_int_equal(option_find_transfer(STR("transfer.a b.key"), &zone), OPTION_TRANSFER_COUNT);
}

static void test_suggestions(void **state)
{
    (void)state;
    assert_string_equal(option_suggest(STR("api.listn")), "api.listen");
    assert_string_equal(option_suggest(STR("store.pth")), "store.path");
    assert_string_equal(option_suggest(STR("region")), "api.region");
    assert_string_equal(option_suggest(STR("Compat")), "compat");
    assert_string_equal(option_suggest(STR("vpc.vpc-1.compat")), "compat");
    assert_string_equal(option_suggest(STR("limits.service_per_namespace")), "limits.services_per_namespace");
    assert_null(option_suggest(STR("")));
    assert_null(option_suggest(STR("something.entirely.different")));
}

static void test_names_of_variables(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 256);
    option_write_env_name(&buf, STR("limits.instances_per_service"));
    assert_str(buf_str(&buf), "CLOUDMAP_LIMITS_INSTANCES_PER_SERVICE");
    buf_clear(&buf);
    option_write_env_name(&buf, STR("vpc.vpc-1.cidr"));
    assert_str(buf_str(&buf), "CLOUDMAP_VPC_VPC_1_CIDR");
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_a_value_means, setup, teardown),
        cmocka_unit_test_setup_teardown(test_defaults_are_values, setup, teardown),
        cmocka_unit_test(test_keys_of_vpcs),
        cmocka_unit_test(test_keys_of_transfers),
        cmocka_unit_test(test_suggestions),
        cmocka_unit_test(test_names_of_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
