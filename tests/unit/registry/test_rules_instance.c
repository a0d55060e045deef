/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules for an instance's attributes, as tables of what is allowed and of AWS's texts. */
#include "rules_fixture.h"

#include <stdlib.h>

#define IPV4 "AWS_INSTANCE_IPV4"
#define IPV6 "AWS_INSTANCE_IPV6"
#define PORT "AWS_INSTANCE_PORT"
#define CNAME "AWS_INSTANCE_CNAME"
#define ALIAS "AWS_ALIAS_DNS_NAME"
#define EC2 "AWS_EC2_INSTANCE_ID"
#define INIT "AWS_INIT_HEALTH_STATUS"

/* What a service of the table below is. */
enum setup { HTTP, PUBLIC, A, AAAA, A_AAAA, SRV, CNAMES, WEIGHTED_A, WEIGHTED_SRV, PROBED, PROBED_A, CUSTOM };

static void make_service(enum setup setup, struct namespace *ret_ns, struct service *ret_service)
{
    struct service service = { .name = STR("web"), .has_dns = true, .n_records = 1 };

    *ret_ns = (struct namespace){ .kind = NAMESPACE_DNS_PUBLIC, .name = STR("example.com") };
    switch (setup) {
    case HTTP:
    case PROBED:
    case CUSTOM:
        ret_ns->kind = NAMESPACE_HTTP;
        service.check = setup == PROBED ? SERVICE_CHECK_TCP : setup == CUSTOM ? SERVICE_CHECK_CUSTOM : 0;
        service.has_dns = false;
        service.n_records = 0;
        break;
    case PUBLIC:
        service.has_dns = false;
        service.n_records = 0;
        break;
    case A_AAAA:
        service.n_records = 2;
        service.records[1].type = SERVICE_AAAA;
        service.records[0].type = SERVICE_A;
        break;
    case CNAMES:
        service.routing = SERVICE_WEIGHTED;
        service.records[0].type = SERVICE_CNAME;
        break;
    case SRV:
    case WEIGHTED_SRV:
        service.routing = setup == SRV ? SERVICE_MULTIVALUE : SERVICE_WEIGHTED;
        service.records[0].type = SERVICE_SRV;
        break;
    default:
        service.routing = setup == WEIGHTED_A ? SERVICE_WEIGHTED : SERVICE_MULTIVALUE;
        service.records[0].type = setup == AAAA ? SERVICE_AAAA : SERVICE_A;
        service.check = setup == PROBED_A ? SERVICE_CHECK_HTTP : SERVICE_CHECK_NONE;
        break;
    }
    *ret_service = service;
}

struct registration {
    enum setup setup;
    const char *pairs[9]; /* key, value, ... */
    const char *message;  /* NULL: allowed */
};

/* The attributes of the case, sorted. */
static void fill_change(struct change *change, const char *const *pairs)
{
    size_t n = 0;

    change->attributes = ARENA_ARRAY(change->arena, struct str_pair, 8);
    for (; pairs[2 * n]; n++)
        change->attributes[n] = (struct str_pair){ str_of(pairs[2 * n]), str_of(pairs[2 * n + 1]) };
    change->n_attributes = n;
    assert_int_equal(instance_sort_attributes(change->attributes, n), 0);
}

static void check_registrations(const struct registry_config *config, const struct registration *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct change change = { .kind = CHANGE_REGISTER_INSTANCE, .instance_id = STR("i-1") };
        struct service service;
        struct namespace ns;
        struct arena arena;
        char name[40];
        arena_init(&arena, 16384);
        change.arena = &arena;
        make_service(cases[i].setup, &ns, &service);
        fill_change(&change, cases[i].pairs);
        snprintf(name, sizeof(name), "case %zu", i);
        rules_fixture_check(name, rules_check_instance(config, &ns, &service, &change), &change, cases[i].message);
        arena_fini(&arena);
    }
}

#define MISSING(key) "Required attribute(s) " key " are missing."
#define NO_ADDRESS "At least one of AWS_INSTANCE_IPV4 AWS_INSTANCE_IPV6 is required."

