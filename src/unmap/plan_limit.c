/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits over a whole service. Those that hold look at everything that is dead by the evidence, whether it may go yet
 * or not: a fleet that dies must not slip through one by one. Those that pace let a part go, in an order that nobody
 * can foresee and that does not depend on the order of the answers. */
#include "unmap/plan_priv.h"

#include <errno.h>

#include "base/rand.h"

#define PLAN_ZONE_MIN 3 /* candidates of which the zone is known, for its rule */

/* What the holds weigh. */
struct plan_scale {
    size_t n_candidates; /* to go now or later */
    size_t n_removals;   /* to go now */
};

/* percent of n, without overflow. */
static uint64_t plan_limit_share(unsigned percent, uint64_t n)
{
    return percent * n;
}

static void plan_limit_weigh(const struct plan *plan, struct plan_scale *ret_scale)
{
    struct plan_scale scale = { 0 };

    for (size_t i = 0; i < plan->n; i++) {
        const struct plan_decision *decision = &plan->decisions[i];
        scale.n_candidates += plan_is_dead(decision) && decision->rule != PLAN_RULE_REQUIRE_TERMINATED;
        scale.n_removals += decision->action == PLAN_REMOVE;
    }
    *ret_scale = scale;
}

static void plan_limit_hold(struct plan *plan, struct plan_decision *decision, enum plan_rule rule)
{
    decision->action = PLAN_HOLD;
    decision->rule = rule;
    if (plan->outcome == PLAN_OK) {
        plan->outcome = PLAN_HELD;
        plan->rule = rule;
    }
}

/* Nothing goes but what an operator released. */
static void plan_limit_hold_all(struct plan_work *work, enum plan_rule rule)
{
    for (size_t i = 0; i < work->plan->n; i++)
        if (work->plan->decisions[i].action == PLAN_REMOVE && !work->notes[i].is_approved)
            plan_limit_hold(work->plan, &work->plan->decisions[i], rule);
}

/* min_remaining. Nobody releases from it; a service is emptied by EC2's own word only, and only when it is 0. */
static void plan_limit_hold_last(struct plan_work *work)
{
    struct plan *plan = work->plan;
    bool is_low = work->n_present < work->input->guards->min_remaining;

    for (size_t i = 0; i < plan->n; i++)
        if (plan->decisions[i].action == PLAN_REMOVE &&
            (is_low || (work->n_present == 0 && plan->decisions[i].evidence != PLAN_TERMINATED)))
            plan_limit_hold(plan, &plan->decisions[i], PLAN_RULE_BREAKER);
}

static bool plan_limit_is_steep(const struct plan_work *work, const struct plan_scale *scale)
{
    const struct plan_guards *guards = work->input->guards;

    return guards->max_removal_percent && scale->n_candidates >= guards->removal_percent_min &&
           scale->n_candidates * 100 > plan_limit_share(guards->max_removal_percent, work->plan->n_judged);
}

static bool plan_limit_is_below_mark(const struct plan_work *work)
{
    const struct plan_guards *guards = work->input->guards;
    uint32_t most = 0;

    for (int i = 0; i < PLAN_HOURS; i++)
        most = most > work->plan->history->most[i] ? most : work->plan->history->most[i];
    return guards->high_water_percent &&
           (uint64_t)work->n_present * 100 < plan_limit_share(guards->high_water_percent, most);
}

/* --- zones ------------------------------------------------------------------------------------------------------- */

/* us-east-1a is of us-east-1. */
static struct str plan_limit_region(struct str zone)
{
    while (zone.n && zone.p[zone.n - 1] >= 'a' && zone.p[zone.n - 1] <= 'z')
        zone.n--;
    return zone;
}

static struct str plan_limit_place(const struct plan_memory *memory, bool as_region)
{
    return as_region ? plan_limit_region(memory->zone) : memory->zone;
}

/* Candidates of one place among all; found by pairing off unlike ones, so that it takes no memory (Boyer and Moore,
 * "MJRTY"): whoever has more than half is left. Shares below that are none that a zone is blamed for. */
static struct str plan_limit_major_place(const struct plan_work *work, bool as_region)
{
    struct str major = { 0 };
    size_t lead = 0;

    for (size_t i = 0; i < work->plan->n; i++) {
        const struct plan_decision *decision = &work->plan->decisions[i];
        struct str place;
        if (!plan_is_dead(decision) || decision->rule == PLAN_RULE_REQUIRE_TERMINATED)
            continue;
        place = plan_limit_place(work->notes[i].memory, as_region);
        if (!place.n)
            continue;
        if (!lead)
            major = place;
        if (str_eq(major, place))
            lead++;
        else
            lead--;
    }
    return major;
}

