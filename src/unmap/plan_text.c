/* SPDX-License-Identifier: Apache-2.0
 *
 * The words for decisions: short ones for labels and tables, clauses for people. */
#include "unmap/plan.h"

#include "base/mem.h"

struct plan_rule_words {
    const char *text, *reason;
};

static const struct plan_rule_words plan_rules[PLAN_RULE_COUNT] = {
    [PLAN_RULE_NONE] = { "none", "nothing stops it" },
    [PLAN_RULE_NO_EC2_ID] = { "no_ec2_id", "its id is not one of EC2" },
    [PLAN_RULE_NO_ADDRESS] = { "no_address", "it has no address to be judged by" },
    [PLAN_RULE_OPT_OUT] = { "opt_out", "it has the attribute that opts out" },
    [PLAN_RULE_NOT_SELECTED] = { "not_selected", "it does not have the attribute that selects" },
    [PLAN_RULE_INCOMPLETE] = { "incomplete", "an answer is missing or not whole, so nothing is known" },
    [PLAN_RULE_ACCOUNT] = { "account", "an answer is not from the expected account" },
    [PLAN_RULE_IDENTITY_CHANGED] = { "identity_changed", "the account changed, or was another one, not long ago" },
    [PLAN_RULE_CANARY] = { "canary", "an instance that must be there was not seen" },
    [PLAN_RULE_REQUIRE_TERMINATED] = { "require_terminated", "EC2 does not say that it is terminated" },
    [PLAN_RULE_CONFIRMATIONS] = { "confirmations", "too few rounds in a row agree, or over too short a time" },
    [PLAN_RULE_GRACE] = { "grace", "it was registered or launched not long ago" },
    [PLAN_RULE_HEALTHY] = { "healthy", "its health check passes" },
    [PLAN_RULE_BREAKER] = { "min_remaining", "too few live instances would remain" },
    [PLAN_RULE_MAX_PERCENT] = { "max_removal_percent", "too large a share of the service is to go" },
    [PLAN_RULE_HIGH_WATER] = { "high_water", "too few live instances would remain of the most of the last 24 hours" },
    [PLAN_RULE_ZONE] = { "zone", "most of those to go are of its zone or region" },
    [PLAN_RULE_MAX_REMOVALS] = { "max_removals", "others go first in this round" },
    [PLAN_RULE_HOUR] = { "hour", "enough were removed in the last hour" },
    [PLAN_RULE_RECHECK] = { "recheck", "a second look did not agree" },
};

const char *plan_evidence_text(enum plan_evidence evidence)
{
    static const char *const words[PLAN_EVIDENCE_COUNT] = {
        "not judged", "unseen", "present", "terminated", "moved", "absent",
    };

    ASSERT(evidence < PLAN_EVIDENCE_COUNT);
    return words[evidence];
}

const char *plan_action_text(enum plan_action action)
{
    static const char *const words[PLAN_ACTION_COUNT] = { "leave", "keep", "wait", "hold", "remove" };

    ASSERT(action < PLAN_ACTION_COUNT);
    return words[action];
}

const char *plan_rule_text(enum plan_rule rule)
{
    ASSERT(rule < PLAN_RULE_COUNT);
    return plan_rules[rule].text;
}

const char *plan_rule_reason(enum plan_rule rule)
{
    ASSERT(rule < PLAN_RULE_COUNT);
    return plan_rules[rule].reason;
}