static void test_what_record_types_demand(void **state)
{
    static const struct registration cases[] = {
        { HTTP, { NULL }, NULL },
        { PUBLIC, { "k", "v", NULL }, NULL },
        { A, { IPV4, "192.0.2.1", NULL }, NULL },
        { A, { IPV4, "192.0.2.1", IPV6, "2001:db8::1", PORT, "80", CNAME, "a.b", NULL }, NULL },
        { A, { IPV6, "2001:db8::1", NULL }, MISSING(IPV4) },
        { A, { "aws_instance_ipv4", "192.0.2.1", NULL }, MISSING(IPV4) },
        { AAAA, { IPV6, "2001:db8::1", NULL }, NULL },
        { AAAA, { IPV4, "192.0.2.1", NULL }, MISSING(IPV6) },
        { A_AAAA, { IPV4, "192.0.2.1", NULL }, NULL },
        { A_AAAA, { IPV6, "2001:db8::1", NULL }, NULL },
        { A_AAAA, { PORT, "80", NULL }, NO_ADDRESS },
        { SRV, { PORT, "80", IPV4, "192.0.2.1", NULL }, NULL },
        { SRV, { PORT, "80", IPV6, "2001:db8::1", NULL }, NULL },
        { SRV, { PORT, "80", NULL }, NO_ADDRESS },
        { SRV, { IPV4, "192.0.2.1", NULL }, MISSING(PORT) },
        { CNAMES, { CNAME, "target.example", NULL }, NULL },
        { CNAMES, { IPV4, "192.0.2.1", NULL }, MISSING(CNAME) },
        { PROBED, { IPV4, "192.0.2.1", PORT, "80", NULL }, NULL },
        { PROBED, { IPV4, "192.0.2.1", NULL }, "A port must be supplied in order to register this instance." },
        { PROBED, { PORT, "80", NULL }, NO_ADDRESS },
        { PROBED_A, { PORT, "80", NULL }, MISSING(IPV4) },
        { PROBED_A, { IPV4, "192.0.2.1", NULL }, "A port must be supplied in order to register this instance." },
        { CUSTOM, { NULL }, NULL },
    };

    (void)state;
    check_registrations(&(struct registry_config){ .targets.private_targets = true }, cases, TEST_COUNT(cases));
}

#define BAD(value, key, wanted) "Invalid value [" value "] for attribute " key ": " wanted " expected."
#define BAD_PORT(value) BAD(value, PORT, "a port from 1 to 65535")
#define BAD_IPV4(value) BAD(value, IPV4, "an IPv4 address")
#define BAD_IPV6(value) BAD(value, IPV6, "an IPv6 address")

