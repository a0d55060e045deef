/* SPDX-License-Identifier: Apache-2.0
 *
 * One plan, stage by stage: who is judged, what is known of them, whether the round counts, who may go, how many at
 * once. A stage only ever takes removals away from what the one before it left. */
#include "unmap/plan_priv.h"

#include <errno.h>
#include <stdlib.h>

#define PLAN_MINUTE_MS 60000

void plan_guards_original(struct plan_guards *ret_guards)
{
    *ret_guards = (struct plan_guards){ .min_remaining = 1 };
}

void plan_guards_guarded(struct plan_guards *ret_guards)
{
    *ret_guards = (struct plan_guards){
        .pins_account = true,
        .identity_freeze_ms = PLAN_HOUR_MS,
        .needs_canary = true,
        .confirmations = 3,
        .confirm_ms = 10 * PLAN_MINUTE_MS,
        .grace_ms = 15 * PLAN_MINUTE_MS,
        .healthy_vetoes = true,
        .rechecks = true,
        .min_remaining = 1,
        .max_removal_percent = 15,
        .removal_percent_min = 3,
        .high_water_percent = 50,
        .zone_percent = 80,
        .max_removals = 10,
        .round_percent = 5,
        .spacing_ms = 1000,
        .hour_percent = 20,
    };
}

/* --- who is judged ----------------------------------------------------------------------------------------------- */

/* PLAN_RULE_NONE: by *ret_address. An IPv4 attribute, whatever it says, is what decides where there is one. */
static enum plan_rule plan_select(const struct plan_guards *guards, const struct cloud_map_instance *instance,
                                  struct str *ret_address)
{
    struct str address = cloud_map_attribute(instance, STR("AWS_INSTANCE_IPV4"));
    struct str selected;

    if (!str_starts(instance->id, STR("i-")))
        return PLAN_RULE_NO_EC2_ID;
    if (!str_is_set(address))
        address = cloud_map_attribute(instance, STR("AWS_INSTANCE_IPV6"));
    if (!address.n)
        return PLAN_RULE_NO_ADDRESS;
    if (str_is_set(guards->opt_out) && str_is_set(cloud_map_attribute(instance, guards->opt_out)))
        return PLAN_RULE_OPT_OUT;
    if (str_is_set(guards->only_key)) {
        selected = cloud_map_attribute(instance, guards->only_key);
        if (!str_is_set(selected) || !str_eq(selected, guards->only_value))
            return PLAN_RULE_NOT_SELECTED;
    }
    *ret_address = address;
    return PLAN_RULE_NONE;
}

static int plan_order(const void *a, const void *b)
{
    const struct plan_decision *left = a, *right = b;
    return plan_compare(left->instance->id, left->address, right->instance->id, right->address);
}

static int plan_open(struct plan_work *work)
{
    const struct cloud_map_instances *registered = work->input->registered;
    struct plan *plan = work->plan;
    bool is_sorted = true;

    if (!registered)
        return 0;
    plan->decisions = ARENA_ARRAY(work->arena, struct plan_decision, registered->n);
    work->notes = ARENA_ARRAY(work->arena, struct plan_note, registered->n);
    if (!plan->decisions || !work->notes)
        return -ENOMEM;
    plan->n = registered->n;
    for (size_t i = 0; i < plan->n; i++) {
        struct plan_decision *decision = &plan->decisions[i];
        decision->instance = &registered->items[i];
        decision->rule = plan_select(work->input->guards, decision->instance, &decision->address);
        if (decision->rule == PLAN_RULE_NONE) {
            decision->evidence = PLAN_UNSEEN;
            plan->n_judged++;
        }
        is_sorted = is_sorted && (i == 0 || plan_order(decision - 1, decision) <= 0);
    }
    if (!is_sorted)
        qsort(plan->decisions, plan->n, sizeof(*plan->decisions), plan_order);
    return 0;
}

