/* SPDX-License-Identifier: Apache-2.0
 *
 * An operator's word that certain instances may go although a limit holds them (`cloud-unmap approve`), kept in
 * approved.jsonl of the state directory until it runs out. One thread. */
#pragma once

#include "base/arena.h"
#include "unmap/state_dir.h"

#define APPROVAL_MS 3600000
#define APPROVAL_MAX 10000

struct approval {
    struct str service_id, instance_id;
    int64_t until_ms; /* wall time */
};

struct approvals {
    struct approval *items;
    size_t n;
};

/* Those that have not run out. 0, or -errno. */
int approval_load(const struct state_dir *dir, int64_t wall_ms, struct arena *arena, struct approvals *ret_approvals);
/* Adds these to those that have not run out. 0, -errno, or 1 when they would be more than APPROVAL_MAX. */
int approval_add(const struct state_dir *dir, int64_t wall_ms, const struct approval *items, size_t n,
                 struct arena *arena);
/* The instance ids of one service, in the arena. 0 or -ENOMEM. */
int approval_ids(const struct approvals *approvals, struct str service_id, struct arena *arena, struct str **ret_ids,
                 size_t *ret_n);
