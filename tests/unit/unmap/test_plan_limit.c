/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits that hold and those that pace, each at its edge, and who goes first. */
#include "../test.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fleet.h"

#define MINUTE FLEET_MINUTE_MS
#define HOUR FLEET_HOUR_MS

static int set_up(void **state)
{
    struct fleet *fleet = mem_alloc(sizeof(*fleet));

    assert_non_null(fleet);
    fleet_init(fleet);
    *state = fleet;
    return 0;
}

static int tear_down(void **state)
{
    fleet_fini(*state);
    mem_free(*state);
    return 0;
}

/* One more instance that EC2 calls terminated. */
static void terminated(struct fleet *fleet, const char *id)
{
    fleet_register(fleet, id, "10.9.9.9");
    fleet_machine(fleet, 0, id, "10.9.9.9", EC2_TERMINATED);
}

static void check_removals(const struct fleet *fleet, size_t n, enum plan_rule rule)
{
    assert_int_equal(fleet->plan.by_action[PLAN_REMOVE], n);
    assert_string_equal(plan_rule_text(fleet->plan.rule), plan_rule_text(rule));
    assert_int_equal(fleet->plan.outcome, rule == PLAN_RULE_NONE ? PLAN_OK : PLAN_HELD);
}

static void test_min_remaining(void **state)
{
    static const struct {
        unsigned n_live, min_remaining;
        size_t n_removed;
        enum plan_rule rule;
    } rows[] = {
        { 0, 1, 0, PLAN_RULE_BREAKER }, { 1, 1, 3, PLAN_RULE_NONE }, { 4, 5, 0, PLAN_RULE_BREAKER },
        { 5, 5, 3, PLAN_RULE_NONE },    { 1, 0, 3, PLAN_RULE_NONE }, { 0, 0, 1, PLAN_RULE_BREAKER },
    };
    struct fleet *fleet = *state;

    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        fleet->registered.n = fleet->ec2[0].n_instances = 0;
        fleet->guards.min_remaining = rows[i].min_remaining;
        fleet_many(fleet, "l", rows[i].n_live, true);
        fleet_many(fleet, "d", 2, false);
        terminated(fleet, "i-t");
        fleet_plan(fleet);
        check_removals(fleet, rows[i].n_removed, rows[i].rule);
        assert_int_equal(fleet->plan.by_action[PLAN_HOLD], 3 - rows[i].n_removed);
    }
    assert_str(fleet->plan.removals[0]->instance->id, "i-t"); /* emptied by EC2's own word only */
}

static void test_a_wait_is_no_hold(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.confirmations = 2;
    fleet->guards.min_remaining = 5;
    fleet->guards.max_removal_percent = 1;
    fleet_many(fleet, "l", 1, true);
    fleet_many(fleet, "d", 2, false);
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_NONE);
    assert_int_equal(fleet->plan.by_action[PLAN_WAIT], 2);
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_BREAKER);
}

static void test_max_removal_percent(void **state)
{
    static const struct {
        unsigned n_live, n_dead, percent, min;
        bool holds;
    } rows[] = {
        { 17, 3, 15, 3, false }, { 16, 3, 15, 3, true }, { 2, 2, 15, 3, false }, { 2, 2, 15, 2, true },
        { 97, 3, 2, 3, true },   { 98, 2, 2, 0, false }, { 99, 1, 0, 0, false }, { 1, 99, 0, 0, false },
        { 1, 1, 50, 0, false },  { 1, 2, 66, 0, true },  { 1, 2, 67, 0, false }, { 1, 99, 99, 0, false },
    };
    struct fleet *fleet = *state;

    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        fleet->registered.n = fleet->ec2[0].n_instances = 0;
        fleet->guards.max_removal_percent = rows[i].percent;
        fleet->guards.removal_percent_min = rows[i].min;
        fleet_many(fleet, "l", rows[i].n_live, true);
        fleet_many(fleet, "d", rows[i].n_dead, false);
        fleet_plan(fleet);
        check_removals(fleet, rows[i].holds ? 0 : rows[i].n_dead,
                       rows[i].holds ? PLAN_RULE_MAX_PERCENT : PLAN_RULE_NONE);
    }
}

