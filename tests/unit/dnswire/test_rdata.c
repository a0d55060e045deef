/* SPDX-License-Identifier: Apache-2.0
 *
 * Records by type, octet by octet, and that one which does not fit leaves no trace. */
#include "../test.h"

#include "dnswire/rdata.h"

static const uint8_t query[] = "\0\0\0\0\0\1\0\0\0\0\0\0\1x\0\0\1\0\1";
#define START (sizeof(query) - 1)

static uint8_t message[512];
static struct composer out;

static void begin(size_t room)
{
    struct packet packet = { .p = query, .n = START, .has_question = true, .question_end = START };

    composer_begin(&out, message, START + room, &packet);
}

static struct dname name_of(const char *text)
{
    struct dname name;

    assert_int_equal(dname_of_text(str_of(text), &name), 0);
    return name;
}

/* Puts record `kind` at START. */
static bool put(unsigned kind)
{
    struct dname host = name_of("Host.x"), mailbox = name_of("root.host.x");
    struct rdata_soa soa = { &host, &mailbox, 1, 2, 3, 4, 5 };
    size_t target;

    switch (kind) {
    case 0:
        return rdata_put_address(&out, COMPOSER_ANSWER, 12, 7, PACKET_A, (const uint8_t *)"\1\2\3\4");
    case 1:
        return rdata_put_address(&out, COMPOSER_ANSWER, 12, 7, PACKET_AAAA, (const uint8_t *)"0123456789abcdef");
    case 2:
        return rdata_put_name(&out, COMPOSER_ANSWER, 12, 7, PACKET_CNAME, &host);
    case 3:
        return rdata_put_srv(&out, COMPOSER_ANSWER, 12, 7, 0x1f90, &host, &target);
    case 4:
        return rdata_put_soa(&out, COMPOSER_ANSWER, 12, 7, &soa);
    default:
        return rdata_put_txt(&out, COMPOSER_ANSWER, 12, 7, STR("hi"));
    }
}

static const struct {
    const char *p;
    size_t n;
} wanted[] = {
#define WANTED(literal)              \
    {                                \
        literal, sizeof(literal) - 1 \
    }
    WANTED("\xc0\x0c\0\1\0\1\0\0\0\7\0\4\1\2\3\4"),
    WANTED("\xc0\x0c\0\x1c\0\1\0\0\0\7\0\x10"
           "0123456789abcdef"),
    WANTED("\xc0\x0c\0\5\0\1\0\0\0\7\0\7\4Host\xc0\x0c"),
    WANTED("\xc0\x0c\0\x21\0\1\0\0\0\7\0\x0e\0\1\0\1\x1f\x90\4Host\1x\0"),
    WANTED("\xc0\x0c\0\6\0\1\0\0\0\7\0\x22\4Host\xc0\x0c\4root\xc0\x1f"
           "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5"),
    WANTED("\xc0\x0c\0\x10\0\1\0\0\0\7\0\3\2hi"),
};

static void test_records(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < TEST_COUNT(wanted); kind++) {
        begin(wanted[kind].n);
        assert_true(put(kind));
        assert_int_equal(out.n - START, wanted[kind].n);
        assert_memory_equal(message + START, wanted[kind].p, wanted[kind].n);
        assert_int_equal(out.counts[COMPOSER_ANSWER], 1);
    }
}

static void test_no_room(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < TEST_COUNT(wanted); kind++)
        for (size_t room = 0; room < wanted[kind].n; room++) {
            begin(room);
            assert_false(put(kind));
            assert_int_equal(out.n, START);
            assert_int_equal(out.counts[COMPOSER_ANSWER], 0);
            assert_false(out.full);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_records), cmocka_unit_test(test_no_room) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
