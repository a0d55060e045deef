/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules for services and tags, as tables of what is allowed and of AWS's texts. */
#include "rules_fixture.h"

#include <errno.h>

#define CUSTOM SERVICE_CHECK_CUSTOM
#define PROBE SERVICE_CHECK_HTTP

/* --- creation ---------------------------------------------------------------------------------------------------- */

struct creation {
    const char *name;
    enum namespace_kind kind;
    struct service service;
    const char *message; /* NULL: allowed */
};

static const struct service_record r_a = { SERVICE_A, 1 }, r_aaaa = { SERVICE_AAAA, 1 }, r_srv = { SERVICE_SRV, 1 },
                                   r_cname = { SERVICE_CNAME, 1 };

static struct service dns(size_t n, struct service_record first, struct service_record second,
                          enum service_routing routing, enum service_check check)
{
    return (struct service){ .name = STR("web"),
                             .type = SERVICE_DNS_HTTP,
                             .has_dns = true,
                             .n_records = n,
                             .records = { first, second },
                             .routing = routing,
                             .check = check };
}

static void check_creations(const struct creation *cases, size_t n, bool private_health_checks)
{
    struct registry_config config = { .private_health_checks = private_health_checks };
    struct namespace ns = { .id = STR("ns-1"), .name = STR("example.com") };

    for (size_t i = 0; i < n; i++) {
        struct change change = { .kind = CHANGE_CREATE_SERVICE };
        struct arena arena;
        arena_init(&arena, 16384);
        change.arena = &arena;
        change.service = cases[i].service;
        ns.kind = cases[i].kind;
        rules_fixture_check(cases[i].name, rules_check_service(&config, &ns, &change.service, &change), &change,
                            cases[i].message);
        arena_fini(&arena);
    }
}

static void test_record_types(void **state)
{
    const enum service_routing many = SERVICE_MULTIVALUE, one = SERVICE_WEIGHTED;
    const struct creation cases[] = {
        { "A", NAMESPACE_DNS_PUBLIC, dns(1, r_a, r_a, many, 0), NULL },
        { "AAAA", NAMESPACE_DNS_PRIVATE, dns(1, r_aaaa, r_a, one, 0), NULL },
        { "A, AAAA", NAMESPACE_DNS_PUBLIC, dns(2, r_a, r_aaaa, many, PROBE), NULL },
        { "SRV", NAMESPACE_DNS_PUBLIC, dns(1, r_srv, r_a, many, PROBE), NULL },
        { "CNAME", NAMESPACE_DNS_PUBLIC, dns(1, r_cname, r_a, one, 0), NULL },
        { "CNAME, custom check", NAMESPACE_DNS_PUBLIC, dns(1, r_cname, r_a, one, CUSTOM), NULL },
        { "records that an update took away", NAMESPACE_DNS_PUBLIC, dns(0, r_a, r_a, many, 0), NULL },
        { "CNAME, A", NAMESPACE_DNS_PUBLIC, dns(2, r_cname, r_a, one, 0),
          "DnsRecord Type CNAME cannot be combined with other types" },
        { "AAAA, CNAME", NAMESPACE_DNS_PUBLIC, dns(2, r_aaaa, r_cname, one, 0),
          "DnsRecord Type CNAME cannot be combined with other types" },
        { "A, SRV", NAMESPACE_DNS_PUBLIC, dns(2, r_a, r_srv, many, 0),
          "DnsRecord Type SRV cannot be combined with other types" },
        { "A, A", NAMESPACE_DNS_PUBLIC, dns(2, r_a, r_a, many, 0),
          "Duplicate resource record typeAin DNS config is not expected" },
        { "SRV, SRV", NAMESPACE_DNS_PUBLIC, dns(2, r_srv, r_srv, many, 0),
          "Duplicate resource record typeSRVin DNS config is not expected" },
        { "CNAME, MULTIVALUE", NAMESPACE_DNS_PRIVATE, dns(1, r_cname, r_a, many, 0),
          "WEIGHTED routing policy must be used with DNS Record Type CNAME" },
        { "CNAME, check", NAMESPACE_DNS_PUBLIC, dns(1, r_cname, r_a, one, PROBE),
          "Health check config must not be used. Health checks are not supported for CNAME" },
    };

    (void)state;
    check_creations(cases, TEST_COUNT(cases), true);
}

