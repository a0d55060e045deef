/* SPDX-License-Identifier: Apache-2.0
 *
 * Which instances a discovery gets: those that match, are healthy enough, and, when there are more than asked for, a
 * fair sample in random order. The cost follows what is returned, not what is registered: matching attributes are found
 * in the service's index, samples are drawn by rank. API reference, DiscoverInstances. */
#pragma once

#include "base/arena.h"
#include "base/rand.h"
#include "registry/state.h"

enum pick_health { PICK_HEALTHY, PICK_UNHEALTHY, PICK_ALL, PICK_HEALTHY_OR_ELSE_ALL };

struct pick_query {
    const struct str_pair *required, *optional; /* every pair must match; optional: all of them, or none counts */
    size_t n_required, n_optional;
    enum pick_health health; /* ignored where no instance can be unhealthy */
    size_t max;
};

/* Fills *ret_instances (in the arena; they live as long as the snapshot is held). 0 or -ENOMEM. */
int pick_instances(const struct snapshot *snapshot, const struct service_node *node, const struct pick_query *query,
                   struct rand *rand, struct arena *arena, const struct instance ***ret_instances, size_t *ret_n);
