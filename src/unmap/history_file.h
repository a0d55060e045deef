/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rounds of one service leave behind for the next ones, kept over restarts in history-SERVICE.jsonl of the
 * state directory. Ages only count time that passed on a clock that both sides share: after a boot, or on another
 * machine, the history goes on as if no time had passed in between. One thread. */
#pragma once

#include "unmap/plan.h"
#include "unmap/state_dir.h"

/* The history of a service as it was saved, on the clock of `now_ms` (CLOCK_MONOTONIC in milliseconds), in the arena;
 * an empty one when there is none. 0; -ENOMEM; -errno when the file cannot be read; or 1 when it is damaged: then
 * empty, too. */
int history_file_load(const struct state_dir *dir, struct str service_id, int64_t now_ms, struct arena *arena,
                      struct plan_history **ret_history);
/* 0 or -errno. */
int history_file_save(const struct state_dir *dir, struct str service_id, int64_t now_ms,
                      const struct plan_history *history);
