/* SPDX-License-Identifier: Apache-2.0
 *
 * What names answer with: Cloud Map's records (behaviour, section 12), zones, names that are not there. */
#include "dns_bed.h"

#define SOA "au shop.example. 15 SOA ns1.example.net. hostmaster.shop.example. 14400 3600 1209600 86400\n"
#define NODATA "NOERROR aa\n" SOA
#define NXDOMAIN "NXDOMAIN aa\n" SOA

struct shop {
    struct dns_bed *dns;
    struct bed *bed;
    struct str ns;
};

static int setup(void **state)
{
    static struct shop shop;

    shop.dns = dns_bed_new();
    shop.bed = &shop.dns->bed;
    shop.ns = bed_namespace(shop.bed, NAMESPACE_DNS_PRIVATE, "Shop.Example");
    *state = &shop;
    return 0;
}

static int teardown(void **state)
{
    struct shop *shop = *state;

    dns_bed_free(shop->dns);
    return 0;
}

static struct str service(struct shop *shop, const char *name, const char *types)
{
    return bed_dns_service(shop->bed, shop->ns, name, types, 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
}

static void test_a_and_aaaa(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "web", "A,AAAA");

    assert_string_equal(ASK(shop->dns, "web.shop.example", A), NXDOMAIN);
    bed_register(shop->bed, id, "i-1", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_string_equal(ASK(shop->dns, "web.shop.example", A), "NOERROR aa\nan web.shop.example. 60 A 10.0.0.1\n");
    assert_string_equal(ASK(shop->dns, "web.shop.example", AAAA), NODATA);
    bed_register(shop->bed, id, "i-2", "AWS_INSTANCE_IPV6=fd00::2");
    assert_string_equal(ASK(shop->dns, "WEB.shop.EXAMPLE", AAAA), "NOERROR aa\nan WEB.shop.EXAMPLE. 60 AAAA fd00::2\n");
    assert_string_equal(ASK(shop->dns, "web.shop.example", SRV), NODATA);
    assert_string_equal(ASK(shop->dns, "i-1.web.shop.example", A), NXDOMAIN); /* no names of instances here */
    assert_int_equal(caller_deregister(&shop->bed->caller, id, "i-1"), 0);
    assert_string_equal(ASK(shop->dns, "web.shop.example", A), NODATA);
    assert_int_equal(caller_deregister(&shop->bed->caller, id, "i-2"), 0);
    assert_string_equal(ASK(shop->dns, "web.shop.example", A), NXDOMAIN);
}

/* Instances that share an address make one record of it. */
static void test_same_address(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "web", "A");

    bed_register(shop->bed, id, "i-1", "AWS_INSTANCE_IPV4=10.0.0.1");
    bed_register(shop->bed, id, "i-2", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_string_equal(ASK(shop->dns, "web.shop.example", A), "NOERROR aa\nan web.shop.example. 60 A 10.0.0.1\n");
}

/* Ids that differ in case only have one name: all addresses stand there, and no record twice. */
static void test_shared_names(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "_http._tcp", "SRV");
    char name[16];

