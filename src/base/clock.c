/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine's clocks, and one that a test moves by hand. */
#include "base/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t system_wall_ms(const struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_REALTIME) / 1000000;
}

static int64_t system_mono_ns(const struct clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = { .wall_ms = system_wall_ms, .mono_ns = system_mono_ns };
    return &system_clock;
}

static int64_t manual_wall_ms(const struct clock *clock)
{
    return __atomic_load_n(&((const struct clock_manual *)clock)->wall_ms, __ATOMIC_RELAXED);
}

static int64_t manual_mono_ns(const struct clock *clock)
{
    return __atomic_load_n(&((const struct clock_manual *)clock)->mono_ns, __ATOMIC_RELAXED);
}

void clock_manual_init(struct clock_manual *manual, int64_t wall_ms)
{
    *manual = (struct clock_manual){
        .clock = { .wall_ms = manual_wall_ms, .mono_ns = manual_mono_ns },
        .wall_ms = wall_ms,
    };
}

void clock_manual_advance(struct clock_manual *manual, int64_t ms)
{
    __atomic_add_fetch(&manual->wall_ms, ms, __ATOMIC_RELAXED);
    __atomic_add_fetch(&manual->mono_ns, ms * 1000000, __ATOMIC_RELAXED);
}
