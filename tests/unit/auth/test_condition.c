/* SPDX-License-Identifier: Apache-2.0
 *
 * Each operator, each way a key can be there or not. */
#include "../test.h"

#include "auth/condition.h"

#define MAX_VALUES 4

/* Does `{operator: {"k:v": values}}` hold? The call has `has`, up to the first NULL; a list when it says so. */
struct condition_case {
    const char *op, *values;
    bool is_list, is_there;
    const char *has[MAX_VALUES];
    bool holds;
};

static bool holds(const struct condition_case *c, const struct context *context)
{
    char document[512];
    struct policy_error error = { 0 };
    struct policy *policy;
    struct condition_values values;
    bool result;

    snprintf(document, sizeof(document),
             "{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": "
             "\"*\", \"Condition\": {\"%s\": {\"k:v\": %s}}}}",
             c->op, c->values);
    if (policy_compile(str_of(document), POLICY_IDENTITY, &policy, &error))
        fail_msg("%s %s: %s", c->op, c->values, error.text);
    condition_values_init(&values, policy, context);
    result = condition_holds(&policy->statements[0].conditions[0], &values);
    policy_free(policy);
    return result;
}

static void check(const struct condition_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str has[MAX_VALUES];
        struct context_extra extra = { .name = STR("K:V"), .values = has, .is_list = cases[i].is_list };
        struct context context = { .extras = &extra, .n_extras = cases[i].is_there };
        while (extra.n < MAX_VALUES && cases[i].has[extra.n]) {
            has[extra.n] = str_of(cases[i].has[extra.n]);
            extra.n++;
        }
        if (holds(&cases[i], &context) != cases[i].holds)
            fail_msg("%zu: %s %s on %s", i, cases[i].op, cases[i].values, extra.n ? cases[i].has[0] : "nothing");
    }
}

/* One value, single. */
#define ONE(op, values, has, holds)             \
    {                                           \
        op, values, false, true, { has }, holds \
    }
#define ABSENT(op, values, holds)                 \
    {                                             \
        op, values, false, false, { NULL }, holds \
    }
#define LIST(op, values, holds, ...)                   \
    {                                                  \
        op, values, true, true, { __VA_ARGS__ }, holds \
    }

static void test_texts(void **state)
{
    static const struct condition_case cases[] = {
        ONE("StringEquals", "\"a\"", "a", true),
        ONE("StringEquals", "\"a\"", "A", false),
        ONE("StringEquals", "[\"b\", \"a\"]", "a", true),
        ONE("StringEquals", "[]", "a", false),
        ONE("StringEquals", "\"*\"", "a", false),
        ONE("StringEquals", "\"*\"", "*", true),
        ONE("StringEquals", "true", "true", true),
        ONE("StringEquals", "10", "10", true),
        ONE("stringequals", "\"a\"", "a", true),
        ONE("StringNotEquals", "\"a\"", "b", true),
        ONE("StringNotEquals", "[\"b\", \"a\"]", "a", false),
        ONE("StringNotEquals", "[]", "a", true),
        ONE("StringEqualsIgnoreCase", "\"aB\"", "Ab", true),
        ONE("StringEqualsIgnoreCase", "\"a*\"", "Ab", false),
        ONE("StringNotEqualsIgnoreCase", "\"aB\"", "Ab", false),
        ONE("StringNotEqualsIgnoreCase", "\"aB\"", "c", true),
        ONE("StringLike", "\"a*c?\"", "abbbcd", true),
        ONE("StringLike", "\"a*c?\"", "abbbc", false),
        ONE("StringLike", "\"A*\"", "a", false),
        ONE("StringNotLike", "[\"a*\", \"b*\"]", "bx", false),
        ONE("StringNotLike", "[\"a*\", \"b*\"]", "cx", true),
        ONE("BinaryEquals", "\"QQ==\"", "QQ==", true),
        ONE("BinaryEquals", "\"QQ==\"", "QQ", false),
    };

    (void)state;
    check(cases, TEST_COUNT(cases));
}

