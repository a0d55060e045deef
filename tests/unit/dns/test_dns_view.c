/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients see by where they are: private zones of several VPCs under one name, shared ones, public ones behind
 * them, and whom a forwarder speaks for. Every service answers with an address of its own, by which one is told. */
#include "dns_bed.h"

#include "base/mem.h"
#include "dns/dns_view.h"

#include <arpa/inet.h>
#include <errno.h>

struct views_bed {
    struct dns_bed *dns;
    struct vpc_map *map;
    struct dns_view_set *views;
};

static const char *const vpc_1[] = { "10.1.0.0/16", "fd01::/16" }, *const vpc_2[] = { "10.2.0.0/16" },
                         *const inside[] = { "10.1.9.0/24" }, *const shared[] = { "vpc-1" },
                         *const defaults[] = { "127.0.0.0/8", "10.0.0.0/8", "::1/128" },
                         *const forwarders[] = { "127.0.0.53/32", "fd53::/64" };
static const struct dns_view_vpc view_vpcs[] = {
    { "vpc-1", vpc_1, 2 }, { "vpc-2", vpc_2, 1 }, { "111122223333/us-east-1/vpc-1", inside, 1 }, { "vpc-6", NULL, 0 }
};
static const struct vpc_section sections[] = { { .name = "vpc-1", .has_networks = true },
                                               { "vpc-2", shared, 1, true },
                                               { .name = "111122223333/us-east-1/vpc-1", .has_networks = true },
                                               { .name = "vpc-6" } };

static struct dns_view_config config_of(const struct vpc_map *map)
{
    return (struct dns_view_config){ .map = map,
                                     .vpcs = view_vpcs,
                                     .n_vpcs = TEST_COUNT(view_vpcs),
                                     .default_networks = defaults,
                                     .n_default_networks = TEST_COUNT(defaults),
                                     .forwarders = forwarders,
                                     .n_forwarders = TEST_COUNT(forwarders) };
}

static int setup(void **state)
{
    struct views_bed *v = mem_zalloc(sizeof(*v));
    struct dns_view_config config;
    const char *bad;

    assert_non_null(v);
    assert_int_equal(vpc_map_new(sections, TEST_COUNT(sections), &v->map), 0);
    config = config_of(v->map);
    assert_int_equal(dns_view_set_new(&config, &v->views, &bad), 0);
    v->dns = dns_bed_new();
    v->dns->bed.config.vpcs = v->map;
    bed_reopen(&v->dns->bed);
    v->dns->settings.views = v->views;
    *state = v;
    return 0;
}

static int teardown(void **state)
{
    struct views_bed *v = *state;

    dns_bed_free(v->dns);
    dns_view_set_free(v->views);
    vpc_map_free(v->map);
    mem_free(v);
    return 0;
}

/* A namespace of the caller's, public without a VPC, with one service `web` that answers with the address. */
static void add(struct caller *caller, const char *vpc, const char *name, const char *address)
{
    struct bed *bed = (struct bed *)(uintptr_t)caller->bed;
    struct change *change = caller_new(caller, CHANGE_CREATE_NAMESPACE);
    struct str id = { 0 }, service;
    const struct namespace *ns;
    struct tree_iter iter;
    char attributes[64];

    change->ns.kind = vpc ? NAMESPACE_DNS_PRIVATE : NAMESPACE_DNS_PUBLIC;
    change->ns.name = str_of(name);
    change->ns.vpc = str_of(vpc);
    change->ns.creator_request_id = str_of(address);
    change->ns.soa_ttl = 15;
    assert_int_equal(caller_do(caller), 0);
    state_iter_name(&iter, state_find_tenant(bed_hold(bed), caller->account, caller->region), str_of(name));
    while ((ns = tree_iter_next(&iter)))
        if (str_eq(ns->creator_request_id, str_of(address)))
            id = arena_dup(&bed->names, ns->id);
    bed_release(bed);
    assert_true(str_is_set(id));
    change = caller_new(caller, CHANGE_CREATE_SERVICE);
    change->service.namespace_id = id;
    change->service.name = STR("web");
    change->service.has_dns = true;
    change->service.n_records = 1;
    change->service.records[0] = (struct service_record){ SERVICE_A, 60 };
    assert_int_equal(caller_do(caller), 0);
    service = arena_dup(&bed->names, caller->change.created->id);
    snprintf(attributes, sizeof(attributes), "AWS_INSTANCE_IPV4=%s", address);
    assert_int_equal(caller_register(caller, service, "i", attributes), 0);
    clock_manual_advance(&bed->clock, 1);
}

