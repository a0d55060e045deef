/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "model/policy.h"

#include <errno.h>
#include <stdlib.h>

static struct policy *compile(const char *document, enum policy_kind kind)
{
    struct policy_error error = { 0 };
    struct policy *policy = NULL;
    int r = policy_compile(str_of(document), kind, &policy, &error);

    if (r)
        fail_msg("%d: line %u: %s", r, error.line, error.text);
    return policy;
}

static void check_refused(const char *document, enum policy_kind kind, unsigned line, const char *text)
{
    struct policy_error error = { 0 };
    struct policy *policy = NULL;

    if (policy_compile(str_of(document), kind, &policy, &error) != POLICY_INVALID) {
        policy_free(policy);
        fail_msg("accepted: %s", document);
    }
    assert_string_equal(error.text, text);
    assert_int_equal(error.line, line);
}

#define STATEMENT(members) "{\"Version\": \"2012-10-17\",\n \"Statement\": {" members "}}"
#define ALLOWS(members) STATEMENT("\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"" members)

static void test_a_document(void **state)
{
    static const char document[] =
        "{\n"
        " \"Version\": \"2012-10-17\",\n"
        " \"Statement\": [\n"
        "  {\"Sid\": \"One\", \"Effect\": \"Allow\",\n"
        "   \"Action\": [\"servicediscovery:Get*\", \"ServiceDiscovery:registerinstance\"],\n"
        "   \"Resource\": \"arn:aws:servicediscovery:*:1:service/*\",\n"
        "   \"Condition\": {\"ForAnyValue:StringEqualsIfExists\": {\"aws:TagKeys\": [\"a\", \"b\"]},\n"
        "                 \"numericLessThan\": {\"aws:ResourceTag/Cost\": 10.5}}},\n"
        "  {\"Effect\": \"Deny\", \"NotAction\": \"servicediscovery:*\", \"NotResource\": [\"*\"]}\n"
        " ]}";
    struct policy *policy = compile(document, POLICY_IDENTITY);
    const struct policy_statement *one = &policy->statements[0], *two = &policy->statements[1];

    (void)state;
    assert_true(str_eq(policy->document, str_of(document)));
    assert_int_equal(policy->n_statements, 2);
    assert_str(one->sid, "One");
    assert_int_equal(one->line, 4);
    assert_int_equal(two->line, 9);
    assert_false(one->denies);
    assert_true(two->denies && two->not_actions && two->not_resources);
    assert_true(one->known_actions & ACTION_BIT(ACTION_GetOperation));
    assert_true(one->known_actions & ACTION_BIT(ACTION_RegisterInstance));
    assert_false(one->known_actions & ACTION_BIT(ACTION_DeregisterInstance));
    assert_int_equal(two->known_actions, ACTION_BIT(ACTION_LookupEvents) | ACTION_BIT(ACTION_AssumeRole));
    assert_int_equal(policy->known_actions, one->known_actions | two->known_actions);
    assert_int_equal(one->n_conditions, 2);
    assert_int_equal(one->conditions[0].op, POLICY_OPERATOR_STRING_EQUALS);
    assert_int_equal(one->conditions[0].quantifier, POLICY_FOR_ANY);
    assert_true(one->conditions[0].if_exists);
    assert_int_equal(one->conditions[0].key, CONDITION_KEY_TAG_KEYS);
    assert_int_equal(one->conditions[0].n_values, 2);
    assert_int_equal(one->conditions[1].key, CONDITION_KEY_RESOURCE_TAG);
    assert_str(one->conditions[1].tag, "Cost");
    assert_true(one->conditions[1].values[0].number == 10.5);
    policy_free(policy);
}

static void test_old_version_has_no_variables(void **state)
{
    struct policy *policy = compile("{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": "
                                    "\"arn:aws:a:::${aws:username}\"}}",
                                    POLICY_IDENTITY);

    (void)state;
    assert_int_equal(policy->n_variables, 0);
    policy_free(policy);
    /* The version may stand behind what it is about. */
    policy = compile("{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": "
                     "\"arn:aws:a:::${aws:username}\"}, \"Version\": \"2012-10-17\"}",
                     POLICY_IDENTITY);
    assert_int_equal(policy->n_variables, 1);
    policy_free(policy);
}

static void test_principals(void **state)
{
    static const char trust[] =
        STATEMENT("\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {\"AWS\": "
                  "[\"123456789012\", \"arn:aws:iam::123456789013:root\", "
                  "\"arn:aws:iam::123456789012:user/a/ann\", \"*\"], \"Service\": \"ec2.amazonaws.com\"}");
    struct policy *policy = compile(trust, POLICY_TRUST);
    const struct policy_statement *statement = &policy->statements[0];

    (void)state;
    assert_int_equal(statement->n_principals, 5);
    assert_int_equal(statement->principals[0].kind, POLICY_ACCOUNT);
    assert_int_equal(statement->principals[1].kind, POLICY_ACCOUNT);
    assert_str(statement->principals[1].text, "123456789013");
    assert_int_equal(statement->principals[2].kind, POLICY_ARN);
    assert_int_equal(statement->principals[3].kind, POLICY_ANYONE);
    assert_int_equal(statement->principals[4].kind, POLICY_NOBODY);
    policy_free(policy);
    policy = compile(ALLOWS(", \"Principal\": \"*\""), POLICY_RESOURCE);
    assert_int_equal(policy->statements[0].principals[0].kind, POLICY_ANYONE);
    policy_free(policy);
}