static void test_numbers_and_dates(void **state)
{
    static const struct condition_case cases[] = {
        ONE("NumericEquals", "10", "10.0", true),
        ONE("NumericEquals", "\"-1.5\"", "-1.50", true),
        ONE("NumericNotEquals", "10", "11", true),
        ONE("NumericNotEquals", "10", "10", false),
        ONE("NumericLessThan", "10", "9", true),
        ONE("NumericLessThan", "10", "10", false),
        ONE("NumericLessThanEquals", "10", "10", true),
        ONE("NumericGreaterThan", "[100, 10]", "11", true),
        ONE("NumericGreaterThan", "10", "10", false),
        ONE("NumericGreaterThanEquals", "10", "10", true),
        ONE("NumericEquals", "10", "ten", false),
        ONE("NumericNotEquals", "10", "ten", false),
        ONE("DateEquals", "\"2026-01-01\"", "2026-01-01T00:00:00Z", true),
        ONE("DateEquals", "\"2026-01-01T01:00:00+01:00\"", "1767225600", true),
        ONE("DateNotEquals", "\"2026-01-01\"", "2026-01-02", true),
        ONE("DateLessThan", "\"2026-01-01\"", "2025-12-31T23:59:59.9Z", true),
        ONE("DateLessThanEquals", "1767225600", "2026-01-01", true),
        ONE("DateGreaterThan", "\"2026-01-01\"", "2026-01-01", false),
        ONE("DateGreaterThanEquals", "\"2026-01-01\"", "2026-01-01", true),
        ONE("DateNotEquals", "\"2026-01-01\"", "today", false),
    };

    (void)state;
    check(cases, TEST_COUNT(cases));
}

static void test_booleans_addresses_arns(void **state)
{
    static const struct condition_case cases[] = {
        ONE("Bool", "true", "true", true),
        ONE("Bool", "\"False\"", "false", true),
        ONE("Bool", "true", "false", false),
        ONE("Bool", "false", "0", false),
        ONE("IpAddress", "[\"10.0.0.0/8\", \"2001:db8::/32\"]", "10.1.2.3", true),
        ONE("IpAddress", "[\"10.0.0.0/8\", \"2001:db8::/32\"]", "2001:db8::1", true),
        ONE("IpAddress", "[\"10.0.0.0/8\", \"2001:db8::/32\"]", "11.1.2.3", false),
        ONE("IpAddress", "\"192.0.2.1\"", "192.0.2.1", true),
        ONE("IpAddress", "\"10.0.0.0/8\"", "::ffff:10.0.0.1", true),
        ONE("NotIpAddress", "\"10.0.0.0/8\"", "11.1.2.3", true),
        ONE("NotIpAddress", "\"10.0.0.0/8\"", "10.1.2.3", false),
        ONE("NotIpAddress", "\"10.0.0.0/8\"", "here", false),
        ONE("ArnEquals", "\"arn:aws:iam::*:role/x*\"", "arn:aws:iam::1:role/xy", true),
        ONE("ArnLike", "\"arn:aws:iam::*:role/x\"", "arn:aws:iam::1:role/xy", false),
        ONE("ArnLike", "\"arn:aws:iam:*:1:role/x\"", "arn:aws:iam:a:b:1:role/x", false),
        ONE("ArnLike", "\"arn:aws:iam:::*\"", "arn:aws:iam:::a/b:c", true),
        ONE("ArnNotEquals", "\"arn:aws:iam::1:role/x\"", "arn:aws:iam::1:role/y", true),
        ONE("ArnNotLike", "\"arn:aws:iam::1:role/*\"", "arn:aws:iam::1:role/y", false),
        ONE("ArnNotLike", "\"arn:aws:iam::1:role/*\"", "y", false),
    };

    (void)state;
    check(cases, TEST_COUNT(cases));
}

