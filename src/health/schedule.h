/* SPDX-License-Identifier: Apache-2.0
 *
 * When each target is probed, on one libuv loop. Every target has a phase of its own in its interval, phases being
 * spread evenly, and is probed at that phase for ever: no jitter, no drift. A first probe goes out at once where that
 * is asked for. What is slow holds a socket until its deadline and nothing else; probes wait only for a free socket,
 * regular ones before first ones, and for the rate of their address. A target is never probed twice at a time: a probe
 * that would be is left out. All functions: the loop's thread. */
#pragma once

#include "base/clock.h"
#include "health/probe.h"

#include <uv.h>

#define SCHEDULE_MAX_SOCKETS 8192 /* or a quarter of the descriptors that the process may have, if that is less */
#define SCHEDULE_MAX_TLS 4096     /* of them; a TLS session takes some 15 KiB while it waits */
#define SCHEDULE_ADDRESS_RATE 10
#define SCHEDULE_ADDRESS_BURST 20

struct probe_outcome {
    enum probe_result result;
    unsigned status;     /* of the HTTP answer; 0: none */
    int64_t duration_ns; /* from start to result */
    int64_t due_ns;      /* monotonic: when it should have started; with started_ns: the lag */
    int64_t started_ns;
};

/* May call any function of the schedule but schedule_free, also for this target. */
typedef void schedule_outcome_fn(void *arg, void *owner, const struct probe_outcome *outcome);

struct schedule_config {
    uv_loop_t *loop;
    const struct clock *clock;
    const struct target_policy *policy; /* asked at every probe */
    struct probe_limits limits;
    unsigned max_sockets, max_tls;        /* probes at a time; 0: the defaults above */
    unsigned address_rate, address_burst; /* probes of one address a second; at once after a rest; 0: the defaults */
    const char *authorities;              /* directory of probe_tls.h; NULL: none */
    schedule_outcome_fn *on_outcome;
    void *arg;
};

struct schedule;
struct schedule_target;

/* `config` is copied, what it points to is borrowed. 0, -errno, or 1 with a sentence in `why`. */
int schedule_new(const struct schedule_config *config, struct schedule **ret_schedule, char *why, size_t size);
/* Targets go with it. Closes handles: the memory is freed when the loop has run once more. Accepts NULL. */
void schedule_free(struct schedule *schedule);

enum schedule_first {
    SCHEDULE_AT_ONCE,  /* the first probe now; a second one follows at the phase, within an interval */
    SCHEDULE_IN_PHASE, /* at the phase, within an interval: for many at a time, as after a restart */
};

/* `check` is borrowed until it is changed or the target removed; `owner` is what outcomes are told with. 0 or -ENOMEM.
 */
int schedule_add(struct schedule *schedule, const struct check *check, void *owner, enum schedule_first first,
                 struct schedule_target **ret_target);
/* Another check; the result of a probe that runs is never told. 0, or -ENOMEM with everything as it was. */
int schedule_change(struct schedule *schedule, struct schedule_target *target, const struct check *check,
                    enum schedule_first first);
/* Nothing is told of it any more. */
void schedule_remove(struct schedule *schedule, struct schedule_target *take_target);

/* Monotonic time of the target's next probe; of one that runs: the one after it. */
int64_t schedule_next_ns(const struct schedule_target *target);
/* Does a check's tls_ca name an authority that is there? */
bool schedule_has_authority(const struct schedule *schedule, struct str name);

struct schedule_stat {
    size_t targets;
    size_t running, running_tls; /* probes */
    size_t waiting;              /* probes that are due and not started */
    int64_t lag_ns;              /* of the longest waiting one */
};
/* Looks at every target: for metrics. */
void schedule_stat(const struct schedule *schedule, struct schedule_stat *ret_stat);