/* Ids stand in order; one may stand twice when the registry says so. */
static void plan_approve(struct plan_work *work)
{
    for (size_t i = 0; i < work->input->n_approved; i++) {
        struct str id = work->input->approved[i];
        size_t low = 0, high = work->plan->n;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (str_cmp(work->plan->decisions[middle].instance->id, id) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        for (; low < work->plan->n && str_eq(work->plan->decisions[low].instance->id, id); low++)
            work->notes[low].is_approved = true;
    }
}

/* --- what is known ----------------------------------------------------------------------------------------------- */

/* Sorted, each id once, as is promised: else whoever stands in the wrong place would be overlooked. */
static bool plan_is_sorted(const struct ec2_listing *listing)
{
    for (size_t i = 1; i < listing->n_instances; i++)
        if (str_cmp(listing->instances[i - 1].id, listing->instances[i].id) >= 0)
            return false;
    return true;
}

/* R1. */
static bool plan_is_whole(const struct plan_input *input)
{
    if (!input->registered || !input->n_listings || (input->guards->healthy_vetoes && !input->knows_health))
        return false;
    for (size_t i = 0; i < input->n_listings; i++)
        if (!input->listings[i].machines || !plan_is_sorted(input->listings[i].machines))
            return false;
    return true;
}

/* The machine of that id, or NULL; *cursor moves along the listing as the ids that are asked for rise. */
static const struct ec2_instance *plan_find(const struct ec2_listing *listing, struct str id, size_t *cursor)
{
    while (*cursor < listing->n_instances) {
        int order = str_cmp(listing->instances[*cursor].id, id);
        if (order >= 0)
            return order == 0 ? &listing->instances[*cursor] : NULL;
        ++*cursor;
    }
    return NULL;
}

static int plan_look(struct plan_work *work)
{
    const struct plan_input *input = work->input;
    size_t *cursors = ARENA_ARRAY(work->arena, size_t, input->n_listings);

    if (!cursors)
        return -ENOMEM;
    for (size_t i = 0; i < work->plan->n; i++) {
        struct plan_decision *decision = &work->plan->decisions[i];
        struct plan_sight sight = { 0 };
        if (decision->evidence == PLAN_NOT_JUDGED)
            continue;
        for (size_t j = 0; j < input->n_listings; j++)
            plan_evidence_add(&sight, plan_find(input->listings[j].machines, decision->instance->id, &cursors[j]),
                              decision->address);
        decision->evidence = plan_evidence_word(&sight);
        decision->machine = sight.machine;
        work->n_present += decision->evidence == PLAN_PRESENT;
    }
    return 0;
}

/* A round that does not count: everything that might go is held, and no earlier doubt goes on. */
static void plan_doubt(struct plan_work *work, enum plan_outcome outcome, enum plan_rule rule)
{
    work->plan->outcome = outcome;
    work->plan->rule = rule;
    for (size_t i = 0; i < work->plan->n; i++) {
        struct plan_decision *decision = &work->plan->decisions[i];
        if (decision->evidence == PLAN_NOT_JUDGED)
            continue;
        work->notes[i].memory->doubts = 0;
        if (decision->evidence != PLAN_PRESENT) {
            decision->action = PLAN_HOLD;
            decision->rule = rule;
        }
    }
}

/* --- what is done ------------------------------------------------------------------------------------------------ */

static int plan_decide(struct plan_work *work)
{
    struct plan *plan = work->plan;
    enum plan_rule rule;
    int r;

    for (size_t i = 0; i < plan->n; i++)
        if (plan->decisions[i].evidence == PLAN_PRESENT)
            plan->decisions[i].action = PLAN_KEEP;
    rule = plan_guard_round(work);
    if (rule != PLAN_RULE_NONE) {
        plan_doubt(work, PLAN_HELD, rule);
        return 0;
    }
    r = work->input->guards->healthy_vetoes ? plan_address_mark(work) : 0;
    if (r < 0)
        return r;
    for (size_t i = 0; i < plan->n; i++) {
        if (plan_is_dead(&plan->decisions[i]))
            plan_guard_instance(work, i);
        else if (plan->decisions[i].evidence == PLAN_PRESENT)
            work->notes[i].memory->doubts = work->notes[i].memory->has_passed = 0;
    }
    return plan_limit_apply(work);
}

static int plan_run(struct plan_work *work)
{
    bool is_whole = plan_is_whole(work->input);
    struct plan *plan = work->plan;
    int r = plan_open(work);

    if (r < 0)
        return r;
    plan_approve(work);
    r = is_whole ? plan_look(work) : 0;
    if (r < 0)
        return r;
    r = plan_history_next(work);
    if (r < 0)
        return r;
    if (work->input->registered && !plan->n_judged)
        return 0;
    if (is_whole)
        return plan_decide(work);
    plan_doubt(work, PLAN_UNKNOWN, PLAN_RULE_INCOMPLETE);
    return 0;
}

int plan_make(const struct plan_input *input, struct arena *arena, struct plan *ret_plan)
{
    struct plan plan = { 0 };
    struct plan_work work = { .input = input, .arena = arena, .plan = &plan };
    int r = plan_run(&work);

    if (r < 0)
        return r;
    for (size_t i = 0; i < plan.n; i++) {
        plan.by_evidence[plan.decisions[i].evidence]++;
        plan.by_action[plan.decisions[i].action]++;
    }
    *ret_plan = plan;
    return 0;
}

bool plan_recheck(const struct plan_decision *decision, const struct cloud_map_instance *again,
                  const struct plan_listing *listings, size_t n_listings)
{
    struct plan_sight sight = { 0 };

    if (decision->action != PLAN_REMOVE || !again || !str_eq(again->id, decision->instance->id) ||
        !cloud_map_same_attributes(decision->instance, again))
        return false;
    for (size_t i = 0; i < n_listings; i++) {
        if (!listings[i].machines)
            return false;
        plan_evidence_add(&sight, ec2_find(listings[i].machines, again->id), decision->address);
    }
    return !n_listings || plan_evidence_word(&sight) == PLAN_TERMINATED ||
           plan_evidence_word(&sight) == decision->evidence;
}

void plan_hold_back(struct plan *plan, size_t n, enum plan_rule rule)
{
    for (; n > 0 && plan->by_action[PLAN_REMOVE] > 0; n--) {
        const struct plan_decision *last = plan->removals[--plan->by_action[PLAN_REMOVE]];
        struct plan_decision *decision = &plan->decisions[last - plan->decisions];
        decision->action = PLAN_HOLD;
        decision->rule = rule;
        plan->by_action[PLAN_HOLD]++;
        plan->outcome = PLAN_HELD;
        plan->rule = rule;
    }
}

void plan_note_removal(struct plan_history *history, int64_t now_ms)
{
    if (history->n_removed >= PLAN_MAX_REMOVALS) {
        history->n_removed = PLAN_MAX_REMOVALS - 1;
        memmove(history->removed_ms, history->removed_ms + 1, history->n_removed * sizeof(history->removed_ms[0]));
    }
    history->removed_ms[history->n_removed++] = now_ms;
}
