/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts of calls; see stats.h. */
#include "api/stats.h"

void stats_count(struct stats *stats, const struct op *op, unsigned outcome, int64_t ns)
{
    __atomic_fetch_add(&stats->calls[op ? op->index : STATS_NO_OPERATION][outcome], 1, __ATOMIC_RELAXED);
    if (op)
        metric_histogram_observe(&stats->latency[op->index], METRIC_SECONDS, ns);
}

static struct str stats_operation(unsigned index)
{
    return index < OP_COUNT ? ops[index].name : STR("none");
}

static struct str stats_code(unsigned outcome)
{
    return outcome == STATS_OK ? STR("OK") : error_name((enum error_id)outcome);
}

void stats_write(struct buf *buf, const struct stats *stats)
{
    const char *calls = "cloudmap_api_requests_total", *latency = "cloudmap_api_request_duration_seconds";

    metric_write_header(buf, calls, "API calls by operation and error code.", METRIC_COUNTER);
    for (unsigned op = 0; op <= OP_COUNT; op++)
        for (unsigned outcome = 0; outcome <= ERROR_COUNT; outcome++) {
            const struct str_pair labels[] = { { STR("operation"), stats_operation(op) },
                                               { STR("code"), stats_code(outcome) } };
            uint64_t n = __atomic_load_n(&stats->calls[op][outcome], __ATOMIC_RELAXED);
            if (n)
                metric_write_sample(buf, calls, labels, 2, METRIC_COUNT, (int64_t)n);
        }
    metric_write_header(buf, latency, "Time from a complete request head to its answer.", METRIC_HISTOGRAM);
    for (unsigned op = 0; op < OP_COUNT; op++) {
        const struct str_pair label = { STR("operation"), stats_operation(op) };
        for (size_t i = 0; i < METRIC_BUCKETS; i++)
            if (__atomic_load_n(&stats->latency[op].bucket[i], __ATOMIC_RELAXED)) {
                metric_write_histogram(buf, latency, &label, 1, METRIC_SECONDS, &stats->latency[op]);
                break;
            }
    }
}
