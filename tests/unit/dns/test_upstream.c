/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions to resolvers, and what is believed of their answers. */
#include "../test.h"

#include "dns/upstream.h"

static struct upstream_question question_of(const char *name, enum packet_type type)
{
    struct upstream_question question = { .id = 0x1234, .type = type };

    assert_int_equal(dname_of_text(str_of(name), &question.name), 0);
    return question;
}

/* A message of the id 0x1234 to `lb.x`, A: flags, counts, then what follows the question. */
#define HEAD(flags, answers, authority) "\x12\x34" flags "\0\1\0" answers "\0" authority "\0\0\2lb\1x\0\0\1\0\1"
#define A(ttl, last) "\xc0\x0c\0\1\0\1\0\0\0" ttl "\0\4\xc0\0\2" last
#define READ(is_tcp, links, text) read_text((is_tcp), (links), (text), sizeof(text) - 1, &answer)

static enum upstream_verdict read_text(bool is_tcp, unsigned links, const char *text, size_t n,
                                       struct upstream_answer *ret_answer)
{
    struct upstream_question question = question_of("lb.x", PACKET_A);

    return upstream_read(&question, is_tcp, links, (const uint8_t *)text, n, ret_answer);
}

static void test_ask(void **state)
{
    struct upstream_question question;
    struct packet packet;
    struct dname name, asked;
    uint8_t query[UPSTREAM_QUERY_MAX];
    struct rand rand;
    unsigned n_recased = 0;
    size_t n;

    (void)state;
    rand_init_seed(&rand, 1);
    assert_int_equal(dname_of_text(STR("load-balancer.example.net"), &name), 0);
    for (unsigned i = 0; i < 100; i++) {
        upstream_ask(&rand, &name, PACKET_AAAA, &question);
        n = upstream_write(&question, i % 2, query);
        assert_int_equal(packet_read(query, n, &packet, &asked), PACKET_OK);
        assert_int_equal(packet.id, question.id);
        assert_int_equal(packet.type, PACKET_AAAA);
        assert_int_equal(packet.flags, PACKET_RD);
        assert_int_equal(packet.edns.present, i % 2 == 0);
        assert_true(dname_equal(&asked, &name));
        assert_memory_equal(asked.wire, question.name.wire, asked.n);
        n_recased += memcmp(asked.wire, name.wire, name.n) != 0;
    }
    assert_true(n_recased > 90);
}

static void test_found(void **state)
{
    struct upstream_answer answer;

    (void)state;
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\3", "\0") A("\x3c", "\1") A("\x1e", "\2") A("\x3c", "\1")),
                     UPSTREAM_FOUND);
    assert_int_equal(answer.n, 2);
    assert_int_equal(answer.ttl, 30);
    assert_memory_equal(answer.addresses[1], "\xc0\0\2\2", 4);
    /* A TTL with the upper bit is none (RFC 2181 8). */
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\1", "\0") "\xc0\x0c\0\1\0\1\x80\0\0\1\0\4\xc0\0\2\1"),
                     UPSTREAM_FOUND);
    assert_int_equal(answer.ttl, 0);
}

static void test_foreign(void **state)
{
    struct upstream_answer answer;

    (void)state;
    assert_int_equal(READ(false, 8, ""), UPSTREAM_FOREIGN);
    assert_int_equal(READ(false, 8, "\x12\x34\x81\x80\0\1\0\0\0\0\0"), UPSTREAM_FOREIGN);
    assert_int_equal(READ(false, 8, HEAD("\x01\x80", "\1", "\0") A("\1", "\1")), UPSTREAM_FOREIGN); /* a query */
    assert_int_equal(READ(false, 8, HEAD("\xa1\x80", "\1", "\0") A("\1", "\1")), UPSTREAM_FOREIGN); /* NOTIFY */
    assert_int_equal(READ(false, 8, "\x12\x35\x81\x80\0\1\0\0\0\0\0\0\2lb\1x\0\0\1\0\1"), UPSTREAM_FOREIGN);
    assert_int_equal(READ(false, 8, "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\2lc\1x\0\0\1\0\1"), UPSTREAM_FOREIGN);
    assert_int_equal(READ(false, 8, "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\2lb\1x\0\0\x1c\0\1"), UPSTREAM_FOREIGN);
    assert_int_equal(READ(false, 8, "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\2lb\1x\0\0\1\0\3"), UPSTREAM_FOREIGN);
    assert_int_equal(READ(false, 8, "\x12\x34\x81\x80\0\0\0\0\0\0\0\0"), UPSTREAM_FOREIGN);
    assert_int_equal(READ(true, 8, "\x12\x34\x81\x82\0\0\0\0\0\0\0\0"), UPSTREAM_FAILED);
    assert_int_equal(READ(false, 8, "\x12\x34\x81\x80\0\1\0\0\0\0\0\0\2Lb\1x\0\0\1\0\1"), UPSTREAM_RECASED);
    assert_int_equal(READ(true, 8, HEAD("\x81\x80", "\1", "\0") A("\1", "\1")), UPSTREAM_FOUND);
}