static void from(struct views_bed *v, const char *address)
{
    v->dns->client.family = strchr(address, ':') ? AF_INET6 : AF_INET;
    assert_int_equal(inet_pton(v->dns->client.family, address, v->dns->client.address), 1);
}

/* web.NAME for a client there: an address, or the rcode. */
static void check(struct views_bed *v, const char *client, const char *name, const char *wanted)
{
    char question[128], line[256];
    const char *said;

    from(v, client);
    snprintf(question, sizeof(question), "web.%s", name);
    said = ASK(v->dns, question, A);
    snprintf(line, sizeof(line), "NOERROR aa\nan web.%s. 60 A %s\n", name, wanted);
    if (wanted[0] >= 'A' ? strncmp(said, wanted, strlen(wanted)) != 0 : strcmp(said, line) != 0)
        fail_msg("%s to %s, not %s: %s", question, client, wanted, said);
}

static void test_vpcs(void **state)
{
    struct views_bed *v = *state;
    struct caller *own = &v->dns->bed.caller;

    add(own, "vpc-1", "corp.test", "192.0.2.1");
    add(own, "vpc-2", "corp.test", "192.0.2.2");
    add(own, "vpc-7", "corp.test", "192.0.2.7"); /* no networks */
    add(own, "vpc-8", "corp.test", "192.0.2.8");
    add(own, "vpc-1", "one.test", "192.0.2.11");
    check(v, "10.1.0.1", "corp.test", "192.0.2.1");
    check(v, "fd01::1", "corp.test", "192.0.2.1");
    check(v, "::ffff:10.1.0.1", "corp.test", "192.0.2.1");
    check(v, "10.2.0.1", "corp.test", "192.0.2.2"); /* its own before the shared one, although that is older */
    check(v, "10.2.0.1", "one.test", "192.0.2.11");
    check(v, "10.3.0.1", "corp.test", "192.0.2.7"); /* the oldest */
    check(v, "127.0.0.1", "corp.test", "192.0.2.7");
    check(v, "::1", "corp.test", "192.0.2.7");
    add(own, "vpc-6", "default.test", "192.0.2.6"); /* a section without networks is no better than none */
    add(own, "vpc-7", "default.test", "192.0.2.17");
    check(v, "10.3.0.1", "default.test", "192.0.2.6");
    check(v, "10.3.0.1", "one.test", "REFUSED");
    check(v, "198.51.100.1", "corp.test", "REFUSED");
    check(v, "2001:db8::1", "corp.test", "REFUSED");
    check(v, "::2", "corp.test", "REFUSED");
    check(v, "10.1.9.1", "corp.test", "REFUSED"); /* the longer prefix is another account's vpc-1 */
}

static void test_accounts(void **state)
{
    struct views_bed *v = *state;
    struct caller other, abroad;

    caller_init(&other, &v->dns->bed, STR("111122223333"), BED_REGION);
    caller_init(&abroad, &v->dns->bed, STR("111122223333"), STR("eu-west-1"));
    add(&v->dns->bed.caller, "vpc-1", "corp.test", "192.0.2.1");
    add(&other, "vpc-1", "corp.test", "192.0.2.2");
    add(&abroad, "vpc-1", "abroad.test", "192.0.2.3");
    check(v, "10.1.0.1", "corp.test", "192.0.2.1");
    check(v, "10.1.9.1", "corp.test", "192.0.2.2");
    check(v, "10.1.0.1", "abroad.test", "192.0.2.3"); /* the short name goes for the other regions */
    check(v, "10.1.9.1", "abroad.test", "REFUSED");
    check(v, "10.2.0.1", "corp.test", "192.0.2.1");
    caller_fini(&other);
    caller_fini(&abroad);
}