    bed_register(shop->bed, id, "Node.1", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    bed_register(shop->bed, id, "nodE.1", "AWS_INSTANCE_IPV4=10.0.0.2,AWS_INSTANCE_IPV6=fd00::2,AWS_INSTANCE_PORT=80");
    bed_register(shop->bed, id, "UP", "AWS_INSTANCE_IPV4=10.0.0.3,AWS_INSTANCE_PORT=80");
    bed_register(shop->bed, id, "up", "AWS_INSTANCE_IPV4=10.0.0.4,AWS_INSTANCE_PORT=81");
    bed_register(shop->bed, id, "Up", "AWS_INSTANCE_IPV4=10.0.0.4,AWS_INSTANCE_PORT=81");
    shop->dns->is_tcp = true;
    shop->dns->settings.max_answers = 0;
    for (int size = 0; size < 2; size++) {
        ASK(shop->dns, "_http._tcp.shop.example", SRV);
        assert_int_equal(dns_bed_count(shop->dns, "an _http._tcp.shop.example. 60 SRV 1 1 80 node.1._http"), 1);
        assert_int_equal(dns_bed_count(shop->dns, "an _http._tcp.shop.example. 60 SRV 1 1 80 up._http"), 1);
        assert_int_equal(dns_bed_count(shop->dns, "an _http._tcp.shop.example. 60 SRV 1 1 81 up._http"), 1);
        assert_int_equal(dns_bed_count(shop->dns, "an "), size ? 103 : 3);
        assert_int_equal(dns_bed_count(shop->dns, "ad "), size ? 100 : 0);
        ASK(shop->dns, "UP._http._tcp.shop.example", A);
        assert_int_equal(dns_bed_count(shop->dns, "an "), 2);
        assert_int_equal(dns_bed_count(shop->dns, "an UP._http._tcp.shop.example. 60 A 10.0.0.3"), 1);
        assert_int_equal(dns_bed_count(shop->dns, "an UP._http._tcp.shop.example. 60 A 10.0.0.4"), 1);
        ASK(shop->dns, "node.1._http._tcp.shop.example", A);
        assert_int_equal(dns_bed_count(shop->dns, "an "), 2);
        assert_string_equal(ASK(shop->dns, "node.1._http._tcp.shop.example", AAAA),
                            "NOERROR aa\nan node.1._http._tcp.shop.example. 60 AAAA fd00::2\n");
        for (int i = 0; i < 100 && size == 0; i++) {
            snprintf(name, sizeof(name), "i%d", i);
            bed_register(shop->bed, id, name, "AWS_INSTANCE_IPV4=10.0.1.1,AWS_INSTANCE_PORT=80");
        }
    }
    assert_int_equal(caller_deregister(&shop->bed->caller, id, "Up"), 0);
    assert_int_equal(caller_deregister(&shop->bed->caller, id, "up"), 0);
    assert_string_equal(ASK(shop->dns, "up._http._tcp.shop.example", A),
                        "NOERROR aa\nan up._http._tcp.shop.example. 60 A 10.0.0.3\n");
}

/* As many such ids as somebody likes cost no more than a few. */
static void test_a_name_shared_by_many(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "_http._tcp", "SRV");

    shop->dns->is_tcp = true;
    for (int i = 0; i < 100; i++) {
        char name[] = "abcdefg", attributes[64];
        for (int bit = 0; bit < 7; bit++)
            name[bit] -= i >> bit & 1 ? 'a' - 'A' : 0;
        snprintf(attributes, sizeof(attributes), "AWS_INSTANCE_IPV4=10.0.0.%d,AWS_INSTANCE_PORT=80", i);
        bed_register(shop->bed, id, name, attributes);
    }
    ASK(shop->dns, "abcdefg._http._tcp.shop.example", A);
    assert_int_equal(dns_bed_count(shop->dns, "an "), 64);
    assert_int_equal(caller_deregister(&shop->bed->caller, id, "abcdefg"), 0);
    ASK(shop->dns, "abcdefg._http._tcp.shop.example", A);
    assert_int_equal(dns_bed_count(shop->dns, "an "), 64);
}

static void test_srv(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "_http._tcp", "SRV");

    bed_register(shop->bed, id, "i-1", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_IPV6=fd00::1,AWS_INSTANCE_PORT=8080");
    assert_string_equal(ASK(shop->dns, "_http._tcp.shop.example", SRV),
                        "NOERROR aa\n"
                        "an _http._tcp.shop.example. 60 SRV 1 1 8080 i-1._http._tcp.shop.example.\n"
                        "ad i-1._http._tcp.shop.example. 60 A 10.0.0.1\n"
                        "ad i-1._http._tcp.shop.example. 60 AAAA fd00::1\n");
    assert_string_equal(ASK(shop->dns, "_http._tcp.shop.example", A), NODATA);
    assert_string_equal(ASK(shop->dns, "_tcp.shop.example", A), NODATA); /* exists by what is below */
    assert_string_equal(ASK(shop->dns, "tcp.shop.example", A), NXDOMAIN);
    assert_string_equal(ASK(shop->dns, "i-1._http._tcp.shop.example", A),
                        "NOERROR aa\nan i-1._http._tcp.shop.example. 60 A 10.0.0.1\n");
    assert_string_equal(ASK(shop->dns, "I-1._http._tcp.shop.example", AAAA),
                        "NOERROR aa\nan I-1._http._tcp.shop.example. 60 AAAA fd00::1\n");
    assert_string_equal(ASK(shop->dns, "i-1._http._tcp.shop.example", SRV), NODATA);
    assert_string_equal(ASK(shop->dns, "x.i-1._http._tcp.shop.example", A), NXDOMAIN);
    assert_string_equal(ASK(shop->dns, "i-2._http._tcp.shop.example", A), NXDOMAIN);
}

