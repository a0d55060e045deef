/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "api/throttle.h"
#include "base/buf.h"

#define SECOND INT64_C(1000000000)

static struct throttle *throttle;

static bool call(const char *who, enum throttle_class class, int64_t now_ns)
{
    return !throttle_exceeds(throttle, class, str_of(who), STR("us-east-1"), now_ns);
}

static unsigned count(const char *who, enum throttle_class class, int64_t now_ns, unsigned tries)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tries; i++)
        n += call(who, class, now_ns);
    return n;
}

static void is_off_without_rates(void **state)
{
    (void)state;
    assert_int_equal(throttle_new(0, 0, &throttle), 0);
    assert_null(throttle);
    assert_int_equal(count("a", THROTTLE_DISCOVER, 0, 10000), 10000);
    assert_int_equal(throttle_new(0, 1, &throttle), 0);
    assert_int_equal(count("a", THROTTLE_DISCOVER, 0, 10000), 10000);
    assert_int_equal(count("a", THROTTLE_REVISION, 0, 10000), 10000);
    throttle_free(throttle);
}

static void fills_again(void **state)
{
    (void)state;
    int64_t now = 5 * SECOND;
    assert_int_equal(throttle_new(1000, 50, &throttle), 0);
    assert_int_equal(count("a", THROTTLE_DISCOVER, now, 10000), 2000);
    assert_int_equal(count("a", THROTTLE_REVISION, now, 10000), 6000);
    assert_int_equal(count("a", THROTTLE_CONTROL, now, 10000), 100);
    assert_int_equal(count("a", THROTTLE_CONTROL, now + SECOND / 50 - 1000, 10), 0);
    assert_int_equal(count("a", THROTTLE_CONTROL, now + SECOND / 50, 10), 1);
    assert_int_equal(count("a", THROTTLE_DISCOVER, now + SECOND / 2, 10000), 500);
    assert_int_equal(count("a", THROTTLE_DISCOVER, now + 100 * SECOND, 10000), 2000);
    throttle_free(throttle);
}

static void keeps_apart(void **state)
{
    (void)state;
    assert_int_equal(throttle_new(1, 1, &throttle), 0);
    assert_int_equal(count("a", THROTTLE_CONTROL, SECOND, 10), 2);
    assert_int_equal(count("b", THROTTLE_CONTROL, SECOND, 10), 2);
    assert_int_equal(count("a", THROTTLE_DISCOVER, SECOND, 10), 2);
    assert_false(throttle_exceeds(throttle, THROTTLE_CONTROL, STR("a"), STR("eu-west-1"), SECOND));
    throttle_free(throttle);
}

/* 300,000 others, each once: whoever has used up a bucket stays limited, for the others' buckets are emptier. */
static void a_flood_makes_it_forget_nobody(void **state)
{
    (void)state;
    char name[32];
    assert_int_equal(throttle_new(0, 2, &throttle), 0);
    assert_int_equal(count("busy", THROTTLE_CONTROL, SECOND, 10), 4);
    for (unsigned i = 0; i < 300000; i++) {
        snprintf(name, sizeof(name), "other-%u", i);
        call(name, THROTTLE_CONTROL, SECOND);
    }
    assert_int_equal(count("busy", THROTTLE_CONTROL, SECOND, 10), 0);
    throttle_free(throttle);
}

/* The clock of a machine that runs for years. */
static void time_wraps(void **state)
{
    (void)state;
    const int64_t turn = (INT64_C(1) << 44) / 16 * 1000; /* where the ticks begin anew */
    assert_int_equal(throttle_new(0, 1, &throttle), 0);
    assert_int_equal(count("a", THROTTLE_CONTROL, turn - SECOND / 2, 10), 2);
    assert_int_equal(count("a", THROTTLE_CONTROL, turn, 10), 0);
    assert_int_equal(count("a", THROTTLE_CONTROL, turn + SECOND / 2, 10), 1);
    assert_int_equal(count("a", THROTTLE_CONTROL, 1000 * turn + 5 * SECOND, 10), 2);
    throttle_free(throttle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_off_without_rates),           cmocka_unit_test(fills_again), cmocka_unit_test(keeps_apart),
        cmocka_unit_test(a_flood_makes_it_forget_nobody), cmocka_unit_test(time_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