static void test_public(void **state)
{
    struct views_bed *v = *state;
    struct caller *own = &v->dns->bed.caller;

    add(own, NULL, "shop.test", "192.0.2.1");
    add(own, NULL, "deep.shop.test", "192.0.2.2");
    check(v, "198.51.100.1", "shop.test", "192.0.2.1");
    check(v, "10.1.0.1", "shop.test", "192.0.2.1");
    check(v, "10.1.0.1", "deep.shop.test", "192.0.2.2");
    add(own, "vpc-1", "shop.test", "192.0.2.3");
    check(v, "198.51.100.1", "shop.test", "192.0.2.1");
    check(v, "10.3.0.1", "shop.test", "192.0.2.1");
    check(v, "10.1.0.1", "shop.test", "192.0.2.3");
    check(v, "10.2.0.1", "shop.test", "192.0.2.3");
    check(v, "10.1.0.1", "deep.shop.test", "NXDOMAIN"); /* shadowed whole, as by Route 53 */
    check(v, "10.3.0.1", "deep.shop.test", "192.0.2.2");
    check(v, "10.1.0.1", "x.shop.test", "NXDOMAIN");
    add(own, "vpc-1", "test", "192.0.2.4");
    check(v, "10.1.0.1", "shop.test", "192.0.2.3");
    check(v, "10.1.0.1", "test", "192.0.2.4");
    check(v, "10.3.0.1", "test", "REFUSED");
    add(own, NULL, "more.test", "192.0.2.5");
    check(v, "10.1.0.1", "more.test", "NXDOMAIN");
    check(v, "10.3.0.1", "more.test", "192.0.2.5");
}

/* Names above zones exist only for those who may see private zones. */
static void test_names_above(void **state)
{
    struct views_bed *v = *state;
    struct caller *own = &v->dns->bed.caller;

    add(own, NULL, "shop.test", "192.0.2.1");
    add(own, "vpc-1", "a.web.shop.test", "192.0.2.2");
    from(v, "198.51.100.1");
    assert_int_equal(strncmp(ASK(v->dns, "a.web.shop.test", A), "NXDOMAIN", 8), 0);
    assert_int_equal(strncmp(ASK(v->dns, "b.shop.test", A), "NXDOMAIN", 8), 0);
    add(own, "vpc-1", "x.b.shop.test", "192.0.2.3");
    assert_int_equal(strncmp(ASK(v->dns, "b.shop.test", A), "NXDOMAIN", 8), 0);
    from(v, "10.1.0.1");
    assert_int_equal(strncmp(ASK(v->dns, "b.shop.test", A), "NOERROR", 7), 0);
    add(own, NULL, "y.b.shop.test", "192.0.2.4");
    from(v, "198.51.100.1");
    assert_int_equal(strncmp(ASK(v->dns, "b.shop.test", A), "NOERROR", 7), 0);
}

/* --- client subnet ------------------------------------------------------------------------------------------------ */

/* The option of the last answer, or NULL. */
static const uint8_t *subnet_of(const struct dns_bed *dns, size_t *ret_n)
{
    for (size_t i = 0; i < dns->reply.n_records; i++) {
        const struct dns_reply_record *record = &dns->reply.records[i];
        const uint8_t *p = dns->answer + record->data_at, *end = p + record->data_n;
        for (; record->type == PACKET_OPT && p < end; p += 4 + packet_get_u16(p + 2))
            if (packet_get_u16(p) == EDNS_SUBNET) {
                *ret_n = packet_get_u16(p + 2);
                return p + 4;
            }
    }
    return NULL;
}

