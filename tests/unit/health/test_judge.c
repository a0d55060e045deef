/* SPDX-License-Identifier: Apache-2.0
 *
 * Thresholds and doubt, by hand and against a slow model over random histories. */
#include "../test.h"

#include "base/rand.h"
#include "health/judge.h"

#define INTERVAL 30000
#define DOUBT_FOR 300000
#define MAX_TARGETS 64

struct fleet {
    struct judge judge;
    struct judge_target targets[MAX_TARGETS];
    size_t n;
    int64_t now_ms;
    unsigned n_turned, n_to_unhealthy;
};

static void on_turned(void *arg, struct judge_target *target)
{
    struct fleet *fleet = arg;

    fleet->n_turned++;
    fleet->n_to_unhealthy += target->verdict == HEALTH_UNHEALTHY;
}

static void fleet_init(struct fleet *fleet, size_t n, unsigned threshold, enum health_status verdict)
{
    const struct judge_settings settings = {
        .doubt_max = 0.5, .doubt_min = 10, .doubt_for_ms = DOUBT_FOR, .turned = on_turned, .arg = fleet
    };

    memset(fleet, 0, sizeof(*fleet));
    judge_init(&fleet->judge, &settings);
    fleet->n = n;
    for (size_t i = 0; i < n; i++) {
        fleet->targets[i].interval_ms = INTERVAL;
        fleet->targets[i].threshold = threshold;
        assert_int_equal(judge_add(&fleet->judge, &fleet->targets[i], verdict), 0);
    }
}

static void result(struct fleet *fleet, size_t i, bool is_good)
{
    judge_result(&fleet->judge, &fleet->targets[i], is_good, fleet->now_ms, fleet->now_ms);
}

/* One interval: everybody is probed once, evenly spread; the first n_bad of them fail. */
static void interval(struct fleet *fleet, size_t n_bad)
{
    for (size_t i = 0; i < fleet->n; i++) {
        size_t k = i * 37 % fleet->n; /* not in order */
        fleet->now_ms += INTERVAL / (int64_t)fleet->n;
        judge_tick(&fleet->judge, fleet->now_ms);
        result(fleet, k, k >= n_bad);
    }
}

static size_t count(const struct fleet *fleet, enum health_status verdict)
{
    size_t n = 0;

    for (size_t i = 0; i < fleet->n; i++)
        n += fleet->targets[i].verdict == verdict;
    return n;
}

/* --- thresholds --------------------------------------------------------------------------------------------------- */

static void test_thresholds_both_ways(void **state)
{
    static struct fleet fleet;

    (void)state;
    for (unsigned threshold = 1; threshold <= 10; threshold++) {
        fleet_init(&fleet, 1, threshold, HEALTH_UNKNOWN);
        for (int good = 1; good >= 0; good--) {
            enum health_status before = fleet.targets[0].verdict;
            for (unsigned i = 1; i < threshold; i++) {
                result(&fleet, 0, good);
                assert_int_equal(fleet.targets[0].verdict, before);
            }
            if (threshold > 1) { /* another one in between: from the start */
                result(&fleet, 0, !good);
                assert_int_equal(fleet.targets[0].verdict, before);
                for (unsigned i = 1; i < threshold; i++)
                    result(&fleet, 0, good);
                assert_int_equal(fleet.targets[0].verdict, before);
            }
            result(&fleet, 0, good);
            assert_int_equal(fleet.targets[0].verdict, good ? HEALTH_HEALTHY : HEALTH_UNHEALTHY);
        }
        assert_int_equal(fleet.n_turned, 2);
        judge_fini(&fleet.judge);
    }
}

static void test_a_restart_keeps_the_verdict(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 1, 3, HEALTH_UNHEALTHY);
    result(&fleet, 0, true);
    result(&fleet, 0, true);
    judge_restart(&fleet.judge, &fleet.targets[0]);
    result(&fleet, 0, true);
    result(&fleet, 0, true);
    assert_int_equal(fleet.targets[0].verdict, HEALTH_UNHEALTHY);
    result(&fleet, 0, true);
    assert_int_equal(fleet.targets[0].verdict, HEALTH_HEALTHY);
    judge_fini(&fleet.judge);
}

