/* SPDX-License-Identifier: Apache-2.0
 *
 * When probes go out: at once, at their phases, never two of one target; and who waits for whom. */
#include "prober.h"
#include "server.h"

#include "base/mem.h"

#include <stdlib.h>
#include <sys/resource.h>

#define MS INT64_C(1000000)
#define MAX_TARGETS 2000
#define LATE_MS 150 /* what a busy machine may take */

struct bench {
    struct prober prober;
    struct server good, silent;
    struct check *checks[MAX_TARGETS];
    struct schedule_target *targets[MAX_TARGETS];
    size_t n;
};

static int begin(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    bench->good = (struct server){ .serve = server_answer, .answer = "HTTP/1.1 200 OK\r\n\r\n" };
    bench->silent = (struct server){ .serve = server_hold };
    server_start(&bench->good, "127.0.0.1");
    server_start(&bench->silent, "127.0.0.2");
    prober_init(&bench->prober);
    bench->prober.arg = bench;
    *state = bench;
    return 0;
}

static int end(void **state)
{
    struct bench *bench = *state;

    prober_close(&bench->prober);
    server_stop(&bench->good);
    server_stop(&bench->silent);
    for (size_t i = 0; i < bench->n; i++)
        mem_free(bench->checks[i]);
    free(bench);
    return 0;
}

/* The owner of a target is its place among them. */
static size_t add(struct bench *bench, const struct server *server, enum check_protocol protocol, int64_t interval_ms,
                  enum schedule_first first)
{
    struct check draft = { .protocol = protocol,
                           .address = server->address,
                           .port = server->port,
                           .interval_ms = interval_ms,
                           .host = STR("h") };
    size_t i = bench->n++;

    bench->checks[i] = check_new(&draft);
    assert_non_null(bench->checks[i]);
    assert_int_equal(
        schedule_add(bench->prober.schedule, bench->checks[i], &bench->targets[i], first, &bench->targets[i]), 0);
    return i;
}

static int64_t now_ns(void)
{
    return clock_mono_ns(clock_system());
}

/* --- when --------------------------------------------------------------------------------------------------------- */

static void test_the_first_at_once_and_then_a_steady_interval(void **state)
{
    struct bench *bench = *state;
    int64_t began = now_ns(), due = 0;

    prober_open(&bench->prober);
    add(bench, &bench->good, CHECK_HTTP, 100, SCHEDULE_AT_ONCE);
    prober_wait(&bench->prober, 1);
    assert_in_range(bench->prober.last.due_ns - began, 0, LATE_MS * MS);
    assert_in_range(bench->prober.last.started_ns - began, 0, LATE_MS * MS);
    assert_in_range(schedule_next_ns(bench->targets[0]) - bench->prober.last.due_ns, 1, 101 * MS);
    for (int n = 2; n < 8; n++) {
        prober_wait(&bench->prober, n);
        assert_int_equal(bench->prober.last.result, PROBE_OK);
        if (due) /* whole intervals; one that the machine slept through may be left out */
            assert_int_equal((bench->prober.last.due_ns - due) % (100 * MS), 0);
        due = bench->prober.last.due_ns;
        assert_true(bench->prober.last.started_ns >= due);
    }
    assert_in_range(due - began, 600 * MS, 800 * MS + 10 * LATE_MS * MS);
}

static int compare(const void *one, const void *two)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)two;

    return (a > b) - (a < b);
}

static void test_phases_are_spread_evenly(void **state)
{
    static int64_t next[1000];
    struct bench *bench = *state;
    int64_t interval_ns = 3600 * 1000 * MS;

    prober_open(&bench->prober);
    for (size_t i = 0; i < TEST_COUNT(next); i++) {
        add(bench, &bench->good, i % 2 ? CHECK_HTTP : CHECK_HTTPS, 3600 * 1000, SCHEDULE_IN_PHASE);
        next[i] = schedule_next_ns(bench->targets[i]);
    }
    qsort(next, TEST_COUNT(next), sizeof(next[0]), compare);
    assert_in_range(next[TEST_COUNT(next) - 1] - next[0], interval_ns * 98 / 100, interval_ns);
    for (size_t i = 1; i < TEST_COUNT(next); i++)
        assert_in_range(next[i] - next[i - 1], 1, 3 * interval_ns / (int64_t)TEST_COUNT(next));
    assert_int_equal(bench->prober.n_told, 0);
}

