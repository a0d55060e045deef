/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is judged, by what evidence, and each guard of a round and of an instance at its edge. */
#include "../test.h"

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

static void check(const struct fleet *fleet, const char *id, enum plan_evidence evidence, enum plan_action action,
                  enum plan_rule rule)
{
    const struct plan_decision *decision = fleet_decision(fleet, id);

    assert_string_equal(plan_evidence_text(decision->evidence), plan_evidence_text(evidence));
    assert_string_equal(plan_action_text(decision->action), plan_action_text(action));
    assert_string_equal(plan_rule_text(decision->rule), plan_rule_text(rule));
}

static void check_outcome(const struct fleet *fleet, enum plan_outcome outcome, enum plan_rule rule)
{
    assert_int_equal(fleet->plan.outcome, outcome);
    assert_string_equal(plan_rule_text(fleet->plan.rule), plan_rule_text(rule));
}

/* --- who is judged ----------------------------------------------------------------------------------------------- */

static void test_who_is_judged(void **state)
{
    struct fleet *fleet = *state;
    struct cloud_map_instance *instance;

    fleet->guards.opt_out = STR("KEEP");
    fleet->guards.only_key = STR("team");
    fleet->guards.only_value = STR("a");
    fleet_register(fleet, "task-1", "10.0.0.1");
    fleet_register(fleet, "I-1", "10.0.0.1");
    fleet_register(fleet, "i-none", NULL);
    fleet_attribute(fleet, fleet_register(fleet, "i-empty", ""), "AWS_INSTANCE_IPV6", "fd00::1");
    fleet_attribute(fleet, fleet_register(fleet, "i-out", "10.0.0.2"), "KEEP", "");
    fleet_register(fleet, "i-other", "10.0.0.3");
    fleet_attribute(fleet, fleet_register(fleet, "i-wrong", "10.0.0.4"), "team", "b");
    fleet_attribute(fleet, fleet_register(fleet, "i-right", "10.0.0.5"), "team", "a");
    instance = fleet_register(fleet, "i-live", "fd00::2");
    fleet_attribute(fleet, instance, "team", "a");
    fleet_machine(fleet, 0, "i-live", "fd00::2", EC2_RUNNING);
    fleet_plan(fleet);
    check(fleet, "task-1", PLAN_NOT_JUDGED, PLAN_LEAVE, PLAN_RULE_NO_EC2_ID);
    check(fleet, "I-1", PLAN_NOT_JUDGED, PLAN_LEAVE, PLAN_RULE_NO_EC2_ID);
    check(fleet, "i-none", PLAN_NOT_JUDGED, PLAN_LEAVE, PLAN_RULE_NO_ADDRESS);
    check(fleet, "i-empty", PLAN_NOT_JUDGED, PLAN_LEAVE, PLAN_RULE_NO_ADDRESS);
    check(fleet, "i-out", PLAN_NOT_JUDGED, PLAN_LEAVE, PLAN_RULE_OPT_OUT);
    check(fleet, "i-other", PLAN_NOT_JUDGED, PLAN_LEAVE, PLAN_RULE_NOT_SELECTED);
    check(fleet, "i-wrong", PLAN_NOT_JUDGED, PLAN_LEAVE, PLAN_RULE_NOT_SELECTED);
    check(fleet, "i-right", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
    check(fleet, "i-live", PLAN_PRESENT, PLAN_KEEP, PLAN_RULE_NONE);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
    assert_int_equal(fleet->plan.n_judged, 2);
    assert_int_equal(fleet->plan.by_action[PLAN_LEAVE], 7);
    assert_int_equal(fleet->plan.by_evidence[PLAN_ABSENT], 1);
    assert_str(fleet->plan.removals[0]->instance->id, "i-right");
    assert_int_equal(fleet->plan.history->n_memories, 2);
}

static void test_ipv4_decides_where_there_are_both(void **state)
{
    struct fleet *fleet = *state;

    fleet_many(fleet, "l", 1, true);
    fleet_attribute(fleet, fleet_register(fleet, "i-both", "10.0.0.1"), "AWS_INSTANCE_IPV6", "fd00::1");
    fleet_machine(fleet, 0, "i-both", "fd00::1", EC2_RUNNING);
    fleet_plan(fleet);
    check(fleet, "i-both", PLAN_MOVED, PLAN_REMOVE, PLAN_RULE_NONE);
}

static void test_nothing_to_judge_is_a_success(void **state)
{
    struct fleet *fleet = *state;

    fleet->listings[0].machines = NULL;
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
    fleet_register(fleet, "task-1", "10.0.0.1");
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
    assert_int_equal(fleet->plan.n, 1);
    plan_guards_guarded(&fleet->guards);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
}

/* --- evidence ---------------------------------------------------------------------------------------------------- */

static void test_evidence_of_each_state(void **state)
{
    static const struct {
        enum ec2_state state;
        enum plan_evidence with_address, without;
    } rows[] = {
        { EC2_PENDING, PLAN_PRESENT, PLAN_MOVED },
        { EC2_RUNNING, PLAN_PRESENT, PLAN_MOVED },
        { EC2_STOPPING, PLAN_PRESENT, PLAN_MOVED },
        { EC2_STOPPED, PLAN_PRESENT, PLAN_MOVED },
        { EC2_STATE_UNKNOWN, PLAN_PRESENT, PLAN_MOVED },
        { EC2_SHUTTING_DOWN, PLAN_TERMINATED, PLAN_TERMINATED },
        { EC2_TERMINATED, PLAN_TERMINATED, PLAN_TERMINATED },
    };
    struct fleet *fleet = *state;

    fleet_many(fleet, "l", 1, true);
    fleet_register(fleet, "i-x", "10.0.0.1");
    fleet_register(fleet, "i-y", "10.0.0.2");
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        fleet->ec2[0].n_instances = 1;
        fleet_machine(fleet, 0, "i-x", "10.0.0.1", rows[i].state);
        fleet_machine(fleet, 0, "i-y", "10.0.0.9", rows[i].state);
        fleet_plan(fleet);
        assert_int_equal(fleet_decision(fleet, "i-x")->evidence, rows[i].with_address);
        assert_int_equal(fleet_decision(fleet, "i-y")->evidence, rows[i].without);
        assert_str(fleet_decision(fleet, "i-y")->machine->id, "i-y");
    }
}