/* --- doubt -------------------------------------------------------------------------------------------------------- */

static void test_most_cut_off_are_held_and_come_back(void **state)
{
    static struct fleet fleet;

    (void)state;
    for (unsigned threshold = 1; threshold <= 3; threshold++) {
        fleet_init(&fleet, 60, threshold, HEALTH_HEALTHY);
        interval(&fleet, 0);
        for (unsigned i = 0; i < threshold; i++)
            interval(&fleet, 32);
        assert_int_equal(fleet.judge.doubt, JUDGE_DOUBTS_CHANGES);
        assert_int_equal(count(&fleet, HEALTH_HEALTHY), 60);
        assert_int_equal(judge_count_held(&fleet.judge), 32);
        interval(&fleet, 32);
        assert_int_equal(count(&fleet, HEALTH_HEALTHY), 60);
        interval(&fleet, 0); /* the network is back */
        assert_int_equal(fleet.judge.doubt, JUDGE_SURE);
        assert_int_equal(judge_count_held(&fleet.judge), 0);
        assert_int_equal(count(&fleet, HEALTH_HEALTHY), 60);
        judge_fini(&fleet.judge);
    }
}

static void test_doubt_lasts_its_time(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 60, 1, HEALTH_HEALTHY);
    interval(&fleet, 40);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 0);
    for (int i = 0; i < DOUBT_FOR / INTERVAL - 1; i++)
        interval(&fleet, 40);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 0);
    interval(&fleet, 40);
    interval(&fleet, 40);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 40); /* it was true, and is not doubted again */
    interval(&fleet, 40);
    assert_int_equal(fleet.judge.doubt, JUDGE_SURE);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 40);
    judge_fini(&fleet.judge);
}

static void test_somebody_ends_doubt(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 60, 1, HEALTH_HEALTHY);
    interval(&fleet, 40);
    judge_release(&fleet.judge);
    assert_int_equal(fleet.judge.doubt, JUDGE_SURE);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 40);
    judge_release(&fleet.judge);
    judge_fini(&fleet.judge);
}

static void test_what_still_fails_when_most_came_back_is_believed(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 60, 1, HEALTH_HEALTHY);
    interval(&fleet, 40);
    interval(&fleet, 5); /* of the 31 that began it half are back, and more */
    interval(&fleet, 5);
    assert_int_equal(fleet.judge.doubt, JUDGE_SURE);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 5);
    judge_fini(&fleet.judge);
}

static void test_a_third_flapping_is_no_doubt(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 60, 1, HEALTH_HEALTHY);
    for (int i = 0; i < 20; i++) {
        interval(&fleet, i % 2 ? 20 : 0);
        assert_int_equal(fleet.judge.doubt, JUDGE_SURE);
        for (size_t k = 20; k < 60; k++)
            assert_int_equal(fleet.targets[k].verdict, HEALTH_HEALTHY);
        assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), i % 2 ? 20 : 0);
    }
    judge_fini(&fleet.judge);
}

static void test_few_are_never_doubted(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 9, 1, HEALTH_HEALTHY);
    interval(&fleet, 9);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 9);
    judge_fini(&fleet.judge);
}

/* Over hours most of a fleet may go, a few at a time. */
static void test_slow_losses_are_no_doubt(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 60, 1, HEALTH_HEALTHY);
    for (size_t bad = 0; bad <= 60; bad += 10)
        for (int i = 0; i < 2; i++)
            interval(&fleet, bad);
    assert_int_equal(fleet.judge.doubt, JUDGE_SURE);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 60);
    judge_fini(&fleet.judge);
}

static void test_new_targets_that_fail_stay_unknown_in_doubt(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 30, 1, HEALTH_UNKNOWN);
    interval(&fleet, 30);
    assert_int_equal(count(&fleet, HEALTH_UNKNOWN), 30);
    judge_release(&fleet.judge);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 30);
    judge_fini(&fleet.judge);
}

