/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is probed, and how: the instances of services with a HealthCheckConfig as the registry has them, each with its
 * check, its place in the schedule and its judgement. One thread at a time. */
#pragma once

#include "health/judge.h"
#include "health/schedule.h"
#include "registry/state.h"

/* A service. */
struct roster_group {
    struct str account, region, service_id; /* behind the structure */
    int64_t check_ms;                       /* of the service when it was looked at */
    unsigned threshold;
    struct check *settings; /* what its checks have in common */
    bool is_stale;          /* not all targets follow them yet */
    struct roster_target **targets;
    size_t n; /* in the order of their ids */
};

/* One registration. */
struct roster_target {
    struct judge_target judge; /* first */
    struct roster_group *group;
    struct check *check;               /* NULL: it cannot be probed */
    struct schedule_target *scheduled; /* NULL when `check` is */
    int64_t create_ms;
    enum health_status told; /* to the registry */
    bool is_waiting;         /* to be told */
    size_t told_at;          /* its place, from 1, among those that are being told; 0: it is not */
    struct roster_target *next_waiting, **prev_waiting;
    struct probe_outcome last; /* PROBE_PENDING: none yet */
    int64_t last_wall_ms;
    int64_t next_ns; /* monotonic: the next probe */
    struct str id;   /* behind the structure */
};

struct roster_config {
    struct schedule *schedule;
    struct judge *judge;
    int64_t interval_ms; /* of services without a tag for it */
    bool verify_tls;
    void (*dropped)(void *arg, struct roster_target *target); /* it is about to be freed */
    void *arg;
};

struct roster {
    struct roster_config config;
    struct roster_group **groups; /* by account, region, service id */
    size_t n_groups, size;
    bool is_starting; /* what is known already may wait for its phase */
};

/* Empty. `config` is copied, what it points to is borrowed. */
void roster_init(struct roster *roster, const struct roster_config *config);
/* Drops all targets; the schedule and the judge must still be there. */
void roster_fini(struct roster *roster);

/* Makes the service's targets what the snapshot says. 0, or -ENOMEM: to be tried again. */
int roster_refresh(struct roster *roster, const struct snapshot *snapshot, struct str account, struct str region,
                   struct str service_id);
/* All services. */
int roster_refresh_all(struct roster *roster, const struct snapshot *snapshot);

/* NULL when there is none. */
struct roster_group *roster_find(const struct roster *roster, struct str account, struct str region,
                                 struct str service_id);
struct roster_target *roster_find_target(const struct roster_group *group, struct str instance_id);