static void test_refused_documents(void **state)
{
    static const struct {
        const char *document, *text;
        unsigned line;
    } cases[] = {
        { "", "not valid JSON", 1 },
        { "[]", "the policy is an array, not an object", 1 },
        { "{\n}", "Statement is missing", 1 },
        { "{\"Version\": \"2012-10-17\",\n\n\"Statement\": []}", "Statement is empty", 3 },
        { "{\"Version\":\n\"2012\", \"Statement\": {}}", "Version is \"2012\", not 2012-10-17 or 2008-10-17", 2 },
        { "{\"Version\": 1}", "Version is a number, not a string", 1 },
        { "{\"Id\": \"x\", \"Statement\": {}}", "Id belongs into policies of resources only", 1 },
        { ALLOWS("},\n\"Statments\": {"), "a policy has no element \"Statments\"", 3 },
        { ALLOWS(", \"Effect\": \"Deny\""), "a member appears twice", 2 },
        { STATEMENT(""), "Statement 1: Effect is missing", 2 },
        { STATEMENT("\"Effect\": \"Allow\""), "Statement 1: Action is missing", 2 },
        { STATEMENT("\"Effect\": \"Allow\", \"Action\": \"*\""), "Statement 1: Resource is missing", 2 },
        { STATEMENT("\"Effect\":\n\"allow\""), "Statement 1: Effect is \"allow\", not Allow or Deny", 3 },
        { ALLOWS(", \"Resourcee\": 1"), "Statement 1: a statement has no element \"Resourcee\"", 2 },
        { ALLOWS(", \"NotAction\": \"*\""), "Statement 1: Action and NotAction are both there", 2 },
        { ALLOWS(",\n\"Principal\": \"*\""), "Statement 1: Principal belongs into policies of roles and resources only",
          2 },
        { ALLOWS(", \"Sid\": \"a b\""), "Statement 1: Sid \"a b\" has other characters than letters and digits", 2 },
        { STATEMENT("\"Action\": []"), "Statement 1: Action is empty", 2 },
        { STATEMENT("\"Action\": [\"*\",\n\"Get\"]"), "Statement 1: action \"Get\" is not of the form SERVICE:NAME",
          3 },
        { STATEMENT("\"Action\": \"s*:Get\""), "Statement 1: the service of action \"s*:Get\" is not written out", 2 },
        { STATEMENT("\"Action\": \"s:Get All\""),
          "Statement 1: action \"s:Get All\" has a character that no action has", 2 },
        { STATEMENT("\"Action\": 1"), "Statement 1: Action is a number, not a string", 2 },
        { STATEMENT("\"Resource\": \"service/x\""), "Statement 1: resource \"service/x\" is neither * nor an ARN", 2 },
        { STATEMENT("\"Resource\": \"arn:aws:*:::x\""),
          "Statement 1: the service in resource \"arn:aws:*:::x\" is not written out", 2 },
        { STATEMENT("\"Resource\": \"arn:aws:a:::${x\""),
          "Statement 1: a policy variable without a name or without its }: \"arn:aws:a:::${x\"", 2 },
        { ALLOWS(", \"Condition\": []"), "Statement 1: Condition is an array, not an object", 2 },
        { ALLOWS(", \"Condition\": {\"StringIs\": {}}"), "Statement 1: there is no condition operator \"StringIs\"",
          2 },
        { ALLOWS(", \"Condition\": {\"Bool\": {\"aws:SecureTransport\": \"yes\"}}"),
          "Statement 1: \"yes\" is not true or false", 2 },
        { ALLOWS(", \"Condition\": {\"NumericEquals\": {\"a:b\": \"1e3\"}}"), "Statement 1: \"1e3\" is not a number",
          2 },
        { ALLOWS(", \"Condition\": {\"IpAddress\":\n{\"aws:SourceIp\": [\"::1\",\n\"10.0.0.0/33\"]}}"),
          "Statement 1: \"10.0.0.0/33\" is not an address or a network such as 10.0.0.0/8", 4 },
        { ALLOWS(", \"Condition\": {\"DateLessThan\": {\"aws:CurrentTime\": \"soon\"}}"),
          "Statement 1: \"soon\" is not a date of the form 2026-01-31T00:00:00Z or seconds since 1970", 2 },
        { ALLOWS(", \"Condition\": {\"ArnLike\": {\"aws:PrincipalArn\": \"*\"}}"),
          "Statement 1: \"*\" is not the ARN that this operator compares", 2 },
        { ALLOWS(", \"Condition\": {\"Null\": {\"username\": true}}"),
          "Statement 1: condition key \"username\" is not of the form SERVICE:KEY", 2 },
        { ALLOWS(", \"Condition\": {\"NullIfExists\": {\"aws:username\": true}}"),
          "Statement 1: Null stands alone, without IfExists or ForAllValues", 2 },
        { ALLOWS(", \"Condition\": {\"Null\": {\"aws:username\": true, \"AWS:UserName\": true}}"),
          "Statement 1: condition key \"AWS:UserName\" is there twice", 2 },
        { ALLOWS(", \"Condition\": {\"StringEquals\": {\"aws:username\": \"\\u0001\"}}"),
          "Statement 1: a character that policies may not hold, in \"\001\"", 2 },
        { ALLOWS(", \"Condition\": {\"StringEquals\": {\"aws:username\": null}}"),
          "Statement 1: a condition's value is null, not a string", 2 },
        { "{\"Statement\": [{\"Sid\": \"A\", \"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\"},\n"
          "{\"Sid\": \"A\", \"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\"}]}",
          "Statement 2: another statement has the Sid \"A\"", 2 },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_refused(cases[i].document, POLICY_IDENTITY, cases[i].line, cases[i].text);
}

static void test_refused_trust(void **state)
{
    (void)state;
    check_refused(ALLOWS(", \"Principal\": \"*\""), POLICY_TRUST, 2,
                  "Statement 1: Resource has no place in a trust policy");
    check_refused(STATEMENT("\"Effect\": \"Allow\", \"Action\": \"*\""), POLICY_TRUST, 2,
                  "Statement 1: Principal is missing");
    check_refused(STATEMENT("\"Principal\": \"ann\""), POLICY_TRUST, 2,
                  "Statement 1: Principal is \"ann\", not * or an object such as { \"AWS\": ... }");
    check_refused(STATEMENT("\"Principal\": {\"AWS\": \"arn:aws:iam::123456789012:user/*\"}"), POLICY_TRUST, 2,
                  "Statement 1: principal \"arn:aws:iam::123456789012:user/*\" is no *, account, user, role or role "
                  "session");
    check_refused(STATEMENT("\"Principal\": {\"Aws\": \"*\"}"), POLICY_TRUST, 2,
                  "Statement 1: Principal has no type \"Aws\"");
    check_refused(STATEMENT("\"Principal\": {}"), POLICY_TRUST, 2, "Statement 1: Principal is empty");
    check_refused(STATEMENT("\"Effect\": \"Allow\", \"Action\": \"*\", \"NotPrincipal\": {\"AWS\": \"*\"}"),
                  POLICY_TRUST, 2, "Statement 1: NotPrincipal would allow everybody else; it goes with Deny only");
}

/* A document of n characters and much white space. */
static char *document_of(size_t n)
{
    static const char head[] = "{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"arn:aws:a:::",
                      tail[] = "\"}}";
    char *text = malloc(n + 40001);

    assert_non_null(text);
    memset(text, ' ', 40000);
    memset(text + 40000, 'x', n);
    memcpy(text + 40000, head, sizeof(head) - 1);
    memcpy(text + 40000 + n - (sizeof(tail) - 1), tail, sizeof(tail));
    return text;
}

static void test_sizes(void **state)
{
    struct policy *policy;
    char *text;

    (void)state;
    for (enum policy_kind kind = POLICY_IDENTITY; kind <= POLICY_SESSION; kind++) {
        size_t most = policy_max_characters(kind);
        char why[64];
        text = document_of(most);
        policy = compile(text, kind);
        policy_free(policy);
        free(text);
        text = document_of(most + 1);
        snprintf(why, sizeof(why), "the document has more than %zu characters", most);
        check_refused(text, kind, 1, why);
        free(text);
    }
    text = calloc(1, POLICY_MAX_BYTES + 2);
    assert_non_null(text);
    memset(text, ' ', POLICY_MAX_BYTES + 1);
    check_refused(text, POLICY_IDENTITY, 1, "the document has more than 65536 bytes");
    free(text);
}

static void test_memory_runs_out(void **state)
{
    struct policy_error error;
    struct policy *policy;
    long k = 0;
    int r;

    (void)state;
    do {
        policy = NULL;
        mem_fail_at(++k, 1);
        r = policy_compile(str_of(ALLOWS(", \"Condition\": {\"StringLike\": {\"aws:username\": [\"a\", \"b\"]}}")),
                           POLICY_IDENTITY, &policy, &error);
        assert_true(r == 0 || (r == -ENOMEM && !policy));
    } while (mem_fail_at(0, 0));
    assert_int_equal(r, 0);
    assert_true(k > 1);
    policy_free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_document),      cmocka_unit_test(test_old_version_has_no_variables),
        cmocka_unit_test(test_principals),      cmocka_unit_test(test_refused_documents),
        cmocka_unit_test(test_refused_trust),   cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