static void test_odd_ids(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "s", "SRV");

    bed_register(shop->bed, id, "Big/ID:x@y_", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=1");
    bed_register(shop->bed, id, "dot.Ted.id", "AWS_INSTANCE_IPV4=10.0.0.2,AWS_INSTANCE_PORT=2");
    ASK(shop->dns, "s.shop.example", SRV);
    assert_int_equal(dns_bed_count(shop->dns, "an s.shop.example. 60 SRV 1 1 1 big/id:x@y_.s.shop.example."), 1);
    assert_int_equal(dns_bed_count(shop->dns, "an s.shop.example. 60 SRV 1 1 2 dot.ted.id.s.shop.example."), 1);
    assert_string_equal(ASK(shop->dns, "bIG/id:X\\@y_.s.shop.example", A),
                        "NOERROR aa\nan bIG/id:X@y_.s.shop.example. 60 A 10.0.0.1\n");
    assert_string_equal(ASK(shop->dns, "DOT.ted.ID.s.shop.example", A),
                        "NOERROR aa\nan DOT.ted.ID.s.shop.example. 60 A 10.0.0.2\n");
    assert_string_equal(ASK(shop->dns, "ted.id.s.shop.example", A), NODATA);
    assert_string_equal(ASK(shop->dns, "id.s.shop.example", A), NODATA);
    assert_string_equal(ASK(shop->dns, "d.s.shop.example", A), NXDOMAIN);
    assert_string_equal(ASK(shop->dns, "x.ted.id.s.shop.example", A), NXDOMAIN);
    assert_string_equal(ASK(shop->dns, "dot\\.ted.id.s.shop.example", A), NXDOMAIN); /* a dot in a label is no dot */
}

static void test_apex(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, ".", "A");
    char soa[] = SOA;

    memcpy(soa, "an", 2);
    assert_string_equal(ASK(shop->dns, "shop.example", A), NODATA);
    ASK(shop->dns, "shop.example", SOA);
    assert_string_equal(strchr(shop->dns->text.p, '\n') + 1, soa);
    assert_string_equal(ASK(shop->dns, "shop.example", NS),
                        "NOERROR aa\nan shop.example. 172800 NS ns1.example.net.\n");
    assert_string_equal(ASK(shop->dns, "shop.example", ANY), shop->dns->text.p);
    bed_register(shop->bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_string_equal(ASK(shop->dns, "shop.example", A), "NOERROR aa\nan shop.example. 60 A 10.0.0.1\n");
    assert_string_equal(ASK(shop->dns, "shop.example", NS),
                        "NOERROR aa\nan shop.example. 172800 NS ns1.example.net.\n");
    assert_string_equal(ASK(shop->dns, "shop.example", AAAA), NODATA);
    assert_string_equal(ASK(shop->dns, "shop.example", ANY), "NOERROR aa\nan shop.example. 60 A 10.0.0.1\n");
}

static void test_apex_srv(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, ".", "SRV");

    bed_register(shop->bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    assert_string_equal(ASK(shop->dns, "shop.example", SRV),
                        "NOERROR aa\nan shop.example. 60 SRV 1 1 80 i.shop.example.\n"
                        "ad i.shop.example. 60 A 10.0.0.1\n");
    assert_string_equal(ASK(shop->dns, "i.shop.example", A), "NOERROR aa\nan i.shop.example. 60 A 10.0.0.1\n");
}

