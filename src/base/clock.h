/* SPDX-License-Identifier: Apache-2.0
 *
 * Time comes through a struct of functions, so that a test can hold it. Wall time is for timestamps people see;
 * every timeout and every duration uses monotonic time. Usable from any thread. */
#pragma once

#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(const struct clock *clock); /* milliseconds since the epoch */
    int64_t (*mono_ns)(const struct clock *clock);
};

/* The machine's clocks; never freed. */
const struct clock *clock_system(void);

/* A clock that a test moves by hand. */
struct clock_manual {
    struct clock clock; /* first: pass &manual->clock */
    int64_t wall_ms, mono_ns;
};
/* Starts at that wall time and at monotonic 0; both move together. */
void clock_manual_init(struct clock_manual *manual, int64_t wall_ms);
void clock_manual_advance(struct clock_manual *manual, int64_t ms);

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock);
}

static inline int64_t clock_mono_ns(const struct clock *clock)
{
    return clock->mono_ns(clock);
}
