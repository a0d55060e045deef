/* SPDX-License-Identifier: Apache-2.0
 *
 * Cookies: good for an hour, for one client, under one master; other times, addresses and octets are not. */
#include "../test.h"

#include "dns/cookie.h"

#include <sys/socket.h>

static const uint8_t master[COOKIE_SECRET] = "0123456789abcdef", other[COOKIE_SECRET] = "0123456789abcdeg";
static const struct authority_client client = { .family = AF_INET, .address = { 192, 0, 2, 1 } };

static struct str make(uint32_t now_s, uint8_t cookie[COOKIE_SIZE])
{
    cookie_make(master, &client, (const uint8_t *)"CLIENTCK", now_s, cookie);
    return (struct str){ (const char *)cookie, COOKIE_SIZE };
}

static void test_form(void **state)
{
    uint8_t cookie[COOKIE_SIZE];

    (void)state;
    make(0x01020304, cookie);
    assert_memory_equal(cookie, "CLIENTCK\1\0\0\0\1\2\3\4", 16); /* RFC 9018 4 */
}

static void test_age(void **state)
{
    uint32_t starts[] = { 1700000000, COOKIE_ROLL_S * 18000 - 10,
                          UINT32_MAX - 10 }; /* over a secret's end, and the clock's */
    uint8_t cookie[COOKIE_SIZE];

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(starts); i++) {
        struct str one = make(starts[i], cookie);
        assert_true(cookie_is_good(master, &client, one, starts[i]));
        assert_true(cookie_is_good(master, &client, one, starts[i] + 3600));
        assert_false(cookie_is_good(master, &client, one, starts[i] + 3601));
        assert_true(cookie_is_good(master, &client, one, starts[i] - 300));
        assert_false(cookie_is_good(master, &client, one, starts[i] - 301));
    }
}

static void test_forged(void **state)
{
    struct authority_client neighbour = { .family = AF_INET, .address = { 192, 0, 2, 2 } };
    struct authority_client six = { .family = AF_INET6, .address = { 192, 0, 2, 1 } };
    uint8_t cookie[COOKIE_SIZE];
    struct str one = make(1700000000, cookie);

    (void)state;
    assert_false(cookie_is_good(other, &client, one, 1700000000));
    assert_false(cookie_is_good(master, &neighbour, one, 1700000000));
    assert_false(cookie_is_good(master, &six, one, 1700000000));
    assert_false(cookie_is_good(master, &client, (struct str){ one.p, 8 }, 1700000000));
    for (size_t i = 0; i < COOKIE_SIZE; i++) {
        cookie[i] ^= 1;
        assert_false(cookie_is_good(master, &client, one, 1700000000));
        cookie[i] ^= 1;
    }
    assert_true(cookie_is_good(master, &client, one, 1700000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_form), cmocka_unit_test(test_age),
                                        cmocka_unit_test(test_forged) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