/* The same id in several listings: what speaks for the instance wins, whatever the order. */
static void test_evidence_over_all_listings(void **state)
{
    static const struct {
        enum ec2_state states[2];
        const char *addresses[2];
        enum plan_evidence evidence;
    } rows[] = {
        { { EC2_TERMINATED, EC2_RUNNING }, { "10.0.0.1", "10.0.0.1" }, PLAN_PRESENT },
        { { EC2_TERMINATED, EC2_RUNNING }, { "10.0.0.1", "10.0.0.2" }, PLAN_MOVED },
        { { EC2_RUNNING, EC2_STOPPED }, { "10.0.0.2", "10.0.0.1" }, PLAN_PRESENT },
        { { EC2_TERMINATED, EC2_SHUTTING_DOWN }, { NULL, NULL }, PLAN_TERMINATED },
    };
    struct fleet *fleet = *state;

    fleet->input.n_listings = 2;
    fleet_many(fleet, "l", 1, true);
    fleet_register(fleet, "i-x", "10.0.0.1");
    for (size_t i = 0; i < 2 * TEST_COUNT(rows); i++) {
        unsigned first = i % 2;
        fleet->ec2[0].n_instances = 1;
        fleet->ec2[1].n_instances = 0;
        fleet_machine(fleet, first, "i-x", rows[i / 2].addresses[0], rows[i / 2].states[0]);
        fleet_machine(fleet, !first, "i-x", rows[i / 2].addresses[1], rows[i / 2].states[1]);
        fleet_plan(fleet);
        assert_int_equal(fleet_decision(fleet, "i-x")->evidence, rows[i / 2].evidence);
    }
}

/* --- R1 ---------------------------------------------------------------------------------------------------------- */

