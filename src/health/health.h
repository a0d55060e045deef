/* SPDX-License-Identifier: Apache-2.0
 *
 * The health checker: one thread with a libuv loop that probes the instances of services with a HealthCheckConfig
 * (schedule.h), judges the results (judge.h) and hands changed verdicts to the registry. The registry's writer tells it
 * which services changed; it looks at those alone. */
#pragma once

#include "health/schedule.h"
#include "registry/registry.h"

struct health;

struct health_config {
    const struct clock *clock;
    const struct target_policy *policy; /* borrowed */
    struct probe_limits limits;
    unsigned address_rate; /* of schedule.h */
    int64_t interval_ms;
    bool verify_tls;
    const char *authorities; /* directory of the CAs that tags name; NULL: none */
    double doubt_max;        /* share of all targets; 1: changes alone are never doubted */
    size_t doubt_min;        /* targets */
    int64_t doubt_for_ms;
    const char *const *references; /* ADDRESS:PORT, copied */
    size_t n_references;
};

enum health_start { HEALTH_REFERENCE_BAD = 1, HEALTH_AUTHORITIES_BAD };

/* Before the registry is opened. 0 or -ENOMEM. */
int health_new(const struct health_config *config, struct health **ret_health);
/* For registry_config; good until health_free. */
struct registry_watcher health_watcher(struct health *health);
/* Starts the thread; the registry is borrowed until health_stop. 0, -errno, or a health_start with a sentence in `why`.
 */
int health_start(struct health *health, struct registry *registry, char *why, size_t size);
/* No probe runs and no verdict comes any more; before registry_close. Accepts NULL, and one that was not started. */
void health_stop(struct health *health);
void health_free(struct health *health); /* after registry_close; accepts NULL */

/* Verdicts that doubt holds back. Any thread. */
size_t health_held(struct health *health);
/* Ends doubt: they turn. Any thread. Returns how many. */
size_t health_release(struct health *health);
