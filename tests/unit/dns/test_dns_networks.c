/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "base/rand.h"
#include "dns/dns_networks.h"

#include <arpa/inet.h>
#include <errno.h>

#define NONE 9999u

static struct dns_networks *make(const struct dns_network *items, size_t n)
{
    struct dns_networks *networks = NULL;
    size_t bad;

    assert_int_equal(dns_networks_new(items, n, &networks, &bad), 0);
    return networks;
}

/* The value, with the scope in *scope. */
static unsigned look(const struct dns_networks *networks, const char *address, unsigned bits, unsigned *scope)
{
    uint8_t octets[16];
    unsigned value = NONE;
    bool found;
    uint16_t family = strchr(address, ':') ? AF_INET6 : AF_INET;

    assert_int_equal(inet_pton(family, address, octets), 1);
    *scope = NONE;
    found = dns_networks_find(networks, family, octets, bits, &value, scope);
    assert_int_equal(found, value != NONE);
    return value;
}

static void check(const struct dns_networks *networks, const char *address, unsigned bits, unsigned value,
                  unsigned scope)
{
    unsigned got_scope, got = look(networks, address, bits, &got_scope);

    if (got != value || got_scope != scope)
        fail_msg("%s/%u: %u, scope %u", address, bits, got, got_scope);
}

static void test_longest_prefix(void **state)
{
    static const struct dns_network items[] = {
        { "10.1.0.0/16", 2 },    { "10.0.0.0/8", 1 },     { "10.1.255.0/24", 3 }, { "10.1.255.255/32", 4 },
        { "fd00::/8", 5 },       { "fd00:1::/32", 6 },    { "::1/128", 7 },       { "255.255.255.0/24", 8 },
        { "192.168.0.0/16", 9 }, { "192.169.0.0/16", 9 },
    };
    struct dns_networks *networks = make(items, TEST_COUNT(items));

    (void)state;
    check(networks, "10.0.0.0", 32, 1, 16);
    check(networks, "10.255.255.255", 32, 1, 9);
    check(networks, "10.1.0.0", 32, 2, 17);
    check(networks, "10.1.254.255", 32, 2, 24);
    check(networks, "10.1.255.254", 32, 3, 32);
    check(networks, "10.1.255.255", 32, 4, 32);
    check(networks, "10.2.0.0", 32, 1, 15);
    check(networks, "9.255.255.255", 32, NONE, 7);
    check(networks, "11.0.0.0", 32, NONE, 8);
    check(networks, "0.0.0.0", 32, NONE, 5);
    check(networks, "255.255.255.255", 32, 8, 24);
    check(networks, "192.168.1.1", 32, 9, 16);
    check(networks, "fd00:1::5", 128, 6, 32);
    check(networks, "fd00::1", 128, 5, 32);
    check(networks, "fdff::", 128, 5, 9);
    check(networks, "::1", 128, 7, 128);
    check(networks, "::2", 128, NONE, 127);
    check(networks, "ffff::", 128, NONE, 7);
    dns_networks_free(networks);
    dns_networks_free(NULL);
}

/* Not a whole address: networks longer than what is known of it do not count, and the scope asks for more. */
static void test_short_prefixes(void **state)
{
    static const struct dns_network items[] = { { "10.0.0.0/8", 1 }, { "10.0.0.0/24", 2 }, { "10.0.0.128/25", 3 } };
    struct dns_networks *networks = make(items, TEST_COUNT(items));

    (void)state;
    check(networks, "10.0.0.0", 8, 1, 25);
    check(networks, "10.0.0.0", 23, 1, 25);
    check(networks, "10.0.0.0", 24, 2, 25);
    check(networks, "10.0.0.128", 25, 3, 25);
    check(networks, "10.0.0.0", 7, NONE, 25);
    check(networks, "10.64.0.0", 10, 1, 10);
    check(networks, "0.0.0.0", 1, NONE, 5);
    dns_networks_free(networks);
}

static void test_everything(void **state)
{
    static const struct dns_network items[] = { { "0.0.0.0/0", 1 } };
    struct dns_networks *networks = make(items, 1);
    struct dns_networks *none = make(NULL, 0);

    (void)state;
    check(networks, "1.2.3.4", 32, 1, 0);
    check(networks, "::", 128, NONE, 0);
    check(networks, "1.0.0.0", 0, 1, 0);
    check(none, "1.2.3.4", 32, NONE, 0);
    dns_networks_free(networks);
    dns_networks_free(none);
}

