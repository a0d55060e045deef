/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/clock.h"

#include <time.h>

static void test_system(void **state)
{
    (void)state;
    const struct clock *clock = clock_system();
    int64_t before = (int64_t)time(NULL), ms = clock_wall_ms(clock), after = (int64_t)time(NULL);
    assert_true(ms / 1000 >= before - 1 && ms / 1000 <= after);
    int64_t last = clock_mono_ns(clock);
    assert_true(last > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_ns(clock);
        assert_true(now >= last);
        last = now;
    }
}

static void test_manual(void **state)
{
    (void)state;
    struct clock_manual manual;
    clock_manual_init(&manual, 1000);
    assert_int_equal(clock_wall_ms(&manual.clock), 1000);
    int64_t mono = clock_mono_ns(&manual.clock);
    clock_manual_advance(&manual, 250);
    assert_int_equal(clock_wall_ms(&manual.clock), 1250);
    assert_int_equal(clock_mono_ns(&manual.clock), mono + 250000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system),
        cmocka_unit_test(test_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
