/* SPDX-License-Identifier: Apache-2.0
 *
 * How many calls a second a user or root may make in a region, their sessions included, by class. A class is a token
 * bucket that holds two seconds' calls; a bucket is one word in a table of fixed size that all workers share, changed
 * by compare-and-swap. Any thread. Source: "AWS Cloud Map service quotas", DiscoverInstances and
 * DiscoverInstancesRevision. */
#pragma once

#include "base/str.h"

#define THROTTLE_BURST_S 2
#define THROTTLE_REVISIONS 3 /* DiscoverInstancesRevision for each DiscoverInstances */

enum throttle_class {
    THROTTLE_DISCOVER,
    THROTTLE_REVISION,
    THROTTLE_CONTROL, /* everything else */
    THROTTLE_CLASS_COUNT
};

struct throttle;

/* Calls a second, 0: no limit; *ret_throttle is NULL when both are. 0 or -errno. */
int throttle_new(uint64_t discover_rate, uint64_t control_rate, struct throttle **ret_throttle);
void throttle_free(struct throttle *throttle); /* accepts NULL */

/* Counts the call; true: it is one too many, and does not count. `who` is the ARN of a user or root, or an account;
 * now_ns is monotonic. throttle NULL: false. */
bool throttle_exceeds(struct throttle *throttle, enum throttle_class class, struct str who, struct str region,
                      int64_t now_ns);
