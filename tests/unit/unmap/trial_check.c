/* SPDX-License-Identifier: Apache-2.0
 *
 * The promises, written from the rules with their own figures: slow, simple, over numbers instead of strings. */
#include "trial_priv.h"

#include "base/mem.h"

/* Of the guarded policy. */
#define FLOOR 1
#define SHARE_PERCENT 15
#define SHARE_MIN 3
#define MARK_PERCENT 50
#define ZONE_PERCENT 80
#define ROUND_PERCENT 5
#define ROUND_MAX 10
#define HOUR_PERCENT 20
#define SPACING_MS 1000
#define FREEZE_MS TRIAL_HOUR_MS
#define MARK_MS (23 * TRIAL_HOUR_MS)

#define PLACES (WORLD_REGIONS * 3)

/* What a round looks like to the checks. */
struct trial_count {
    unsigned n_judged, n_present, n_candidates, n_removals, n_unapproved;
    unsigned judged_at[PLACES], candidates_at[PLACES], unapproved_at[PLACES];
};

static bool is_judged(const struct trial *trial, const struct world_registration *registration)
{
    (void)trial;
    return registration->kind == WORLD_NORMAL;
}

static enum plan_evidence evidence_of(const struct trial_round *round, const struct world_registration *registration,
                                      int *ret_place)
{
    enum plan_evidence best = PLAN_ABSENT;

    for (unsigned i = 0; i < round->n_answers; i++)
        for (unsigned j = 0; j < round->answers[i].n_shown; j++) {
            const struct world_machine *machine = &round->answers[i].shown[j];
            if (machine->id != registration->id)
                continue;
            *ret_place = machine->region * 3 + machine->zone + 1;
            best = ec2_is_dead((enum ec2_state)machine->state) ? PLAN_TERMINATED : PLAN_MOVED;
            for (int k = 0; k < WORLD_ADDRESSES && best == PLAN_MOVED; k++)
                if (machine->addresses[k] == registration->address)
                    best = PLAN_PRESENT;
        }
    return best;
}

/* What is known of the registered instances from now on; who is no longer registered is forgotten. */
static void learn(struct trial *trial, const struct trial_round *round, bool is_whole)
{
    struct trial_brain *brain = round->brain;
    struct trial_known *known = ARENA_ARRAY(&trial->arena, struct trial_known, WORLD_REGISTRATIONS);
    unsigned n = 0;

    ASSERT(known);
    for (unsigned i = 0; i < trial->world.n_registered; i++) {
        const struct world_registration *one = &trial->world.registrations[i];
        struct trial_known *next = &known[n];
        if (!is_judged(trial, one))
            continue;
        *next = (struct trial_known){ .id = one->id, .address = one->address, .evidence = PLAN_UNSEEN };
        for (unsigned j = 0; j < brain->n_known; j++)
            if (brain->known[j].id == one->id && brain->known[j].address == one->address)
                *next = brain->known[j];
        next->evidence = PLAN_UNSEEN;
        if (is_whole)
            next->evidence = evidence_of(round, one, &next->place);
        n++;
    }
    memcpy(brain->known, known, n * sizeof(*known));
    brain->n_known = n;
}

static const struct trial_known *recall(const struct trial_brain *brain, uint32_t id)
{
    for (unsigned i = 0; i < brain->n_known; i++)
        if (brain->known[i].id == id)
            return &brain->known[i];
    return NULL;
}

/* Would go, but for what others use up. */
static bool is_eligible(const struct plan_decision *decision)
{
    return decision->action == PLAN_REMOVE ||
           (decision->action == PLAN_HOLD &&
            (decision->rule == PLAN_RULE_MAX_REMOVALS || decision->rule == PLAN_RULE_HOUR));
}

static void learn_who_passed(const struct trial_round *round)
{
    for (unsigned i = 0; i < round->brain->n_known; i++) {
        struct trial_known *known = &round->brain->known[i];
        known->has_passed &= known->evidence != PLAN_PRESENT;
        for (size_t j = 0; j < round->plan.n && !known->has_passed; j++)
            known->has_passed = is_eligible(&round->plan.decisions[j]) &&
                                world_id_of(round->plan.decisions[j].instance->id) == known->id;
    }
}

