/* SPDX-License-Identifier: Apache-2.0
 *
 * Unusual bursts: one principal registers, or removes, more instances within a time than it should. A burst is told
 * when it begins and when it is over, in the log, the metrics and the audit trail. Roles count as one, whatever their
 * sessions. The table is of fixed size: of more principals than that the least busy one is forgotten. Any thread. */
#pragma once

#include "auth/principal.h"
#include "base/clock.h"

#define SPIKE_MAX 512 /* principals and kinds */

enum spike_kind { SPIKE_REGISTRATIONS, SPIKE_REMOVALS, SPIKE_KIND_COUNT };

struct spike_config {
    uint64_t most; /* calls within window_ms that are no burst; 0: off */
    int64_t window_ms;
    const struct clock *clock;
    struct registry *registry; /* borrowed; NULL: bursts are not told in the trail */
};

struct spike;

/* *ret_spike is NULL when it is off. 0 or -errno. */
int spike_new(const struct spike_config *config, struct spike **ret_spike);
void spike_free(struct spike *spike); /* accepts NULL */

/* A call that was done. `spike` NULL: does nothing. */
void spike_count(struct spike *spike, enum spike_kind kind, const struct principal *principal, struct str region);
/* Tells of the bursts that are over; now and then, since they end in silence. Accepts NULL. */
void spike_sweep(struct spike *spike);
