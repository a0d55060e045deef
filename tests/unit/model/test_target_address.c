/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses may be probed: every range's edges are in test_rules_instance.c; here are spellings, lists and own
 * ports. */
#include "../test.h"

#include "model/target_address.h"

static struct target_address address_of(const char *text)
{
    struct target_address address;

    if (target_address_parse(str_of(text), &address) != 0)
        fail_msg("%s is no address", text);
    return address;
}

static struct target_network network_of(const char *text)
{
    struct target_network network;

    if (target_address_parse_network(str_of(text), &network) != 0)
        fail_msg("%s is no network", text);
    return network;
}

static enum target_verdict check(const struct target_policy *policy, const char *text, uint16_t port)
{
    struct target_address address = address_of(text);

    return target_address_check(policy, &address, port);
}

static void check_each(const struct target_policy *policy, const char *const *texts, size_t n, enum target_verdict want)
{
    for (size_t i = 0; i < n; i++)
        if (check(policy, texts[i], 80) != want)
            fail_msg("%s is not judged as it should be", texts[i]);
}

static void test_every_spelling_of_what_is_denied(void **state)
{
    static const char *const denied[] = {
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "127.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "::1",
        "fe80::a9fe:a9fe",
        "fd00:ec2::254",
        "fd00:ec2:ffff::1",
        "fd20:ce::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "ff02::1",
        "::ffff:169.254.169.254",             /* mapped */
        "::169.254.169.254",                  /* compatible */
        "::ffff:0:169.254.169.254",           /* translated */
        "2002:a9fe:a9fe::1",                  /* 6to4 */
        "64:ff9b::169.254.169.254",           /* NAT64 */
        "64:ff9b:1::a9fe:a9fe",               /* local NAT64, as /96 */
        "64:ff9b:1:a9fe:a9:fe00::",           /* as /48 */
        "64:ff9b:1::808:808",                 /* wherever it leads */
        "2001:0:808:808::5601:5601",          /* Teredo: the client, its bits flipped */
        "2001:0:a9fe:a9fe::f7f7:f7f7",        /* Teredo: the server */
        "2001:db8::5efe:169.254.169.254",     /* ISATAP */
        "2001:db8::200:5efe:169.254.169.254", /* ISATAP, universal */
        "fe80::5efe:8.8.8.8",
        "2002:808:808::5efe:127.0.0.1", /* ISATAP inside 6to4 */
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:e000:1::",
        "::ffff:0.0.0.0",
    };
    static const char *const allowed[] = {
        "8.8.8.8",
        "10.0.0.1",
        "fd00:ec3::1",
        "fd20:cf::1",
        "100.100.100.201",
        "192.0.0.193",
        "168.63.129.17",
        "2001:db8::1",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
        "64:ff9b::808:808",
        "2001:0:808:808::f7f7:f7f7",
        "2001:db8::5efe:8.8.8.8",
        "::ffff:10.0.0.1",
        "2001:db8::5eff:127.0.0.1",
    };
    const struct target_policy policy = { .private_targets = true };

    (void)state;
    check_each(&policy, denied, TEST_COUNT(denied), TARGET_FORBIDDEN);
    check_each(&policy, allowed, TEST_COUNT(allowed), TARGET_ALLOWED);
}

static void test_private_ones(void **state)
{
    static const char *const texts[] = { "10.0.0.1", "100.64.0.1",      "172.31.0.1",          "192.168.0.1",
                                         "fd00::1",  "::ffff:10.0.0.1", "2002:a00:1::",        "64:ff9b::10.0.0.1",
                                         "fec0::1",  "192.0.2.1",       "2001:db8::5efe:a00:1" };

    (void)state;
    check_each(&(struct target_policy){ .private_targets = true }, texts, TEST_COUNT(texts), TARGET_ALLOWED);
    check_each(&(struct target_policy){ .private_targets = false }, texts, TEST_COUNT(texts), TARGET_FORBIDDEN);
}

static void test_allow_beats_the_defaults_and_deny_beats_allow(void **state)
{
    const struct target_network allow[] = { network_of("127.0.0.0/8"), network_of("10.0.0.0/8"),
                                            network_of("fe80::/10"), network_of("64:ff9b:1::/48"),
                                            network_of("::1/128") };
    const struct target_network deny[] = { network_of("127.0.0.128/25"), network_of("203.0.113.0/24"),
                                           network_of("fe80::1/128"), network_of("2600::/16") };
    const struct target_policy policy = { allow, deny, TEST_COUNT(allow), TEST_COUNT(deny), false, NULL, NULL };
    static const char *const allowed[] = { "127.0.0.1",      "127.0.0.127",       "10.1.2.3", "::ffff:127.0.0.1",
                                           "64:ff9b::a00:1", "64:ff9b:1::7f00:1", "fe80::2",  "::1",
                                           "8.8.8.8" };
    static const char *const denied[] = {
        "127.0.0.128",           "::ffff:127.0.0.200", "64:ff9b::cb00:7101", "fe80::1",           "2600:1::",
        "203.0.113.9",           "192.168.0.1",        "169.254.1.1",        "2002:cb00:7101::1", "::2",
        "fe80::5efe:127.0.0.129"
    };

    (void)state;
    check_each(&policy, allowed, TEST_COUNT(allowed), TARGET_ALLOWED);
    check_each(&policy, denied, TEST_COUNT(denied), TARGET_FORBIDDEN);
}

