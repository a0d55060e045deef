/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections counted by peer address. */
#include "../test.h"

#include "base/mem.h"
#include "http/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static union address parse(const char *text)
{
    union address address = { 0 };
    if (inet_pton(AF_INET, text, &address.in.sin_addr) == 1)
        address.any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &address.in6.sin6_addr) == 1)
        address.any.sa_family = AF_INET6;
    else
        fail_msg("%s", text);
    return address;
}

static int enter(struct peers *peers, const char *text)
{
    union address address = parse(text);
    return peers_enter(peers, &address.any);
}

static void leave(struct peers *peers, const char *text)
{
    union address address = parse(text);
    peers_leave(peers, &address.any);
}

static void test_cap(void **state)
{
    (void)state;
    struct peers peers;
    assert_int_equal(peers_init(&peers, 2), 0);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(enter(&peers, "192.0.2.1"), 0);
        assert_int_equal(enter(&peers, "192.0.2.1"), 0);
        assert_int_equal(enter(&peers, "192.0.2.1"), 1);
        assert_int_equal(enter(&peers, "192.0.2.2"), 0);
        leave(&peers, "192.0.2.1");
        assert_int_equal(enter(&peers, "192.0.2.1"), 0);
        leave(&peers, "192.0.2.2");
        leave(&peers, "192.0.2.1");
        leave(&peers, "192.0.2.1");
    }
    peers_fini(&peers);
}

static void test_ipv6_counts_by_network(void **state)
{
    (void)state;
    struct peers peers;
    assert_int_equal(peers_init(&peers, 2), 0);
    assert_int_equal(enter(&peers, "2001:db8:0:1::1"), 0);
    assert_int_equal(enter(&peers, "2001:db8:0:1:ffff::2"), 0);
    assert_int_equal(enter(&peers, "2001:db8:0:1::3"), 1);
    assert_int_equal(enter(&peers, "2001:db8:0:2::1"), 0);
    leave(&peers, "2001:db8:0:1::1");
    leave(&peers, "2001:db8:0:1::1");
    leave(&peers, "2001:db8:0:2::1");
    peers_fini(&peers);
}

static void test_loopback_and_no_cap(void **state)
{
    (void)state;
    static const char *const addresses[] = { "127.0.0.1", "127.255.0.1", "::1" };
    struct peers peers;
    assert_int_equal(peers_init(&peers, 1), 0);
    for (size_t i = 0; i < TEST_COUNT(addresses); i++) {
        assert_int_equal(enter(&peers, addresses[i]), 0);
        assert_int_equal(enter(&peers, addresses[i]), 0);
    }
    peers_fini(&peers);
    assert_int_equal(peers_init(&peers, 0), 0);
    assert_int_equal(enter(&peers, "192.0.2.1"), 0);
    assert_int_equal(enter(&peers, "192.0.2.1"), 0);
    peers_fini(&peers);
}

static void test_many_addresses(void **state)
{
    (void)state;
    struct peers peers;
    char text[32];
    assert_int_equal(peers_init(&peers, 1), 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
            assert_int_equal(enter(&peers, text), 0);
            assert_int_equal(enter(&peers, text), 1);
        }
        for (int i = 0; i < 5000; i++) {
            snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
            leave(&peers, text);
        }
    }
    mem_fail_at(1, false);
    assert_int_equal(enter(&peers, "10.0.0.1"), 1);
    mem_fail_at(0, false);
    peers_fini(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_ipv6_counts_by_network),
        cmocka_unit_test(test_loopback_and_no_cap),
        cmocka_unit_test(test_many_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
