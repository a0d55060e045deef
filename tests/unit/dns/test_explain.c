/* SPDX-License-Identifier: Apache-2.0
 *
 * Explanations: what they say of each kind of name, and that they agree with the answer. */
#include "dns_bed.h"

#include "base/mem.h"
#include "dns/explain.h"

#include <sys/socket.h>

struct shop {
    struct dns_bed *dns;
    struct bed *bed;
    struct str ns;
    struct buf text;
};

static int setup(void **state)
{
    static struct shop shop;

    shop.dns = dns_bed_new();
    shop.bed = &shop.dns->bed;
    buf_init(&shop.text, 4 << 20);
    shop.ns = bed_namespace(shop.bed, NAMESPACE_DNS_PRIVATE, "shop.example");
    *state = &shop;
    return 0;
}

static int teardown(void **state)
{
    struct shop *shop = *state;

    buf_fini(&shop->text);
    dns_bed_free(shop->dns);
    return 0;
}

static struct str service(struct shop *shop, const char *name, const char *types, enum service_routing routing)
{
    return bed_dns_service(shop->bed, shop->ns, name, types, 60, routing, SERVICE_CHECK_CUSTOM);
}

/* The explanation, until the next one. */
static const char *explain(struct shop *shop, const char *name, const char *type)
{
    struct explain_question question;
    struct json_writer writer;

    assert_int_equal(explain_parse(str_of(name), str_of(type), (struct str){ 0 }, &question), 0);
    buf_clear(&shop->text);
    json_writer_init(&writer, &shop->text);
    assert_int_equal(explain_write(&writer, &shop->dns->settings, bed_hold(shop->bed), &question, 1700000000), 0);
    bed_release(shop->bed);
    buf_put_char(&shop->text, '\0');
    assert_false(shop->text.failed);
    return shop->text.p;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

#define assert_says(text, part)                      \
    do {                                             \
        if (!strstr((text), (part)))                 \
            fail_msg("no %s in %s", (part), (text)); \
    } while (0)

static void test_parse(void **state)
{
    struct explain_question question;

    (void)state;
    assert_int_equal(explain_parse(STR("Web.example."), STR("aaaa"), STR("2001:db8::1"), &question), 0);
    assert_int_equal(question.type, PACKET_AAAA);
    assert_int_equal(question.client.family, AF_INET6);
    assert_int_equal(explain_parse(STR("web.example"), STR("type65280"), (struct str){ 0 }, &question), 0);
    assert_int_equal(question.type, 65280);
    assert_int_equal(question.client.address[0], 127);
    assert_int_equal(explain_parse(STR(""), STR("A"), STR("::1"), &question), EXPLAIN_BAD_NAME);
    assert_int_equal(explain_parse(STR("a..b"), STR("A"), STR("::1"), &question), EXPLAIN_BAD_NAME);
    assert_int_equal(explain_parse(STR("a"), STR(""), STR("::1"), &question), EXPLAIN_BAD_TYPE);
    assert_int_equal(explain_parse(STR("a"), STR("TYPE0"), STR("::1"), &question), EXPLAIN_BAD_TYPE);
    assert_int_equal(explain_parse(STR("a"), STR("TYPE41"), STR("::1"), &question), EXPLAIN_BAD_TYPE);
    assert_int_equal(explain_parse(STR("a"), STR("TYPE65536"), STR("::1"), &question), EXPLAIN_BAD_TYPE);
    assert_int_equal(explain_parse(STR("a"), STR("A"), STR("localhost"), &question), EXPLAIN_BAD_ADDRESS);
    assert_int_equal(explain_parse(STR("a"), STR("A"), STR(""), &question), EXPLAIN_BAD_ADDRESS);
}

/* Healthy ones are in, unhealthy ones out, those of another type too; and all are in when none is healthy. */
static void test_health(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "web", "A,AAAA", SERVICE_MULTIVALUE);
    const char *text;

    bed_register(shop->bed, id, "i-1", "AWS_INSTANCE_IPV4=10.0.0.1");
    bed_register(shop->bed, id, "i-2", "AWS_INSTANCE_IPV4=10.0.0.2");
    bed_register(shop->bed, id, "i-6", "AWS_INSTANCE_IPV6=fd00::6");
    assert_int_equal(caller_health(&shop->bed->caller, id, "i-2", HEALTH_UNHEALTHY), 0);
    text = explain(shop, "WEB.shop.example", NULL);
    assert_says(text, "{\"name\":\"WEB.shop.example.\",\"type\":\"A\",\"from\":\"127.0.0.1\",\"rcode\":\"NOERROR\","
                      "\"outcome\":\"NOERROR\",\"authoritative\":true,\"truncated_over_udp\":false,");
    assert_says(text, "\"records\":[{\"section\":\"answer\",\"name\":\"WEB.shop.example.\",\"ttl\":60,\"type\":\"A\","
                      "\"data\":\"10.0.0.1\"}],\"unlisted_records\":0");
    assert_says(text,
                "\"kind\":\"DNS_PRIVATE\",\"vpc\":\"vpc-1\",\"account\":\"000000000000\",\"region\":\"us-east-1\","
                "\"soa_ttl\":15,\"others_of_this_name\":0}");
    assert_says(text, "\"routing\":\"MULTIVALUE\",\"max_answers\":8,\"records\":[{\"type\":\"A\",\"ttl\":60},");
    assert_says(
        text,
        "\"registered\":3,\"draining\":0,\"unhealthy\":1,\"of_type\":2,\"of_type_unhealthy\":1,\"fail_open\":false,"
        "\"candidates\":1,\"records\":1,");
    assert_says(text, "{\"id\":\"i-1\",\"health\":\"HEALTHY\",\"state\":\"answered\",\"record\":\"10.0.0.1\"}");
    assert_says(text, "{\"id\":\"i-2\",\"health\":\"UNHEALTHY\",\"state\":\"unhealthy\",\"record\":\"10.0.0.2\"}");
    assert_says(text, "{\"id\":\"i-6\",\"health\":\"HEALTHY\",\"state\":\"other-type\"}");
    assert_int_equal(caller_health(&shop->bed->caller, id, "i-1", HEALTH_UNHEALTHY), 0);
    text = explain(shop, "web.shop.example", "A");
    assert_says(text, "\"fail_open\":true,\"candidates\":2,\"records\":2,");
    assert_int_equal(count(text, "\"state\":\"fail-open\""), 2);
    text = explain(shop, "web.shop.example", "AAAA");
    assert_says(text, "{\"id\":\"i-6\",\"health\":\"HEALTHY\",\"state\":\"answered\",\"record\":\"fd00::6\"}");
    assert_int_equal(count(text, "\"state\":\"other-type\""), 2);
    assert_says(explain(shop, "web.shop.example", "MX"), "\"outcome\":\"NODATA\"");
    assert_int_equal(count(shop->text.p, "\"state\":\"other-type\"}"), 3);
}

