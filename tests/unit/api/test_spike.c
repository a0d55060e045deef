/* SPDX-License-Identifier: Apache-2.0
 *
 * Bursts: when one begins and is over, for whom, and how many principals are remembered. */
#include "../test.h"

#include "api/spike.h"
#include "base/metric.h"

#include <stdio.h>

#define MINUTE_MS 60000

static struct clock_manual manual;
static struct spike *spike;
static int64_t begun_before;

static int64_t begun(void)
{
    return metric_get(METRIC_SPIKES_REGISTRATIONS) + metric_get(METRIC_SPIKES_REMOVALS) - begun_before;
}

static void start(uint64_t most)
{
    const struct spike_config config = { .most = most, .window_ms = MINUTE_MS, .clock = &manual.clock };

    clock_manual_init(&manual, 1700000000000);
    begun_before = 0;
    begun_before = begun();
    metric_set(METRIC_SPIKING_REGISTRATIONS, 0);
    metric_set(METRIC_SPIKING_REMOVALS, 0);
    assert_int_equal(spike_new(&config, &spike), 0);
}

static void user(unsigned number, struct principal *principal, char arn[64])
{
    snprintf(arn, 64, "arn:aws:iam::000000000000:user/u%u", number);
    *principal = (struct principal){ .kind = PRINCIPAL_USER, .account = STR("000000000000"), .arn = str_of(arn) };
}

static void count(unsigned number, enum spike_kind kind, unsigned n)
{
    struct principal principal;
    char arn[64];

    user(number, &principal, arn);
    while (n--)
        spike_count(spike, kind, &principal, STR("us-east-1"));
}

static int64_t going_on(void)
{
    return metric_get(METRIC_SPIKING_REGISTRATIONS) + metric_get(METRIC_SPIKING_REMOVALS);
}

static void test_off(void **state)
{
    (void)state;
    start(0);
    assert_null(spike);
    count(1, SPIKE_REMOVALS, 1000);
    spike_sweep(spike);
    spike_free(spike);
}

static void test_begins_and_ends_once(void **state)
{
    (void)state;
    start(100);
    count(1, SPIKE_REGISTRATIONS, 100);
    count(1, SPIKE_REMOVALS, 100);
    count(2, SPIKE_REGISTRATIONS, 100);
    assert_int_equal(begun(), 0);
    count(1, SPIKE_REGISTRATIONS, 1);
    assert_int_equal(begun(), 1);
    assert_int_equal(metric_get(METRIC_SPIKING_REGISTRATIONS), 1);
    count(1, SPIKE_REGISTRATIONS, 1000);
    for (int i = 0; i < 5; i++) { /* it goes on */
        clock_manual_advance(&manual, MINUTE_MS / 2);
        count(1, SPIKE_REGISTRATIONS, 100);
        spike_sweep(spike);
    }
    assert_int_equal(begun(), 1);
    assert_int_equal(going_on(), 1);
    clock_manual_advance(&manual, 2 * MINUTE_MS);
    spike_sweep(spike);
    spike_sweep(spike);
    assert_int_equal(going_on(), 0);
    count(1, SPIKE_REMOVALS, 101);
    assert_int_equal(metric_get(METRIC_SPIKING_REMOVALS), 1);
    spike_free(spike);
}

/* A burst over the border of two windows, and a rate that is allowed for hours. */
static void test_windows(void **state)
{
    (void)state;
    start(100);
    count(1, SPIKE_REMOVALS, 1);
    clock_manual_advance(&manual, MINUTE_MS - 1000);
    count(1, SPIKE_REMOVALS, 60);
    clock_manual_advance(&manual, 2000);
    count(1, SPIKE_REMOVALS, 45);
    assert_int_equal(begun(), 1);
    for (int i = 0; i < 600; i++) {
        clock_manual_advance(&manual, MINUTE_MS / 10);
        count(2, SPIKE_REMOVALS, 9);
    }
    assert_int_equal(begun(), 1);
    spike_free(spike);
}

/* Sessions are their role's; of too many principals those are kept that do much. */
static void test_principals(void **state)
{
    struct principal role = { .kind = PRINCIPAL_ROLE,
                              .account = STR("000000000000"),
                              .role_arn = STR("arn:aws:iam::000000000000:role/r") };
    char arn[64];

    (void)state;
    start(100);
    for (int i = 0; i < 101; i++) {
        snprintf(arn, sizeof(arn), "arn:aws:sts::000000000000:assumed-role/r/s%d", i);
        role.arn = str_of(arn);
        spike_count(spike, SPIKE_REMOVALS, &role, STR("us-east-1"));
    }
    assert_int_equal(begun(), 1);
    count(0, SPIKE_REMOVALS, 90);
    for (unsigned i = 1; i < 3 * SPIKE_MAX; i++)
        count(i, SPIKE_REMOVALS, 1);
    count(0, SPIKE_REMOVALS, 11);
    assert_int_equal(begun(), 2);
    assert_int_equal(going_on(), 2);
    /* all in a burst: a further one is not followed, and nothing breaks */
    for (unsigned i = 1; i < 2 * SPIKE_MAX; i++)
        count(10000 + i, SPIKE_REGISTRATIONS, 101);
    assert_int_equal(going_on(), SPIKE_MAX);
    clock_manual_advance(&manual, 3 * MINUTE_MS);
    spike_sweep(spike);
    assert_int_equal(going_on(), 0);
    spike_free(spike);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_begins_and_ends_once),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_principals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