static void test_values(void **state)
{
    static const struct registration cases[] = {
        { HTTP, { IPV4, "0.0.0.0", NULL }, NULL },
        { HTTP, { IPV4, "256.0.0.1", NULL }, BAD_IPV4("256.0.0.1") },
        { HTTP, { IPV4, "1.2.3", NULL }, BAD_IPV4("1.2.3") },
        { HTTP, { IPV4, "1.2.3.4 ", NULL }, BAD_IPV4("1.2.3.4 ") },
        { HTTP, { IPV4, "", NULL }, BAD_IPV4("") },
        { HTTP, { IPV4, "::1", NULL }, BAD_IPV4("::1") },
        { HTTP, { IPV6, "::", NULL }, NULL },
        { HTTP, { IPV6, "::ffff:1.2.3.4", NULL }, NULL },
        { HTTP, { IPV6, "1.2.3.4", NULL }, BAD_IPV6("1.2.3.4") },
        { HTTP, { IPV6, "fe80::1%eth0", NULL }, BAD_IPV6("fe80::1%eth0") },
        { HTTP, { IPV6, "[::1]", NULL }, BAD_IPV6("[::1]") },
        { HTTP, { PORT, "1", NULL }, NULL },
        { HTTP, { PORT, "65535", NULL }, NULL },
        { HTTP, { PORT, "0", NULL }, BAD_PORT("0") },
        { HTTP, { PORT, "65536", NULL }, BAD_PORT("65536") },
        { HTTP, { PORT, "-1", NULL }, BAD_PORT("-1") },
        { HTTP, { PORT, "80x", NULL }, BAD_PORT("80x") },
        { HTTP, { PORT, "18446744073709551617", NULL }, BAD_PORT("18446744073709551617") },
        { HTTP, { PORT, "", NULL }, BAD_PORT("") },
        { HTTP, { CNAME, "a.example.", NULL }, NULL },
        { HTTP, { CNAME, "", NULL }, BAD("", CNAME, "a domain name") },
        { HTTP, { CNAME, "a..b", NULL }, BAD("a..b", CNAME, "a domain name") },
        { HTTP, { CNAME, "a b", NULL }, BAD("a b", CNAME, "a domain name") },
        { WEIGHTED_A, { ALIAS, "x..y", NULL }, BAD("x..y", ALIAS, "a domain name") },
        { CUSTOM, { INIT, "HEALTHY", NULL }, NULL },
        { HTTP, { INIT, "UNHEALTHY", NULL }, NULL },
        { CUSTOM,
          { INIT, "UNKNOWN", NULL },
          "No enum constant com.amazon.route53.autonaming.model.InitHealthStatus.UNKNOWN" },
        { CUSTOM,
          { INIT, "healthy", NULL },
          "No enum constant com.amazon.route53.autonaming.model.InitHealthStatus.healthy" },
    };

    (void)state;
    check_registrations(&(struct registry_config){ .targets.private_targets = true }, cases, TEST_COUNT(cases));
}

#define NOT_WITH(what, key) "Invalid combination of attributes received. " what " is not supported with [" key "]."
#define RESERVED(key) "Invalid attribute: [" key "]. [aws_] prefix is reserved for AWS attributes."

static void test_combinations(void **state)
{
    static const struct registration cases[] = {
        { WEIGHTED_A, { ALIAS, "elb.example", NULL }, NULL },
        { WEIGHTED_A, { ALIAS, "elb.example", "k", "v", INIT, "HEALTHY", NULL }, NULL },
        { A,
          { ALIAS, "elb.example", NULL },
          "ALIAS instance can be registered only in services with WEIGHTED routing policy" },
        { HTTP,
          { ALIAS, "elb.example", NULL },
          "ALIAS instance can be registered only in services with WEIGHTED routing policy" },
        { WEIGHTED_SRV,
          { ALIAS, "elb.example", NULL },
          "ALIAS instance can be registered only in services with DNS record type A or AAAA" },
        { WEIGHTED_A, { ALIAS, "elb.example", IPV4, "192.0.2.1", NULL }, NOT_WITH(ALIAS, IPV4) },
        { WEIGHTED_A, { ALIAS, "elb.example", PORT, "1", NULL }, NOT_WITH(ALIAS, PORT) },
        { HTTP, { EC2, "i-0123", NULL }, NULL },
        { HTTP, { EC2, "i-0123", INIT, "HEALTHY", "k", "v", NULL }, NULL },
        { HTTP, { EC2, "i-0123", PORT, "80", NULL }, NOT_WITH(EC2, PORT) },
        { HTTP, { EC2, "i-0123", IPV4, "192.0.2.1", NULL }, NOT_WITH(EC2, IPV4) },
        { A,
          { EC2, "i-0123", IPV4, "192.0.2.1", NULL },
          "AWS_EC2_INSTANCE_ID provided in namespace type DNS_PUBLIC. It is only supported in HTTP namespace" },
        { HTTP, { "AWS_MY_ATTR", "v", NULL }, RESERVED("AWS_MY_ATTR") },
        { HTTP, { "aws_foo", "v", NULL }, RESERVED("aws_foo") },
        { HTTP, { "AwS_", "v", NULL }, RESERVED("AwS_") },
        { HTTP, { "AWS", "v", "aws-foo", "v", NULL }, NULL },
        { HTTP, { "aws_instance_ipv4", "anything", NULL }, NULL },
    };

    (void)state;
    check_registrations(&(struct registry_config){ .targets.private_targets = true }, cases, TEST_COUNT(cases));
}