/* Those that only wait are counted, so that a fleet cannot slip through one by one; those that never go are not. */
static void test_what_a_share_is_of(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.max_removal_percent = 15;
    fleet->guards.confirmations = 9;
    fleet_many(fleet, "l", 10, true);
    fleet_many(fleet, "d", 2, false);
    terminated(fleet, "i-t");
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_MAX_PERCENT);
    assert_int_equal(fleet->plan.by_action[PLAN_WAIT], 2);
    fleet->guards.require_terminated = true;
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_NONE);
}

static void test_high_water(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.high_water_percent = 50;
    fleet_many(fleet, "l", 10, true);
    fleet_plan(fleet);
    fleet->registered.n = fleet->ec2[0].n_instances = 0;
    fleet_many(fleet, "l", 5, true);
    fleet_many(fleet, "d", 1, false);
    fleet_wait(fleet, HOUR);
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_NONE);
    fleet->registered.n = fleet->ec2[0].n_instances = 0;
    fleet_many(fleet, "l", 4, true);
    fleet_many(fleet, "d", 1, false);
    fleet_wait(fleet, 22 * HOUR);
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_HIGH_WATER);
    fleet_wait(fleet, HOUR); /* 24 hours later only 6 were the most */
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_NONE);
    fleet_wait(fleet, 100 * HOUR);
    fleet_plan(fleet);
    for (int i = 0, n = 0; i < PLAN_HOURS; i++) {
        n += fleet->plan.history->most[i] != 0;
        assert_true(n <= 1);
    }
}

/* A failed round knows how many are registered, too; a clock that goes back forgets nothing. */
static void test_the_mark_stays(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.high_water_percent = 50;
    fleet_many(fleet, "l", 12, true);
    fleet->listings[0].machines = NULL;
    fleet_plan(fleet);
    fleet->listings[0].machines = &fleet->ec2[0];
    fleet->registered.n = fleet->ec2[0].n_instances = 0;
    fleet_many(fleet, "l", 4, true);
    fleet_many(fleet, "d", 1, false);
    fleet_wait(fleet, -5 * HOUR);
    for (int i = 0; i < 24; i++, fleet_wait(fleet, HOUR)) {
        fleet_plan(fleet);
        check_removals(fleet, 0, PLAN_RULE_HIGH_WATER);
    }
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_NONE);
}

/* Each letter is a dead instance of zone a, b, c or, in capitals, of us-west-2; ? has none. */
static void zones(struct fleet *fleet, const char *dead, const char *live)
{
    size_t n_dead = strlen(dead), n = n_dead + strlen(live);

    fleet->registered.n = fleet->ec2[0].n_instances = 0;
    for (size_t i = 0; i < n; i++) {
        bool lives = i >= n_dead;
        char letter = lives ? live[i - n_dead] : dead[i];
        const char *id = arena_printf(&fleet->arena, "i-%c%02zu", letter == '?' ? 'x' : letter, i).p;
        struct ec2_instance *machine;
        fleet_register(fleet, id, "10.0.0.1");
        machine = fleet_machine(fleet, 0, id, "10.0.0.1", lives ? EC2_RUNNING : EC2_TERMINATED);
        machine->zone = letter == '?'  ? (struct str){ 0 }
                        : letter < 'a' ? arena_printf(&fleet->arena, "us-west-2%c", letter + 32)
                                       : arena_printf(&fleet->arena, "us-east-1%c", letter);
    }
}

static void test_zones(void **state)
{
    static const struct {
        const char *dead, *live;
        size_t n_removed;
    } rows[] = {
        { "aaa", "abc", 0 },    /* all of one zone */
        { "aa", "bc", 2 },      /* too few to blame it */
        { "aa?", "bc", 3 },     /* of one nothing is known */
        { "aaa", "aaa", 3 },    /* there is no other zone */
        { "aaaab", "bc", 5 },   /* 80 % is not more than 80 % */
        { "aaaaab", "bc", 1 },  /* 83 % is; the rest goes on */
        { "baaaaa", "?", 1 },   /* another order, and others known by the dead alone */
        { "abcabc", "A", 0 },   /* a whole region */
        { "abcabcA", "B", 1 },  /* ... more than 80 % of it */
        { "abcA", "B", 4 },     /* ... not more */
        { "abcabc", "abc", 6 }, /* there is no other region */
    };
    struct fleet *fleet = *state;

    fleet->guards.zone_percent = 80;
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        zones(fleet, rows[i].dead, rows[i].live);
        fleet->input.history = NULL;
        fleet_plan(fleet);
        check_removals(fleet, rows[i].n_removed,
                       rows[i].n_removed == strlen(rows[i].dead) ? PLAN_RULE_NONE : PLAN_RULE_ZONE);
    }
}