static void test_a_missing_answer_is_unknown(void **state)
{
    struct fleet *fleet = *state;

    fleet->input.n_listings = 2;
    fleet_many(fleet, "l", 3, true);
    fleet_many(fleet, "d", 1, false);
    for (int round = 0; round < 4; round++) {
        fleet->input.registered = round == 0 ? NULL : &fleet->registered;
        fleet->input.n_listings = round == 1 ? 0 : 2;
        fleet->listings[1].machines = round == 2 ? NULL : &fleet->ec2[1];
        fleet->guards.healthy_vetoes = round == 3;
        fleet->input.knows_health = round != 3;
        fleet_plan(fleet);
        check_outcome(fleet, PLAN_UNKNOWN, PLAN_RULE_INCOMPLETE);
        assert_int_equal(fleet->plan.by_action[PLAN_REMOVE], 0);
        assert_int_equal(fleet->plan.n, round ? 4 : 0);
        if (round) {
            check(fleet, "i-l000", PLAN_UNSEEN, PLAN_HOLD, PLAN_RULE_INCOMPLETE);
            check(fleet, "i-d000", PLAN_UNSEEN, PLAN_HOLD, PLAN_RULE_INCOMPLETE);
        }
    }
    fleet->input.knows_health = true;
    fleet_plan(fleet);
    check(fleet, "i-d000", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
}

static void test_a_listing_out_of_order_is_not_whole(void **state)
{
    struct fleet *fleet = *state;
    struct ec2_instance taken;

    fleet_many(fleet, "l", 3, true);
    fleet_many(fleet, "d", 1, false);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
    taken = fleet->machines[0][0];
    fleet->machines[0][0] = fleet->machines[0][1];
    for (int i = 0; i < 2; i++) { /* an id twice, then two in the wrong order */
        assert_int_equal(plan_make(&fleet->input, &fleet->arena, &fleet->plan), 0);
        check_outcome(fleet, PLAN_UNKNOWN, PLAN_RULE_INCOMPLETE);
        fleet->machines[0][1] = taken;
    }
}

static void test_unknown_rounds_break_the_chain_and_nothing_else(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.confirmations = 2;
    fleet->guards.grace_ms = MINUTE;
    fleet_many(fleet, "l", 3, true);
    fleet_many(fleet, "d", 1, false);
    fleet_plan(fleet);
    fleet_wait(fleet, MINUTE);
    fleet_plan(fleet);
    check(fleet, "i-d000", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_CONFIRMATIONS);
    for (int round = 0; round < 2; round++) {
        fleet->listings[0].machines = round ? &fleet->ec2[0] : NULL;
        fleet->input.registered = round ? NULL : &fleet->registered;
        fleet_plan(fleet);
        check_outcome(fleet, PLAN_UNKNOWN, PLAN_RULE_INCOMPLETE);
        assert_int_equal(fleet->plan.history->n_memories, 4);
        assert_int_equal(fleet->plan.history->memories[0].first_seen_ms, FLEET_START_MS);
        assert_str(fleet->plan.history->memories[3].zone, "us-east-1a");
        fleet->listings[0].machines = &fleet->ec2[0];
        fleet->input.registered = &fleet->registered;
        fleet_plan(fleet);
        check(fleet, "i-d000", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_CONFIRMATIONS);
        assert_int_equal(fleet_decision(fleet, "i-d000")->doubts, 1);
    }
}

/* --- R2 ---------------------------------------------------------------------------------------------------------- */

static void set_account(struct fleet *fleet, unsigned region, struct str sts, struct str owner)
{
    fleet->listings[region].account = sts;
    fleet->ec2[region].account = owner;
}

static const struct str A = { "111111111111", 12 }, B = { "222222222222", 12 }, NONE;

static void test_each_listing_is_of_the_account(void **state)
{
    const struct {
        struct str sts, owner;
        bool has_strangers, is_right;
    } rows[] = { { A, A, false, true }, { A, NONE, false, true },  { B, A, false, false },      { A, B, false, false },
                 { A, A, true, false }, { NONE, A, false, false }, { NONE, NONE, false, false } };
    struct fleet *fleet = *state;

    fleet->input.n_listings = 2;
    fleet->guards.account = A;
    fleet_many(fleet, "l", 3, true);
    fleet_many(fleet, "d", 1, false);
    set_account(fleet, 0, A, A);
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        set_account(fleet, 1, rows[i].sts, rows[i].owner);
        fleet->ec2[1].has_strangers = rows[i].has_strangers;
        fleet_plan(fleet);
        if (rows[i].is_right) {
            check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
            check(fleet, "i-d000", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
        } else {
            check_outcome(fleet, PLAN_HELD, PLAN_RULE_ACCOUNT);
            check(fleet, "i-d000", PLAN_ABSENT, PLAN_HOLD, PLAN_RULE_ACCOUNT);
            check(fleet, "i-l000", PLAN_PRESENT, PLAN_KEEP, PLAN_RULE_NONE);
        }
    }
}

static void test_the_registry_names_the_account(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.pins_account = true;
    fleet_many(fleet, "l", 3, true);
    fleet_many(fleet, "d", 1, false);
    set_account(fleet, 0, B, B);
    fleet->input.registry_account = A;
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_HELD, PLAN_RULE_ACCOUNT);
    fleet->guards.account = B; /* named: the registry is another's */
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
}