/* A service stands where an instance of another could: the service's records count; without any, the instance's. */
static void test_service_over_instance(void **state)
{
    struct shop *shop = *state;
    struct str srv = service(shop, "s", "SRV"), a = service(shop, "i.s", "A");

    bed_register(shop->bed, srv, "i", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    assert_string_equal(ASK(shop->dns, "i.s.shop.example", A), "NOERROR aa\nan i.s.shop.example. 60 A 10.0.0.1\n");
    bed_register(shop->bed, a, "x", "AWS_INSTANCE_IPV4=10.0.0.9");
    assert_string_equal(ASK(shop->dns, "i.s.shop.example", A), "NOERROR aa\nan i.s.shop.example. 60 A 10.0.0.9\n");
}

static void test_cname(void **state)
{
    struct shop *shop = *state;
    struct str to = bed_dns_service(shop->bed, shop->ns, "to", "CNAME", 5, SERVICE_WEIGHTED, SERVICE_CHECK_NONE);
    struct str web = service(shop, "web", "A");

    bed_register(shop->bed, to, "c", "AWS_INSTANCE_CNAME=Other.Example.org");
    assert_string_equal(ASK(shop->dns, "to.shop.example", A),
                        "NOERROR aa\nan to.shop.example. 5 CNAME Other.Example.org.\n");
    assert_string_equal(ASK(shop->dns, "to.shop.example", CNAME),
                        "NOERROR aa\nan to.shop.example. 5 CNAME Other.Example.org.\n");
    bed_register(shop->bed, to, "c", "AWS_INSTANCE_CNAME=web.shop.example");
    assert_string_equal(ASK(shop->dns, "to.shop.example", A),
                        "NXDOMAIN aa\nan to.shop.example. 5 CNAME web.shop.example.\n" SOA); /* RFC 6604 */
    bed_register(shop->bed, web, "w", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_string_equal(ASK(shop->dns, "to.shop.example", A),
                        "NOERROR aa\nan to.shop.example. 5 CNAME web.shop.example.\nan web.shop.example. 60 A "
                        "10.0.0.1\n");
    assert_string_equal(ASK(shop->dns, "to.shop.example", AAAA),
                        "NOERROR aa\nan to.shop.example. 5 CNAME web.shop.example.\n" SOA);
    assert_string_equal(ASK(shop->dns, "to.shop.example", CNAME),
                        "NOERROR aa\nan to.shop.example. 5 CNAME web.shop.example.\n");
}

/* Each record of a ring is in the answer once: a name has one CNAME record, even when chance would choose another. */
static void test_cname_ring(void **state)
{
    struct shop *shop = *state;
    struct str to = bed_dns_service(shop->bed, shop->ns, "to", "CNAME", 5, SERVICE_WEIGHTED, SERVICE_CHECK_NONE);
    struct str fro = bed_dns_service(shop->bed, shop->ns, "fro", "CNAME", 5, SERVICE_WEIGHTED, SERVICE_CHECK_NONE);

    bed_register(shop->bed, to, "c", "AWS_INSTANCE_CNAME=to.shop.example");
    assert_string_equal(ASK(shop->dns, "to.shop.example", A),
                        "NOERROR aa\nan to.shop.example. 5 CNAME to.shop.example.\n");
    bed_register(shop->bed, to, "c", "AWS_INSTANCE_CNAME=fro.shop.example");
    bed_register(shop->bed, fro, "c", "AWS_INSTANCE_CNAME=to.shop.example");
    bed_register(shop->bed, fro, "d", "AWS_INSTANCE_CNAME=TO.shop.example");
    for (int n = 0; n < 50; n++) {
        ASK(shop->dns, "to.shop.example", A);
        assert_int_equal(dns_bed_count(shop->dns, "an to.shop.example. 5 CNAME"), 1);
        assert_int_equal(dns_bed_count(shop->dns, "an fro.shop.example. 5 CNAME"), 1);
    }
}

static void test_ttl(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "s", "SRV");
    struct change *change;

    bed_register(shop->bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    for (int64_t ttl = 0; ttl <= INT32_MAX; ttl = ttl ? ttl * 7 + 1 : 1) {
        char line[128];
        change = caller_new(&shop->bed->caller, CHANGE_UPDATE_SERVICE);
        change->service_id = id;
        change->service.has_dns = true;
        change->service.n_records = 1;
        change->service.records[0] = (struct service_record){ SERVICE_SRV, ttl };
        assert_int_equal(caller_do(&shop->bed->caller), 0);
        ASK(shop->dns, "s.shop.example", SRV);
        snprintf(line, sizeof(line), "an s.shop.example. %lld SRV", (long long)ttl);
        assert_int_equal(dns_bed_count(shop->dns, line), 1);
        snprintf(line, sizeof(line), "ad i.s.shop.example. %lld A", (long long)ttl);
        assert_int_equal(dns_bed_count(shop->dns, line), 1);
        snprintf(line, sizeof(line), "an i.s.shop.example. %lld A", (long long)ttl);
        ASK(shop->dns, "i.s.shop.example", A);
        assert_int_equal(dns_bed_count(shop->dns, line), 1);
    }
}

/* The SOA record's TTL is the namespace's property; a negative answer is kept no longer than its MINIMUM says. */
static void test_soa_ttl(void **state)
{
    struct shop *shop = *state;
    struct change *change = caller_new(&shop->bed->caller, CHANGE_UPDATE_NAMESPACE);

    change->namespace_id = shop->ns;
    change->ns.kind = NAMESPACE_DNS_PRIVATE;
    change->ns.soa_ttl = 200000;
    assert_int_equal(caller_do(&shop->bed->caller), 0);
    ASK(shop->dns, "none.shop.example", A);
    assert_int_equal(dns_bed_count(shop->dns, "au shop.example. 86400 SOA"), 1);
    ASK(shop->dns, "shop.example", SOA);
    assert_int_equal(dns_bed_count(shop->dns, "an shop.example. 200000 SOA"), 1);
}

static uint32_t serial(struct shop *shop)
{
    const struct dns_reply_record *record;

    ASK(shop->dns, "shop.example", SOA);
    record = &shop->dns->reply.records[0];
    return packet_get_u32(shop->dns->answer + record->data_at + record->data_n - 20);
}

static void test_serial(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "web", "A");
    uint32_t before = serial(shop), after;

    bed_register(shop->bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1");
    after = serial(shop);
    assert_true((int32_t)(after - before) > 0);
    bed_reopen(shop->bed);
    assert_int_equal(serial(shop), after);
}

/* --- several zones ------------------------------------------------------------------------------------------------ */

static void test_zones(void **state)
{
    struct shop *shop = *state;
    struct str below = bed_namespace(shop->bed, NAMESPACE_DNS_PRIVATE, "deep.down.shop.example");
    struct str id = bed_dns_service(shop->bed, below, "web", "A", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);

    bed_register(shop->bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_string_equal(ASK(shop->dns, "web.deep.down.shop.example", A),
                        "NOERROR aa\nan web.deep.down.shop.example. 60 A 10.0.0.1\n");
    ASK(shop->dns, "x.deep.down.shop.example", A);
    assert_int_equal(dns_bed_count(shop->dns, "au deep.down.shop.example. "), 1); /* the longest one speaks */
    assert_string_equal(ASK(shop->dns, "down.shop.example", A), NODATA);          /* a zone stands below it */
    assert_string_equal(ASK(shop->dns, "x.down.shop.example", A), NXDOMAIN);
    assert_string_equal(ASK(shop->dns, "example", A), "REFUSED\n");
    assert_string_equal(ASK(shop->dns, "shop.example.org", A), "REFUSED\n");
    assert_string_equal(ASK(shop->dns, ".", A), "REFUSED\n");
    assert_string_equal(ASK(shop->dns, "xshop.example", A), "REFUSED\n");
}

static void test_private_before_public(void **state)
{
    struct shop *shop = *state;
    struct str public = bed_namespace(shop->bed, NAMESPACE_DNS_PUBLIC, "shop.example");
    struct str id = bed_dns_service(shop->bed, public, "web", "A", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);

    bed_register(shop->bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_string_equal(ASK(shop->dns, "web.shop.example", A), NXDOMAIN); /* the private zone shadows it whole */
}

static void test_alias(void **state)
{
    struct shop *shop = *state;
    struct str id = bed_dns_service(shop->bed, shop->ns, "lb", "A", 60, SERVICE_WEIGHTED, SERVICE_CHECK_NONE);

    bed_register(shop->bed, id, "i", "AWS_ALIAS_DNS_NAME=lb.example.net");
    assert_string_equal(ASK(shop->dns, "lb.shop.example", A), "SERVFAIL aa\n");
    ASK_OPT(shop->dns, "lb.shop.example", A, "");
    assert_int_equal(dns_bed_count(shop->dns, "opt 1232 error=0:the instance is an alias"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_and_aaaa),
        TEST(test_same_address),
        TEST(test_shared_names),
        TEST(test_a_name_shared_by_many),
        TEST(test_srv),
        TEST(test_odd_ids),
        TEST(test_apex),
        TEST(test_apex_srv),
        TEST(test_service_over_instance),
        TEST(test_cname),
        TEST(test_cname_ring),
        TEST(test_ttl),
        TEST(test_soa_ttl),
        TEST(test_serial),
        TEST(test_zones),
        TEST(test_private_before_public),
        TEST(test_alias),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