static void test_no_target_is_probed_twice_at_a_time(void **state)
{
    struct bench *bench = *state;

    prober_open(&bench->prober);
    add(bench, &bench->silent, CHECK_HTTP, 100, SCHEDULE_AT_ONCE);
    prober_wait(&bench->prober, 3); /* each takes 300 ms, for which two are left out */
    assert_int_equal(atomic_load(&bench->silent.n_connections), 3);
    assert_in_range(bench->prober.last.started_ns - bench->prober.last.due_ns, 0, LATE_MS * MS);
}

/* --- who waits ---------------------------------------------------------------------------------------------------- */

struct tally {
    struct bench *bench;
    size_t n_slow;
    int64_t worst_lag_ns;
    size_t most_running;
};

static void count_lag(struct prober *prober, void *owner, const struct probe_outcome *outcome)
{
    struct tally *tally = prober->arg;
    size_t i = (size_t)((struct schedule_target **)owner - tally->bench->targets);
    int64_t lag_ns = outcome->started_ns - outcome->due_ns;
    struct schedule_stat stat;

    schedule_stat(prober->schedule, &stat);
    if (stat.running > tally->most_running)
        tally->most_running = stat.running;
    if (i < tally->n_slow)
        return;
    assert_int_equal(outcome->result, PROBE_OK);
    if (lag_ns > tally->worst_lag_ns)
        tally->worst_lag_ns = lag_ns;
}

static void test_the_slow_delay_nobody(void **state)
{
    struct bench *bench = *state;
    struct tally tally = { .bench = bench, .n_slow = 400 };

    bench->prober.arg = &tally;
    bench->prober.told = count_lag;
    prober_open(&bench->prober);
    for (size_t i = 0; i < tally.n_slow;
         i++) /* at most one of them is served at a time: the others connect, and wait */
        add(bench, &bench->silent, CHECK_HTTP, 400, SCHEDULE_IN_PHASE);
    for (size_t i = 0; i < 20; i++)
        add(bench, &bench->good, CHECK_HTTP, 200, SCHEDULE_IN_PHASE);
    prober_run(&bench->prober, 1500);
    assert_in_range(bench->prober.n_told, 20 * 5 + 400, 20 * 8 + 1600);
    assert_in_range(tally.most_running, 200, 420);
    assert_in_range(tally.worst_lag_ns, 0, LATE_MS * MS);
}

static void test_sockets_are_capped(void **state)
{
    struct bench *bench = *state;
    struct tally tally = { .bench = bench, .n_slow = MAX_TARGETS };
    struct schedule_stat stat;

    bench->prober.arg = &tally;
    bench->prober.told = count_lag;
    bench->prober.config.max_sockets = 8;
    prober_open(&bench->prober);
    for (size_t i = 0; i < 40; i++)
        add(bench, &bench->silent, CHECK_HTTP, 60000, SCHEDULE_AT_ONCE);
    prober_run(&bench->prober, PROBER_ANSWER_MS / 2);
    schedule_stat(bench->prober.schedule, &stat);
    assert_int_equal(stat.targets, 40);
    assert_int_equal(stat.running, 4); /* first probes have half of the sockets */
    assert_int_equal(stat.waiting, 36);
    assert_in_range(stat.lag_ns, 1, INT64_MAX);
    /* A regular probe comes before all of them. */
    size_t regular = add(bench, &bench->good, CHECK_HTTP, 50, SCHEDULE_IN_PHASE);
    int64_t due = schedule_next_ns(bench->targets[regular]);
    prober_wait(&bench->prober, 1);
    assert_int_equal(bench->prober.last.result, PROBE_OK);
    assert_int_equal(bench->prober.last.due_ns, due);
    assert_in_range(tally.most_running, 4, 8);
}

static void test_tls_has_a_cap_of_its_own(void **state)
{
    struct bench *bench = *state;
    struct schedule_stat stat;

    bench->prober.config.max_tls = 4;
    prober_open(&bench->prober);
    for (size_t i = 0; i < 8; i++)
        add(bench, &bench->silent, CHECK_HTTPS, 60000, SCHEDULE_AT_ONCE);
    add(bench, &bench->good, CHECK_HTTP, 60000, SCHEDULE_AT_ONCE);
    prober_wait(&bench->prober, 1);
    assert_int_equal(bench->prober.last.result, PROBE_OK); /* it did not wait for TLS */
    schedule_stat(bench->prober.schedule, &stat);
    assert_int_equal(stat.running_tls, 2);
    assert_int_equal(stat.waiting, 6);
    prober_wait(&bench->prober, 9);
}

static void note_start(struct prober *prober, void *owner, const struct probe_outcome *outcome)
{
    int64_t *started = prober->arg;

    (void)owner;
    started[prober->n_told - 1] = outcome->started_ns;
}