static void count(const struct trial *trial, const struct trial_round *round, struct trial_count *count)
{
    memset(count, 0, sizeof(*count));
    for (unsigned i = 0; i < round->brain->n_known; i++) {
        const struct trial_known *known = &round->brain->known[i];
        bool is_candidate =
            known->evidence == PLAN_TERMINATED || (known->evidence > PLAN_TERMINATED && !trial->setup->needs_word);
        count->n_judged++;
        count->n_present += known->evidence == PLAN_PRESENT;
        count->n_candidates += is_candidate;
        if (known->place) {
            count->judged_at[known->place - 1]++;
            count->candidates_at[known->place - 1] += is_candidate;
        }
    }
    count->n_removals = (unsigned)round->plan.by_action[PLAN_REMOVE];
    for (unsigned i = 0; i < count->n_removals; i++) {
        uint32_t id = world_id_of(round->plan.removals[i]->instance->id);
        const struct trial_known *known = recall(round->brain, id);
        if (trial_is_approved(trial, id))
            continue;
        count->n_unapproved++;
        if (known && known->place && !known->has_passed)
            count->unapproved_at[known->place - 1]++;
    }
}

static unsigned at_least_one(unsigned percent, unsigned n)
{
    return percent * n / 100 ? percent * n / 100 : 1;
}

/* --- the promises of the guarded policy -------------------------------------------------------------------------- */

static void check_mark(struct trial *trial, const struct trial_round *round, const struct trial_count *count)
{
    struct trial_brain *brain = round->brain;
    unsigned most = count->n_judged, first = brain->n_marks > TRIAL_MARKS ? brain->n_marks - TRIAL_MARKS : 0;

    for (unsigned i = first; i < brain->n_marks; i++)
        if (trial->world.now_ms - brain->marks[i % TRIAL_MARKS].ms < MARK_MS && brain->marks[i % TRIAL_MARKS].n > most)
            most = brain->marks[i % TRIAL_MARKS].n;
    if (count->n_unapproved && count->n_present * 100 < MARK_PERCENT * most)
        trial_break(trial, TRIAL_MARK);
    brain->marks[brain->n_marks % TRIAL_MARKS].ms = trial->world.now_ms;
    brain->marks[brain->n_marks++ % TRIAL_MARKS].n = count->n_judged;
}

/* Groups of `size` places: 1 are zones, 3 are regions. */
static void check_places(struct trial *trial, const struct trial_count *count, int size)
{
    unsigned n_known = 0, n_groups = 0;

    for (int i = 0; i < PLACES; i += size) {
        bool is_judged_there = false;
        for (int j = i; j < i + size; j++) {
            n_known += count->candidates_at[j];
            is_judged_there |= count->judged_at[j] != 0;
        }
        n_groups += is_judged_there;
    }
    for (int i = 0; i < PLACES && n_groups > 1 && n_known >= 3; i += size) {
        unsigned n_there = 0, n_going = 0;
        for (int j = i; j < i + size; j++) {
            n_there += count->candidates_at[j];
            n_going += count->unapproved_at[j];
        }
        if (n_there * 100 > ZONE_PERCENT * n_known && n_going)
            trial_break(trial, TRIAL_ZONE);
    }
}

static void check_account(struct trial *trial, const struct trial_round *round, const struct trial_count *count)
{
    struct trial_brain *brain = round->brain;

    for (unsigned i = 0; i < round->n_answers && !round->is_partial && count->n_judged; i++)
        if (round->answers[i].is_wrong_account)
            brain->other_account_ms = trial->world.now_ms;
    if (brain->other_account_ms && trial->world.now_ms - brain->other_account_ms < FREEZE_MS && count->n_removals)
        trial_break(trial, TRIAL_FREEZE);
}

static void check_guarded(struct trial *trial, const struct trial_round *round, const struct trial_count *count)
{
    if (count->n_removals && count->n_present < FLOOR)
        trial_break(trial, TRIAL_FLOOR);
    if (count->n_unapproved && count->n_candidates >= SHARE_MIN &&
        count->n_candidates * 100 > SHARE_PERCENT * count->n_judged)
        trial_break(trial, TRIAL_SHARE);
    if (count->n_removals > at_least_one(ROUND_PERCENT, count->n_judged) || count->n_removals > ROUND_MAX)
        trial_break(trial, TRIAL_ROUND);
    if (count->n_removals > round->budget)
        trial_break(trial, TRIAL_BUDGET);
    check_mark(trial, round, count);
    check_places(trial, count, 1);
    check_places(trial, count, 3);
    check_account(trial, round, count);
}

