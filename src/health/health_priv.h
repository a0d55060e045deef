/* SPDX-License-Identifier: Apache-2.0
 *
 * The health checker's insides, for health.c and those that show them. */
#pragma once

#include "base/arena.h"
#include "health/health.h"
#include "health/roster.h"

#include <pthread.h>
#include <uv.h>

#define HEALTH_MAX_REFERENCES 16
#define HEALTH_BUCKETS 256
#define HEALTH_MAX_BATCH 512 /* verdicts of one change */

/* A service that changed. */
struct health_note {
    struct health_note *next;
    struct str account, region, service_id; /* behind the structure */
};

struct health_reference {
    struct check *check;
    struct schedule_target *scheduled;
    struct probe_outcome last; /* PROBE_PENDING: none yet */
};

struct health {
    struct health_config config;
    struct registry *registry;
    pthread_t thread;
    bool is_started;

    /* Between the writer and the loop. */
    pthread_mutex_t note_mutex;
    struct health_note *noted;                     /* of a commit that is not published yet */
    struct health_note *published[HEALTH_BUCKETS]; /* each service once, by its id's hash */
    bool is_all_noted, is_all_published;           /* memory was out for a note: look at everything */
    bool is_answered;                              /* the registry has taken the batch */
    bool is_stopping;

    /* The loop's; others read under the mutex. */
    pthread_mutex_t mutex;
    struct roster roster;
    struct judge judge;
    struct schedule *schedule;
    struct health_reference references[HEALTH_MAX_REFERENCES];
    size_t n_references;
    int64_t doubt_wall_ms; /* since when; 0: no doubt */

    uv_loop_t loop;
    uv_async_t wakeup;
    uv_timer_t look, tick, retry;
    bool is_look_due; /* `look` runs */
    int64_t look_rest_until_ms;
    bool is_released;                         /* doubt was ended by hand and it is not said yet */
    struct schedule_stat stat;                /* of the last tick */
    uint64_t n_probes[3][PROBE_RESULT_COUNT]; /* by enum check_protocol; atomic */

    /* Verdicts on their way, oldest first. */
    struct roster_target *waiting, **waiting_end;
    struct change change; /* the batch, while is_telling */
    bool is_telling;
    struct arena batch_arena;
    struct change_verdict verdicts[HEALTH_MAX_BATCH];
    struct roster_target *told[HEALTH_MAX_BATCH]; /* NULL: gone meanwhile */
    size_t n_told;
};