static void test_a_zone_is_remembered(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.zone_percent = 80;
    zones(fleet, "", "aaabbb");
    fleet_plan(fleet);
    fleet->ec2[0].n_instances = 0;
    fleet_machine(fleet, 0, "i-b05", "10.0.0.1", EC2_RUNNING)->zone = STR("us-east-1b");
    fleet_machine(fleet, 0, "i-b04", "10.0.0.1", EC2_RUNNING)->zone = STR("us-east-1b");
    fleet_machine(fleet, 0, "i-b03", "10.0.0.1", EC2_RUNNING)->zone = STR("us-east-1b");
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_ZONE);
}

/* Paces must not make the last of many look like a zone that is down. */
static void test_paces_do_not_make_a_zone_event(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.zone_percent = 80;
    fleet->guards.max_removals = 1;
    zones(fleet, "aaabbb", "abc");
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_MAX_REMOVALS);
    zones(fleet, "aaa", "abc"); /* the other three went first */
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_MAX_REMOVALS);
    zones(fleet, "", "aaaabc"); /* seen alive: asked again */
    fleet_plan(fleet);
    zones(fleet, "aaa", "abc");
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_ZONE);
}

/* An operator releases ids from the limits that hold, but for the last ones, and from none that pace. */
static void test_approved(void **state)
{
    static const struct str approved[] = { { "i-d001", 6 }, { "i-none", 6 }, { "i-d003", 6 } };
    struct fleet *fleet = *state;

    fleet->input.approved = approved;
    fleet->input.n_approved = TEST_COUNT(approved);
    fleet_many(fleet, "l", 1, true);
    fleet_many(fleet, "d", 9, false);
    fleet->guards.max_removal_percent = 15;
    fleet_plan(fleet);
    check_removals(fleet, 2, PLAN_RULE_MAX_PERCENT);
    assert_int_equal(fleet_decision(fleet, "i-d001")->action, PLAN_REMOVE);
    assert_int_equal(fleet_decision(fleet, "i-d003")->action, PLAN_REMOVE);
    fleet->guards.max_removal_percent = 0;
    fleet->guards.high_water_percent = 50;
    fleet_plan(fleet);
    check_removals(fleet, 2, PLAN_RULE_HIGH_WATER);
    fleet->input.budget = 1;
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_HIGH_WATER);
    fleet->guards.min_remaining = 2;
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_BREAKER);
}

static void test_paces(void **state)
{
    static const struct {
        unsigned max_removals, round_percent, hour_percent;
        size_t budget, n_noted, n_removed;
        enum plan_rule rule;
    } rows[] = {
        { 0, 0, 0, SIZE_MAX, 50, 40, PLAN_RULE_NONE },         { 40, 0, 0, SIZE_MAX, 0, 40, PLAN_RULE_NONE },
        { 39, 0, 0, SIZE_MAX, 0, 39, PLAN_RULE_MAX_REMOVALS }, { 39, 0, 0, 7, 0, 7, PLAN_RULE_MAX_REMOVALS },
        { 0, 0, 0, 0, 0, 0, PLAN_RULE_MAX_REMOVALS },          { 0, 5, 0, SIZE_MAX, 0, 5, PLAN_RULE_MAX_REMOVALS },
        { 0, 100, 0, SIZE_MAX, 0, 40, PLAN_RULE_NONE },        { 0, 0, 20, SIZE_MAX, 0, 20, PLAN_RULE_HOUR },
        { 0, 0, 20, SIZE_MAX, 17, 3, PLAN_RULE_HOUR },         { 0, 0, 20, SIZE_MAX, 20, 0, PLAN_RULE_HOUR },
        { 0, 0, 20, SIZE_MAX, 99, 0, PLAN_RULE_HOUR },         { 10, 5, 20, 6, 16, 4, PLAN_RULE_HOUR },
        { 10, 5, 20, 6, 15, 5, PLAN_RULE_MAX_REMOVALS },       { 10, 5, 20, 2, 0, 2, PLAN_RULE_MAX_REMOVALS },
    };
    struct fleet *fleet = *state;

    fleet_many(fleet, "l", 63, true);
    fleet_many(fleet, "d", 39, false);
    terminated(fleet, "i-t");
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        fleet->guards.max_removals = rows[i].max_removals;
        fleet->guards.round_percent = rows[i].round_percent;
        fleet->guards.hour_percent = rows[i].hour_percent;
        fleet->input.budget = rows[i].budget;
        fleet->input.history = NULL;
        fleet_plan(fleet);
        for (size_t j = 0; j < rows[i].n_noted; j++)
            plan_note_removal(fleet->plan.history, fleet->input.now_ms);
        fleet_wait(fleet, HOUR - 1);
        fleet_plan(fleet);
        check_removals(fleet, rows[i].n_removed, rows[i].rule);
        if (rows[i].n_removed)
            assert_str(fleet->plan.removals[0]->instance->id, "i-t");
        fleet_wait(fleet, 1);
        fleet_plan(fleet);
        assert_int_equal(fleet->plan.history->n_removed, 0);
    }
}

