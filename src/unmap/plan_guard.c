/* SPDX-License-Identifier: Apache-2.0
 *
 * Guards of a round (the right account, canaries) and of one instance (grace, health, confirmations). */
#include "unmap/plan_priv.h"

/* cloudmapd without keys has no account of its own. */
#define PLAN_OPEN_ACCOUNT STR("000000000000")

/* The account that the round must be of; absent when the first one seen is to be pinned. */
static struct str plan_guard_expected(const struct plan_work *work)
{
    const struct plan_input *input = work->input;

    if (str_is_set(input->guards->account))
        return input->guards->account;
    if (input->registry_account.n && !str_eq(input->registry_account, PLAN_OPEN_ACCOUNT))
        return input->registry_account;
    return work->plan->history->account;
}

static bool plan_guard_is_of(const struct plan_listing *listing, struct str account)
{
    if (!account.n || !str_eq(listing->account, account) || listing->machines->has_strangers)
        return false;
    return !str_is_set(listing->machines->account) || str_eq(listing->machines->account, account);
}

/* R2. A wrong account counts as a change, too: when the right one is back, the freeze holds for a while. */
static enum plan_rule plan_guard_account(struct plan_work *work)
{
    const struct plan_input *input = work->input;
    struct plan_history *history = work->plan->history;
    struct str expected = plan_guard_expected(work);
    int64_t now_ms = input->now_ms ? input->now_ms : 1;
    bool is_first = !str_is_set(expected);

    if (is_first)
        expected = input->listings[0].account;
    for (size_t i = 0; i < input->n_listings; i++)
        if (!plan_guard_is_of(&input->listings[i], expected)) {
            history->account_changed_ms = now_ms;
            return PLAN_RULE_ACCOUNT;
        }
    if (is_first && !work->n_present) { /* nothing speaks for it; whatever comes next may be another one */
        history->account_changed_ms = now_ms;
        return PLAN_RULE_ACCOUNT;
    }
    if (str_is_set(history->account) && !str_eq(history->account, expected))
        history->account_changed_ms = now_ms;
    history->account = expected;
    if (history->account_changed_ms && input->now_ms - history->account_changed_ms < input->guards->identity_freeze_ms)
        return PLAN_RULE_IDENTITY_CHANGED;
    return PLAN_RULE_NONE;
}

/* R3. */
static bool plan_guard_sees_canary(const struct plan_work *work)
{
    const struct plan_input *input = work->input;
    uint64_t seen = 0;

    if (!input->n_canaries)
        return !input->guards->needs_canary || work->n_present;
    for (size_t i = 0; i < input->n_listings; i++)
        seen |= input->listings[i].machines->canaries;
    for (size_t i = 0; i < input->n_canaries; i++)
        if (i >= EC2_MAX_CANARIES || !(seen >> i & 1))
            return false;
    return true;
}

enum plan_rule plan_guard_round(struct plan_work *work)
{
    const struct plan_guards *guards = work->input->guards;
    enum plan_rule rule = PLAN_RULE_NONE;

    if (str_is_set(guards->account) || guards->pins_account)
        rule = plan_guard_account(work);
    if (rule == PLAN_RULE_NONE && !plan_guard_sees_canary(work))
        rule = PLAN_RULE_CANARY;
    return rule;
}

/* R5. A launch time in the future is a young one. */
static bool plan_guard_is_young(const struct plan_input *input, const struct plan_decision *decision)
{
    const struct ec2_instance *machine = decision->machine;

    if (!input->guards->grace_ms)
        return false;
    return decision->seen_for_ms < input->guards->grace_ms ||
           (machine && machine->launch_ms && input->wall_ms - machine->launch_ms < input->guards->grace_ms);
}

/* R4: counts this round. */
static bool plan_guard_is_confirmed(const struct plan_input *input, struct plan_memory *memory)
{
    if (memory->doubts == 0)
        memory->doubted_since_ms = input->now_ms;
    if (memory->doubts < UINT32_MAX)
        memory->doubts++;
    return memory->doubts >= input->guards->confirmations &&
           input->now_ms - memory->doubted_since_ms >= input->guards->confirm_ms;
}

void plan_guard_instance(struct plan_work *work, size_t at)
{
    const struct plan_input *input = work->input;
    struct plan_decision *decision = &work->plan->decisions[at];
    struct plan_memory *memory = work->notes[at].memory;
    bool counts = false;

    if (decision->evidence == PLAN_TERMINATED)
        decision->rule = PLAN_RULE_NONE;
    else if (input->guards->require_terminated)
        decision->rule = PLAN_RULE_REQUIRE_TERMINATED;
    else if (plan_guard_is_young(input, decision))
        decision->rule = PLAN_RULE_GRACE;
    else if (input->guards->healthy_vetoes && decision->instance->health == CLOUD_MAP_HEALTHY &&
             !work->notes[at].is_taken)
        decision->rule = PLAN_RULE_HEALTHY;
    else {
        counts = true;
        decision->rule = plan_guard_is_confirmed(input, memory) ? PLAN_RULE_NONE : PLAN_RULE_CONFIRMATIONS;
    }
    if (!counts)
        memory->doubts = 0;
    decision->doubts = memory->doubts;
    decision->action = decision->rule == PLAN_RULE_NONE ? PLAN_REMOVE : PLAN_WAIT;
}