static void test_everything_allowed(void **state)
{
    const struct target_network allow[] = { network_of("0.0.0.0/0"), network_of("::/0") };
    const struct target_policy policy = { .allow = allow, .n_allow = 2 };
    static const char *const texts[] = { "127.0.0.1", "::1", "::ffff:169.254.169.254", "255.255.255.255" };

    (void)state;
    check_each(&policy, texts, TEST_COUNT(texts), TARGET_ALLOWED);
}

/* Who opens all of IPv6 has not opened the metadata service. */
static void test_an_ipv6_network_opens_no_ipv4_address(void **state)
{
    const struct target_network allow[] = { network_of("::/0") };
    const struct target_policy policy = { .allow = allow, .n_allow = 1, .private_targets = true };
    static const char *const allowed[] = { "::1", "fe80::1", "64:ff9b:1::a9fe:a9fe", "::ffff:8.8.8.8" };
    static const char *const denied[] = { "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:7f00:1::" };

    (void)state;
    check_each(&policy, allowed, TEST_COUNT(allowed), TARGET_ALLOWED);
    check_each(&policy, denied, TEST_COUNT(denied), TARGET_FORBIDDEN);
}

/* This machine is 192.0.2.7 and serves port 53. */
static bool serves_port_53(void *arg, const struct target_address *address, uint16_t port)
{
    const struct target_address *own = arg;

    return port == 53 && target_address_eq(own, address);
}

static void test_own_ports(void **state)
{
    struct target_address own = address_of("192.0.2.7");
    const struct target_network allow[] = { network_of("0.0.0.0/0"), network_of("::/0") };
    const struct target_policy policy = {
        .allow = allow, .n_allow = 2, .private_targets = true, .is_own = serves_port_53, .arg = &own
    };

    (void)state;
    assert_int_equal(check(&policy, "192.0.2.7", 53), TARGET_OWN);
    assert_int_equal(check(&policy, "::ffff:192.0.2.7", 53), TARGET_OWN);
    assert_int_equal(check(&policy, "192.0.2.7", 54), TARGET_ALLOWED);
    assert_int_equal(check(&policy, "192.0.2.8", 53), TARGET_ALLOWED);
}

static void test_networks(void **state)
{
    static const char *const bad[] = {
        "", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/-1"
    };
    static const struct {
        const char *network, *address;
        bool in;
    } cases[] = {
        { "10.0.0.0/8", "10.255.255.255", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.0/9", "10.127.0.1", true },
        { "10.0.0.0/9", "10.128.0.1", false },
        { "0.0.0.0/0", "255.1.2.3", true },
        { "0.0.0.0/0", "::1", false },
        { "::/0", "ffff::", true },
        { "::/0", "1.2.3.4", false },
        { "1.2.3.4/32", "1.2.3.4", true },
        { "1.2.3.4/32", "1.2.3.5", false },
        { "2001:db8::1/128", "2001:db8::1", true },
        { "2001:db8::/127", "2001:db8::2", false },
    };
    struct target_network network;
    struct target_address address;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(target_address_parse_network(str_of(bad[i]), &network), 1);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        network = network_of(cases[i].network);
        address = address_of(cases[i].address);
        assert_int_equal(target_address_is_in(&network, &address), cases[i].in);
    }
    assert_int_equal(target_address_parse(STR("1.2.3.4\0"), &address), 1);
    assert_int_equal(target_address_parse(STR("0177.0.0.1"), &address), 1);
    assert_int_equal(target_address_parse(STR("2130706433"), &address), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_spelling_of_what_is_denied),
        cmocka_unit_test(test_private_ones),
        cmocka_unit_test(test_allow_beats_the_defaults_and_deny_beats_allow),
        cmocka_unit_test(test_everything_allowed),
        cmocka_unit_test(test_an_ipv6_network_opens_no_ipv4_address),
        cmocka_unit_test(test_own_ports),
        cmocka_unit_test(test_networks),
    };

    return cmocka_run_group_tests_name("target_address", tests, NULL, NULL);
}