static void test_references(void **state)
{
    static struct fleet fleet;

    (void)state;
    fleet_init(&fleet, 60, 1, HEALTH_HEALTHY);
    judge_reference(&fleet.judge, false, fleet.now_ms);
    assert_int_equal(fleet.judge.doubt, JUDGE_DOUBTS_REFERENCE);
    interval(&fleet, 1);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 0); /* not even one */
    judge_reference(&fleet.judge, true, fleet.now_ms);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 0);
    interval(&fleet, 1);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 1);
    /* Ended by hand, the same failure does not begin it again. */
    judge_reference(&fleet.judge, false, fleet.now_ms);
    judge_release(&fleet.judge);
    judge_reference(&fleet.judge, false, fleet.now_ms);
    assert_int_equal(fleet.judge.doubt, JUDGE_SURE);
    judge_reference(&fleet.judge, true, fleet.now_ms);
    judge_reference(&fleet.judge, false, fleet.now_ms);
    assert_int_equal(fleet.judge.doubt, JUDGE_DOUBTS_REFERENCE);
    /* What turned just before the reference failed is taken back. */
    judge_reference(&fleet.judge, true, fleet.now_ms);
    interval(&fleet, 3);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 3);
    judge_reference(&fleet.judge, false, fleet.now_ms);
    assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), 1); /* the old one stays */
    judge_fini(&fleet.judge);
}

/* The end of an outage turns nobody: what failed through it must fail once more, in a probe that began afterwards. */
static void test_an_outage_that_a_reference_saw_is_forgiven(void **state)
{
    static struct fleet fleet;

    (void)state;
    for (unsigned threshold = 1; threshold <= 3; threshold++)
        for (int is_seen_late = 0; is_seen_late < 2; is_seen_late++) {
            fleet_init(&fleet, 60, threshold, HEALTH_HEALTHY);
            interval(&fleet, 0);
            if (!is_seen_late)
                judge_reference(&fleet.judge, false, fleet.now_ms);
            for (unsigned i = 0; i < threshold; i++)
                interval(&fleet, 60);
            judge_reference(&fleet.judge, false, fleet.now_ms);
            assert_int_equal(fleet.judge.doubt, JUDGE_DOUBTS_REFERENCE);
            judge_reference(&fleet.judge, true, ++fleet.now_ms);
            assert_int_equal(fleet.judge.doubt, JUDGE_SURE);
            judge_result(&fleet.judge, &fleet.targets[7], false, fleet.now_ms - 1, fleet.now_ms);
            assert_int_equal(count(&fleet, HEALTH_HEALTHY), 60);
            result(&fleet, 7, false);
            assert_int_equal(fleet.targets[7].verdict, HEALTH_UNHEALTHY);
            interval(&fleet, 3);
            assert_int_equal(count(&fleet, HEALTH_UNHEALTHY), threshold == 1 ? 3 : 4);
            judge_fini(&fleet.judge);
        }
}

/* --- any history -------------------------------------------------------------------------------------------------- */

/* What results alone call for, counted anew for one target. */
struct model {
    enum health_status wanted;
    unsigned n_good, n_bad;
};

static void model_result(struct model *model, unsigned threshold, bool is_good)
{
    model->n_good = is_good ? model->n_good + 1 : 0;
    model->n_bad = is_good ? 0 : model->n_bad + 1;
    if (model->n_good >= threshold)
        model->wanted = HEALTH_HEALTHY;
    if (model->n_bad >= threshold)
        model->wanted = HEALTH_UNHEALTHY;
}

static void check_one(const struct fleet *fleet, const struct model *model, size_t i, bool was_in_doubt,
                      enum health_status before)
{
    const struct judge_target *target = &fleet->targets[i];