static void test_the_first_account_is_pinned(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.pins_account = true;
    fleet->guards.identity_freeze_ms = HOUR;
    fleet->input.registry_account = STR("000000000000");
    fleet->input.n_listings = 2;
    fleet_many(fleet, "l", 3, true);
    fleet_many(fleet, "d", 1, false);
    set_account(fleet, 0, A, A);
    set_account(fleet, 1, B, NONE);
    fleet_plan(fleet); /* not all agree: nobody is pinned */
    check_outcome(fleet, PLAN_HELD, PLAN_RULE_ACCOUNT);
    assert_false(str_is_set(fleet->plan.history->account));
    fleet->input.history = NULL;
    set_account(fleet, 1, A, NONE);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
    set_account(fleet, 0, B, B);
    set_account(fleet, 1, B, B);
    fleet_wait(fleet, 5 * HOUR);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_HELD, PLAN_RULE_ACCOUNT);
    fleet_wait(fleet, 5 * HOUR);
    fleet_plan(fleet); /* it does not become right with time */
    check_outcome(fleet, PLAN_HELD, PLAN_RULE_ACCOUNT);
    set_account(fleet, 0, A, A);
    set_account(fleet, 1, A, A);
    fleet_wait(fleet, HOUR - 1);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_HELD, PLAN_RULE_IDENTITY_CHANGED);
    check(fleet, "i-d000", PLAN_ABSENT, PLAN_HOLD, PLAN_RULE_IDENTITY_CHANGED);
    fleet_wait(fleet, 1);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
    fleet->guards.account = B; /* an operator names another one: a change as well */
    set_account(fleet, 0, B, B);
    set_account(fleet, 1, B, B);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_HELD, PLAN_RULE_IDENTITY_CHANGED);
    fleet_wait(fleet, HOUR);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
}

static void test_nobody_is_pinned_without_a_live_instance(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.pins_account = true;
    fleet_many(fleet, "d", 2, false);
    set_account(fleet, 0, B, NONE);
    fleet_plan(fleet);
    assert_false(str_is_set(fleet->plan.history->account));
    fleet_many(fleet, "l", 1, true);
    fleet_plan(fleet);
    assert_str(fleet->plan.history->account, "222222222222");
}

/* --- R3 ---------------------------------------------------------------------------------------------------------- */

static void test_canaries(void **state)
{
    const struct ec2_canary canaries[] = { { .id = STR("i-c") }, { .tag_key = STR("k"), .tag_value = STR("v") } };
    static const struct {
        uint64_t seen[2];
        bool is_right;
    } rows[] = {
        { { 0, 0 }, false }, { { 1, 1 }, false }, { { 2, 0 }, false }, { { 1, 2 }, true }, { { 0, 3 }, true }
    };
    struct fleet *fleet = *state;

    fleet->input.n_listings = 2;
    fleet->input.canaries = canaries;
    fleet->input.n_canaries = 2;
    fleet_many(fleet, "l", 3, true);
    fleet_many(fleet, "d", 1, false);
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        fleet->ec2[0].canaries = rows[i].seen[0];
        fleet->ec2[1].canaries = rows[i].seen[1];
        fleet_plan(fleet);
        if (rows[i].is_right) {
            check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
        } else {
            check_outcome(fleet, PLAN_HELD, PLAN_RULE_CANARY);
            check(fleet, "i-d000", PLAN_ABSENT, PLAN_HOLD, PLAN_RULE_CANARY);
        }
    }
}