/* Whether this place has too many of the candidates while others exist. */
static bool plan_limit_is_place_down(const struct plan_work *work, struct str major, bool as_region)
{
    size_t n_there = 0, n_known = 0;
    bool has_others = false;

    for (size_t i = 0; i < work->plan->n; i++) {
        const struct plan_decision *decision = &work->plan->decisions[i];
        struct str place;
        if (decision->evidence == PLAN_NOT_JUDGED)
            continue;
        place = plan_limit_place(work->notes[i].memory, as_region);
        if (!place.n)
            continue;
        has_others |= !str_eq(place, major);
        if (plan_is_dead(decision) && decision->rule != PLAN_RULE_REQUIRE_TERMINATED) {
            n_known++;
            n_there += str_eq(place, major);
        }
    }
    return has_others && n_known >= PLAN_ZONE_MIN &&
           n_there * 100 > plan_limit_share(work->input->guards->zone_percent, n_known);
}

static void plan_limit_hold_place(struct plan_work *work, bool as_region)
{
    struct str major = plan_limit_major_place(work, as_region);

    if (!major.n || !plan_limit_is_place_down(work, major, as_region))
        return;
    for (size_t i = 0; i < work->plan->n; i++)
        if (work->plan->decisions[i].action == PLAN_REMOVE && !work->notes[i].is_approved &&
            !work->notes[i].memory->has_passed && str_eq(plan_limit_place(work->notes[i].memory, as_region), major))
            plan_limit_hold(work->plan, &work->plan->decisions[i], PLAN_RULE_ZONE);
}

/* --- paces ------------------------------------------------------------------------------------------------------- */

/* At least one, so that a small service is served, too. */
static size_t plan_limit_part(unsigned percent, size_t n)
{
    uint64_t part = plan_limit_share(percent, n) / 100;
    return part ? part : 1;
}

/* How many may go in this round, and which rule says so. */
static size_t plan_limit_pace(const struct plan_work *work, enum plan_rule *ret_rule)
{
    const struct plan_guards *guards = work->input->guards;
    size_t n = work->plan->n_judged, most = work->input->budget;

    *ret_rule = PLAN_RULE_MAX_REMOVALS;
    if (guards->max_removals && guards->max_removals < most)
        most = guards->max_removals;
    if (guards->round_percent && plan_limit_part(guards->round_percent, n) < most)
        most = plan_limit_part(guards->round_percent, n);
    if (guards->hour_percent) {
        size_t hour = plan_limit_part(guards->hour_percent, n), used = work->plan->history->n_removed;
        hour = hour < PLAN_MAX_REMOVALS ? hour : PLAN_MAX_REMOVALS;
        hour = hour > used ? hour - used : 0;
        if (hour < most) {
            most = hour;
            *ret_rule = PLAN_RULE_HOUR;
        }
    }
    return most;
}

static void plan_limit_shuffle(const struct plan_decision **list, size_t n, struct rand *rand)
{
    for (size_t i = n; i > 1; i--) {
        size_t other = rand_below(rand, i);
        const struct plan_decision *taken = list[other];
        list[other] = list[i - 1];
        list[i - 1] = taken;
    }
}

/* Those that EC2 calls terminated first, then the rest. */
static size_t plan_limit_line_up(struct plan_work *work)
{
    struct plan *plan = work->plan;
    struct rand rand;
    size_t n = 0, n_terminated;

    for (size_t i = 0; i < plan->n; i++)
        if (plan->decisions[i].action == PLAN_REMOVE && plan->decisions[i].evidence == PLAN_TERMINATED)
            plan->removals[n++] = &plan->decisions[i];
    n_terminated = n;
    for (size_t i = 0; i < plan->n; i++)
        if (plan->decisions[i].action == PLAN_REMOVE && plan->decisions[i].evidence != PLAN_TERMINATED)
            plan->removals[n++] = &plan->decisions[i];
    rand_init_seed(&rand, work->input->seed);
    plan_limit_shuffle(plan->removals, n_terminated, &rand);
    plan_limit_shuffle(plan->removals + n_terminated, n - n_terminated, &rand);
    return n;
}

int plan_limit_apply(struct plan_work *work)
{
    struct plan *plan = work->plan;
    struct plan_scale scale;
    enum plan_rule rule;
    size_t n, most;

    plan_limit_weigh(plan, &scale);
    if (!scale.n_removals)
        return 0;
    plan->removals = ARENA_ARRAY(work->arena, const struct plan_decision *, scale.n_removals);
    if (!plan->removals)
        return -ENOMEM;
    plan_limit_hold_last(work);
    if (plan_limit_is_steep(work, &scale))
        plan_limit_hold_all(work, PLAN_RULE_MAX_PERCENT);
    if (plan_limit_is_below_mark(work))
        plan_limit_hold_all(work, PLAN_RULE_HIGH_WATER);
    if (work->input->guards->zone_percent) {
        plan_limit_hold_place(work, false);
        plan_limit_hold_place(work, true);
    }
    for (size_t i = 0; i < plan->n; i++)
        if (plan->decisions[i].action == PLAN_REMOVE)
            work->notes[i].memory->has_passed = true;
    n = plan_limit_line_up(work);
    most = plan_limit_pace(work, &rule);
    for (size_t i = most; i < n; i++)
        plan_limit_hold(plan, &plan->decisions[plan->removals[i] - plan->decisions], rule);
    return 0;
}
