/* SPDX-License-Identifier: Apache-2.0
 *
 * Order of decisions: what denies, what allows, and where both accounts are needed. */
#include "../test.h"

#include "auth/evaluate.h"

#define OURS "111111111111"
#define THEIRS "222222222222"
#define SERVICE_ARN "arn:aws:servicediscovery:eu-west-1:" OURS ":service/srv-a"

#define STATEMENTS(list) "{\"Version\": \"2012-10-17\", \"Statement\": [" list "]}"
#define SAYS(effect, action, more) "{\"Effect\": \"" effect "\", \"Action\": \"" action "\"" more "}"
#define ON_ANY ", \"Resource\": \"*\""
#define TO(principal) ", \"Principal\": {\"AWS\": \"" principal "\"}"

static const struct principal ann = { .kind = PRINCIPAL_USER,
                                      .account = STR(OURS),
                                      .arn = STR("arn:aws:iam::" OURS ":user/ann"),
                                      .name = STR("ann") },
                              root = { .kind = PRINCIPAL_ROOT,
                                       .account = STR(OURS),
                                       .arn = STR("arn:aws:iam::" OURS ":root") },
                              session = { .kind = PRINCIPAL_ROLE,
                                          .account = STR(OURS),
                                          .arn = STR("arn:aws:sts::" OURS ":assumed-role/deploy/s1"),
                                          .name = STR("deploy"),
                                          .session_name = STR("s1") };

static struct policy *compile(const char *document, enum policy_kind kind)
{
    struct policy_error error = { 0 };
    struct policy *policy = NULL;

    if (document && policy_compile(str_of(document), kind, &policy, &error))
        fail_msg("%s: %s", document, error.text);
    return policy;
}

/* Documents; NULL: none. `theirs`: the resource is of the other account. */
struct call_case {
    const struct principal *principal;
    const char *identity, *session, *resource;
    bool theirs, is_trust;
    bool allowed, is_explicit;
    enum evaluate_source source;
};

static struct decision decide(const struct call_case *c, enum action action, const char *resource_arn)
{
    struct policy *identity = compile(c->identity, POLICY_IDENTITY), *narrow = compile(c->session, POLICY_SESSION),
                  *resource = compile(c->resource, c->is_trust ? POLICY_TRUST : POLICY_RESOURCE);
    struct principal principal = *c->principal;
    const struct policy *const policies[] = { identity };
    const struct context context = { 0 };
    struct evaluate_query query = { .principal = &principal,
                                    .policies = policies,
                                    .n_policies = identity ? 1 : 0,
                                    .action = action,
                                    .action_text = STR("other:Thing"),
                                    .resource = str_of(resource_arn),
                                    .context = &context,
                                    .resource_policy = resource,
                                    .resource_account = str_of(c->theirs ? THEIRS : OURS),
                                    .is_trust = c->is_trust };
    struct decision decision;

    principal.session_policy = narrow;
    decision = evaluate_decide(&query);
    decision.policy = NULL; /* freed here; statement is looked at for being there only */
    policy_free(identity);
    policy_free(narrow);
    policy_free(resource);
    return decision;
}

static void check(const struct call_case *cases, size_t n, enum action action)
{
    for (size_t i = 0; i < n; i++) {
        struct decision decision = decide(&cases[i], action, SERVICE_ARN);
        bool is_explicit = !decision.is_allowed && decision.statement;
        if (decision.is_allowed != cases[i].allowed || is_explicit != cases[i].is_explicit ||
            decision.source != cases[i].source)
            fail_msg("%zu: allowed %d, explicit %d, source %d", i, decision.is_allowed, is_explicit, decision.source);
    }
}

#define ALLOW STATEMENTS(SAYS("Allow", "servicediscovery:*", ON_ANY))
#define ALLOW_OTHER STATEMENTS(SAYS("Allow", "s3:*", ON_ANY))
#define DENY STATEMENTS(SAYS("Allow", "*", ON_ANY) "," SAYS("Deny", "servicediscovery:Get*", ON_ANY))
#define SHARE(principal) STATEMENTS(SAYS("Allow", "servicediscovery:Get*", ON_ANY TO(principal)))
#define REFUSE(principal) STATEMENTS(SAYS("Deny", "servicediscovery:Get*", ON_ANY TO(principal)))

static void test_identity_policies(void **state)
{
    static const struct call_case cases[] = {
        { &ann, NULL, NULL, NULL, false, false, false, false, EVALUATE_IDENTITY },
        { &ann, ALLOW, NULL, NULL, false, false, true, false, EVALUATE_IDENTITY },
        { &ann, ALLOW_OTHER, NULL, NULL, false, false, false, false, EVALUATE_IDENTITY },
        { &ann, DENY, NULL, NULL, false, false, false, true, EVALUATE_IDENTITY },
        { &root, NULL, NULL, NULL, false, false, true, false, EVALUATE_IDENTITY },
    };

    (void)state;
    check(cases, TEST_COUNT(cases), ACTION_GetService);
}