static void test_failed(void **state)
{
    struct upstream_answer answer;

    (void)state;
    assert_int_equal(READ(false, 8, HEAD("\x81\x82", "\0", "\0")), UPSTREAM_FAILED);
    assert_int_equal(answer.rcode, PACKET_SERVFAIL);
    assert_int_equal(READ(false, 8, HEAD("\x83\x80", "\0", "\0")), UPSTREAM_TRUNCATED);
    assert_int_equal(READ(true, 8, HEAD("\x83\x80", "\0", "\0")), UPSTREAM_FAILED);
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\2", "\0") A("\1", "\1")), UPSTREAM_FAILED); /* one is missing */
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\1", "\0") "\xc0\x0c\0\1\0\1\0\0\0\1\0\5\xc0\0\2\1\0"),
                     UPSTREAM_FAILED);
    assert_int_equal(READ(false, 8, HEAD("\x81\0", "\0", "\0")), UPSTREAM_FAILED); /* a referral */
    /* Records of other names and classes are nothing. */
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\1", "\0") "\1y\0\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1"), UPSTREAM_NONE);
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\1", "\0") "\xc0\x0c\0\1\0\3\0\0\0\1\0\4\xc0\0\2\1"),
                     UPSTREAM_NONE);
}

#define CNAME(owner, target) owner "\0\5\0\1\0\0\0\x0a\0\4" target
#define Y "\1y\xc0\x0f"

static void test_chain(void **state)
{
    struct upstream_answer answer;
    struct dname name;

    (void)state;
    assert_int_equal(dname_of_text(STR("y.x"), &name), 0);
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\1", "\0") CNAME("\xc0\x0c", Y)), UPSTREAM_NEXT);
    assert_true(dname_equal(&answer.next, &name));
    assert_int_equal(answer.ttl, 10);
    assert_int_equal(READ(false, 0, HEAD("\x81\x80", "\1", "\0") CNAME("\xc0\x0c", Y)), UPSTREAM_FAILED);
    assert_int_equal(READ(false, 8, HEAD("\x81\x83", "\1", "\0") CNAME("\xc0\x0c", Y)), UPSTREAM_NONE);
    assert_int_equal(READ(false, 1, HEAD("\x81\x80", "\2", "\0") CNAME("\xc0\x0c", Y) Y "\0\1\0\1\0\0\0\5\0\4\1\2\3\4"),
                     UPSTREAM_FOUND);
    assert_int_equal(answer.ttl, 5);
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\2", "\0") CNAME("\xc0\x0c", Y) CNAME(Y, "\1y\xc0\x0f")),
                     UPSTREAM_FAILED); /* a circle */
}

#define SOA(owner, ttl) owner "\0\6\0\1\0\0\0" ttl "\0\x16\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\x3c"

static void test_negative_ttl(void **state)
{
    struct upstream_answer answer;

    (void)state;
    assert_int_equal(READ(false, 8, HEAD("\x81\x83", "\0", "\1") SOA("\xc0\x0f", "\x64")), UPSTREAM_NONE);
    assert_int_equal(answer.ttl, 60);
    assert_int_equal(answer.rcode, PACKET_NXDOMAIN);
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\0", "\1") SOA("\0", "\x14")), UPSTREAM_NONE);
    assert_int_equal(answer.ttl, 20);
    assert_int_equal(READ(false, 8, HEAD("\x81\x80", "\0", "\1") SOA("\1y\0", "\x14")), UPSTREAM_NONE);
    assert_int_equal(answer.ttl, 0); /* it cannot speak for the name */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ask),    cmocka_unit_test(test_found), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_failed), cmocka_unit_test(test_chain), cmocka_unit_test(test_negative_ttl),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