/* --- all policies ------------------------------------------------------------------------------------------------ */

static void check_evidence(struct trial *trial, const struct trial_round *round)
{
    for (size_t i = 0; i < round->plan.n; i++) {
        const struct plan_decision *decision = &round->plan.decisions[i];
        const struct trial_known *known = NULL;
        if (str_starts(decision->instance->id, STR("i-")))
            known = recall(round->brain, world_id_of(decision->instance->id));
        if ((known ? known->evidence : PLAN_NOT_JUDGED) != decision->evidence)
            trial_break(trial, TRIAL_EVIDENCE);
    }
}

static void check_removals(struct trial *trial, const struct trial_round *round)
{
    for (size_t i = 0; i < round->plan.by_action[PLAN_REMOVE]; i++) {
        const struct plan_decision *decision = round->plan.removals[i];
        const struct world_registration *one = world_find(&trial->world, world_id_of(decision->instance->id));
        if (!one || one->kind != WORLD_NORMAL)
            trial_break(trial, TRIAL_LEFT);
        if (decision->evidence != PLAN_TERMINATED && trial->setup->needs_word)
            trial_break(trial, TRIAL_WORD);
    }
}

void trial_check_plan(struct trial *trial, const struct trial_round *round)
{
    bool knows_registry = !round->view.registry_fails;
    struct trial_count counted;

    check_removals(trial, round);
    if (knows_registry) {
        learn(trial, round, !round->is_partial || trial->setup->mutant == TRIAL_ERRORS_ARE_EMPTY);
        check_evidence(trial, round);
    }
    count(trial, round, &counted);
    if (round->is_partial &&
        (counted.n_removals || (counted.n_judged && round->plan.outcome != PLAN_UNKNOWN && knows_registry)))
        trial_break(trial, TRIAL_PARTIAL);
    if (!knows_registry)
        return;
    if (counted.n_removals && counted.n_present < FLOOR)
        trial_break(trial, TRIAL_FLOOR);
    if (trial->setup->is_guarded)
        check_guarded(trial, round, &counted);
    learn_who_passed(round);
}

void trial_check_removal(struct trial *trial, const struct trial_round *round,
                         const struct world_registration *registration)
{
    const struct trial_brain *brain = round->brain;
    unsigned in_hour = 0, first = brain->n_removed > TRIAL_REMOVALS ? brain->n_removed - TRIAL_REMOVALS : 0;

    if (world_lives(&trial->world, registration->id, registration->address))
        trial_break(trial, TRIAL_ALIVE);
    if (!trial->setup->is_guarded)
        return;
    for (unsigned i = first; i < brain->n_removed; i++)
        in_hour += trial->world.now_ms - brain->removed_ms[i % TRIAL_REMOVALS] < TRIAL_HOUR_MS;
    if (in_hour >= at_least_one(HOUR_PERCENT, (unsigned)round->plan.n_judged))
        trial_break(trial, TRIAL_HOUR);
    if (brain->n_removed &&
        trial->world.now_ms - brain->removed_ms[(brain->n_removed - 1) % TRIAL_REMOVALS] < SPACING_MS)
        trial_break(trial, TRIAL_SPACING);
}

/* --- the same round otherwise ------------------------------------------------------------------------------------ */

static void mix(void *p, size_t n, size_t size, struct rand *rand)
{
    char *items = p, taken[sizeof(struct cloud_map_instance) + sizeof(struct plan_listing)];

    ASSERT(size <= sizeof(taken));
    for (size_t i = n; i > 1; i--) {
        size_t other = rand_below(rand, i);
        memcpy(taken, items + other * size, size);
        memcpy(items + other * size, items + (i - 1) * size, size);
        memcpy(items + (i - 1) * size, taken, size);
    }
}

static bool is_same_plan(const struct plan *a, const struct plan *b)
{
    bool same = a->n == b->n && a->outcome == b->outcome && a->rule == b->rule &&
                a->by_action[PLAN_REMOVE] == b->by_action[PLAN_REMOVE];

    for (size_t i = 0; same && i < a->n; i++)
        same = str_eq(a->decisions[i].instance->id, b->decisions[i].instance->id) &&
               a->decisions[i].action == b->decisions[i].action && a->decisions[i].rule == b->decisions[i].rule &&
               a->decisions[i].evidence == b->decisions[i].evidence && a->decisions[i].doubts == b->decisions[i].doubts;
    for (size_t i = 0; same && i < a->by_action[PLAN_REMOVE]; i++)
        same = str_eq(a->removals[i]->instance->id, b->removals[i]->instance->id);
    return same;
}

