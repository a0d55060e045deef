/* SPDX-License-Identifier: Apache-2.0
 *
 * OPT records: options that are understood, passed over, or malformed; and what is written. */
#include "../test.h"

#include "dnswire/edns.h"

#define FIXED "\4\xd0\0\0\0\0\0\0" /* class, TTL; a length that is not looked at */
#define READ(options) (edns_init(&edns), edns_read((const uint8_t *)(FIXED options), sizeof(options) - 1, &edns))

static void test_fixed(void **state)
{
    struct edns edns;

    (void)state;
    edns_init(&edns);
    assert_int_equal(edns_read((const uint8_t *)"\0\x10\0\0\x80\0\0\0", 0, &edns), 0);
    assert_true(edns.present && edns.dnssec_ok);
    assert_int_equal(edns.size, 512); /* less is taken as that */
    edns_init(&edns);
    assert_int_equal(edns_read((const uint8_t *)"\xff\xff\0\x64\0\0\0\0junk", 4, &edns), 0);
    assert_int_equal(edns.version, 100); /* its options may be anything */
    assert_int_equal(edns.size, 65535);
    assert_false(edns.dnssec_ok);
}

static void test_options(void **state)
{
    struct edns edns;

    (void)state;
    assert_int_equal(READ("\0\3\0\0"
                          "\0\x0b\0\0"
                          "\0\x64\0\3abc"
                          "\0\x0a\0\x08"
                          "abcdefgh"),
                     0);
    assert_true(edns.wants_nsid && edns.wants_keepalive && edns.has_cookie);
    assert_str(edns.cookie, "abcdefgh");
    assert_int_equal(READ("\0\x0a\0\x10"
                          "abcdefgh12345678"
                          "\0\x0a\0\x08"
                          "ABCDEFGH"),
                     0);
    assert_str(edns.cookie, "abcdefgh12345678"); /* the first one */
}

static void test_malformed(void **state)
{
    struct edns edns;

    (void)state;
    assert_int_equal(READ("\0\3\0"), 1);
    assert_int_equal(READ("\0\3\0\1"), 1);
    assert_int_equal(READ("\0\x0a\0\x07"
                          "abcdefg"),
                     1); /* RFC 7873 5.2.2 */
    assert_int_equal(READ("\0\x0a\0\x09"
                          "abcdefgh1"),
                     1);
    assert_int_equal(READ("\0\x0a\0\x0f"
                          "abcdefgh1234567"),
                     1);
    assert_int_equal(READ("\0\x0a\0\x29"
                          "abcdefgh123456789012345678901234567890123"),
                     1);
    assert_int_equal(READ("\0\x0a\0\0"), 1);
}

static void test_subnet(void **state)
{
    struct edns edns;

    (void)state;
    assert_int_equal(READ("\0\x08\0\x07\0\1\x18\0\xc0\0\2"), 0);
    assert_true(edns.has_subnet);
    assert_int_equal(edns.subnet.family, 1);
    assert_int_equal(edns.subnet.source, 24);
    assert_memory_equal(edns.subnet.address, "\xc0\0\2\0", 4);
    assert_int_equal(READ("\0\x08\0\x04\0\1\0\0"), 0); /* says that nothing is to be told */
    assert_int_equal(READ("\0\x08\0\x04\0\0\0\0"), 0);
    assert_int_equal(READ("\0\x08\0\x05\0\2\4\0\xf0"), 0);
    assert_int_equal(READ("\0\x08\0\x05\0\2\4\0\xf8"), 1);         /* a bit behind the prefix */
    assert_int_equal(READ("\0\x08\0\x07\0\1\x18\1\xc0\0\2"), 1);   /* a scope in a query */
    assert_int_equal(READ("\0\x08\0\x08\0\1\x18\0\xc0\0\2\0"), 1); /* more octets than the prefix has */
    assert_int_equal(READ("\0\x08\0\x06\0\1\x18\0\xc0\0"), 1);     /* and less */
    assert_int_equal(READ("\0\x08\0\x09\0\1\x21\0\1\2\3\4\5"), 1); /* longer than an address */
    assert_int_equal(READ("\0\x08\0\x05\0\3\1\0\0"), 1);           /* of no family */
    assert_int_equal(READ("\0\x08\0\x03\0\1\0"), 1);
}

static void test_writing(void **state)
{
    uint8_t p[64];

    (void)state;
    memset(p, 0xee, sizeof(p));
    assert_int_equal(edns_put_option(p, EDNS_NSID, STR("me")), 6);
    assert_memory_equal(p, "\0\3\0\2me\xee", 7);
    assert_int_equal(edns_put_option(p, EDNS_KEEPALIVE, (struct str){ 0 }), 4);
    assert_memory_equal(p, "\0\x0b\0\0", 4);
    assert_int_equal(edns_put_error(p, EDNS_ERROR_NOT_AUTHORITATIVE, STR("no")), 8);
    assert_memory_equal(p, "\0\x0f\0\4\0\x14no", 8);
    edns_put_opt(p, 1232, 16, true, 0x102);
    assert_memory_equal(p, "\0\0\x29\4\xd0\1\0\x80\0\1\2", EDNS_OPT_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),  cmocka_unit_test(test_options), cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_subnet), cmocka_unit_test(test_writing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
