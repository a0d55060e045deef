/* SPDX-License-Identifier: Apache-2.0
 *
 * The share of refused calls in the audit trail: a bound over any stretch of time, and one for each principal. */
#include "../test.h"

#include "api/audit_quota.h"
#include "base/metric.h"

#include <stdio.h>

#define KEEP_MS 1000000
#define KEEP_BYTES (32u << 10)
#define ALL_BYTES (KEEP_BYTES / 4)
#define ONE_BYTES (ALL_BYTES / 8)

/* How many of `n` records of 64 bytes are taken. */
static unsigned take(struct audit_quota *quota, const char *arn, unsigned n, int64_t mono_ms)
{
    const struct principal principal = { .kind = PRINCIPAL_USER, .arn = str_of(arn) };
    unsigned taken = 0;

    while (n--)
        taken += audit_quota_take(quota, &principal, 64, mono_ms);
    return taken;
}

static void test_one(void **state)
{
    int64_t before = metric_get(METRIC_AUDIT_LEFT_OUT);
    struct audit_quota *quota;

    (void)state;
    assert_int_equal(audit_quota_new(KEEP_BYTES, KEEP_MS, &quota), 0);
    assert_int_equal(take(quota, "a", 100, 5), ONE_BYTES / 64);
    assert_int_equal(metric_get(METRIC_AUDIT_LEFT_OUT) - before, 100 - ONE_BYTES / 64);
    assert_int_equal(take(quota, "a", 100, 4), 0); /* a clock that is behind gives nothing */
    assert_int_equal(take(quota, "a", 100, 5 + KEEP_MS / 2), ONE_BYTES / 64 / 2);
    assert_int_equal(take(quota, "a", 100, 5 + 4 * KEEP_MS), ONE_BYTES / 64);
    audit_quota_free(quota);
}

static void test_all(void **state)
{
    unsigned taken = 0, late = 0;
    struct audit_quota *quota;
    char arn[16];

    (void)state;
    assert_int_equal(audit_quota_new(KEEP_BYTES, KEEP_MS, &quota), 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(arn, sizeof(arn), "u%u", i);
        taken += take(quota, arn, 100, 0);
    }
    assert_int_equal(taken, ALL_BYTES / 64);
    /* with all that leaks meanwhile: at most half of what is kept within that time */
    for (int64_t ms = 1; ms <= KEEP_MS; ms += 1000) {
        snprintf(arn, sizeof(arn), "v%u", (unsigned)ms);
        late += take(quota, arn, 100, ms);
    }
    assert_in_range(taken + late, KEEP_BYTES / 2 / 64 - 2, KEEP_BYTES / 2 / 64);
    audit_quota_free(quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_one), cmocka_unit_test(test_all) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