static void test_an_address_has_a_rate(void **state)
{
    struct bench *bench = *state;
    int64_t started[12];

    bench->prober.config.address_rate = 50;
    bench->prober.config.address_burst = 2;
    bench->prober.arg = started;
    bench->prober.told = note_start;
    prober_open(&bench->prober);
    for (size_t i = 0; i < TEST_COUNT(started); i++)
        add(bench, &bench->good, i % 2 ? CHECK_HTTP : CHECK_TCP, 60000, SCHEDULE_AT_ONCE);
    prober_wait(&bench->prober, (int)TEST_COUNT(started));
    qsort(started, TEST_COUNT(started), sizeof(started[0]), compare);
    assert_in_range(started[TEST_COUNT(started) - 1] - started[0], 10 * 20 * MS, 10 * 20 * MS + 10 * LATE_MS * MS);
    for (size_t i = 2; i < TEST_COUNT(started); i++) /* any three within two gaps would be too many */
        assert_true(started[i] - started[i - 2] >= 20 * MS - 2 * MS);
}

struct overload {
    struct clock_manual clock;
    bool is_heard; /* another event of the loop */
};

static void hear(uv_async_t *async)
{
    ((struct overload *)async->data)->is_heard = true;
}

/* Each result takes so long that the next probe is due. */
static void take_long(struct prober *prober, void *owner, const struct probe_outcome *outcome)
{
    struct overload *overload = prober->arg;

    (void)owner;
    assert_int_equal(outcome->result, PROBE_FORBIDDEN);
    assert_true(overload->is_heard || prober->n_told < 10000);
    clock_manual_advance(&overload->clock, 1000);
}

static void test_who_is_always_late_lets_others_be_heard(void **state)
{
    struct bench *bench = *state;
    static struct overload overload; /* until the schedule is freed */
    uv_async_t async;

    clock_manual_init(&overload.clock, 0);
    bench->prober.config.clock = &overload.clock.clock;
    bench->prober.policy.n_allow = 0; /* a probe is over when it starts */
    bench->prober.arg = &overload;
    bench->prober.told = take_long;
    prober_open(&bench->prober);
    add(bench, &bench->good, CHECK_TCP, 100, SCHEDULE_AT_ONCE);
    uv_async_init(&bench->prober.loop, &async, hear);
    async.data = &overload;
    uv_async_send(&async);
    while (!overload.is_heard)
        uv_run(&bench->prober.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&async, NULL);
    uv_run(&bench->prober.loop, UV_RUN_NOWAIT);
}

/* --- changing and removing ---------------------------------------------------------------------------------------- */

static void test_the_result_of_what_was_changed_is_never_told(void **state)
{
    struct bench *bench = *state;

    prober_open(&bench->prober);
    add(bench, &bench->silent, CHECK_HTTP, 60000, SCHEDULE_AT_ONCE);
    prober_run(&bench->prober, 50); /* it runs */
    struct check draft = *bench->checks[0];
    draft.address = bench->good.address;
    draft.port = bench->good.port;
    struct check *other = check_new(&draft);
    assert_int_equal(schedule_change(bench->prober.schedule, bench->targets[0], other, SCHEDULE_AT_ONCE), 0);
    mem_free(bench->checks[0]);
    bench->checks[0] = other;
    prober_wait(&bench->prober, 1);
    assert_int_equal(bench->prober.last.result, PROBE_OK);
    prober_run(&bench->prober, PROBER_ANSWER_MS);
    assert_int_equal(bench->prober.n_told, 1);
}

static void test_removed_ones_are_silent(void **state)
{
    struct bench *bench = *state;
    struct schedule_stat stat;

    prober_open(&bench->prober);
    for (size_t i = 0; i < 10; i++)
        add(bench, &bench->silent, i % 2 ? CHECK_HTTP : CHECK_HTTPS, 60000,
            i < 5 ? SCHEDULE_AT_ONCE : SCHEDULE_IN_PHASE);
    prober_run(&bench->prober, 50);
    for (size_t i = 0; i < 10; i++)
        schedule_remove(bench->prober.schedule, bench->targets[i]);
    schedule_stat(bench->prober.schedule, &stat);
    assert_int_equal(stat.targets + stat.running + stat.waiting, 0);
    prober_run(&bench->prober, PROBER_CONNECT_MS + 100);
    assert_int_equal(bench->prober.n_told, 0);
}