static void test_kinds_of_namespaces(void **state)
{
    struct service plain = { .name = STR("web") }, probed = { .name = STR("web"), .check = PROBE };
    struct service tcp_path = { .name = STR("web"), .check = SERVICE_CHECK_TCP, .check_path = STR("/") };
    struct service custom = { .name = STR("web"), .check = CUSTOM };
    struct service dns_http = dns(1, r_a, r_a, SERVICE_MULTIVALUE, 0), http_dns = dns_http;
    struct service probed_dns = dns(1, r_a, r_a, SERVICE_MULTIVALUE, SERVICE_CHECK_TCP);
    const struct creation cases[] = {
        { "plain", NAMESPACE_HTTP, plain, NULL },
        { "probed", NAMESPACE_HTTP, probed, NULL },
        { "custom", NAMESPACE_HTTP, custom, NULL },
        { "custom", NAMESPACE_DNS_PRIVATE, custom, NULL },
        { "probed dns", NAMESPACE_DNS_PUBLIC, probed_dns, NULL },
        { "dns in http", NAMESPACE_HTTP, dns_http,
          "When you create a service using a namespace that has a type of HTTP, you can't include a DnsConfig "
          "element." },
        { "type http with dns", NAMESPACE_DNS_PRIVATE, http_dns,
          "When you create a service with a type of HTTP, you can't include a DnsConfig element." },
        { "probed private", NAMESPACE_DNS_PRIVATE, probed_dns,
          "Health check config cannot be applied to a service with private namespace" },
        { "path of TCP", NAMESPACE_HTTP, tcp_path, "TCP health checks must not have a resource path specified." },
    };
    struct creation changed[TEST_COUNT(cases)];

    (void)state;
    memcpy(changed, cases, sizeof(cases));
    changed[6].service.type = SERVICE_HTTP;
    check_creations(changed, TEST_COUNT(cases), false);
    changed[7].message = NULL; /* the default is more generous than AWS */
    check_creations(changed, TEST_COUNT(cases), true);
}

static void test_names(void **state)
{
    struct service longest = dns(1, r_a, r_a, 0, 0), apex = longest, cname = dns(1, r_cname, r_a, SERVICE_WEIGHTED, 0);
    struct namespace ns = { .kind = NAMESPACE_DNS_PUBLIC, .name = STR("example.com") };
    struct change change = { .kind = CHANGE_CREATE_SERVICE };
    struct registry_config config = { .targets.private_targets = true };
    struct service http = { .name = STR("web") };
    struct arena arena;
    char name[260];

    (void)state;
    memset(name, 'x', sizeof(name));
    apex.name = cname.name = STR(".");
    longest.name = (struct str){ name, 253 - strlen(".example.com") };
    http.name = (struct str){ name, sizeof(name) };
    check_creations(
        (const struct creation[]){
            { "apex", NAMESPACE_DNS_PUBLIC, apex, NULL },
            { "CNAME at the apex", NAMESPACE_DNS_PUBLIC, cname,
              "DnsRecord Type CNAME cannot be used at the apex of the namespace" },
            { "longest", NAMESPACE_DNS_PUBLIC, longest, NULL },
            { "no DNS, no limit", NAMESPACE_DNS_PUBLIC, http, NULL },
        },
        4, true);

    arena_init(&arena, 16384);
    change.arena = &arena;
    longest.name.n++;
    assert_int_equal(rules_check_service(&config, &ns, &longest, &change), CHANGE_INVALID_INPUT);
    assert_true(str_starts(change.message, STR("The DNS name of the service would be longer than 253")));
    arena_fini(&arena);
}

/* --- updates ----------------------------------------------------------------------------------------------------- */

static void check_update(const char *name, struct service old, struct service asked, const char *message)
{
    struct change change = { .kind = CHANGE_UPDATE_SERVICE, .service = asked };
    struct arena arena;

    arena_init(&arena, 16384);
    change.arena = &arena;
    rules_fixture_check(name, rules_check_service_update(&old, &asked, &change), &change, message);
    arena_fini(&arena);
}