/* More than an answer holds, prepared (20) and not (150): as many are in as there are records, the list has its cap. */
static void test_many(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "web", "A", SERVICE_MULTIVALUE);
    char name[16], attributes[48];
    const char *text;

    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof(name), "i-%03d", i);
        snprintf(attributes, sizeof(attributes), "AWS_INSTANCE_IPV4=10.0.0.%d", i);
        bed_register(shop->bed, id, name, attributes);
        if (i == 19) {
            text = explain(shop, "web.shop.example", "A");
            assert_says(text, "\"candidates\":20,\"records\":8,");
            assert_says(text, "\"unlisted\":0}");
            assert_int_equal(count(text, "\"state\":\"answered\""), 8);
            assert_int_equal(count(text, "\"state\":\"not-drawn\""), 12);
        }
    }
    text = explain(shop, "web.shop.example", "A");
    assert_says(text, "\"candidates\":150,\"records\":8,");
    assert_says(text, "\"unlisted\":50}");
    assert_int_equal(count(text, "\"state\":"), EXPLAIN_INSTANCES_MAX);
    shop->dns->settings.max_answers = 0;
    text = explain(shop, "web.shop.example", "A");
    assert_says(text, "\"truncated_over_udp\":true");
    assert_says(text, "\"candidates\":150,\"records\":150,");
    assert_int_equal(count(text, "\"state\":\"answered\""), EXPLAIN_INSTANCES_MAX);
    assert_int_equal(count(text, "\"section\":\"answer\""), 150);
    for (int i = 150; i < 300; i++) {
        snprintf(name, sizeof(name), "i-%03d", i);
        snprintf(attributes, sizeof(attributes), "AWS_INSTANCE_IPV4=10.0.1.%d", i - 150);
        bed_register(shop->bed, id, name, attributes);
    }
    text = explain(shop, "web.shop.example", "A");
    assert_says(text, "\"unlisted_records\":44,");
    assert_int_equal(count(text, "\"section\":"), EXPLAIN_RECORDS_MAX);
}

