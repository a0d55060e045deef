/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/policy_value.h"

static void test_numbers(void **state)
{
    static const char *const bad[] = { "", "-", ".5", "1.", "1e3", "0x1", "1 ", "nan", "inf", "1.2.3" };
    double number;

    (void)state;
    assert_int_equal(policy_value_parse_number(STR("-12.5"), &number), 0);
    assert_true(number == -12.5);
    assert_int_equal(policy_value_parse_number(STR("007"), &number), 0);
    assert_true(number == 7);
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(policy_value_parse_number(str_of(bad[i]), &number), 1);
}

static void test_dates(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "1970-01-02", 86400000 },
        { "1970-01-02T00:00Z", 86400000 },
        { "1970-01-02T01:00+01:00", 86400000 },
        { "1970-01-02T00:00:00.5Z", 86400500 },
        { "86400", 86400000 },
        { "0", 0 },
    };
    static const char *const bad[] = { "", "1970", "-1", "1970-01-02T00Z", "1970-13-01", "99999999999999999999" };
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        assert_int_equal(policy_value_parse_date(str_of(cases[i].text), &ms), 0);
        assert_int_equal(ms, cases[i].ms);
    }
    /* A year is seconds: IAM reads any integer as a time since the epoch. */
    assert_int_equal(policy_value_parse_date(str_of(bad[1]), &ms), 0);
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        if (i != 1)
            assert_int_equal(policy_value_parse_date(str_of(bad[i]), &ms), 1);
}

static bool is_in(const char *network, const char *address)
{
    struct policy_network parsed;
    uint8_t octets[16];

    assert_int_equal(policy_value_parse_network(str_of(network), &parsed), 0);
    assert_int_equal(policy_value_parse_address(str_of(address), octets), 0);
    return policy_value_in_network(&parsed, octets);
}

static void test_networks(void **state)
{
    static const char *const bad[] = { "", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8", "::/129", "::1/x", "a/8" };
    struct policy_network network;

    (void)state;
    assert_true(is_in("10.1.2.3/8", "10.200.0.1"));
    assert_false(is_in("10.0.0.0/9", "10.200.0.1"));
    assert_true(is_in("0.0.0.0/0", "255.255.255.255"));
    assert_false(is_in("0.0.0.0/0", "::1"));
    assert_true(is_in("192.0.2.1", "192.0.2.1"));
    assert_false(is_in("192.0.2.1/32", "192.0.2.2"));
    assert_true(is_in("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(is_in("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(is_in("::/0", "10.0.0.1"));
    assert_true(is_in("::ffff:10.0.0.0/104", "10.1.1.1"));
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(policy_value_parse_network(str_of(bad[i]), &network), 1);
}

static void test_booleans(void **state)
{
    bool value;

    (void)state;
    assert_true(policy_value_parse_bool(STR("True"), &value) == 0 && value);
    assert_true(policy_value_parse_bool(STR("false"), &value) == 0 && !value);
    assert_int_equal(policy_value_parse_bool(STR("1"), &value), 1);
}

static void test_operators_have_names(void **state)
{
    (void)state;
    assert_str(policy_value_operator(POLICY_OPERATOR_NOT_IP_ADDRESS)->name, "NotIpAddress");
    for (unsigned i = 0; i < POLICY_OPERATOR_COUNT; i++) {
        const struct policy_operator_row *row = policy_value_operator((enum policy_operator)i);
        bool says_not = false;
        for (size_t k = 0; k + 3 <= row->name.n; k++)
            says_not |= memcmp(row->name.p + k, "Not", 3) == 0;
        assert_int_equal(row->negated, says_not);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_operators_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
