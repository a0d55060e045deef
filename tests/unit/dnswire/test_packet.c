/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries that are to be answered, dropped, or told that they are malformed. */
#include "../test.h"

#include "dnswire/packet.h"

/* id 0x1234, RD, QDCOUNT 1, ARCOUNT 0; then `example. A IN` */
#define HEADER(counts) "\x12\x34\1\0" counts
#define QUESTION "\7eXample\0\0\1\0\1"
#define OPT "\0\0\x29\4\xd0\0\0\0\0\0\0"

#define READ(literal) packet_read((const uint8_t *)(literal), sizeof(literal) - 1, &packet, &name)

static void test_plain(void **state)
{
    struct packet packet;
    struct dname name;

    (void)state;
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\0") QUESTION), PACKET_OK);
    assert_int_equal(packet.id, 0x1234);
    assert_int_equal(packet.flags, PACKET_RD);
    assert_int_equal(packet.type, PACKET_A);
    assert_int_equal(packet.class, PACKET_IN);
    assert_int_equal(packet.question_end, 12 + 13);
    assert_int_equal(name.n, 9);
    assert_memory_equal(name.wire, "\7eXample", 9);
    assert_false(packet.edns.present);
    assert_int_equal(packet.edns.size, 512);
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\1") QUESTION OPT), PACKET_OK);
    assert_true(packet.edns.present);
    assert_int_equal(packet.edns.size, 1232);
}

static void test_dropped(void **state)
{
    struct packet packet;
    struct dname name;

    (void)state;
    assert_int_equal(READ(""), PACKET_DROP);
    assert_int_equal(READ("\x12\x34\1\0\0\1\0\0\0\0\0"), PACKET_DROP);
    assert_int_equal(READ("\x12\x34\x81\0\0\1\0\0\0\0\0\0" QUESTION), PACKET_DROP); /* an answer */
}

static void test_foreign(void **state)
{
    struct packet packet;
    struct dname name;

    (void)state;
    assert_int_equal(READ("\x12\x34\x79\0\0\1\0\0\0\0\0\0" QUESTION), PACKET_FOREIGN);
    assert_int_equal(packet_opcode(&packet), 15);
    assert_int_equal(READ("\x12\x34\x21\0\0\1\0\0\0\0\0\0junk"), PACKET_FOREIGN); /* NOTIFY */
}

static void test_malformed(void **state)
{
    struct packet packet;
    struct dname name;

    (void)state;
    assert_int_equal(READ(HEADER("\0\0\0\0\0\0\0\0")), PACKET_MALFORMED);                     /* no question */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\0")), PACKET_MALFORMED);                     /* announced, missing */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\0") "\7exam"), PACKET_MALFORMED);            /* cut in its name */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\0") "\7example\0\0\1\0"), PACKET_MALFORMED); /* and in its class */
    assert_int_equal(READ(HEADER("\0\2\0\0\0\0\0\0") QUESTION QUESTION), PACKET_MALFORMED);
    assert_int_equal(READ(HEADER("\0\1\0\1\0\0\0\0") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4"),
                     PACKET_MALFORMED); /* with an answer */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\1\0\0") QUESTION "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4"),
                     PACKET_MALFORMED);                                                    /* with authority */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\0") QUESTION "\0"), PACKET_MALFORMED);    /* octets behind it */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\1") QUESTION), PACKET_MALFORMED);         /* a record missing */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\2") QUESTION OPT OPT), PACKET_MALFORMED); /* two OPTs */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\1") QUESTION "\1a\0\0\x29\4\xd0\0\0\0\0\0\0"),
                     PACKET_MALFORMED); /* not at the root */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\1") QUESTION "\0\0\x29\4\xd0\0\0\0\0\0\1"), PACKET_MALFORMED);
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\0") "\xc0\x0c\0\1\0\1"), PACKET_MALFORMED);        /* to itself */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\0") "\7example\0\0\x29\0\1"), PACKET_MALFORMED);   /* asks for OPT */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\0") "\7example\0\0\xfa\0\xff"), PACKET_MALFORMED); /* and TSIG */
    assert_int_equal(READ("\0\0\1\0\0\1\0\0\0\0\0\0"
                          "\1a\xc0\0\0\1\0\1"),
                     PACKET_MALFORMED); /* into the header */
}

static void test_other_records(void **state)
{
    struct packet packet;
    struct dname name;

    (void)state;
    /* IXFR carries the SOA that the client has. */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\1\0\0") "\7example\0\0\xfb\0\1"
                                                     "\xc0\x0c\0\6\0\1\0\0\0\0\0\0"),
                     PACKET_OK);
    /* TSIG is the last record and of class ANY. */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\1") QUESTION "\1k\0\0\xfa\0\xff\0\0\0\0\0\0"), PACKET_OK);
    assert_true(packet.has_tsig);
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\2") QUESTION "\1k\0\0\xfa\0\xff\0\0\0\0\0\0" OPT), PACKET_MALFORMED);
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\1") QUESTION "\1k\0\0\xfa\0\1\0\0\0\0\0\0"), PACKET_MALFORMED);
    /* Other additional records are passed over. */
    assert_int_equal(READ(HEADER("\0\1\0\0\0\0\0\2") QUESTION "\1k\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4" OPT), PACKET_OK);
    assert_true(packet.edns.present);
}

/* A cookie may come without a question. */
static void test_cookie_only(void **state)
{
    struct packet packet;
    struct dname name;

    (void)state;
    assert_int_equal(READ(HEADER("\0\0\0\0\0\0\0\1") "\0\0\x29\4\xd0\0\0\0\0\0\x0c\0\x0a\0\x08"
                                                     "12345678"),
                     PACKET_OK);
    assert_false(packet.has_question);
    assert_str(packet.edns.cookie, "12345678");
    assert_int_equal(READ(HEADER("\0\0\0\0\0\0\0\1") OPT), PACKET_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_dropped),       cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_malformed), cmocka_unit_test(test_other_records), cmocka_unit_test(test_cookie_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