static void test_small_services_are_paced_to_one(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.round_percent = 5;
    fleet->guards.hour_percent = 20;
    fleet_many(fleet, "l", 2, true);
    fleet_many(fleet, "d", 2, false);
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_MAX_REMOVALS);
    plan_note_removal(fleet->plan.history, fleet->input.now_ms);
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_HOUR);
    fleet_wait(fleet, -10 * HOUR); /* a clock that goes back gives no second hour's budget, and keeps it no longer */
    fleet_plan(fleet);
    check_removals(fleet, 0, PLAN_RULE_HOUR);
    fleet_wait(fleet, HOUR);
    fleet_plan(fleet);
    check_removals(fleet, 1, PLAN_RULE_MAX_REMOVALS);
}

static void test_removals_remembered_are_capped(void **state)
{
    struct fleet *fleet = *state;

    fleet_plan(fleet);
    for (int i = 0; i < PLAN_MAX_REMOVALS + 10; i++)
        plan_note_removal(fleet->plan.history, i);
    assert_int_equal(fleet->plan.history->n_removed, PLAN_MAX_REMOVALS);
    assert_int_equal(fleet->plan.history->removed_ms[0], 10);
    assert_int_equal(fleet->plan.history->removed_ms[PLAN_MAX_REMOVALS - 1], PLAN_MAX_REMOVALS + 9);
}

/* The seed decides, nothing else does; and everybody's turn comes. */
static void test_who_goes_first(void **state)
{
    struct fleet *fleet = *state;
    bool was_first[20] = { false };
    char first[16];

    fleet->guards.max_removals = 1;
    fleet_many(fleet, "l", 2, true);
    fleet_many(fleet, "d", 20, false);
    for (uint64_t seed = 0; seed < 400; seed++) {
        fleet->input.seed = seed;
        fleet_plan(fleet);
        snprintf(first, sizeof(first), STR_FMT, STR_ARG(fleet->plan.removals[0]->instance->id));
        was_first[strtol(first + 3, NULL, 10)] = true;
        for (size_t i = 0; i < fleet->registered.n / 2; i++) {
            struct cloud_map_instance taken = fleet->items[i];
            fleet->items[i] = fleet->items[fleet->registered.n - 1 - i];
            fleet->items[fleet->registered.n - 1 - i] = taken;
        }
        fleet_plan(fleet);
        assert_true(str_eq(fleet->plan.removals[0]->instance->id, str_of(first)));
    }
    for (int i = 0; i < 20; i++)
        assert_true(was_first[i]);
}

static void test_a_copy_of_the_history_stands_alone(void **state)
{
    struct fleet *fleet = *state;
    struct plan_history *copy;
    struct arena other;

    arena_init(&other, SIZE_MAX);
    fleet->guards.pins_account = true;
    fleet->listings[0].account = STR("111111111111");
    fleet_many(fleet, "l", 3, true);
    fleet_many(fleet, "d", 3, false);
    fleet_plan(fleet);
    plan_note_removal(fleet->plan.history, 5);
    assert_int_equal(plan_history_dup(fleet->plan.history, &other, &copy), 0);
    assert_str(copy->account, "111111111111");
    assert_int_equal(copy->n_removed, 1);
    assert_int_equal(copy->n_memories, 6);
    assert_str(copy->memories[5].id, "i-l002");
    assert_str(copy->memories[5].address, "10.108.0.2");
    assert_str(copy->memories[5].zone, "us-east-1a");
    assert_false(str_is_set(copy->memories[0].zone));
    assert_ptr_not_equal(copy->memories[5].id.p, fleet->plan.history->memories[5].id.p);
    assert_int_equal(plan_history_dup(NULL, &other, &copy), 0);
    assert_int_equal(copy->n_memories, 0);
    arena_fini(&other);
    for (size_t cap = 0; cap < sizeof(*copy) + 600; cap += 16) {
        arena_init(&other, cap);
        if (plan_history_dup(fleet->plan.history, &other, &copy) == 0)
            cap = SIZE_MAX - 16;
        arena_fini(&other);
    }
}

