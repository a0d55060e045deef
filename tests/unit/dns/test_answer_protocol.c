/* SPDX-License-Identifier: Apache-2.0
 *
 * What the protocol wants of an answer whatever it holds: EDNS, truncation, types, classes and opcodes that are not
 * served, queries that are malformed (RFC 1035, 2181, 3597, 6891, 7828, 8906, 8914). */
#include "dns_bed.h"

#define QUESTION "\3web\1x\0\0\1\0\1"
#define SEND(dns, literal) dns_bed_send((dns), literal, sizeof(literal) - 1)
#define NXDOMAIN_X "NXDOMAIN aa\nau x. 15 SOA ns1.example.net. hostmaster.x. 14400 3600 1209600 86400\n"

static int setup(void **state)
{
    struct dns_bed *dns = dns_bed_new();
    struct str ns = bed_namespace(&dns->bed, NAMESPACE_DNS_PRIVATE, "x");
    struct str id = bed_dns_service(&dns->bed, ns, "web", "A", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);

    bed_register(&dns->bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1");
    *state = dns;
    return 0;
}

static int teardown(void **state)
{
    dns_bed_free(*state);
    return 0;
}

static void test_edns(void **state)
{
    struct dns_bed *dns = *state;

    assert_string_equal(ASK(dns, "web.x", A), "NOERROR aa\nan web.x. 60 A 10.0.0.1\n"); /* none was asked */
    assert_string_equal(ASK_OPT(dns, "web.x", A, ""), "NOERROR aa\nan web.x. 60 A 10.0.0.1\nopt 1232\n");
    /* Unknown options and flags are not repeated, DO is. */
    assert_string_equal(dns_bed_ask(dns, "web.x", PACKET_A, DNS_BED_OPT("\x10\0", "\0\0\x7f\xff", "\0\x64\0\2ab")),
                        "NOERROR aa\nan web.x. 60 A 10.0.0.1\nopt 1232\n");
    assert_string_equal(dns_bed_ask(dns, "web.x", PACKET_A, DNS_BED_OPT("\x10\0", "\0\0\x80\0", "")),
                        "NOERROR aa\nan web.x. 60 A 10.0.0.1\nopt 1232 do\n");
    /* Another version: nothing but what is known of it. */
    assert_string_equal(dns_bed_ask(dns, "web.x", PACKET_SOA, DNS_BED_OPT("\x10\0", "\0\1\0\0", "\0\3\0\0")),
                        "RCODE16\nopt 1232\n");
}

static void test_options(void **state)
{
    struct dns_bed *dns = *state;

    assert_string_equal(ASK_OPT(dns, "web.x", A, "\0\3\0\0"), "NOERROR aa\nan web.x. 60 A 10.0.0.1\nopt 1232\n");
    dns->settings.nsid = STR("here");
    assert_string_equal(ASK_OPT(dns, "web.x", A, "\0\3\0\0"),
                        "NOERROR aa\nan web.x. 60 A 10.0.0.1\nopt 1232 nsid=here\n");
    assert_string_equal(ASK_OPT(dns, "web.x", A, "\0\x0b\0\0"), "NOERROR aa\nan web.x. 60 A 10.0.0.1\nopt 1232\n");
    dns->is_tcp = true;
    assert_string_equal(ASK_OPT(dns, "web.x", A, "\0\x0b\0\0"),
                        "NOERROR aa\nan web.x. 60 A 10.0.0.1\nopt 1232 keepalive=200\n");
    assert_string_equal(ASK_OPT(dns, "web.x", A,
                                "\0\x0a\0\x08"
                                "12345678"),
                        "NOERROR aa\nan web.x. 60 A 10.0.0.1\nopt 1232 option10=24\n");
    assert_string_equal(ASK_OPT(dns, "web.x", A,
                                "\0\x0a\0\x07"
                                "1234567"),
                        "FORMERR\n");
}

static void test_errors_say_why(void **state)
{
    struct dns_bed *dns = *state;

    ASK_OPT(dns, "none.x", A, "");
    assert_int_equal(dns_bed_count(dns, "opt 1232 error=0:there is no service or instance of this name"), 1);
    ASK_OPT(dns, "web.x", AAAA, "");
    assert_int_equal(dns_bed_count(dns, "opt 1232 error=0:the service has no records of this type"), 1);
    ASK_OPT(dns, "elsewhere", A, "");
    assert_int_equal(dns_bed_count(dns, "opt 1232 error=20:"), 1);
    ASK_OPT(dns, "x", AXFR, "");
    assert_int_equal(dns_bed_count(dns, "opt 1232 error=18:"), 1);
}

static void test_unknown_types(void **state)
{
    struct dns_bed *dns = *state;
    static const unsigned types[] = { 0, 16, 43, 48, 65, 99, 128, 249, 253, 1000, 65280, 65535 };

    for (size_t i = 0; i < TEST_COUNT(types); i++) {
        const char *said = dns_bed_ask(dns, "web.x", types[i], (struct str){ 0 });
        assert_string_equal(said, "NOERROR aa"
                                  "\nau x. 15 SOA ns1.example.net. hostmaster.x. 14400 3600 1209600 86400\n");
    }
    assert_string_equal(ASK(dns, "web.x", ANY), "NOERROR aa\nan web.x. 60 A 10.0.0.1\n");
    assert_string_equal(ASK(dns, "x", AXFR), "REFUSED\n");
    assert_string_equal(ASK(dns, "x", IXFR), "REFUSED\n");
}

static void test_classes(void **state)
{
    struct dns_bed *dns = *state;

    assert_string_equal(SEND(dns, "\1\2\0\0\0\1\0\0\0\0\0\0\3web\1x\0\0\1\0\3"), "REFUSED\n"); /* CH */
    assert_string_equal(SEND(dns, "\1\2\0\0\0\1\0\0\0\0\0\0\3web\1x\0\0\1\0\xff"), "REFUSED\n");
    assert_string_equal(SEND(dns, "\1\2\0\0\0\1\0\0\0\0\0\0\3web\1x\0\0\1\0\0"), "REFUSED\n");
}

/* Flags of the query: RD comes back, others do not. */
static void test_flags(void **state)
{
    struct dns_bed *dns = *state;

    SEND(dns, "\1\2\7\xf0\0\1\0\0\0\0\0\0" QUESTION);
    assert_int_equal(dns->reply.flags, 0x8500);
    SEND(dns, "\1\2\0\x30\0\1\0\0\0\0\0\0" QUESTION);
    assert_int_equal(dns->reply.flags, 0x8400);
}

static void test_opcodes(void **state)
{
    struct dns_bed *dns = *state;
    char query[] = "\1\2\1\0\0\1\0\0\0\0\0\0" QUESTION;

    for (unsigned opcode = 1; opcode < 16; opcode++) {
        query[2] = (char)(opcode << 3 | 1);
        assert_string_equal(SEND(dns, query), "NOTIMP\n");
        assert_int_equal(dns->reply.n, 12);
        assert_int_equal(dns->reply.flags >> 11 & 15, opcode);
    }
}

static void test_malformed(void **state)
{
    struct dns_bed *dns = *state;

    assert_string_equal(SEND(dns, "\1\2\1\0\0\1\0\0\0\0\0"), "");
    assert_string_equal(SEND(dns, "\1\2\x81\0\0\1\0\0\0\0\0\0" QUESTION), "");
    assert_string_equal(SEND(dns, "\1\2\1\0\0\0\0\0\0\0\0\0"), "FORMERR\n");
    assert_string_equal(SEND(dns, "\1\2\1\0\0\2\0\0\0\0\0\0" QUESTION QUESTION), "FORMERR\n");
    assert_int_equal(dns->reply.n, 12);
    assert_string_equal(SEND(dns, "\1\2\1\0\0\1\0\0\0\0\0\0\3web\1x"), "FORMERR\n");
    assert_string_equal(SEND(dns, "\1\2\1\0\0\1\0\0\0\0\0\0" QUESTION "x"), "FORMERR\n");
    assert_string_equal(SEND(dns, "\1\2\1\0\0\1\0\0\0\0\0\1" QUESTION "\1k\0\0\xfa\0\xff\0\0\0\0\0\0"), "RCODE9\n");
    assert_string_equal(SEND(dns, "\1\2\1\0\0\0\0\0\0\0\0\1\0\0\x29\4\xd0\0\0\0\0\0\x0c\0\x0a\0\x08"
                                  "12345678"),
                        "NOERROR\nopt 1232 option10=24\n");
}

/* Answers that do not fit: truncated when records of the answer are missing, not for addresses besides. */
static void test_truncation(void **state)
{
    struct dns_bed *dns = *state;
    struct str ns = bed_namespace(&dns->bed, NAMESPACE_DNS_PRIVATE,
                                  "a-namespace-whose-name-is-rather-long.to-fill-the-answers-with.example");
    struct str id = bed_dns_service(&dns->bed, ns, "_service._tcp", "SRV", 60, SERVICE_MULTIVALUE, SERVICE_CHECK_NONE);
    const char *name = "_service._tcp.a-namespace-whose-name-is-rather-long.to-fill-the-answers-with.example";
    char one[16];
    size_t last = 0;

    for (unsigned i = 0; i < 8; i++) {
        snprintf(one, sizeof(one), "instance-%u", i);
        bed_register(&dns->bed, id, one, "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_IPV6=fd00::1,AWS_INSTANCE_PORT=1");
    }
    assert_string_equal(ASK(dns, name, SRV), "NOERROR aa tc\n");
    assert_int_equal(dns->reply.counts[0], 1);
    for (unsigned size = 512; size <= 1400; size += 4) {
        const char opt[] = { 0, 0, 41, (char)(size >> 8), (char)size, 0, 0, 0, 0 };
        dns_bed_ask(dns, name, PACKET_SRV, (struct str){ opt, sizeof(opt) });
        if (dns->reply.flags & PACKET_TC) {
            assert_int_equal(dns->reply.counts[1], 0);
            assert_int_equal(dns->reply.counts[3], 1);
        } else {
            assert_int_equal(dns->reply.counts[1], 8);
            assert_in_range(dns->reply.counts[3], last ? last : 1, 17); /* the more room, the more addresses */
            last = dns->reply.counts[3];
        }
    }
    assert_in_range(last, 2, 17);
    dns->is_tcp = true;
    ASK(dns, name, SRV);
    assert_int_equal(dns->reply.counts[1], 8);
    assert_int_equal(dns->reply.counts[3], 16);
}

/* The longest name, with all that can stand around its answer. */
static void test_longest_name(void **state)
{
    struct dns_bed *dns = *state;
    char name[2 * 126 + 2];

    dns->settings.nsid = STR("0123456789012345678901234567890123456789012345678901234567890123");
    for (unsigned i = 0; i < 126; i++)
        memcpy(name + 2 * i, "a.", 2);
    memcpy(name + 2 * 126, "x", 2);
    assert_string_equal(ASK(dns, name, A), NXDOMAIN_X);
    dns_bed_ask(dns, name, PACKET_A,
                DNS_BED_OPT("\2\0", "\0\0\0\0",
                            "\0\3\0\0\0\x0a\0\x08"
                            "12345678"));
    assert_int_equal(dns_bed_count(dns, "NXDOMAIN aa"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_edns),       TEST(test_options),      TEST(test_errors_say_why), TEST(test_unknown_types),
        TEST(test_classes),    TEST(test_flags),        TEST(test_opcodes),        TEST(test_malformed),
        TEST(test_truncation), TEST(test_longest_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