/* --- sizes ------------------------------------------------------------------------------------------------------- */

/* n custom attributes `k00`, `k01`, ... whose keys and values have `total` characters, and `more` known ones. */
static int check_sizes(uint64_t limit, size_t n, size_t total, bool known, struct change *change)
{
    struct registry_config config = { .limits.custom_attributes = limit };
    static char value[INSTANCE_MAX_ATTRIBUTES_LEN + 1], keys[64][24];
    struct service service;
    struct namespace ns;

    memset(value, 'v', sizeof(value));
    make_service(HTTP, &ns, &service);
    change->attributes = ARENA_ARRAY(change->arena, struct str_pair, n + 1);
    for (size_t i = 0; i < n; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%02zu", i);
        change->attributes[i].key = str_of(keys[i]);
        change->attributes[i].value = (struct str){ value, i ? 0 : total - 3 * n - (known ? 19 : 0) };
    }
    if (known)
        change->attributes[n++] = (struct str_pair){ STR(PORT), STR("80") };
    change->n_attributes = n;
    assert_int_equal(instance_sort_attributes(change->attributes, n), 0);
    return rules_check_instance(&config, &ns, &service, change);
}

static void test_sizes(void **state)
{
    struct change change = { .kind = CHANGE_REGISTER_INSTANCE, .instance_id = STR("i") };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    change.arena = &arena;
    assert_int_equal(check_sizes(30, 30, 200, true, &change), 0);
    assert_int_equal(check_sizes(0, 60, 300, true, &change), 0);
    assert_int_equal(check_sizes(3, 4, 200, true, &change), CHANGE_INVALID_INPUT);
    assert_str(change.message, "Too many attributes provided: [k00, k01, k02, k03]. The current limit is 3");
    assert_int_equal(check_sizes(30, 1, INSTANCE_MAX_ATTRIBUTES_LEN, true, &change), 0);
    assert_int_equal(check_sizes(30, 1, INSTANCE_MAX_ATTRIBUTES_LEN + 1, false, &change), CHANGE_INVALID_INPUT);
    assert_str(change.message,
               "Instance attributes too large. Maximum allowed size of all attributes is 5000 characters.");
    assert_int_equal(check_sizes(30, 1, INSTANCE_MAX_ATTRIBUTES_LEN + 1, true, &change), CHANGE_INVALID_INPUT);
    arena_fini(&arena);
}

/* --- what probes may connect to ---------------------------------------------------------------------------------- */

enum class { OPEN, PRIVATE, FORBIDDEN };

static void check_target(const char *key, const char *address, enum class class, bool private_targets)
{
    struct registry_config config = { .targets.private_targets = private_targets };
    bool refused = class == FORBIDDEN || (class == PRIVATE && !private_targets);
    char message[128];

    snprintf(message, sizeof(message), "%s address %s is forbidden for healthChecks",
             strcmp(key, IPV4) == 0 ? "IPv4" : "IPv6", address);
    check_registrations(
        &config, &(struct registration){ PROBED, { key, address, PORT, "80", NULL }, refused ? message : NULL }, 1);
    /* Nothing is probed, nothing is refused. */
    check_registrations(&config, &(struct registration){ HTTP, { key, address, PORT, "80", NULL }, NULL }, 1);
}