/* --- size -------------------------------------------------------------------------------------------------------- */

#define MANY 100000

static void fill(struct arena *arena, struct cloud_map_instance *items, struct ec2_instance *machines)
{
    for (unsigned i = 0; i < MANY; i++) {
        struct str *addresses = ARENA_ARRAY(arena, struct str, 2);
        items[i].id = arena_printf(arena, "i-%017x", i * 2);
        items[i].attributes = ARENA_NEW(arena, struct str_pair);
        items[i].n_attributes = 1;
        items[i].attributes[0].key = STR("AWS_INSTANCE_IPV4");
        items[i].attributes[0].value = arena_printf(arena, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        items[i].health = CLOUD_MAP_HEALTHY;
        addresses[0] = items[i].attributes[0].value;
        addresses[1] = arena_printf(arena, "52.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        /* every second machine has another id: its instance is absent, and a stranger has its address */
        machines[i] = (struct ec2_instance){ .id = i % 2 ? arena_printf(arena, "i-%017x", i * 2 + 1) : items[i].id,
                                             .zone = STR("us-east-1a"),
                                             .state = EC2_RUNNING,
                                             .addresses = addresses,
                                             .n_addresses = 2 };
    }
}

/* 100,000 registered, 100,000 listed, half of them gone, all healthy: the time is printed, the work is bounded. */
static void test_a_large_service(void **state)
{
    struct fleet *fleet = *state;
    struct cloud_map_instance *items = ARENA_ARRAY(&fleet->arena, struct cloud_map_instance, MANY);
    struct ec2_instance *machines = ARENA_ARRAY(&fleet->arena, struct ec2_instance, MANY);

    fill(&fleet->arena, items, machines);
    fleet->registered = (struct cloud_map_instances){ .items = items, .n = MANY };
    fleet->ec2[0].instances = machines;
    fleet->ec2[0].n_instances = MANY;
    plan_guards_guarded(&fleet->guards);
    fleet->guards.pins_account = false;
    fleet->guards.grace_ms = 0;
    for (int round = 0; round < 4; round++) {
        struct arena arena;
        int64_t began;
        for (unsigned i = 1; round == 3 && i < MANY; i += 2) /* all who are absent claim one address: no slower */
            items[i].attributes[0].value = STR("192.0.2.1");
        arena_init(&arena, 256 << 20);
        began = clock_mono_ns(clock_system());
        assert_int_equal(plan_make(&fleet->input, &arena, &fleet->plan), 0);
        print_message("100,000 instances: %.1f ms, %.1f MiB\n", (double)(clock_mono_ns(clock_system()) - began) / 1e6,
                      (double)arena.used / (1 << 20));
        assert_int_equal(fleet->plan.by_evidence[PLAN_PRESENT], MANY / 2);
        if (round == 3)
            assert_int_equal(fleet_decision(fleet, "i-00000000000000002")->rule, PLAN_RULE_HEALTHY);
        assert_int_equal(plan_history_dup(fleet->plan.history, &fleet->arena, &fleet->plan.history), 0);
        fleet->input.history = fleet->plan.history;
        arena_fini(&arena);
        fleet_wait(fleet, 5 * MINUTE);
        assert_int_equal(fleet->plan.by_action[PLAN_HOLD], round == 2 ? MANY / 2 : 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_min_remaining),
        TEST(test_a_wait_is_no_hold),
        TEST(test_max_removal_percent),
        TEST(test_what_a_share_is_of),
        TEST(test_high_water),
        TEST(test_the_mark_stays),
        TEST(test_zones),
        TEST(test_a_zone_is_remembered),
        TEST(test_paces_do_not_make_a_zone_event),
        TEST(test_approved),
        TEST(test_paces),
        TEST(test_small_services_are_paced_to_one),
        TEST(test_removals_remembered_are_capped),
        TEST(test_who_goes_first),
        TEST(test_a_copy_of_the_history_stands_alone),
        TEST(test_a_large_service),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