/* Asks for web.corp.test with an option of the prefix; the answer's address or rcode, and its scope, 999: no option. */
static void check_subnet(struct views_bed *v, const char *client, const char *prefix, unsigned bits, const char *wanted,
                         unsigned scope)
{
    struct dns_bed *dns = v->dns;
    unsigned octets = (bits + 7) / 8;
    uint8_t option[64] = { 0, 0, 0x29, 0x10, 0, 0, 0, 0, 0, 0, EDNS_SUBNET, 0, (uint8_t)(4 + octets), 0 };
    const uint8_t *answer;
    const char *said;
    size_t n = 0;
    char text[64];

    option[14] = strchr(prefix, ':') ? 2 : 1;
    option[15] = (uint8_t)bits;
    assert_int_equal(inet_pton(option[14] == 2 ? AF_INET6 : AF_INET, prefix, option + 17), 1);
    from(v, client);
    said = dns_bed_ask(dns, "web.corp.test", PACKET_A, (struct str){ (const char *)option, 17 + octets });
    snprintf(text, sizeof(text), "A %s\n", wanted);
    if (wanted[0] >= 'A' ? strncmp(said, wanted, strlen(wanted)) != 0 : !strstr(said, text))
        fail_msg("%s/%u by %s, not %s: %s", prefix, bits, client, wanted, said);
    answer = subnet_of(dns, &n);
    assert_int_equal(answer != NULL, scope != 999);
    if (!answer)
        return;
    assert_int_equal(n, 4 + octets);
    assert_memory_equal(answer, option + 13, 3);
    assert_memory_equal(answer + 4, option + 17, octets);
    if (answer[3] != scope)
        fail_msg("%s/%u by %s: scope %u", prefix, bits, client, answer[3]);
}

static void test_forwarders(void **state)
{
    struct views_bed *v = *state;
    struct caller *own = &v->dns->bed.caller;

    add(own, "vpc-1", "corp.test", "192.0.2.1");
    add(own, "vpc-2", "corp.test", "192.0.2.2");
    add(own, "vpc-7", "corp.test", "192.0.2.7");
    check_subnet(v, "127.0.0.53", "10.1.2.0", 24, "192.0.2.1", 21);
    check_subnet(v, "fd53::5", "10.1.2.3", 32, "192.0.2.1", 21);
    check_subnet(v, "::ffff:127.0.0.53", "10.1.2.3", 32, "192.0.2.1", 21);
    check_subnet(v, "127.0.0.53", "10.2.0.0", 16, "192.0.2.2", 16);
    check_subnet(v, "127.0.0.53", "10.3.0.0", 16, "192.0.2.7", 16);
    check_subnet(v, "127.0.0.53", "fd01::", 64, "192.0.2.1", 16);
    check_subnet(v, "127.0.0.53", "198.51.100.0", 24, "REFUSED", 1);
    check_subnet(v, "127.0.0.53", "10.0.0.0", 8, "192.0.2.7", 16);  /* too short to tell a VPC */
    check_subnet(v, "127.0.0.53", "10.1.8.0", 21, "192.0.2.1", 24); /* some of it is elsewhere */
    check_subnet(v, "127.0.0.53", "0.0.0.0", 0, "192.0.2.7", 0);    /* the forwarder's own view */
    check_subnet(v, "127.0.0.53", "::", 0, "192.0.2.7", 0);
    /* Of nobody else: neither counted nor spoken of. */
    check_subnet(v, "127.0.0.1", "10.1.2.0", 24, "192.0.2.7", 999);
    check_subnet(v, "198.51.100.1", "10.1.2.0", 24, "REFUSED", 999);
    check_subnet(v, "10.2.0.1", "10.1.2.0", 24, "192.0.2.2", 999);
    check(v, "127.0.0.53", "corp.test", "192.0.2.7");
}