static void test_session_policies(void **state)
{
    static const struct call_case cases[] = {
        { &session, ALLOW, ALLOW, NULL, false, false, true, false, EVALUATE_IDENTITY },
        { &session, ALLOW, ALLOW_OTHER, NULL, false, false, false, false, EVALUATE_SESSION },
        { &session, NULL, ALLOW, NULL, false, false, false, false, EVALUATE_IDENTITY },
        { &session, ALLOW, DENY, NULL, false, false, false, true, EVALUATE_SESSION },
        { &session, DENY, DENY, NULL, false, false, false, true, EVALUATE_IDENTITY },
        /* The session named outright is not narrowed, its role is. */
        { &session, NULL, ALLOW_OTHER, SHARE("arn:aws:sts::" OURS ":assumed-role/deploy/s1"), false, false, true, false,
          EVALUATE_RESOURCE },
        { &session, NULL, ALLOW_OTHER, SHARE("arn:aws:iam::" OURS ":role/deploy"), false, false, false, false,
          EVALUATE_SESSION },
        { &session, NULL, ALLOW, SHARE("arn:aws:iam::" OURS ":role/a/b/deploy"), false, false, true, false,
          EVALUATE_RESOURCE },
        { &session, NULL, NULL, SHARE("arn:aws:iam::" OURS ":role/deployer"), false, false, false, false,
          EVALUATE_IDENTITY },
        { &session, NULL, NULL, SHARE("arn:aws:iam::" THEIRS ":role/deploy"), false, false, false, false,
          EVALUATE_IDENTITY },
    };

    (void)state;
    check(cases, TEST_COUNT(cases), ACTION_GetService);
}

static void test_resource_policies(void **state)
{
    static const struct call_case cases[] = {
        { &ann, NULL, NULL, SHARE("arn:aws:iam::" OURS ":user/ann"), false, false, true, false, EVALUATE_RESOURCE },
        { &ann, NULL, NULL, SHARE("*"), false, false, true, false, EVALUATE_RESOURCE },
        { &ann, NULL, NULL, SHARE(OURS), false, false, false, false, EVALUATE_IDENTITY },
        { &ann, ALLOW, NULL, REFUSE(OURS), false, false, false, true, EVALUATE_RESOURCE },
        { &root, NULL, NULL, REFUSE(OURS), false, false, false, true, EVALUATE_RESOURCE },
        { &ann, ALLOW, NULL, REFUSE("arn:aws:iam::" OURS ":user/bob"), false, false, true, false, EVALUATE_IDENTITY },
        /* From another account both must allow. */
        { &ann, ALLOW, NULL, NULL, true, false, false, false, EVALUATE_RESOURCE },
        { &ann, NULL, NULL, SHARE("arn:aws:iam::" OURS ":user/ann"), true, false, false, false, EVALUATE_IDENTITY },
        { &ann, ALLOW, NULL, SHARE("arn:aws:iam::" OURS ":user/ann"), true, false, true, false, EVALUATE_IDENTITY },
        { &ann, ALLOW, NULL, SHARE(OURS), true, false, true, false, EVALUATE_IDENTITY },
        { &root, NULL, NULL, SHARE(OURS), true, false, true, false, EVALUATE_IDENTITY },
        { &root, NULL, NULL, NULL, true, false, false, false, EVALUATE_RESOURCE },
        { &session, ALLOW, ALLOW_OTHER, SHARE(OURS), true, false, false, false, EVALUATE_SESSION },
    };
    static const char spares[] =
        STATEMENTS("{\"Effect\": \"Deny\", \"Action\": \"*\", \"Resource\": \"*\", \"NotPrincipal\": {\"AWS\": "
                   "\"arn:aws:iam::" OURS ":user/ann\"}}");
    const struct call_case not_ann = { &session, ALLOW, NULL, spares, false, false, false, true, EVALUATE_RESOURCE },
                           is_ann = { &ann, ALLOW, NULL, spares, false, false, true, false, EVALUATE_IDENTITY };

    (void)state;
    check(cases, TEST_COUNT(cases), ACTION_GetService);
    check(&not_ann, 1, ACTION_GetService);
    check(&is_ann, 1, ACTION_GetService);
}

#define TRUST(principal) STATEMENTS(SAYS("Allow", "sts:AssumeRole", TO(principal)))
#define MAY_ASSUME STATEMENTS(SAYS("Allow", "sts:AssumeRole", ON_ANY))