static void test_twice(void **state)
{
    static const struct dns_network weak[] = { { "10.0.0.0/8", DNS_NETWORKS_WEAK },
                                               { "10.0.0.0/8", 2 },
                                               { "10.0.0.0/8", DNS_NETWORKS_WEAK },
                                               { "10.0.0.0/8", 2 } };
    static const struct dns_network twice[] = { { "10.0.0.0/8", 1 }, { "10.0.0.0/9", 3 }, { "10.0.0.0/8", 2 } };
    static const struct dns_network bad[] = { { "10.0.0.0", 1 }, { "10.0.0.0/33", 1 }, { "::/129", 1 }, { "x/1", 1 } };
    struct dns_networks *networks = make(weak, TEST_COUNT(weak));
    size_t at = NONE;

    (void)state;
    check(networks, "10.0.0.1", 32, 2, 8);
    dns_networks_free(networks);
    assert_int_equal(dns_networks_new(twice, TEST_COUNT(twice), &networks, &at), 1);
    assert_int_equal(at, 2);
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(dns_networks_new(&bad[i], 1, &networks, &at), 1);
}

/* --- against a plain search --------------------------------------------------------------------------------------- */

#define N 60

static uint32_t mask(unsigned bits)
{
    return bits ? ~UINT32_C(0) << (32 - bits) : 0;
}

static void test_random(void **state)
{
    struct rand rand;

    (void)state;
    rand_init_seed(&rand, 7);
    for (unsigned round = 0; round < 50; round++) {
        struct dns_network items[N];
        char texts[N][32];
        uint32_t firsts[N];
        unsigned bits[N];
        struct dns_networks *networks;
        for (unsigned i = 0; i < N; i++) {
            bits[i] = (unsigned)rand_below(&rand, 33);
            /* few bits set, so that networks lie in one another */
            firsts[i] = ((uint32_t)rand_u64(&rand) & (uint32_t)rand_u64(&rand) & 0xc0010183) & mask(bits[i]);
            for (unsigned k = 0; k < i; k++)
                if (bits[k] == bits[i] && firsts[k] == firsts[i]) {
                    k = NONE;
                    i--;
                    break;
                }
            snprintf(texts[i], sizeof(texts[i]), "%u.%u.%u.%u/%u", firsts[i] >> 24, firsts[i] >> 16 & 255,
                     firsts[i] >> 8 & 255, firsts[i] & 255, bits[i]);
            items[i] = (struct dns_network){ texts[i], i + 1 };
        }
        networks = make(items, N);
        for (unsigned k = 0; k < 400; k++) {
            uint32_t at = (uint32_t)rand_u64(&rand) & 0xc0010183;
            unsigned wanted = NONE, best = 0, value = NONE, scope = NONE;
            uint8_t octets[4] = { (uint8_t)(at >> 24), (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at };
            for (unsigned i = 0; i < N; i++)
                if ((at & mask(bits[i])) == firsts[i] && bits[i] >= best) {
                    best = bits[i];
                    wanted = i + 1;
                }
            dns_networks_find(networks, AF_INET, octets, 32, &value, &scope);
            assert_int_equal(value, wanted);
            /* No network begins inside the scope but at the address's own. */
            for (unsigned i = 0; i < N; i++)
                if (bits[i] > scope)
                    assert_true((firsts[i] & mask(scope)) != (at & mask(scope)));
            assert_in_range(scope, wanted == NONE ? 0 : best, 32);
        }
        dns_networks_free(networks);
    }
}

static void test_no_memory(void **state)
{
    static const struct dns_network items[] = { { "10.0.0.0/8", 1 }, { "fd00::/8", 2 } };
    struct dns_networks *networks;
    size_t bad;

    (void)state;
    for (long k = 1;; k++) {
        int r, delivered;
        mem_fail_at(k, 1);
        r = dns_networks_new(items, TEST_COUNT(items), &networks, &bad);
        delivered = mem_fail_at(0, 0);
        if (!delivered) {
            assert_int_equal(r, 0);
            dns_networks_free(networks);
            return;
        }
        assert_int_equal(r, -ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_prefix), cmocka_unit_test(test_short_prefixes), cmocka_unit_test(test_everything),
        cmocka_unit_test(test_twice),          cmocka_unit_test(test_random),         cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