static void test_srv_and_instance(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "_web._tcp", "SRV", SERVICE_MULTIVALUE);
    const char *text;

    bed_register(shop->bed, id, "I-1", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    bed_register(shop->bed, id, "i-2", "AWS_INSTANCE_IPV6=fd00::2,AWS_INSTANCE_PORT=81");
    text = explain(shop, "_web._tcp.shop.example", "SRV");
    assert_says(text, "\"data\":\"1 1 81 i-2._web._tcp.shop.example.\"");
    assert_int_equal(count(text, "\"section\":\"additional\""), 2);
    assert_int_equal(count(text, "\"state\":\"answered\",\"record\":\"port 8"), 2);
    text = explain(shop, "_web._tcp.shop.example", "ANY");
    assert_int_equal(count(text, "\"state\":\"answered\""), 2);
    text = explain(shop, "i-1._web._tcp.shop.example", "A");
    assert_says(text, "\"holds\":\"instance\"");
    assert_says(text,
                "\"instance\":{\"id\":\"I-1\",\"health\":\"HEALTHY\",\"state\":\"answered\",\"record\":\"10.0.0.1\"}");
    text = explain(shop, "i-2._web._tcp.shop.example", "A");
    assert_says(text, "\"outcome\":\"NODATA\"");
    assert_says(text, "\"instance\":{\"id\":\"i-2\",\"health\":\"HEALTHY\",\"state\":\"other-type\"}");
    assert_says(explain(shop, "i-2._web._tcp.shop.example", "ANY"), "\"state\":\"answered\",\"record\":\"fd00::2\"}");
    assert_says(explain(shop, "_tcp.shop.example", "A"), "\"holds\":\"names below\"");
    bed_register(shop->bed, id, "I-2", "AWS_INSTANCE_IPV4=10.0.0.2,AWS_INSTANCE_PORT=81");
    text = explain(shop, "i-2._web._tcp.shop.example", "A");
    assert_says(text,
                "\"instance\":{\"id\":\"i-2\",\"health\":\"HEALTHY\",\"state\":\"other-type\"},\"sharing\":[{\"id\":"
                "\"I-2\",\"health\":\"HEALTHY\",\"state\":\"answered\",\"record\":\"10.0.0.2\"}]");
}

/* Each CNAME record is a step; the last one is in no namespace. */
static void test_cname(void **state)
{
    struct shop *shop = *state;
    struct str www = service(shop, "www", "CNAME", SERVICE_WEIGHTED),
               far = service(shop, "far", "CNAME", SERVICE_WEIGHTED);
    const char *text;

    bed_register(shop->bed, www, "i-1", "AWS_INSTANCE_CNAME=Far.shop.example");
    bed_register(shop->bed, www, "i-2", "AWS_INSTANCE_CNAME=far.shop.example");
    bed_register(shop->bed, far, "i-3", "AWS_INSTANCE_CNAME=example.net");
    assert_int_equal(caller_health(&shop->bed->caller, www, "i-2", HEALTH_UNHEALTHY), 0);
    text = explain(shop, "www.shop.example", "A");
    assert_int_equal(count(text, "\"holds\":\"service\""), 2);
    assert_int_equal(count(text, "\"holds\":\"no namespace here\""), 1);
    assert_says(text, "\"routing\":\"WEIGHTED\",\"max_answers\":1,");
    assert_says(text, "{\"id\":\"i-1\",\"health\":\"HEALTHY\",\"state\":\"answered\",\"record\":\"Far.shop.example\"}");
    assert_says(text,
                "{\"id\":\"i-2\",\"health\":\"UNHEALTHY\",\"state\":\"unhealthy\",\"record\":\"far.shop.example\"}");
    assert_says(text, "{\"id\":\"i-3\",\"health\":\"HEALTHY\",\"state\":\"answered\",\"record\":\"example.net\"}");
    assert_int_equal(count(explain(shop, "www.shop.example", "CNAME"), "\"holds\":"), 1);
}

