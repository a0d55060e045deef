/* SPDX-License-Identifier: Apache-2.0
 *
 * The API's own names: what they answer, and who speaks where they meet namespaces. */
#include "dns_bed.h"

#include "dns/explain.h"

#define SOA(name) "au " name " 60 SOA ns1.example.net. hostmaster." name " 14400 3600 1209600 86400\n"

struct own {
    struct dns_bed *dns;
    struct own_zones zones;
};

static int setup(void **state)
{
    static struct own own;

    memset(&own, 0, sizeof(own));
    own.dns = dns_bed_new();
    assert_int_equal(own_zone_add_name(&own.zones, STR("API.example.internal")), 0);
    assert_int_equal(own_zone_add_address(&own.zones, STR("10.9.9.9")), 0);
    assert_int_equal(own_zone_add_address(&own.zones, STR("10.9.9.10")), 0);
    assert_int_equal(own_zone_add_address(&own.zones, STR("10.9.9.9")), 0);
    own.dns->settings.own = &own.zones;
    *state = &own;
    return 0;
}

static int teardown(void **state)
{
    struct own *own = *state;

    dns_bed_free(own->dns);
    return 0;
}

static void test_addresses(void **state)
{
    struct own *own = *state;

    assert_string_equal(
        ASK(own->dns, "api.Example.internal", A),
        "NOERROR aa\nan api.Example.internal. 60 A 10.9.9.9\nan api.Example.internal. 60 A 10.9.9.10\n");
    assert_string_equal(ASK(own->dns, "data-api.example.internal", A),
                        "NOERROR aa\nan data-api.example.internal. 60 A 10.9.9.9\n"
                        "an data-api.example.internal. 60 A 10.9.9.10\n");
    assert_string_equal(ASK(own->dns, "api.example.internal", AAAA), "NOERROR aa\n" SOA("api.example.internal."));
    assert_string_equal(ASK(own->dns, "api.example.internal", TXT), "NOERROR aa\n" SOA("api.example.internal."));
    assert_int_equal(own_zone_add_address(&own->zones, STR("fd00::9")), 0);
    assert_string_equal(ASK(own->dns, "api.example.internal", AAAA),
                        "NOERROR aa\nan api.example.internal. 60 AAAA fd00::9\n");
    own->zones.n_ipv4 = 0;
    assert_string_equal(ASK(own->dns, "api.example.internal", ANY),
                        "NOERROR aa\nan api.example.internal. 60 AAAA fd00::9\n");
}

static void test_zone(void **state)
{
    struct own *own = *state;

    assert_string_equal(ASK(own->dns, "api.example.internal", SOA),
                        "NOERROR aa\nan api.example.internal. 60 SOA ns1.example.net. "
                        "hostmaster.api.example.internal. 14400 3600 1209600 86400\n");
    assert_string_equal(ASK(own->dns, "api.example.internal", NS),
                        "NOERROR aa\nan api.example.internal. 172800 NS ns1.example.net.\n");
    assert_string_equal(ASK(own->dns, "x.api.example.internal", A), "NXDOMAIN aa\n" SOA("api.example.internal."));
    assert_string_equal(ASK(own->dns, "xapi.example.internal", A), "REFUSED\n");
    assert_string_equal(ASK(own->dns, "example.internal", A), "REFUSED\n");
}