/* An answer with the option, a cookie and the NSID stays within what it may have. */
static void test_room(void **state)
{
    struct views_bed *v = *state;

    add(&v->dns->bed.caller, "vpc-1", "corp.test", "192.0.2.1");
    v->dns->settings.nsid = STR("0123456789012345678901234567890123456789012345678901234567890123");
    from(v, "127.0.0.53");
    dns_bed_ask(v->dns, "web.corp.test", PACKET_A,
                DNS_BED_OPT("\2\0", "\0\0\0\0",
                            "\0\3\0\0\0\x0a\0\x08"
                            "12345678\0\x08\0\x14\0\2\x80\0\xfd\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1"));
    assert_int_equal(dns_bed_count(v->dns, "an web.corp.test. 60 A 192.0.2.1"), 1);
}

static void test_counters(void **state)
{
    struct views_bed *v = *state;
    struct dns_stats_source source = { &v->dns->worker.stats, false };

    add(&v->dns->bed.caller, "vpc-1", "corp.test", "192.0.2.1");
    check(v, "10.1.0.1", "corp.test", "192.0.2.1");
    check(v, "10.1.0.2", "corp.test", "192.0.2.1");
    check(v, "10.3.0.1", "corp.test", "REFUSED");
    check(v, "198.51.100.1", "corp.test", "REFUSED");
    buf_clear(&v->dns->text);
    dns_stats_write_views(&v->dns->text, &source, 1, v->views);
    buf_put_char(&v->dns->text, '\0');
    assert_non_null(strstr(v->dns->text.p, "\ncloudmap_dns_view_queries_total{view=\"public\"} 1\n"));
    assert_non_null(strstr(v->dns->text.p, "\ncloudmap_dns_view_queries_total{view=\"default\"} 1\n"));
    assert_non_null(strstr(v->dns->text.p, "\ncloudmap_dns_view_queries_total{view=\"vpc-1\"} 2\n"));
    assert_non_null(
        strstr(v->dns->text.p, "\ncloudmap_dns_view_queries_total{view=\"111122223333/us-east-1/vpc-1\"} 0\n"));
    assert_null(strstr(v->dns->text.p, "other"));
    for (unsigned i = 0; i < 3; i++)
        dns_stats_count_view(&v->dns->worker.stats, DNS_STATS_VIEWS + i);
    assert_int_equal(v->dns->worker.stats.views[DNS_STATS_VIEWS], 3);
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static void test_one_network_of_two(void **state)
{
    static const struct dns_view_vpc twice[] = { { "vpc-1", vpc_1, 2 }, { "vpc-2", vpc_2, 1 }, { "vpc-3", vpc_1, 1 } };
    struct views_bed *v = *state;
    struct dns_view_config config = config_of(v->map);
    struct dns_view_set *views;
    const char *bad = NULL;

    config.vpcs = twice;
    config.n_vpcs = TEST_COUNT(twice);
    assert_int_equal(dns_view_set_new(&config, &views, &bad), 1);
    assert_string_equal(bad, "10.1.0.0/16");
}

static void test_no_memory(void **state)
{
    struct views_bed *v = *state;
    struct dns_view_config config = config_of(v->map);
    struct dns_view_set *views;
    const char *bad;

    for (long k = 1;; k++) {
        int r, delivered;
        mem_fail_at(k, 1);
        r = dns_view_set_new(&config, &views, &bad);
        delivered = mem_fail_at(0, 0);
        if (!delivered) {
            assert_int_equal(r, 0);
            dns_view_set_free(views);
            return;
        }
        assert_int_equal(r, -ENOMEM);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_vpcs),        TEST(test_accounts),           TEST(test_public),
        TEST(test_names_above), TEST(test_forwarders),         TEST(test_room),
        TEST(test_counters),    TEST(test_one_network_of_two), TEST(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