static void test_a_live_instance_is_a_canary(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.needs_canary = true;
    fleet->guards.min_remaining = 0;
    fleet->guards.confirmations = 2;
    fleet_register(fleet, "i-t", "10.0.0.1");
    fleet_machine(fleet, 0, "i-t", "10.0.0.1", EC2_TERMINATED);
    fleet_register(fleet, "i-d", "10.0.0.2");
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_HELD, PLAN_RULE_CANARY);
    check(fleet, "i-t", PLAN_TERMINATED, PLAN_HOLD, PLAN_RULE_CANARY);
    fleet_many(fleet, "l", 1, true);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
    check(fleet, "i-t", PLAN_TERMINATED, PLAN_REMOVE, PLAN_RULE_NONE);
    check(fleet, "i-d", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_CONFIRMATIONS); /* the round before did not count */
}

/* --- R4, R5 ------------------------------------------------------------------------------------------------------ */

static void test_terminated_is_exempt(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.require_terminated = true;
    fleet->guards.confirmations = 3;
    fleet->guards.confirm_ms = HOUR;
    fleet->guards.grace_ms = HOUR;
    fleet->guards.healthy_vetoes = true;
    fleet_many(fleet, "l", 1, true);
    fleet_many(fleet, "d", 1, false);
    fleet_register(fleet, "i-t", "10.0.0.1")->health = CLOUD_MAP_HEALTHY;
    fleet_machine(fleet, 0, "i-t", "10.0.0.1", EC2_TERMINATED);
    fleet_register(fleet, "i-m", "10.0.0.2");
    fleet_machine(fleet, 0, "i-m", "10.0.0.3", EC2_RUNNING);
    fleet_plan(fleet);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
    check(fleet, "i-t", PLAN_TERMINATED, PLAN_REMOVE, PLAN_RULE_NONE);
    check(fleet, "i-m", PLAN_MOVED, PLAN_WAIT, PLAN_RULE_REQUIRE_TERMINATED);
    check(fleet, "i-d000", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_REQUIRE_TERMINATED);
}

static void test_confirmations(void **state)
{
    static const struct {
        unsigned confirmations;
        int64_t confirm_ms, step_ms;
        int first; /* the round that removes, from 1 */
    } rows[] = { { 0, 0, MINUTE, 1 },
                 { 1, 0, MINUTE, 1 },
                 { 3, 0, 1, 3 },
                 { 3, 2 * MINUTE, MINUTE, 3 },
                 { 3, 2 * MINUTE, MINUTE - 1, 4 },
                 { 1, MINUTE, MINUTE, 2 },
                 { 0, 10 * MINUTE, 4 * MINUTE, 4 } };
    struct fleet *fleet = *state;

    fleet_many(fleet, "l", 1, true);
    fleet_many(fleet, "d", 1, false);
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        fleet->input.history = NULL;
        fleet->guards.confirmations = rows[i].confirmations;
        fleet->guards.confirm_ms = rows[i].confirm_ms;
        for (int round = 1; round <= rows[i].first; round++) {
            fleet_plan(fleet);
            check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
            check(fleet, "i-d000", PLAN_ABSENT, round == rows[i].first ? PLAN_REMOVE : PLAN_WAIT,
                  round == rows[i].first ? PLAN_RULE_NONE : PLAN_RULE_CONFIRMATIONS);
            assert_int_equal(fleet_decision(fleet, "i-d000")->doubts, round);
            fleet_wait(fleet, rows[i].step_ms);
        }
    }
}

