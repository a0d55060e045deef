/* SPDX-License-Identifier: Apache-2.0
 *
 * The promises in random worlds, over whole timelines, and in every small world there is. */
#include "../test.h"

#include "base/mem.h"
#include "fleet.h"
#include "trial.h"

#define MINUTE FLEET_MINUTE_MS
#define HOUR FLEET_HOUR_MS
#define RANDOM_ROUNDS 40000
#define TIMELINES 150

/* --- random worlds ----------------------------------------------------------------------------------------------- */

static void play(struct trial_setup *setup, struct trial_result *result)
{
    memset(result, 0, sizeof(*result));
    trial_run(setup, result);
    if (result->broken == TRIAL_HOLDS)
        return;
    trial_shrink(setup, result->broken);
    trial_print(setup, result->broken);
    fail();
}

static void test_random_worlds(void **state)
{
    struct trial_setup *setup = mem_zalloc(sizeof(*setup));
    struct trial_result *result = mem_zalloc(sizeof(*result));
    size_t n_rounds = 0, n_removals = 0;
    struct rand rand;
    uint64_t seed;

    (void)state;
    rand_init(&rand);
    seed = rand_u64(&rand) >> 16;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; n_rounds < RANDOM_ROUNDS; i++) {
        trial_set_up(setup, i % 4 != 3, seed + i);
        play(setup, result);
        n_rounds += result->n_rounds;
        n_removals += result->n_removals;
    }
    assert_true(n_removals > RANDOM_ROUNDS / 100);
    mem_free(result);
    mem_free(setup);
}

static bool has_removal(const struct trial_result *result, struct trial_removal wanted)
{
    for (unsigned i = 0; i < result->n_logged; i++)
        if (result->log[i].id == wanted.id && result->log[i].address == wanted.address &&
            result->log[i].round <= wanted.round)
            return true;
    return false;
}

/* I4 over whole timelines: with the default policy, rounds that fail in addition remove nobody who would not have gone
 * by then. */
static void test_more_errors_remove_nobody_else(void **state)
{
    struct trial_setup *setup = mem_zalloc(sizeof(*setup));
    struct trial_result *whole = mem_zalloc(sizeof(*whole)), *failing = mem_zalloc(sizeof(*failing));
    size_t n_removals = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= TIMELINES; seed++) {
        trial_set_up(setup, false, seed);
        setup->has_no_rests = true;
        play(setup, whole);
        setup->extra_error_percent = 30;
        play(setup, failing);
        assert_true(whole->n_logged < TRIAL_LOG);
        for (unsigned i = 0; i < failing->n_logged; i++)
            assert_true(has_removal(whole, failing->log[i]));
        n_removals += failing->n_removals;
    }
    assert_true(n_removals > TIMELINES);
    mem_free(failing);
    mem_free(whole);
    mem_free(setup);
}

/* I10: two controllers with the default policy remove what one would have removed. */
static void test_two_controllers_do_what_one_does(void **state)
{
    struct trial_setup *setup = mem_zalloc(sizeof(*setup));
    struct trial_result *two = mem_zalloc(sizeof(*two)), *one = mem_zalloc(sizeof(*one));

    (void)state;
    for (uint64_t seed = 1; seed <= TIMELINES; seed++) {
        trial_set_up(setup, false, seed);
        setup->rules.n_brains = 2;
        play(setup, two);
        setup->has_one_brain = true;
        play(setup, one);
        assert_int_equal(one->n_logged, two->n_logged);
        assert_memory_equal(one->log, two->log, one->n_logged * sizeof(one->log[0]));
    }
    mem_free(one);
    mem_free(two);
    mem_free(setup);
}

/* A failing trial is made small, and stays a failing one. */
static void test_shrinking(void **state)
{
    struct trial_setup *setup = mem_zalloc(sizeof(*setup));
    struct trial_result *result = mem_zalloc(sizeof(*result));

    (void)state;
    for (uint64_t seed = 1; result->broken != TRIAL_ROUND; seed++) {
        trial_set_up(setup, true, seed);
        setup->guards.round_percent = 0;
        setup->ignored = ~(1u << TRIAL_ROUND);
        memset(result, 0, sizeof(*result));
        trial_run(setup, result);
    }
    assert_in_range(trial_shrink(setup, TRIAL_ROUND), 1, 40);
    memset(result, 0, sizeof(*result));
    trial_run(setup, result);
    assert_int_equal(result->broken, TRIAL_ROUND);
    mem_free(result);
    mem_free(setup);
}