static void test_absent_keys(void **state)
{
    static const struct condition_case cases[] = {
        ABSENT("StringEquals", "\"a\"", false),
        ABSENT("StringEqualsIfExists", "\"a\"", true),
        ONE("StringEqualsIfExists", "\"a\"", "b", false),
        ABSENT("StringNotEquals", "\"a\"", true),
        ABSENT("StringNotEqualsIfExists", "\"a\"", true),
        ABSENT("NumericLessThan", "1", false),
        ABSENT("NotIpAddress", "\"10.0.0.0/8\"", true),
        ABSENT("Bool", "false", false),
        ABSENT("BoolIfExists", "true", true),
        ABSENT("Null", "true", true),
        ABSENT("Null", "\"false\"", false),
        ABSENT("Null", "[true, false]", true),
        ABSENT("Null", "[]", false),
        ONE("Null", "true", "x", false),
        ONE("Null", "false", "x", true),
        ABSENT("ForAllValues:StringEquals", "\"a\"", true),
        ABSENT("ForAnyValue:StringEquals", "\"a\"", false),
        ABSENT("ForAnyValue:StringNotEquals", "\"a\"", false),
        ABSENT("ForAnyValue:StringEqualsIfExists", "\"a\"", true),
    };

    (void)state;
    check(cases, TEST_COUNT(cases));
}

static void test_many_values(void **state)
{
    static const struct condition_case cases[] = {
        LIST("StringEquals", "\"a\"", false, "a"), /* a list asks for a quantifier */
        LIST("StringNotEquals", "\"a\"", false, "b"),
        LIST("ForAllValues:StringEquals", "[\"a\", \"b\"]", true, "a", "b", "a"),
        LIST("ForAllValues:StringEquals", "[\"a\", \"b\"]", false, "a", "c"),
        LIST("ForAllValues:StringEquals", "\"a\"", true, NULL),
        LIST("ForAnyValue:StringEquals", "[\"a\", \"b\"]", true, "c", "b"),
        LIST("ForAnyValue:StringEquals", "[\"a\", \"b\"]", false, "c"),
        LIST("ForAnyValue:StringEquals", "\"a\"", false, NULL),
        LIST("ForAllValues:StringNotEquals", "[\"a\", \"b\"]", true, "c", "d"),
        LIST("ForAllValues:StringNotEquals", "[\"a\", \"b\"]", false, "c", "a"),
        LIST("ForAnyValue:StringNotEquals", "[\"a\", \"b\"]", true, "a", "c"),
        LIST("ForAnyValue:StringNotEquals", "[\"a\", \"b\"]", false, "a", "b"),
        LIST("ForAnyValue:StringLike", "\"a*\"", true, "b", "ab"),
        LIST("ForAllValues:NumericLessThan", "5", true, "1", "4"),
        LIST("ForAllValues:StringEqualsIfExists", "\"a\"", false, "b"),
        ONE("ForAllValues:StringEquals", "\"a\"", "a", true),
        ONE("ForAnyValue:StringEquals", "\"a\"", "b", false),
        LIST("Null", "false", true, NULL),
    };

    (void)state;
    check(cases, TEST_COUNT(cases));
}

/* What a variable has no value for is equal to nothing, so that negated operators hold. */
static void test_variables(void **state)
{
    static const struct str list[] = { STR("x"), STR("y") };
    static const struct str name = STR("ann");
    const struct context_extra extras[] = { { .name = STR("k:v"), .values = &name, .n = 1 },
                                            { .name = STR("k:list"), .values = list, .n = 2, .is_list = true } };
    const struct context context = { .extras = extras, .n_extras = 2, .values[CONDITION_KEY_USER_NAME] = name };
    static const struct condition_case cases[] = {
        ONE("StringEquals", "\"${aws:username}\"", "", true),
        ONE("StringLike", "\"a*${aws:username}\"", "", false),
        ONE("StringEquals", "\"${aws:PrincipalTag/team}\"", "", false),
        ONE("StringNotEquals", "\"${aws:PrincipalTag/team}\"", "", true),
        ONE("StringEquals", "\"${aws:PrincipalTag/team, 'ann'}\"", "", true),
        ONE("StringEquals", "\"${k:list}\"", "", false),
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        if (holds(&cases[i], &context) != cases[i].holds)
            fail_msg("%s %s", cases[i].op, cases[i].values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_numbers_and_dates),
        cmocka_unit_test(test_booleans_addresses_arns),
        cmocka_unit_test(test_absent_keys),
        cmocka_unit_test(test_many_values),
        cmocka_unit_test(test_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