static void test_being_seen_breaks_the_chain(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.confirmations = 2;
    fleet_many(fleet, "l", 1, true);
    fleet_register(fleet, "i-d", "10.0.0.1");
    fleet_plan(fleet);
    fleet_machine(fleet, 0, "i-d", "10.0.0.1", EC2_STOPPED);
    fleet_plan(fleet);
    check(fleet, "i-d", PLAN_PRESENT, PLAN_KEEP, PLAN_RULE_NONE);
    fleet->ec2[0].n_instances = 0;
    fleet_machine(fleet, 0, "i-l000", "10.108.0.0", EC2_RUNNING);
    fleet_plan(fleet);
    check(fleet, "i-d", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_CONFIRMATIONS);
    fleet_machine(fleet, 0, "i-d", "10.0.0.2", EC2_RUNNING);
    fleet_plan(fleet); /* absent, then moved: both say that it is not there */
    check(fleet, "i-d", PLAN_MOVED, PLAN_REMOVE, PLAN_RULE_NONE);
}

static void test_grace(void **state)
{
    struct fleet *fleet = *state;
    struct cloud_map_instance *instance;

    fleet->guards.grace_ms = 15 * MINUTE;
    fleet->guards.confirmations = 2;
    fleet_many(fleet, "l", 1, true);
    instance = fleet_register(fleet, "i-d", "10.0.0.1");
    fleet_plan(fleet);
    check(fleet, "i-d", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_GRACE);
    fleet_wait(fleet, 15 * MINUTE - 1);
    fleet_plan(fleet);
    check(fleet, "i-d", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_GRACE);
    assert_int_equal(fleet_decision(fleet, "i-d")->seen_for_ms, 15 * MINUTE - 1);
    assert_int_equal(fleet_decision(fleet, "i-d")->doubts, 0);
    fleet_wait(fleet, 1);
    fleet_plan(fleet); /* what was seen before does not count */
    check(fleet, "i-d", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_CONFIRMATIONS);
    fleet_plan(fleet);
    check(fleet, "i-d", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
    instance->attributes[0].value = STR("10.0.0.2"); /* another address: another instance */
    fleet_plan(fleet);
    check(fleet, "i-d", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_GRACE);
}

/* A clock that went back makes nobody wait for more than a new grace time. */
static void test_grace_when_the_clock_goes_back(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.grace_ms = 15 * MINUTE;
    fleet_many(fleet, "l", 1, true);
    fleet_many(fleet, "d", 1, false);
    fleet_plan(fleet);
    fleet_wait(fleet, -10 * HOUR);
    fleet_plan(fleet);
    check(fleet, "i-d000", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_GRACE);
    assert_int_equal(fleet_decision(fleet, "i-d000")->seen_for_ms, 0);
    fleet_wait(fleet, 15 * MINUTE);
    fleet_plan(fleet);
    check(fleet, "i-d000", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
}

static void test_grace_since_launch(void **state)
{
    struct fleet *fleet = *state;
    struct ec2_instance *machine;

    fleet->guards.grace_ms = 15 * MINUTE;
    fleet_many(fleet, "l", 1, true);
    fleet_register(fleet, "i-d", "10.0.0.1");
    machine = fleet_machine(fleet, 0, "i-d", "10.0.0.2", EC2_RUNNING);
    machine->id = STR("i-d");
    fleet_plan(fleet);
    fleet_wait(fleet, HOUR);
    for (int i = 0; i < 4; i++) {
        static const int64_t ages[] = { 15 * MINUTE - 1, -HOUR, 15 * MINUTE, 0 };
        for (size_t j = 0; j < fleet->ec2[0].n_instances; j++)
            if (str_eq(fleet->machines[0][j].id, STR("i-d")))
                fleet->machines[0][j].launch_ms = i == 3 ? 0 : fleet->input.wall_ms - ages[i];
        fleet_plan(fleet);
        check(fleet, "i-d", PLAN_MOVED, i < 2 ? PLAN_WAIT : PLAN_REMOVE, i < 2 ? PLAN_RULE_GRACE : PLAN_RULE_NONE);
    }
}

static void test_health_vetoes(void **state)
{
    struct fleet *fleet = *state;

    fleet->guards.healthy_vetoes = true;
    fleet_many(fleet, "l", 1, true);
    fleet_register(fleet, "i-h", "10.0.0.1")->health = CLOUD_MAP_HEALTHY;
    fleet_register(fleet, "i-u", "10.0.0.2")->health = CLOUD_MAP_UNHEALTHY;
    fleet_register(fleet, "i-n", "10.0.0.3");
    fleet_register(fleet, "i-s", "10.0.0.4")->health = CLOUD_MAP_HEALTHY; /* a stranger answers there */
    fleet_machine(fleet, 0, "i-stranger", "10.0.0.4", EC2_RUNNING);
    fleet_register(fleet, "i-s2", "10.0.0.4")->health = CLOUD_MAP_HEALTHY; /* two of the same address */
    fleet_register(fleet, "i-x", "10.0.0.5")->health = CLOUD_MAP_HEALTHY;  /* nobody does any more */
    fleet_machine(fleet, 0, "i-gone", "10.0.0.5", EC2_TERMINATED);
    fleet_register(fleet, "i-6", "fd00:0::1")->health = CLOUD_MAP_HEALTHY; /* another spelling */
    fleet_machine(fleet, 0, "i-six", "fd00::1", EC2_RUNNING);
    fleet_plan(fleet);
    check(fleet, "i-h", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_HEALTHY);
    check(fleet, "i-u", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
    check(fleet, "i-n", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
    check(fleet, "i-s", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
    check(fleet, "i-s2", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
    check(fleet, "i-x", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_HEALTHY);
    check(fleet, "i-6", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
    check_outcome(fleet, PLAN_OK, PLAN_RULE_NONE);
}

static void test_rounds_that_health_vetoes_do_not_count(void **state)
{
    struct fleet *fleet = *state;
    struct cloud_map_instance *instance;

    fleet->guards.healthy_vetoes = true;
    fleet->guards.confirmations = 2;
    fleet_many(fleet, "l", 1, true);
    instance = fleet_register(fleet, "i-h", "10.0.0.1");
    instance->health = CLOUD_MAP_HEALTHY;
    for (int i = 0; i < 5; i++)
        fleet_plan(fleet);
    instance->health = CLOUD_MAP_UNHEALTHY;
    fleet_plan(fleet);
    check(fleet, "i-h", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_CONFIRMATIONS);
    instance->health = CLOUD_MAP_HEALTHY; /* and they break the chain */
    fleet_plan(fleet);
    instance->health = CLOUD_MAP_UNHEALTHY;
    fleet_plan(fleet);
    check(fleet, "i-h", PLAN_ABSENT, PLAN_WAIT, PLAN_RULE_CONFIRMATIONS);
    fleet_plan(fleet);
    check(fleet, "i-h", PLAN_ABSENT, PLAN_REMOVE, PLAN_RULE_NONE);
}

/* --- the second look --------------------------------------------------------------------------------------------- */

static void test_recheck(void **state)
{
    static const struct {
        enum plan_evidence before;
        const char *address; /* of the machine at the second look; NULL: there is none */
        enum ec2_state state;
        bool stands;
    } rows[] = {
        { PLAN_ABSENT, NULL, EC2_RUNNING, true },
        { PLAN_ABSENT, "10.0.0.1", EC2_RUNNING, false },
        { PLAN_ABSENT, "10.0.0.2", EC2_RUNNING, false },
        { PLAN_ABSENT, "10.0.0.2", EC2_TERMINATED, true },
        { PLAN_MOVED, "10.0.0.2", EC2_RUNNING, true },
        { PLAN_MOVED, "10.0.0.1", EC2_STOPPED, false },
        { PLAN_MOVED, NULL, EC2_RUNNING, false },
        { PLAN_MOVED, "10.0.0.1", EC2_SHUTTING_DOWN, true },
        { PLAN_TERMINATED, "10.0.0.1", EC2_TERMINATED, true },
        { PLAN_TERMINATED, NULL, EC2_RUNNING, false },
    };
    struct fleet *fleet = *state;
    struct plan_decision decision = { .action = PLAN_REMOVE, .address = STR("10.0.0.1") };

    decision.instance = fleet_register(fleet, "i-x", "10.0.0.1");
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        decision.evidence = rows[i].before;
        fleet->ec2[0].n_instances = 0;
        if (rows[i].address)
            fleet_machine(fleet, 0, "i-x", rows[i].address, rows[i].state);
        assert_int_equal(plan_recheck(&decision, decision.instance, fleet->listings, 2), rows[i].stands);
    }
}

static void test_recheck_of_the_registry(void **state)
{
    struct fleet *fleet = *state;
    struct plan_decision decision = { .action = PLAN_REMOVE, .evidence = PLAN_ABSENT, .address = STR("10.0.0.1") };
    struct cloud_map_instance *again = fleet_register(fleet, "i-x", "10.0.0.1");

    decision.instance = fleet_register(fleet, "i-x", "10.0.0.1");
    assert_true(plan_recheck(&decision, again, NULL, 0));
    assert_false(plan_recheck(&decision, NULL, NULL, 0));
    fleet->listings[1].machines = NULL;
    assert_false(plan_recheck(&decision, again, fleet->listings, 2));
    decision.action = PLAN_HOLD;
    assert_false(plan_recheck(&decision, again, NULL, 0));
    decision.action = PLAN_REMOVE;
    again->attributes[0].value = STR("10.0.0.2");
    assert_false(plan_recheck(&decision, again, NULL, 0));
    again->attributes[0].value = STR("10.0.0.1");
    fleet_attribute(fleet, again, "x", "y");
    assert_false(plan_recheck(&decision, again, NULL, 0));
    assert_false(plan_recheck(&decision, fleet_register(fleet, "i-y", "10.0.0.1"), NULL, 0));
}

/* --- words and memory -------------------------------------------------------------------------------------------- */

static void test_each_rule_has_its_words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PLAN_RULE_COUNT; i++) {
        assert_non_null(plan_rule_text((enum plan_rule)i));
        assert_true(strlen(plan_rule_reason((enum plan_rule)i)) > 8);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(plan_rule_text((enum plan_rule)i), plan_rule_text((enum plan_rule)j));
    }
}

/* Each allocation fails once: -ENOMEM, and nothing is written. */
static void test_no_memory(void **state)
{
    struct fleet *fleet = *state;
    struct plan plan = { .n = 77 };
    size_t need;
    int n_failed = 0;

    plan_guards_guarded(&fleet->guards);
    fleet->guards.grace_ms = 0;
    fleet->guards.confirmations = 0;
    fleet->guards.confirm_ms = 0;
    fleet->guards.pins_account = false;
    fleet_many(fleet, "l", 20, true);
    fleet_many(fleet, "d", 1, false);
    fleet_register(fleet, "i-h", "10.0.0.1")->health = CLOUD_MAP_HEALTHY;
    fleet_plan(fleet);
    assert_int_equal(fleet->plan.by_action[PLAN_REMOVE], 1);
    fleet->input.registered = NULL;
    for (int round = 0; round < 2; round++, fleet->input.registered = &fleet->registered) {
        for (need = 0; need < 200000; need += 16) {
            struct arena arena;
            int r;
            arena_init(&arena, need);
            r = plan_make(&fleet->input, &arena, &plan);
            arena_fini(&arena);
            if (r == 0)
                break;
            assert_int_equal(r, -12);
            assert_int_equal(plan.n, 77);
            n_failed++;
        }
        plan.n = 77;
    }
    assert_true(n_failed > 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_is_judged),
        TEST(test_ipv4_decides_where_there_are_both),
        TEST(test_nothing_to_judge_is_a_success),
        TEST(test_evidence_of_each_state),
        TEST(test_evidence_over_all_listings),
        TEST(test_a_missing_answer_is_unknown),
        TEST(test_a_listing_out_of_order_is_not_whole),
        TEST(test_unknown_rounds_break_the_chain_and_nothing_else),
        TEST(test_each_listing_is_of_the_account),
        TEST(test_the_registry_names_the_account),
        TEST(test_the_first_account_is_pinned),
        TEST(test_nobody_is_pinned_without_a_live_instance),
        TEST(test_canaries),
        TEST(test_a_live_instance_is_a_canary),
        TEST(test_terminated_is_exempt),
        TEST(test_confirmations),
        TEST(test_being_seen_breaks_the_chain),
        TEST(test_grace),
        TEST(test_grace_when_the_clock_goes_back),
        TEST(test_grace_since_launch),
        TEST(test_health_vetoes),
        TEST(test_rounds_that_health_vetoes_do_not_count),
        TEST(test_recheck),
        TEST(test_recheck_of_the_registry),
        TEST(test_each_rule_has_its_words),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