/* --- liveness ---------------------------------------------------------------------------------------------------- */

static void drop(struct fleet *fleet, const struct plan_decision *decision)
{
    size_t at = (size_t)(decision->instance - fleet->items);

    fleet->items[at] = fleet->items[--fleet->registered.n];
    plan_note_removal(fleet->plan.history, fleet->input.now_ms);
}

/* Rounds every 5 minutes until only n are registered; returns how long it took. */
static int64_t run_until(struct fleet *fleet, size_t n)
{
    int64_t began_ms = fleet->input.now_ms;

    while (fleet->registered.n > n && fleet->input.now_ms - began_ms < 100 * HOUR) {
        size_t n_removals;
        fleet_plan(fleet);
        n_removals = fleet->plan.by_action[PLAN_REMOVE];
        for (size_t i = 0; i < n_removals; i++) {
            const struct plan_decision *decision = fleet->plan.removals[i];
            for (size_t j = i + 1; j < n_removals; j++)
                if (fleet->plan.removals[j]->instance == &fleet->items[fleet->registered.n - 1])
                    ((struct plan_decision *)fleet->plan.removals[j])->instance = decision->instance;
            drop(fleet, decision);
        }
        fleet_wait(fleet, 5 * MINUTE);
    }
    return fleet->input.now_ms - began_ms - 5 * MINUTE;
}

/* I7: with an API that works, whoever died goes in time: grace, three rounds, and as many rounds and hours as the
 * budgets make of it. */
static void test_whoever_died_is_removed_in_time(void **state)
{
    struct fleet *fleet = mem_alloc(sizeof(*fleet));
    struct rand rand;

    (void)state;
    assert_non_null(fleet);
    rand_init_seed(&rand, 7);
    for (int i = 0; i < 400; i++) {
        unsigned n_live = 1 + (unsigned)rand_below(&rand, 100), n_most = n_live * 15 / 85;
        unsigned n_dead = 1 + (unsigned)rand_below(&rand, n_most > 2 ? n_most : 2);
        unsigned per_hour = (n_live + 1) / 5 ? (n_live + 1) / 5 : 1;
        bool is_terminated = rand_below(&rand, 2);
        int64_t took_ms, wait_ms = is_terminated ? 0 : 25 * MINUTE;
        if (n_dead > n_live)
            continue; /* less than half of the most: an operator has to say so */
        fleet_init(fleet);
        plan_guards_guarded(&fleet->guards);
        fleet->input.seed = (uint64_t)i;
        fleet->listings[0].account = STR("111111111111");
        fleet_many(fleet, "l", n_live, true);
        fleet_many(fleet, "d", n_dead, false);
        for (unsigned j = 0; is_terminated && j < n_dead; j++)
            fleet_machine(fleet, 0, arena_printf(&fleet->arena, "i-d%03u", j).p, NULL, EC2_TERMINATED)->zone =
                arena_printf(&fleet->arena, "us-east-1%c", "abc"[j % 3]);
        took_ms = run_until(fleet, n_live);
        assert_int_equal(fleet->registered.n, n_live);
        assert_true(took_ms <= wait_ms + (n_dead - 1) * 5 * MINUTE + (n_dead - 1) / per_hour * HOUR);
        if (n_dead == 1)
            assert_int_equal(took_ms, wait_ms);
        fleet_fini(fleet);
    }
    mem_free(fleet);
}

/* --- every small world ------------------------------------------------------------------------------------------- */

#define SMALL_ROUNDS 4
#define SMALL_INSTANCES 3

/* How one region answers in one round. */
enum small_answer { SMALL_HONEST, SMALL_ERROR, SMALL_EMPTY, SMALL_OTHER, SMALL_HIDES, SMALL_COUNT };

struct small {
    struct fleet fleet;
    struct arena arenas[SMALL_ROUNDS];
    unsigned region_of[SMALL_INSTANCES];
    bool is_healthy[SMALL_INSTANCES];
    size_t n_plans;
};