static void test_ipv4_targets(void **state)
{
    static const struct {
        const char *address;
        enum class class;
    } cases[] = {
        { "0.0.0.0", FORBIDDEN },
        { "0.255.255.255", FORBIDDEN },
        { "1.0.0.0", OPEN },
        { "9.255.255.255", OPEN },
        { "10.0.0.0", PRIVATE },
        { "10.255.255.255", PRIVATE },
        { "11.0.0.0", OPEN },
        { "100.63.255.255", OPEN },
        { "100.64.0.0", PRIVATE },
        { "100.127.255.255", PRIVATE },
        { "100.128.0.0", OPEN },
        { "126.255.255.255", OPEN },
        { "127.0.0.1", FORBIDDEN },
        { "127.255.255.255", FORBIDDEN },
        { "128.0.0.0", OPEN },
        { "169.253.255.255", OPEN },
        { "169.254.169.254", FORBIDDEN },
        { "169.255.0.0", OPEN },
        { "172.15.255.255", OPEN },
        { "172.16.0.0", PRIVATE },
        { "172.31.255.255", PRIVATE },
        { "172.32.0.0", OPEN },
        { "192.0.0.1", PRIVATE },
        { "192.0.1.0", OPEN },
        { "192.0.2.1", PRIVATE },
        { "192.0.3.0", OPEN },
        { "192.168.0.1", PRIVATE },
        { "192.169.0.0", OPEN },
        { "198.17.255.255", OPEN },
        { "198.18.0.0", PRIVATE },
        { "198.19.255.255", PRIVATE },
        { "198.20.0.0", OPEN },
        { "198.51.100.1", PRIVATE },
        { "198.51.101.0", OPEN },
        { "203.0.113.255", PRIVATE },
        { "203.0.114.0", OPEN },
        { "223.255.255.255", OPEN },
        { "224.0.0.1", FORBIDDEN },
        { "239.255.255.255", FORBIDDEN },
        { "240.0.0.1", FORBIDDEN },
        { "255.255.255.255", FORBIDDEN },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        check_target(IPV4, cases[i].address, cases[i].class, true);
        check_target(IPV4, cases[i].address, cases[i].class, false);
    }
}

static void test_ipv6_targets(void **state)
{
    static const struct {
        const char *address;
        enum class class;
    } cases[] = {
        { "::", FORBIDDEN },
        { "::1", FORBIDDEN },
        { "::7f00:1", FORBIDDEN },
        { "2600::1", OPEN },
        { "::ffff:127.0.0.1", FORBIDDEN },
        { "::ffff:169.254.169.254", FORBIDDEN },
        { "::ffff:10.0.0.1", PRIVATE },
        { "::ffff:8.8.8.8", OPEN },
        { "2002:7f00:1::", FORBIDDEN },
        { "2002:a00:1::", PRIVATE },
        { "2002:808:808::", OPEN },
        { "64:ff9b::127.0.0.1", FORBIDDEN },
        { "64:ff9b::10.0.0.1", PRIVATE },
        { "64:ff9b::8.8.8.8", OPEN },
        { "fbff::1", OPEN },
        { "fc00::1", PRIVATE },
        { "fdff::1", PRIVATE },
        { "fd00:ec2::254", FORBIDDEN },
        { "fe00::1", OPEN },
        { "fe7f::1", OPEN },
        { "fe80::1", FORBIDDEN },
        { "febf::1", FORBIDDEN },
        { "ff02::1", FORBIDDEN },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        check_target(IPV6, cases[i].address, cases[i].class, true);
        check_target(IPV6, cases[i].address, cases[i].class, false);
    }
}

static void test_the_ipv4_address_is_the_target_where_both_are(void **state)
{
    static const struct registration cases[] = {
        { PROBED, { IPV4, "8.8.8.8", IPV6, "::1", PORT, "80", NULL }, NULL },
        { PROBED,
          { IPV4, "127.0.0.1", IPV6, "2600::1", PORT, "80", NULL },
          "IPv4 address 127.0.0.1 is forbidden for healthChecks" },
    };

    (void)state;
    check_registrations(&(struct registry_config){ .targets.private_targets = true }, cases, TEST_COUNT(cases));
}

static bool is_port_8650(void *arg, const struct target_address *address, uint16_t port)
{
    (void)arg;
    (void)address;
    return port == 8650;
}

