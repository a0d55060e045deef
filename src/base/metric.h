/* SPDX-License-Identifier: Apache-2.0
 *
 * The process's metrics: one cell for each row of metric.def, changed with relaxed atomics from any thread, and the
 * Prometheus text format (0.0.4) for them and for whoever renders series of their own. Values are whole numbers; a
 * row whose unit is METRIC_SECONDS holds nanoseconds and is shown in seconds. */
#pragma once

#include "base/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum metric_unit { METRIC_COUNT, METRIC_BYTES, METRIC_SECONDS };

enum metric_id {
#define METRIC(id, kind, unit, name, label, value, help) id,
#include "base/metric.def"
#undef METRIC
    METRIC_ID_COUNT
};

/* --- the table --------------------------------------------------------------------------------------------------- */

/* Counters (n >= 0) and gauges. */
void metric_add(enum metric_id id, int64_t n);
/* Gauges. */
void metric_set(enum metric_id id, int64_t value);
/* Histograms in seconds, and others. */
void metric_observe_ns(enum metric_id id, int64_t ns);
void metric_observe(enum metric_id id, int64_t value);
/* The present value; of a histogram the number of observations. */
int64_t metric_get(enum metric_id id);
/* Every row. */
void metric_write(struct buf *buf);

/* --- series of others -------------------------------------------------------------------------------------------- */

#define METRIC_BUCKETS 18

/* Fixed buckets: 50 us to 10 s for METRIC_SECONDS, 1 to 4096 in powers of two otherwise. All zero is empty. An
 * observation costs two relaxed additions. */
struct metric_histogram {
    uint64_t bucket[METRIC_BUCKETS]; /* not cumulative; the last one holds what is beyond all bounds */
    uint64_t sum;
};

/* Any thread; negative values count as 0. */
void metric_histogram_observe(struct metric_histogram *histogram, enum metric_unit unit, int64_t value);

/* The same value n times. */
void metric_histogram_observe_n(struct metric_histogram *histogram, enum metric_unit unit, int64_t value, uint64_t n);

/* The two comment lines before the samples of a family. */
void metric_write_header(struct buf *buf, const char *name, const char *help, enum metric_kind kind);
/* One line. Label values are escaped; label names are trusted. */
void metric_write_sample(struct buf *buf, const char *name, const struct str_pair *labels, size_t n_labels,
                         enum metric_unit unit, int64_t value);
/* The lines of one histogram: buckets, sum, count. */
void metric_write_histogram(struct buf *buf, const char *name, const struct str_pair *labels, size_t n_labels,
                            enum metric_unit unit, const struct metric_histogram *histogram);
