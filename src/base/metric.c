/* SPDX-License-Identifier: Apache-2.0
 *
 * Metric cells and their exposition. */
#include "base/metric.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>

static const struct row {
    const char *name, *label, *value, *help;
    enum metric_kind kind;
    enum metric_unit unit;
} rows[METRIC_ID_COUNT] = {
#define METRIC(id, row_kind, row_unit, row_name, row_label, row_value, row_help) \
    [id] = {                                                                     \
        .name = (row_name),                                                      \
        .label = (row_label),                                                    \
        .value = (row_value),                                                    \
        .help = (row_help),                                                      \
        .kind = (row_kind),                                                      \
        .unit = (row_unit),                                                      \
    },
#include "base/metric.def"
#undef METRIC
};

/* mutable: the process's metrics; a cell is a cache line or more, so that threads do not disturb each other. */
static struct cell {
    _Alignas(64) int64_t value;
    struct metric_histogram histogram;
} cells[METRIC_ID_COUNT];

static const int64_t second_bounds[] = {
    50000,    100000,    250000,    500000,    1000000,    2500000,    5000000,    10000000,    25000000,
    50000000, 100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000, 10000000000,
};
static const int64_t count_bounds[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(second_bounds) < METRIC_BUCKETS && COUNT(count_bounds) < METRIC_BUCKETS, "one more for the rest");

static size_t bounds_of(enum metric_unit unit, const int64_t **ret_bounds)
{
    *ret_bounds = unit == METRIC_SECONDS ? second_bounds : count_bounds;
    return unit == METRIC_SECONDS ? COUNT(second_bounds) : COUNT(count_bounds);
}

void metric_add(enum metric_id id, int64_t n)
{
    ASSERT(id < METRIC_ID_COUNT && rows[id].kind != METRIC_HISTOGRAM);
    __atomic_fetch_add(&cells[id].value, n, __ATOMIC_RELAXED);
}

void metric_set(enum metric_id id, int64_t value)
{
    ASSERT(id < METRIC_ID_COUNT && rows[id].kind == METRIC_GAUGE);
    __atomic_store_n(&cells[id].value, value, __ATOMIC_RELAXED);
}

static void observe(enum metric_id id, int64_t value, bool seconds)
{
    ASSERT(id < METRIC_ID_COUNT && rows[id].kind == METRIC_HISTOGRAM);
    ASSERT((rows[id].unit == METRIC_SECONDS) == seconds);
    metric_histogram_observe(&cells[id].histogram, rows[id].unit, value);
}

void metric_observe_ns(enum metric_id id, int64_t ns)
{
    observe(id, ns, true);
}

void metric_observe(enum metric_id id, int64_t value)
{
    observe(id, value, false);
}

void metric_histogram_observe(struct metric_histogram *histogram, enum metric_unit unit, int64_t value)
{
    metric_histogram_observe_n(histogram, unit, value, 1);
}

void metric_histogram_observe_n(struct metric_histogram *histogram, enum metric_unit unit, int64_t value, uint64_t n)
{
    const int64_t *bounds;
    size_t n_bounds = bounds_of(unit, &bounds), at = 0;
    if (value < 0)
        value = 0;
    while (at < n_bounds && value > bounds[at])
        at++;
    __atomic_fetch_add(&histogram->bucket[at], n, __ATOMIC_RELAXED);
    __atomic_fetch_add(&histogram->sum, (uint64_t)value * n, __ATOMIC_RELAXED);
}

static uint64_t read_bucket(const struct metric_histogram *histogram, size_t at)
{
    return __atomic_load_n(&histogram->bucket[at], __ATOMIC_RELAXED);
}

int64_t metric_get(enum metric_id id)
{
    ASSERT(id < METRIC_ID_COUNT);
    if (rows[id].kind != METRIC_HISTOGRAM)
        return __atomic_load_n(&cells[id].value, __ATOMIC_RELAXED);
    uint64_t count = 0;
    for (size_t i = 0; i < METRIC_BUCKETS; i++)
        count += read_bucket(&cells[id].histogram, i);
    return (int64_t)count;
}

/* --- exposition -------------------------------------------------------------------------------------------------- */