/* The longest zone speaks, of whichever kind it is. */
static void test_namespaces(void **state)
{
    struct own *own = *state;
    struct bed *bed = &own->dns->bed;
    struct str above = bed_namespace(bed, NAMESPACE_DNS_PUBLIC, "example.internal"), below, id;

    id = bed_dns_service(bed, above, "api", "A", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    bed_register(bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1");
    id = bed_dns_service(bed, above, "web", "A", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    bed_register(bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.2");
    id = bed_dns_service(bed, above, "to", "CNAME", 60, SERVICE_WEIGHTED, SERVICE_CHECK_NONE);
    bed_register(bed, id, "i", "AWS_INSTANCE_CNAME=api.example.internal");
    assert_int_equal(dns_bed_count(own->dns, "an "), 0);
    ASK(own->dns, "api.example.internal", A);
    assert_int_equal(dns_bed_count(own->dns, "an api.example.internal. 60 A 10.9.9."), 2);
    assert_string_equal(ASK(own->dns, "web.example.internal", A),
                        "NOERROR aa\nan web.example.internal. 60 A 10.0.0.2\n");
    ASK(own->dns, "to.example.internal", A);
    assert_int_equal(dns_bed_count(own->dns, "an to.example.internal. 60 CNAME api.example.internal."), 1);
    assert_int_equal(dns_bed_count(own->dns, "an api.example.internal. 60 A 10.9.9."), 2);
    below = bed_namespace(bed, NAMESPACE_DNS_PUBLIC, "b.a.api.example.internal");
    id = bed_dns_service(bed, below, "web", "A", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    bed_register(bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.3");
    assert_int_equal(strncmp(ASK(own->dns, "web.b.a.api.example.internal", A), "NOERROR aa\nan ", 14), 0);
    assert_string_equal(ASK(own->dns, "a.api.example.internal", A), "NOERROR aa\n" SOA("api.example.internal."));
    assert_string_equal(ASK(own->dns, "c.api.example.internal", A), "NXDOMAIN aa\n" SOA("api.example.internal."));
}

/* A name of the greatest length with all addresses: truncated where they do not fit, whole over TCP. */
static void test_truncated(void **state)
{
    struct own *own = *state;
    char name[245];

    memset(name, 'a', sizeof(name) - 1);
    name[58] = name[120] = name[182] = '.';
    name[244] = '\0';
    own->zones.n = 0;
    assert_int_equal(own_zone_add_name(&own->zones, str_of(name)), 0);
    for (char i[] = "fd00::1"; i[6] < '9'; i[6]++)
        assert_int_equal(own_zone_add_address(&own->zones, str_of(i)), 0);
    assert_int_equal(own_zone_add_address(&own->zones, STR("fd00::9")), 1);
    dns_bed_ask(own->dns, name, PACKET_AAAA, DNS_BED_OPT("\2\0", "\0\0\0\0", "\0\12\0\10abcdefgh"));
    assert_true(own->dns->reply.flags & PACKET_TC);
    assert_int_equal(dns_bed_count(own->dns, "an "), 0);
    own->dns->is_tcp = true;
    dns_bed_ask(own->dns, name, PACKET_AAAA, (struct str){ 0 });
    assert_int_equal(dns_bed_count(own->dns, "an "), 8);
}

static void test_refused(void **state)
{
    static struct own_zones zones;
    char name[64];

    (void)state;
    memset(&zones, 0, sizeof(zones));
    assert_int_equal(own_zone_add_name(&zones, STR("")), 1);
    assert_int_equal(own_zone_add_name(&zones, STR(".")), 1);
    memset(name, 'a', 63);
    assert_int_equal(own_zone_add_name(&zones, (struct str){ name, 63 }), 1); /* no room for data- */
    memset(&zones, 0, sizeof(zones));
    for (int i = 0; i < OWN_ZONE_MAX_NAMES; i++) {
        snprintf(name, sizeof(name), "api%d.example", i);
        assert_int_equal(own_zone_add_name(&zones, str_of(name)), 0);
        assert_int_equal(own_zone_add_name(&zones, str_of(name)), 0);
    }
    assert_int_equal(own_zone_add_name(&zones, STR("more.example")), 1);
    assert_int_equal(own_zone_add_address(&zones, STR("localhost")), 1);
    assert_int_equal(own_zone_add_address(&zones, STR("")), 1);
}

static void test_explained(void **state)
{
    struct own *own = *state;
    struct explain_question question;
    struct json_writer writer;

    assert_int_equal(explain_parse(STR("data-api.example.internal"), (struct str){ 0 }, (struct str){ 0 }, &question),
                     0);
    buf_clear(&own->dns->text);
    json_writer_init(&writer, &own->dns->text);
    assert_int_equal(explain_write(&writer, &own->dns->settings, bed_hold(&own->dns->bed), &question, 0), 0);
    bed_release(&own->dns->bed);
    buf_put_char(&own->dns->text, '\0');
    assert_non_null(strstr(own->dns->text.p, "\"data\":\"10.9.9.10\""));
    assert_non_null(strstr(own->dns->text.p, "\"holds\":\"the API's own name\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_namespaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated, setup, teardown),
        cmocka_unit_test(test_refused),
        cmocka_unit_test_setup_teardown(test_explained, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
