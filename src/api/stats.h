/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts of calls by operation and outcome, and their latencies. Any thread; relaxed atomics. */
#pragma once

#include "api/error.h"
#include "api/ops.h"
#include "base/metric.h"

#define STATS_NO_OPERATION OP_COUNT /* requests that name none of ours */
#define STATS_OK ERROR_COUNT

struct stats {
    uint64_t calls[OP_COUNT + 1][ERROR_COUNT + 1];
    struct metric_histogram latency[OP_COUNT];
};

/* `op` may be NULL; `outcome` is an error_id or STATS_OK. */
void stats_count(struct stats *stats, const struct op *op, unsigned outcome, int64_t ns);
void stats_write(struct buf *buf, const struct stats *stats);
