/* SPDX-License-Identifier: Apache-2.0
 *
 * Policy documents of each kind: reading stays within the text, refuses with a line and a reason, and what it accepts
 * it accepts again. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "model/policy.h"

static void check_error(struct str document, int r, const struct policy_error *error)
{
    unsigned lines = 1;

    for (size_t i = 0; i < document.n; i++)
        lines += document.p[i] == '\n';
    FUZZ_CHECK(r == POLICY_INVALID);
    FUZZ_CHECK(error->line >= 1 && error->line <= lines && error->text[0] != '\0');
}

static void check_policy(struct str document, const struct policy *policy)
{
    uint64_t known = 0;

    FUZZ_CHECK(str_eq(policy->document, document));
    FUZZ_CHECK(policy->n_statements > 0 && policy->n_statements <= POLICY_MAX_STATEMENTS);
    for (size_t i = 0; i < policy->n_statements; i++) {
        const struct policy_statement *statement = &policy->statements[i];
        FUZZ_CHECK(statement->n_actions > 0);
        known |= statement->known_actions;
    }
    FUZZ_CHECK(known == policy->known_actions);
}

/* No variable has a value here. */
static struct str find_nothing(const struct glob_values *values, unsigned variable)
{
    (void)values;
    (void)variable;
    return (struct str){ 0 };
}

static void match_everything(const struct policy *policy)
{
    const struct glob_values nothing = { .find = find_nothing };

    for (size_t i = 0; i < policy->n_statements; i++) {
        const struct policy_statement *statement = &policy->statements[i];
        for (size_t k = 0; k < statement->n_resources; k++)
            (void)glob_matches_slow(&statement->resources[k], policy->document, &nothing, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str document = { (const char *)data, n };

    for (unsigned kind = 0; kind < POLICY_KIND_COUNT; kind++) {
        struct policy_error error = { 0 };
        struct policy *policy = NULL;
        int r = policy_compile(document, (enum policy_kind)kind, &policy, &error);
        if (r) {
            check_error(document, r, &error);
            continue;
        }
        check_policy(document, policy);
        match_everything(policy);
        policy_free(policy);
    }
    return 0;
}