static void test_updates_of_records(void **state)
{
    struct service a = dns(1, r_a, r_a, 0, 0), both = dns(2, r_a, r_aaaa, 0, 0), turned = dns(2, r_aaaa, r_a, 0, 0);
    struct service none = dns(0, r_a, r_a, 0, 0), http = { .name = STR("web") };

    (void)state;
    check_update("same", a, a, NULL);
    check_update("another order", both, turned, NULL);
    check_update("taken away", a, none, NULL);
    check_update("given back", none, a, NULL);
    check_update("never there", none, none, NULL);
    check_update(
        "another type", a, dns(1, r_aaaa, r_a, 0, 0),
        "The record types in the request must be the same as those present in the existing service. Records in "
        "the existing service are [A], but the records in the request are [AAAA]. The record types of a service "
        "cannot be changed.");
    check_update(
        "one more", a, both,
        "The record types in the request must be the same as those present in the existing service. Records in "
        "the existing service are [A], but the records in the request are [A, AAAA]. The record types of a "
        "service cannot be changed.");
    check_update(
        "records of an HTTP service", http, a,
        "The record types in the request must be the same as those present in the existing service. Records in "
        "the existing service are [], but the records in the request are [A]. The record types of a service "
        "cannot be changed.");
}

static void test_updates_of_checks(void **state)
{
    static const enum service_check kinds[] = { SERVICE_CHECK_NONE, SERVICE_CHECK_HTTP, SERVICE_CHECK_HTTPS,
                                                SERVICE_CHECK_TCP };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(kinds); i++)
        for (size_t k = 0; k < TEST_COUNT(kinds); k++)
            check_update("check", (struct service){ .check = kinds[i] }, (struct service){ .check = kinds[k] },
                         kinds[i] && kinds[k] && i != k ? "Type of health check cannot be changed" : NULL);
    check_update("added to a custom check", (struct service){ .check = CUSTOM }, (struct service){ .check = PROBE },
                 "Health check config cannot be added to a service that has a custom health check config");
}

/* --- tags -------------------------------------------------------------------------------------------------------- */

static void test_tags(void **state)
{
    struct str_pair tags[RULES_MAX_TAGS + 1];
    char keys[RULES_MAX_TAGS + 1][8];
    struct change change = { .kind = CHANGE_TAG };
    struct arena arena;

    (void)state;
    arena_init(&arena, 16384);
    change.arena = &arena;
    for (size_t i = 0; i < TEST_COUNT(tags); i++)
        tags[i].key = (struct str){ keys[i], (size_t)snprintf(keys[i], sizeof(keys[i]), "%02zu", i) };
    assert_int_equal(rules_check_tags(tags, 0, &change), 0);
    assert_int_equal(rules_check_tags(tags, RULES_MAX_TAGS, &change), 0);
    assert_int_equal(rules_check_tags(tags, RULES_MAX_TAGS + 1, &change), CHANGE_TOO_MANY_TAGS);
    assert_true(change.message.n > 0);
    tags[1].key = STR("AWS:x");
    assert_int_equal(rules_check_tags(tags, 2, &change), CHANGE_INVALID_INPUT);
    assert_int_equal(rules_check_tags(tags, 1, &change), 0);
    tags[1].key = STR("awsx:");
    assert_int_equal(rules_check_tags(tags, 2, &change), 0);
    arena_fini(&arena);
}

static void test_a_text_without_room(void **state)
{
    struct change change = { .kind = CHANGE_TAG };
    struct arena arena;
    char name[4000];

    (void)state;
    arena_init(&arena, 16384);
    change.arena = &arena;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(rules_refuse(&change, CHANGE_LIMIT, "%s", name), CHANGE_LIMIT);
    assert_in_range(change.message.n, 1000, sizeof(name) - 2);
    arena_fini(&arena);
    arena_init(&arena, 16);
    assert_int_equal(rules_refuse(&change, CHANGE_LIMIT, "%s", name), -ENOMEM);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_types),
        cmocka_unit_test(test_kinds_of_namespaces),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_updates_of_records),
        cmocka_unit_test(test_updates_of_checks),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_a_text_without_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
