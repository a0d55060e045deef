/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/managed_policy.h"
#include "model/policy.h"

/* What each lets its holder do: a bit for each action. */
static uint64_t actions_of(const char *word)
{
    const struct managed_policy *managed = managed_policy_find(str_of(word));
    struct policy_error error = { 0 };
    struct policy *policy;
    uint64_t actions;

    assert_non_null(managed);
    if (policy_compile(managed->document, POLICY_IDENTITY, &policy, &error))
        fail_msg("%s: %s", word, error.text);
    assert_int_equal(policy->n_statements, 1);
    assert_false(policy->statements[0].denies);
    assert_true(policy->statements[0].resources[0].is_any);
    actions = policy->known_actions;
    policy_free(policy);
    return actions;
}

static uint64_t actions_of_levels(unsigned levels)
{
    uint64_t actions = 0;

    for (unsigned i = 0; i < ACTION_COUNT; i++)
        if (str_starts(action_text((enum action)i), ACTION_SERVICE) && (levels >> action_level((enum action)i) & 1))
            actions |= ACTION_BIT(i);
    return actions;
}

static void test_what_they_allow(void **state)
{
    uint64_t reading = actions_of_levels(1u << ACTION_READ | 1u << ACTION_LIST), all = actions_of_levels(~0u),
             looking = ACTION_BIT(ACTION_LookupEvents),
             discovering = ACTION_BIT(ACTION_DiscoverInstances) | ACTION_BIT(ACTION_DiscoverInstancesRevision);

    (void)state;
    assert_int_equal(actions_of("admin"), all | looking);
    assert_int_equal(actions_of("auditor"), reading | looking);
    assert_int_equal(actions_of("discoverer"), discovering);
    assert_int_equal(actions_of("registrar"), reading | ACTION_BIT(ACTION_RegisterInstance) |
                                                  ACTION_BIT(ACTION_DeregisterInstance) |
                                                  ACTION_BIT(ACTION_UpdateInstanceCustomHealthStatus));
}

static void test_names(void **state)
{
    size_t n = 0;

    (void)state;
    assert_ptr_equal(managed_policy_find(STR("CloudmapAdmin")), managed_policy_find(STR("admin")));
    assert_ptr_equal(managed_policy_find(STR("arn:aws:iam::aws:policy/CloudmapAdmin")),
                     managed_policy_find(STR("admin")));
    assert_null(managed_policy_find(STR("Admin")));
    for (; managed_policy_at(n + 1); n++)
        assert_true(str_cmp(managed_policy_at(n)->name, managed_policy_at(n + 1)->name) < 0);
    assert_int_equal(n + 1, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_they_allow), cmocka_unit_test(test_names) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