static void put_escaped(struct buf *buf, struct str text, bool quotes)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n')
            buf_put_str(buf, STR("\\n"));
        else if (c == '\\' || (quotes && c == '"'))
            buf_put(buf, (char[]){ '\\', c }, 2);
        else
            buf_put_char(buf, c);
    }
}

/* To ret, which holds 32 characters. Exact: nanoseconds become a decimal fraction without trailing zeros. */
static size_t format_value(enum metric_unit unit, int64_t value, char *ret)
{
    if (unit != METRIC_SECONDS)
        return (size_t)snprintf(ret, 32, "%" PRId64, value);
    uint64_t ns = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int n = snprintf(ret, 32, "%s%" PRIu64 ".%09" PRIu64, value < 0 ? "-" : "", ns / 1000000000, ns % 1000000000);
    while (ret[n - 1] == '0')
        n--;
    if (ret[n - 1] == '.')
        n--;
    return (size_t)n;
}

static void put_value(struct buf *buf, enum metric_unit unit, int64_t value)
{
    char text[32];
    buf_put(buf, text, format_value(unit, value, text));
}

void metric_write_header(struct buf *buf, const char *name, const char *help, enum metric_kind kind)
{
    static const char *const words[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"
    };
    buf_printf(buf, "# HELP %s ", name);
    put_escaped(buf, str_of(help), false);
    buf_printf(buf, "\n# TYPE %s %s\n", name, words[kind]);
}

/* The name with its suffix, and the labels; `le` is a histogram's bound, absent for others. */
static void put_series(struct buf *buf, const char *name, const char *suffix, const struct str_pair *labels,
                       size_t n_labels, struct str le)
{
    buf_put_str(buf, str_of(name));
    buf_put_str(buf, str_of(suffix));
    char before = '{';
    for (size_t i = 0; i < n_labels; i++) {
        buf_put_char(buf, before);
        buf_put_str(buf, labels[i].key);
        buf_put_str(buf, STR("=\""));
        put_escaped(buf, labels[i].value, true);
        buf_put_char(buf, '"');
        before = ',';
    }
    if (str_is_set(le)) {
        buf_put_char(buf, before);
        buf_put_str(buf, STR("le=\""));
        buf_put_str(buf, le);
        buf_put_char(buf, '"');
        before = ',';
    }
    buf_put_str(buf, before == ',' ? STR("} ") : STR(" "));
}

void metric_write_sample(struct buf *buf, const char *name, const struct str_pair *labels, size_t n_labels,
                         enum metric_unit unit, int64_t value)
{
    put_series(buf, name, "", labels, n_labels, (struct str){ 0 });
    put_value(buf, unit, value);
    buf_put_char(buf, '\n');
}

void metric_write_histogram(struct buf *buf, const char *name, const struct str_pair *labels, size_t n_labels,
                            enum metric_unit unit, const struct metric_histogram *histogram)
{
    const int64_t *bounds;
    size_t n = bounds_of(unit, &bounds);
    uint64_t count = 0;
    for (size_t i = 0; i <= n; i++) {
        char text[32];
        size_t len = i < n ? format_value(unit, bounds[i], text) : 0;
        count += read_bucket(histogram, i);
        put_series(buf, name, "_bucket", labels, n_labels, i < n ? (struct str){ text, len } : STR("+Inf"));
        buf_put_u64(buf, count);
        buf_put_char(buf, '\n');
    }
    put_series(buf, name, "_sum", labels, n_labels, (struct str){ 0 });
    put_value(buf, unit, (int64_t)__atomic_load_n(&histogram->sum, __ATOMIC_RELAXED));
    buf_put_char(buf, '\n');
    put_series(buf, name, "_count", labels, n_labels, (struct str){ 0 });
    buf_put_u64(buf, count);
    buf_put_char(buf, '\n');
}

void metric_write(struct buf *buf)
{
    for (int i = 0; i < METRIC_ID_COUNT; i++) {
        const struct row *row = &rows[i];
        if (row->help)
            metric_write_header(buf, row->name, row->help, row->kind);
        struct str_pair label = { str_of(row->label), str_of(row->value) };
        size_t n_labels = row->label ? 1 : 0;
        if (row->kind == METRIC_HISTOGRAM)
            metric_write_histogram(buf, row->name, &label, n_labels, row->unit, &cells[i].histogram);
        else
            metric_write_sample(buf, row->name, &label, n_labels, row->unit, metric_get(i));
    }
}