/* Another order of instances, regions and addresses. */
static void check_order(struct trial *trial, const struct trial_round *round, struct rand *rand)
{
    struct plan_input input = round->input;
    struct cloud_map_instances registered = round->registered;
    struct plan_listing *listings = ARENA_ARRAY(&trial->arena, struct plan_listing, WORLD_REGIONS);
    struct plan plan;

    registered.items = ARENA_ARRAY(&trial->arena, struct cloud_map_instance, registered.n);
    ASSERT(registered.items && listings);
    memcpy(registered.items, round->registered.items, registered.n * sizeof(*registered.items));
    memcpy(listings, round->listings, round->n_answers * sizeof(*listings));
    mix(registered.items, registered.n, sizeof(*registered.items), rand);
    mix(listings, round->n_answers, sizeof(*listings), rand);
    for (unsigned i = 0; i < round->n_answers; i++)
        for (size_t j = 0; listings[i].machines && j < listings[i].machines->n_instances; j++)
            mix((void *)listings[i].machines->instances[j].addresses, listings[i].machines->instances[j].n_addresses,
                sizeof(struct str), rand);
    if (input.registered)
        input.registered = &registered;
    input.listings = listings;
    ASSERT(plan_make(&input, &trial->arena, &plan) == 0);
    if (!is_same_plan(&round->plan, &plan))
        trial_break(trial, TRIAL_ORDER);
}

/* An error in this round, and the same answers again five minutes later: compared with both rounds as they were. */
static void check_doubt(struct trial *trial, const struct trial_round *round, struct rand *rand)
{
    struct plan_input input = round->input, later = round->input;
    struct plan_listing *listings = ARENA_ARRAY(&trial->arena, struct plan_listing, WORLD_REGIONS);
    struct plan doubtful, after, after_doubt;

    if (!round->n_answers)
        return;
    ASSERT(listings);
    memcpy(listings, round->listings, round->n_answers * sizeof(*listings));
    if (rand_below(rand, 4))
        listings[rand_below(rand, round->n_answers)].machines = NULL;
    else
        input.registered = NULL;
    input.listings = listings;
    ASSERT(plan_make(&input, &trial->arena, &doubtful) == 0);
    if (doubtful.by_action[PLAN_REMOVE])
        trial_break(trial, TRIAL_DOUBT);
    later.now_ms += 5 * TRIAL_MINUTE_MS;
    later.wall_ms += 5 * TRIAL_MINUTE_MS;
    later.history = round->plan.history;
    ASSERT(plan_make(&later, &trial->arena, &after) == 0);
    later.history = doubtful.history;
    ASSERT(plan_make(&later, &trial->arena, &after_doubt) == 0);
    if (after_doubt.by_action[PLAN_REMOVE] > after.by_action[PLAN_REMOVE])
        trial_break(trial, TRIAL_DOUBT);
    for (size_t i = 0; i < after.n && after.n == after_doubt.n; i++)
        if (is_eligible(&after_doubt.decisions[i]) && !is_eligible(&after.decisions[i]))
            trial_break(trial, TRIAL_DOUBT);
}

/* The same answers, without those that went: with the default policy nothing is left to do. */
static void check_repeat(struct trial *trial, const struct trial_round *round)
{
    struct plan_input input = round->input;
    struct cloud_map_instances registered = { 0 };
    struct plan plan;

    registered.items = ARENA_ARRAY(&trial->arena, struct cloud_map_instance, round->plan.n);
    ASSERT(registered.items);
    for (size_t i = 0; i < round->plan.n; i++)
        if (round->plan.decisions[i].action != PLAN_REMOVE)
            registered.items[registered.n++] = *round->plan.decisions[i].instance;
    input.registered = &registered;
    input.history = round->plan.history;
    ASSERT(plan_make(&input, &trial->arena, &plan) == 0);
    if (plan.by_action[PLAN_REMOVE])
        trial_break(trial, TRIAL_REPEAT);
}

void trial_check_variants(struct trial *trial, const struct trial_round *round)
{
    struct rand rand;

    rand_init_seed(&rand, round->input.seed);
    check_doubt(trial, round, &rand);
    if (!trial->setup->is_guarded && !round->is_partial)
        check_repeat(trial, round);
    check_order(trial, round, &rand);
}