/* A ring of CNAME records has as many steps as names. */
static void test_ring(void **state)
{
    struct shop *shop = *state;
    struct str one = service(shop, "one", "CNAME", SERVICE_WEIGHTED),
               two = service(shop, "two", "CNAME", SERVICE_WEIGHTED);

    bed_register(shop->bed, one, "i", "AWS_INSTANCE_CNAME=TWO.shop.example");
    bed_register(shop->bed, two, "i", "AWS_INSTANCE_CNAME=One.shop.example");
    assert_int_equal(count(explain(shop, "ONE.shop.example", "A"), "\"holds\":\"service\""), 2);
    assert_int_equal(count(shop->text.p, "\"state\":\"answered\""), 2);
}

static void test_alias(void **state)
{
    struct shop *shop = *state;
    struct str id = service(shop, "www", "A", SERVICE_WEIGHTED);
    const char *text;

    bed_register(shop->bed, id, "i-1", "AWS_ALIAS_DNS_NAME=lb.example.net");
    text = explain(shop, "www.shop.example", "A");
    assert_says(text, "\"outcome\":\"SERVFAIL\"");
    assert_says(text, "\"state\":\"alias\"");
}

static void test_empty(void **state)
{
    struct shop *shop = *state;
    const char *text;

    service(shop, "web", "A", SERVICE_MULTIVALUE);
    text = explain(shop, "web.shop.example", "A");
    assert_says(text, "\"outcome\":\"NXDOMAIN\"");
    assert_says(text, "\"extended_error\":\"the service has no instances\"");
    assert_says(text, "\"holds\":\"service without instances\"");
    assert_says(text, "{\"section\":\"authority\",\"name\":\"shop.example.\",\"ttl\":15,\"type\":\"SOA\",\"data\":"
                      "\"ns1.example.net. hostmaster.shop.example. ");
    text = explain(shop, "none.shop.example", "A");
    assert_says(text, "\"outcome\":\"NXDOMAIN\"");
    assert_says(text, "\"holds\":\"nothing\"");
    text = explain(shop, "shop.example", "NS");
    assert_says(text, "\"holds\":\"zone\"");
    assert_says(text, "\"data\":\"ns1.example.net.\"");
    text = explain(shop, "example.net", "A");
    assert_says(text, "\"outcome\":\"REFUSED\",\"authoritative\":false");
    assert_says(text, "\"steps\":[{\"name\":\"example.net.\",\"holds\":\"no namespace here\"}]");
    assert_says(explain(shop, "shop.example", "AXFR"), "REFUSED");
    assert_says(explain(shop, "\\\"\\200.shop.example", "A"), "\"name\":\"\\\\\\\"\\\\200.shop.example.\"");
}

static void test_no_memory(void **state)
{
    struct shop *shop = *state;
    struct explain_question question;
    struct json_writer writer;

    assert_int_equal(explain_parse(STR("shop.example"), (struct str){ 0 }, (struct str){ 0 }, &question), 0);
    json_writer_init(&writer, &shop->text);
    mem_fail_at(1, 0);
    assert_int_equal(explain_write(&writer, &shop->dns->settings, bed_hold(shop->bed), &question, 0), -12);
    mem_fail_at(0, 0);
    bed_release(shop->bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test_setup_teardown(test_health, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_srv_and_instance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cname, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ring, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alias, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