/* Removes its target, changes the next one, and adds another one. */
static void meddle(struct prober *prober, void *owner, const struct probe_outcome *outcome)
{
    struct bench *bench = prober->arg;
    size_t i = (size_t)((struct schedule_target **)owner - bench->targets);

    (void)outcome;
    schedule_remove(prober->schedule, bench->targets[i]);
    bench->targets[i] = NULL;
    for (size_t k = i + 1; k < bench->n; k++)
        if (bench->targets[k]) {
            schedule_change(prober->schedule, bench->targets[k], bench->checks[k], SCHEDULE_AT_ONCE);
            break;
        }
    if (bench->n < 200)
        add(bench, &bench->good, bench->n % 2 ? CHECK_HTTP : CHECK_TCP, 50, SCHEDULE_AT_ONCE);
}

static void test_a_listener_may_do_anything(void **state)
{
    struct bench *bench = *state;

    bench->prober.told = meddle;
    prober_open(&bench->prober);
    for (size_t i = 0; i < 50; i++)
        add(bench, i % 3 ? &bench->good : &bench->silent, i % 2 ? CHECK_HTTP : CHECK_TCP, 50, SCHEDULE_AT_ONCE);
    prober_wait(&bench->prober, 200);
}

/* --- shortages ---------------------------------------------------------------------------------------------------- */

static void note_results(struct prober *prober, void *owner, const struct probe_outcome *outcome)
{
    int *counts = prober->arg;

    (void)owner;
    counts[outcome->result]++;
}

static void test_without_descriptors_it_rests_and_goes_on(void **state)
{
    struct bench *bench = *state;
    int counts[PROBE_RESULT_COUNT] = { 0 };
    struct rlimit limit, none;

    bench->prober.arg = counts;
    bench->prober.told = note_results;
    prober_open(&bench->prober);
    for (size_t i = 0; i < 20; i++)
        add(bench, &bench->good, CHECK_TCP, 100, SCHEDULE_AT_ONCE);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    prober_run(&bench->prober, 350);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_in_range(counts[PROBE_NO_RESOURCES], 1, 5);
    assert_int_equal(counts[PROBE_NO_RESOURCES], bench->prober.n_told);
    prober_wait(&bench->prober, bench->prober.n_told + 40);
    assert_in_range(counts[PROBE_OK], 35, 1000);
}

static void test_without_memory(void **state)
{
    struct bench *bench = *state;
    struct schedule_target *target = NULL;
    struct schedule *schedule = NULL;
    char why[64] = "";
    bool failed;

    prober_open(&bench->prober);
    add(bench, &bench->good, CHECK_TCP, 60000, SCHEDULE_IN_PHASE);
    for (long k = 1;; k++) { /* the check's address is known: the heaps and the target alone can fail */
        mem_fail_at(k, false);
        int r = schedule_add(bench->prober.schedule, bench->checks[0], NULL, SCHEDULE_AT_ONCE, &target);
        failed = mem_fail_at(0, false);
        assert_int_equal(r == 0, !failed);
        if (!failed)
            break;
    }
    for (long k = 1;; k++) {
        mem_fail_at(k, false);
        int r = schedule_new(&bench->prober.config, &schedule, why, sizeof(why));
        failed = mem_fail_at(0, false);
        assert_int_equal(r == 0, !failed);
        if (!failed)
            break;
    }
    schedule_free(schedule);
    mem_fail_at(1, true); /* the probe that starts, and the schedule's next ones */
    prober_wait(&bench->prober, 1);
    mem_fail_at(0, false);
    assert_int_equal(bench->prober.last.result, PROBE_NO_RESOURCES);
}

static void test_it_can_end_while_probes_run(void **state)
{
    struct bench *bench = *state;

    prober_open(&bench->prober);
    for (size_t i = 0; i < 30; i++)
        add(bench, &bench->silent, i % 2 ? CHECK_HTTP : CHECK_HTTPS, 60000,
            i < 20 ? SCHEDULE_AT_ONCE : SCHEDULE_IN_PHASE);
    prober_run(&bench->prober, 50);
    assert_int_equal(bench->prober.n_told, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_at_once_and_then_a_steady_interval),
        TEST(test_phases_are_spread_evenly),
        TEST(test_no_target_is_probed_twice_at_a_time),
        TEST(test_the_slow_delay_nobody),
        TEST(test_sockets_are_capped),
        TEST(test_tls_has_a_cap_of_its_own),
        TEST(test_an_address_has_a_rate),
        TEST(test_who_is_always_late_lets_others_be_heard),
        TEST(test_the_result_of_what_was_changed_is_never_told),
        TEST(test_removed_ones_are_silent),
        TEST(test_a_listener_may_do_anything),
        TEST(test_without_descriptors_it_rests_and_goes_on),
        TEST(test_without_memory),
        TEST(test_it_can_end_while_probes_run),
    };

    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
