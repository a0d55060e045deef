/* SPDX-License-Identifier: Apache-2.0
 *
 * See prober.h. */
#include "prober.h"

#include "base/mem.h"

static void on_outcome(void *arg, void *owner, const struct probe_outcome *outcome)
{
    struct prober *prober = arg;

    prober->n_told++;
    prober->last = *outcome;
    uv_stop(&prober->loop); /* else a loop that was told by a timer waits for the next event */
    if (prober->told)
        prober->told(prober, owner, outcome);
}

void prober_init(struct prober *prober)
{
    *prober = (struct prober){ .n_told = 0 };
    assert_int_equal(uv_loop_init(&prober->loop), 0);
    assert_int_equal(target_address_parse_network(STR("127.0.0.0/8"), &prober->loopback[0]), 0);
    assert_int_equal(target_address_parse_network(STR("::1/128"), &prober->loopback[1]), 0);
    prober->policy = (struct target_policy){ .allow = prober->loopback, .n_allow = 2, .private_targets = true };
    prober->config = (struct schedule_config){ .loop = &prober->loop,
                                               .clock = clock_system(),
                                               .policy = &prober->policy,
                                               .limits = { PROBER_CONNECT_MS, PROBER_TCP_MS, PROBER_ANSWER_MS },
                                               .address_rate = 100000,
                                               .address_burst = 100000,
                                               .on_outcome = on_outcome,
                                               .arg = prober };
}

void prober_open(struct prober *prober)
{
    char why[256] = "";

    if (schedule_new(&prober->config, &prober->schedule, why, sizeof(why)) != 0)
        fail_msg("no schedule: %s", why);
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void run_until(struct prober *prober, int n_told, int64_t ms)
{
    bool late = false;
    uv_timer_t timer = { .data = &late };

    uv_timer_init(&prober->loop, &timer);
    timer.data = &late;
    uv_update_time(&prober->loop);
    uv_timer_start(&timer, on_late, (uint64_t)ms, 0);
    while (prober->n_told < n_told && !late)
        uv_run(&prober->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&prober->loop, UV_RUN_NOWAIT);
}

void prober_wait(struct prober *prober, int n_told)
{
    run_until(prober, n_told, 20000);
    assert_true(prober->n_told >= n_told);
}

void prober_run(struct prober *prober, int64_t ms)
{
    run_until(prober, INT32_MAX, ms);
}

void prober_close(struct prober *prober)
{
    schedule_free(TAKE(prober->schedule));
    uv_run(&prober->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&prober->loop), 0);
}

struct probe_outcome prober_probe(struct prober *prober, const struct check *draft)
{
    struct schedule_target *target;
    struct check *check = check_new(draft);

    assert_non_null(check);
    prober_open(prober);
    assert_int_equal(schedule_add(prober->schedule, check, NULL, SCHEDULE_AT_ONCE, &target), 0);
    prober_wait(prober, 1);
    prober_close(prober);
    mem_free(check);
    return prober->last;
}
