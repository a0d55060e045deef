/* SPDX-License-Identifier: Apache-2.0
 *
 * A schedule on a loop, with short limits, that tests feed and wait for. Loopback may be probed. */
#pragma once

#include "../test.h"

#include "health/schedule.h"

#define PROBER_CONNECT_MS 400
#define PROBER_TCP_MS 500
#define PROBER_ANSWER_MS 300

struct prober {
    uv_loop_t loop;
    struct target_policy policy;
    struct target_network loopback[2];
    struct schedule_config config; /* may be changed before prober_open */
    struct schedule *schedule;
    void (*told)(struct prober *prober, void *owner, const struct probe_outcome *outcome);
    void *arg;
    int n_told;
    struct probe_outcome last;
};

void prober_init(struct prober *prober);
void prober_open(struct prober *prober);
/* Runs the loop until that many outcomes have been told since prober_init; fails after 20 s. */
void prober_wait(struct prober *prober, int n_told);
/* Runs the loop for that time. */
void prober_run(struct prober *prober, int64_t ms);
void prober_close(struct prober *prober);

/* Opens, probes once, closes. */
struct probe_outcome prober_probe(struct prober *prober, const struct check *draft);