static void test_the_registry_itself_is_no_target(void **state)
{
    static const struct registration cases[] = {
        { PROBED, { IPV4, "192.0.2.1", PORT, "80", NULL }, NULL },
        { PROBED,
          { IPV4, "192.0.2.1", PORT, "8650", NULL },
          "AWS_INSTANCE_PORT 8650 of AWS_INSTANCE_IPV4 192.0.2.1 is a port of the registry itself: forbidden for "
          "healthChecks" },
        { HTTP, { IPV4, "192.0.2.1", PORT, "8650", NULL }, NULL },
    };

    (void)state;
    check_registrations(&(struct registry_config){ .targets = { .private_targets = true, .is_own = is_port_8650 } },
                        cases, TEST_COUNT(cases));
}

/* --- names of SRV targets ---------------------------------------------------------------------------------------- */

static int check_srv_id(const char *ns_name, const char *service_name, const char *id)
{
    const char *pairs[] = { IPV4, "192.0.2.1", PORT, "80", NULL };
    struct registry_config config = { .targets.private_targets = true };
    struct change change = { .kind = CHANGE_REGISTER_INSTANCE, .instance_id = str_of(id) };
    struct service service;
    struct namespace ns;
    struct arena arena;
    int r;

    arena_init(&arena, 16384);
    change.arena = &arena;
    fill_change(&change, pairs);
    make_service(SRV, &ns, &service);
    ns.name = str_of(ns_name);
    service.name = str_of(service_name);
    r = rules_check_instance(&config, &ns, &service, &change);
    assert_int_equal(r != 0, change.message.n != 0);
    arena_fini(&arena);
    return r;
}

static void test_srv_ids(void **state)
{
    static const char *good[] = { "i", "i-1", "i/:@x", "a.b.c",
                                  "123456789012345678901234567890123456789012345678901234567890123" };
    static const char *bad[] = { ".", "a.", ".a", "a..b",
                                 "1234567890123456789012345678901234567890123456789012345678901234" };
    char ns_name[260];

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(good); i++)
        assert_int_equal(check_srv_id("example.com", "web", good[i]), 0);
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(check_srv_id("example.com", "web", bad[i]), CHANGE_INVALID_INPUT);
    /* `id.web.NS` and, at the apex, `id.NS` have at most 253 characters. */
    for (size_t i = 0; i < sizeof(ns_name); i++)
        ns_name[i] = i % 2 ? '.' : 'a';
    ns_name[253 - strlen("id.web.")] = '\0';
    assert_int_equal(check_srv_id(ns_name, "web", "id"), 0);
    assert_int_equal(check_srv_id(ns_name, "web", "id3"), CHANGE_INVALID_INPUT);
    assert_int_equal(check_srv_id(ns_name, ".", "id3"), 0);
    assert_int_equal(check_srv_id(ns_name, ".", "id34567"), CHANGE_INVALID_INPUT);
}

/* --- initial health ---------------------------------------------------------------------------------------------- */

static void test_initial_health(void **state)
{
    const struct str_pair up[] = { { STR(INIT), STR("HEALTHY") } }, down[] = { { STR(INIT), STR("UNHEALTHY") } };

    (void)state;
    for (unsigned check = 0; check < SERVICE_CHECK_COUNT; check++) {
        struct service service = { .check = (enum service_check)check };
        bool custom = check == SERVICE_CHECK_CUSTOM;
        assert_int_equal(rules_initial_health(&service, NULL, 0), custom ? HEALTH_HEALTHY : HEALTH_UNKNOWN);
        assert_int_equal(rules_initial_health(&service, up, 1), custom ? HEALTH_HEALTHY : HEALTH_UNKNOWN);
        assert_int_equal(rules_initial_health(&service, down, 1), custom ? HEALTH_UNHEALTHY : HEALTH_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_record_types_demand),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_combinations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_ipv4_targets),
        cmocka_unit_test(test_ipv6_targets),
        cmocka_unit_test(test_the_ipv4_address_is_the_target_where_both_are),
        cmocka_unit_test(test_the_registry_itself_is_no_target),
        cmocka_unit_test(test_srv_ids),
        cmocka_unit_test(test_initial_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