/* Instances 0, 1 and 2 live; one whose region is honest is shown, the first of a region is who hides. */
static void small_answers(struct small *small, const enum small_answer answers[2], bool ret_shown[SMALL_INSTANCES])
{
    static const char *const ids[] = { "i-0", "i-1", "i-2" }, *const addresses[] = { "10.0.0.1", "10.0.0.2",
                                                                                     "10.0.0.3" };
    struct fleet *fleet = &small->fleet;

    for (unsigned r = 0; r < 2; r++) {
        bool hides = answers[r] == SMALL_HIDES;
        fleet->ec2[r].n_instances = 0;
        fleet->listings[r].machines = answers[r] == SMALL_ERROR ? NULL : &fleet->ec2[r];
        fleet->listings[r].account = answers[r] == SMALL_OTHER ? STR("999999999999") : STR("111111111111");
        for (unsigned i = 0; i < SMALL_INSTANCES; i++) {
            if (small->region_of[i] != r)
                continue;
            ret_shown[i] = answers[r] == SMALL_HONEST || (answers[r] == SMALL_HIDES && !hides);
            hides = false;
            if (ret_shown[i])
                fleet_machine(fleet, r, ids[i], addresses[i], EC2_RUNNING);
        }
    }
}

/* All that may follow; lies[i] counts the rounds in a row in which no guard of the round could see that i was hidden.
 */
static void small_rounds(struct small *small, unsigned round, const struct plan_history *history,
                         const unsigned lies[SMALL_INSTANCES])
{
    struct fleet *fleet = &small->fleet;

    for (unsigned pick = 0; pick < SMALL_COUNT * SMALL_COUNT && round < SMALL_ROUNDS; pick++) {
        enum small_answer answers[2] = { (enum small_answer)(pick % SMALL_COUNT),
                                         (enum small_answer)(pick / SMALL_COUNT) };
        bool shown[SMALL_INSTANCES], is_doubtful = false, shows_any = false;
        unsigned next[SMALL_INSTANCES];
        struct plan plan;
        small_answers(small, answers, shown);
        for (int r = 0; r < 2; r++)
            is_doubtful |= answers[r] == SMALL_ERROR || answers[r] == SMALL_OTHER;
        for (int i = 0; i < SMALL_INSTANCES; i++)
            shows_any |= shown[i];
        is_doubtful |= !shows_any;
        fleet->input.history = history;
        fleet->input.now_ms = fleet->input.wall_ms = FLEET_START_MS + HOUR + round * 5 * MINUTE;
        arena_reset(&small->arenas[round]);
        assert_int_equal(plan_make(&fleet->input, &small->arenas[round], &plan), 0);
        small->n_plans++;
        for (int i = 0; i < SMALL_INSTANCES; i++) {
            next[i] = is_doubtful || shown[i] || small->is_healthy[i] ? 0 : lies[i] + 1;
            if (next[i] < 3) /* more is beyond what confirmations can bear */
                assert_int_not_equal(plan.decisions[i].action, PLAN_REMOVE);
            if (is_doubtful)
                assert_int_not_equal(plan.outcome, PLAN_OK);
        }
        small_rounds(small, round + 1, plan.history, next);
    }
}

static void test_every_small_world(void **state)
{
    static const unsigned nobody[SMALL_INSTANCES];
    struct small *small = mem_zalloc(sizeof(*small));
    struct fleet *fleet = &small->fleet;

    (void)state;
    assert_non_null(small);
    for (unsigned world = 1; world < 3; world++) {
        const struct plan_history *history;
        fleet_init(fleet);
        plan_guards_guarded(&fleet->guards);
        fleet->input.registry_account = STR("111111111111");
        fleet->guards.identity_freeze_ms = 0; /* it would hide the rest */
        fleet->input.n_listings = 2;
        for (int i = 0; i < SMALL_ROUNDS; i++)
            arena_init(&small->arenas[i], 1 << 20);
        fleet_register(fleet, "i-0", "10.0.0.1");
        fleet_register(fleet, "i-1", "10.0.0.2");
        fleet_register(fleet, "i-2", "10.0.0.3");
        for (unsigned i = 0; i < SMALL_INSTANCES; i++) {
            small->region_of[i] = world & 1 ? i == 2 : i != 0;
            small->is_healthy[i] = world & 2 && i == 1;
            fleet->items[i].health = small->is_healthy[i] ? CLOUD_MAP_HEALTHY : CLOUD_MAP_UNHEALTHY;
        }
        fleet_plan(fleet); /* first seen an hour before */
        history = fleet->plan.history;
        small_rounds(small, 0, history, nobody);
        for (int i = 0; i < SMALL_ROUNDS; i++)
            arena_fini(&small->arenas[i]);
        fleet_fini(fleet);
    }
    print_message("%zu plans\n", small->n_plans);
    mem_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_worlds),
        cmocka_unit_test(test_more_errors_remove_nobody_else),
        cmocka_unit_test(test_two_controllers_do_what_one_does),
        cmocka_unit_test(test_shrinking),
        cmocka_unit_test(test_whoever_died_is_removed_in_time),
        cmocka_unit_test(test_every_small_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