    if (fleet->judge.doubt == JUDGE_SURE && !was_in_doubt)
        assert_true(target->verdict == model->wanted || target->in_row < target->threshold);
    if (fleet->judge.doubt != JUDGE_SURE && before != HEALTH_UNHEALTHY && target->verdict == HEALTH_UNHEALTHY)
        assert_int_equal(fleet->judge.doubt, JUDGE_DOUBTS_CHANGES);
    if (model->n_good >= target->threshold)
        assert_int_equal(target->verdict, HEALTH_HEALTHY); /* successes are never held */
    if (was_in_doubt && fleet->judge.n_suspects * 2 > fleet->judge.doubt_limit && before != HEALTH_UNHEALTHY)
        assert_int_not_equal(target->verdict, HEALTH_UNHEALTHY);
    if (judge_is_held(&fleet->judge, target))
        assert_true(model->n_bad >= target->threshold && target->verdict != HEALTH_UNHEALTHY);
}

static void check_all(const struct fleet *fleet)
{
    size_t n = 0;

    assert_true(fleet->judge.n_suspects <= fleet->judge.n_targets);
    for (size_t i = 0; i < fleet->n; i++) {
        const struct judge_target *target = &fleet->targets[i];
        n += target->suspect != 0;
        if (target->suspect)
            assert_ptr_equal(fleet->judge.suspects[target->suspect - 1], target);
    }
    assert_int_equal(n, fleet->judge.n_suspects);
}

static void test_random_histories(void **state)
{
    static struct fleet fleet;
    struct rand rand;

    (void)state;
    rand_init_seed(&rand, 20240612);
    for (int round = 0; round < 200; round++) {
        struct model models[MAX_TARGETS] = { 0 };
        size_t n = 1 + (size_t)rand_below(&rand, MAX_TARGETS);
        uint64_t bad_of_100 = rand_below(&rand, 100);
        fleet_init(&fleet, n, 1 + (unsigned)rand_below(&rand, 4), HEALTH_UNKNOWN);
        for (int step = 0; step < 2000; step++) {
            size_t i = (size_t)rand_below(&rand, n);
            bool was_in_doubt = fleet.judge.doubt != JUDGE_SURE;
            enum health_status before = fleet.targets[i].verdict;
            bool is_good = rand_below(&rand, 100) >= bad_of_100;
            fleet.now_ms += (int64_t)rand_below(&rand, 2 * INTERVAL / n + 1);
            if (rand_below(&rand, 200) == 0)
                bad_of_100 = rand_below(&rand, 100);
            if (rand_below(&rand, 300) == 0)
                judge_reference(&fleet.judge, rand_below(&rand, 2), fleet.now_ms);
            if (rand_below(&rand, 1000) == 0)
                judge_release(&fleet.judge);
            judge_tick(&fleet.judge, fleet.now_ms);
            was_in_doubt = was_in_doubt && fleet.judge.doubt != JUDGE_SURE;
            before = fleet.targets[i].verdict;
            result(&fleet, i, is_good);
            model_result(&models[i], fleet.targets[i].threshold, is_good);
            check_one(&fleet, &models[i], i, was_in_doubt, before);
            check_all(&fleet);
        }
        judge_release(&fleet.judge);
        for (size_t i = 0; i < n; i++)
            assert_true(fleet.targets[i].verdict == models[i].wanted ||
                        fleet.targets[i].in_row < fleet.targets[i].threshold);
        while (fleet.n)
            judge_drop(&fleet.judge, &fleet.targets[--fleet.n]);
        assert_int_equal(fleet.judge.n_targets + fleet.judge.n_suspects, 0);
        judge_fini(&fleet.judge);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thresholds_both_ways),
        cmocka_unit_test(test_a_restart_keeps_the_verdict),
        cmocka_unit_test(test_most_cut_off_are_held_and_come_back),
        cmocka_unit_test(test_doubt_lasts_its_time),
        cmocka_unit_test(test_somebody_ends_doubt),
        cmocka_unit_test(test_what_still_fails_when_most_came_back_is_believed),
        cmocka_unit_test(test_a_third_flapping_is_no_doubt),
        cmocka_unit_test(test_few_are_never_doubted),
        cmocka_unit_test(test_slow_losses_are_no_doubt),
        cmocka_unit_test(test_new_targets_that_fail_stay_unknown_in_doubt),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_an_outage_that_a_reference_saw_is_forgiven),
        cmocka_unit_test(test_random_histories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
