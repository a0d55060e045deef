/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps the history of each service from one round to the next, and in the state directory from one run to the next.
 * One thread. */
#pragma once

#include "unmap/plan.h"
#include "unmap/state_dir.h"

struct keeper;

/* dir: borrowed; one that is not open keeps everything in memory; `may_save` false: it is read and never written. 0 or
 * -ENOMEM. */
int keeper_new(const struct state_dir *dir, bool may_save, struct keeper **ret_keeper);
void keeper_free(struct keeper *keeper); /* accepts NULL */

/* The history of a service, empty at first; borrowed until the next call for it. now_ms: CLOCK_MONOTONIC. What cannot
 * be read is told in the log and taken as empty. 0 or -ENOMEM. */
int keeper_get(struct keeper *keeper, struct str service_id, int64_t now_ms, const struct plan_history **ret_history);
/* The history for the next round, copied. 0, or -errno when it could not be saved (it is kept in memory). */
int keeper_put(struct keeper *keeper, struct str service_id, int64_t now_ms, const struct plan_history *history);