static void test_trust(void **state)
{
    static const struct call_case cases[] = {
        { &ann, MAY_ASSUME, NULL, TRUST(OURS), false, true, true, false, EVALUATE_IDENTITY },
        { &ann, NULL, NULL, TRUST(OURS), false, true, false, false, EVALUATE_IDENTITY },
        { &ann, NULL, NULL, TRUST("arn:aws:iam::" OURS ":user/ann"), false, true, true, false, EVALUATE_RESOURCE },
        { &ann, MAY_ASSUME, NULL, TRUST("arn:aws:iam::" OURS ":user/bob"), false, true, false, false,
          EVALUATE_RESOURCE },
        { &ann, MAY_ASSUME, NULL, TRUST(OURS), true, true, true, false, EVALUATE_IDENTITY },
        { &ann, NULL, NULL, TRUST("arn:aws:iam::" OURS ":user/ann"), true, true, false, false, EVALUATE_IDENTITY },
        { &root, NULL, NULL, TRUST(OURS), false, true, true, false, EVALUATE_RESOURCE },
    };

    (void)state;
    check(cases, TEST_COUNT(cases), ACTION_AssumeRole);
}

static void test_actions_and_resources(void **state)
{
    static const struct {
        const char *statement, *resource;
        enum action action;
        bool allowed;
    } cases[] = {
        { SAYS("Allow", "SERVICEDISCOVERY:getservice", ON_ANY), SERVICE_ARN, ACTION_GetService, true },
        { SAYS("Allow", "servicediscovery:Get?ervice", ON_ANY), SERVICE_ARN, ACTION_GetServiceAttributes, false },
        { SAYS("Allow", "other:t*", ON_ANY), SERVICE_ARN, ACTION_OTHER, true },
        { SAYS("Allow", "other:u*", ON_ANY), SERVICE_ARN, ACTION_OTHER, false },
        { "{\"Effect\": \"Allow\", \"NotAction\": [\"servicediscovery:Get*\"]" ON_ANY "}", SERVICE_ARN,
          ACTION_GetService, false },
        { "{\"Effect\": \"Allow\", \"NotAction\": [\"servicediscovery:Get*\"]" ON_ANY "}", SERVICE_ARN, ACTION_OTHER,
          true },
        { SAYS("Allow", "*", ", \"Resource\": \"" SERVICE_ARN "\""), SERVICE_ARN, ACTION_GetService, true },
        { SAYS("Allow", "*", ", \"Resource\": \"" SERVICE_ARN "\""), SERVICE_ARN "b", ACTION_GetService, false },
        { SAYS("Allow", "*", ", \"Resource\": \"" SERVICE_ARN "\""), "*", ACTION_ListServices, false },
        { SAYS("Allow", "*", ", \"Resource\": [\"arn:aws:s3:::x\", \"arn:aws:servicediscovery:*:*:service/*\"]"),
          SERVICE_ARN, ACTION_GetService, true },
        { SAYS("Allow", "*", ", \"NotResource\": \"" SERVICE_ARN "\""), SERVICE_ARN, ACTION_GetService, false },
        { SAYS("Allow", "*", ", \"NotResource\": \"" SERVICE_ARN "\""), "*", ACTION_ListServices, true },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char document[512];
        const struct call_case c = { .principal = &ann, .identity = document };
        snprintf(document, sizeof(document), STATEMENTS("%s"), cases[i].statement);
        if (decide(&c, cases[i].action, cases[i].resource).is_allowed != cases[i].allowed)
            fail_msg("%zu: %s", i, cases[i].statement);
    }
}

/* The statement that decided is named, whatever stands around it. */
static void test_which_statement(void **state)
{
    struct policy *first = compile(ALLOW_OTHER, POLICY_IDENTITY), *second = compile(DENY, POLICY_IDENTITY);
    const struct policy *const policies[] = { first, second };
    const struct context context = { 0 };
    struct evaluate_query query = { .principal = &ann,
                                    .policies = policies,
                                    .n_policies = 2,
                                    .action = ACTION_GetService,
                                    .resource = STR(SERVICE_ARN),
                                    .context = &context };
    struct decision decision = evaluate_decide(&query);

    (void)state;
    assert_false(decision.is_allowed);
    assert_ptr_equal(decision.policy, second);
    assert_ptr_equal(decision.statement, &second->statements[1]);
    query.action = ACTION_ListServices;
    decision = evaluate_decide(&query);
    assert_true(decision.is_allowed);
    assert_ptr_equal(decision.statement, &second->statements[0]);
    policy_free(first);
    policy_free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_policies),     cmocka_unit_test(test_session_policies),
        cmocka_unit_test(test_resource_policies),     cmocka_unit_test(test_trust),
        cmocka_unit_test(test_actions_and_resources), cmocka_unit_test(test_which_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
