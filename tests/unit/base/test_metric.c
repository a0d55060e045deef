/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "base/metric.h"

#include <pthread.h>

static void test_counters_and_gauges(void **state)
{
    (void)state;
    int64_t before = metric_get(METRIC_COMMITS_FAILED);
    metric_add(METRIC_COMMITS_FAILED, 1);
    metric_add(METRIC_COMMITS_FAILED, 2);
    assert_int_equal(metric_get(METRIC_COMMITS_FAILED), before + 3);
    metric_set(METRIC_QUEUE_DEPTH, 7);
    metric_add(METRIC_QUEUE_DEPTH, -8);
    assert_int_equal(metric_get(METRIC_QUEUE_DEPTH), -1);
}

static void test_sample(void **state)
{
    (void)state;
    static const struct {
        enum metric_unit unit;
        int64_t value;
        const char *text;
    } cases[] = {
        { METRIC_COUNT, 0, "m 0\n" },
        { METRIC_COUNT, -5, "m -5\n" },
        { METRIC_BYTES, 1048576, "m 1048576\n" },
        { METRIC_SECONDS, 0, "m 0\n" },
        { METRIC_SECONDS, 1, "m 0.000000001\n" },
        { METRIC_SECONDS, 1500000000, "m 1.5\n" },
        { METRIC_SECONDS, 10000000000, "m 10\n" },
        { METRIC_SECONDS, -250000, "m -0.00025\n" },
        { METRIC_SECONDS, INT64_MAX, "m 9223372036.854775807\n" },
        { METRIC_SECONDS, INT64_MIN, "m -9223372036.854775808\n" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct buf buf;
        buf_init(&buf, 1000);
        metric_write_sample(&buf, "m", NULL, 0, cases[i].unit, cases[i].value);
        assert_true(str_eq(buf_str(&buf), str_of(cases[i].text)));
        buf_fini(&buf);
    }
}

static void test_labels_are_escaped(void **state)
{
    (void)state;
    struct buf buf;
    const struct str_pair labels[] = { { STR("a"), STR("x \"y\" \\ \n z") }, { STR("b"), STR("") } };
    buf_init(&buf, 1000);
    metric_write_header(&buf, "m", "A \"help\" \\ \n text.", METRIC_COUNTER);
    metric_write_sample(&buf, "m", labels, 2, METRIC_COUNT, 1);
    metric_write_sample(&buf, "m", labels + 1, 1, METRIC_COUNT, 1);
    assert_str(buf_str(&buf), "# HELP m A \"help\" \\\\ \\n text.\n"
                              "# TYPE m counter\n"
                              "m{a=\"x \\\"y\\\" \\\\ \\n z\",b=\"\"} 1\n"
                              "m{b=\"\"} 1\n");
    buf_fini(&buf);
}

static void test_histogram_of_counts(void **state)
{
    (void)state;
    struct metric_histogram histogram = { 0 };
    static const int64_t values[] = { -1, 0, 1, 2, 3, 4, 5, 4096, 4097, 1000000 };
    for (size_t i = 0; i < TEST_COUNT(values); i++)
        metric_histogram_observe(&histogram, METRIC_COUNT, values[i]);
    struct buf buf;
    const struct str_pair label = { STR("a"), STR("b") };
    buf_init(&buf, 10000);
    metric_write_histogram(&buf, "m", &label, 1, METRIC_COUNT, &histogram);
    assert_str(buf_str(&buf), "m_bucket{a=\"b\",le=\"1\"} 3\n"
                              "m_bucket{a=\"b\",le=\"2\"} 4\n"
                              "m_bucket{a=\"b\",le=\"4\"} 6\n"
                              "m_bucket{a=\"b\",le=\"8\"} 7\n"
                              "m_bucket{a=\"b\",le=\"16\"} 7\n"
                              "m_bucket{a=\"b\",le=\"32\"} 7\n"
                              "m_bucket{a=\"b\",le=\"64\"} 7\n"
                              "m_bucket{a=\"b\",le=\"128\"} 7\n"
                              "m_bucket{a=\"b\",le=\"256\"} 7\n"
                              "m_bucket{a=\"b\",le=\"512\"} 7\n"
                              "m_bucket{a=\"b\",le=\"1024\"} 7\n"
                              "m_bucket{a=\"b\",le=\"2048\"} 7\n"
                              "m_bucket{a=\"b\",le=\"4096\"} 8\n"
                              "m_bucket{a=\"b\",le=\"+Inf\"} 10\n"
                              "m_sum{a=\"b\"} 1008208\n"
                              "m_count{a=\"b\"} 10\n");
    buf_fini(&buf);
}

static void test_histogram_of_seconds(void **state)
{
    (void)state;
    struct metric_histogram histogram = { 0 };
    metric_histogram_observe(&histogram, METRIC_SECONDS, 50000);
    metric_histogram_observe(&histogram, METRIC_SECONDS, 50001);
    metric_histogram_observe(&histogram, METRIC_SECONDS, 10000000000);
    metric_histogram_observe(&histogram, METRIC_SECONDS, 20000000000);
    struct buf buf;
    buf_init(&buf, 10000);
    metric_write_histogram(&buf, "m", NULL, 0, METRIC_SECONDS, &histogram);
    assert_str(buf_str(&buf), "m_bucket{le=\"0.00005\"} 1\n"
                              "m_bucket{le=\"0.0001\"} 2\n"
                              "m_bucket{le=\"0.00025\"} 2\n"
                              "m_bucket{le=\"0.0005\"} 2\n"
                              "m_bucket{le=\"0.001\"} 2\n"
                              "m_bucket{le=\"0.0025\"} 2\n"
                              "m_bucket{le=\"0.005\"} 2\n"
                              "m_bucket{le=\"0.01\"} 2\n"
                              "m_bucket{le=\"0.025\"} 2\n"
                              "m_bucket{le=\"0.05\"} 2\n"
                              "m_bucket{le=\"0.1\"} 2\n"
                              "m_bucket{le=\"0.25\"} 2\n"
                              "m_bucket{le=\"0.5\"} 2\n"
                              "m_bucket{le=\"1\"} 2\n"
                              "m_bucket{le=\"2.5\"} 2\n"
                              "m_bucket{le=\"5\"} 2\n"
                              "m_bucket{le=\"10\"} 3\n"
                              "m_bucket{le=\"+Inf\"} 4\n"
                              "m_sum 30.000100001\n"
                              "m_count 4\n");
    buf_fini(&buf);
}

/* Counts the lines of the table that begin so. */
static unsigned count_lines(struct str text, const char *prefix)
{
    unsigned count = 0;
    while (text.n) {
        count += str_starts(text, str_of(prefix));
        size_t line = str_find_char(text, '\n');
        text = str_skip(text, line + 1);
    }
    return count;
}

/* Every row appears; every family has one header, before its first sample; names are ours. */
static void test_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum metric_kind kind;
    } rows[] = {
#define METRIC(id, kind, unit, name, label, value, help) { name, kind },
#include "base/metric.def"
#undef METRIC
    };
    struct buf buf;
    buf_init(&buf, 100000);
    metric_write(&buf);
    assert_false(buf.failed);
    struct str text = buf_str(&buf);
    assert_int_equal(text.p[text.n - 1], '\n');
    for (size_t i = 0; i < TEST_COUNT(rows); i++) {
        char line[200];
        unsigned series = 0;
        for (size_t k = 0; k < TEST_COUNT(rows); k++)
            series += strcmp(rows[i].name, rows[k].name) == 0;
        assert_true(str_starts(str_of(rows[i].name), STR("cloudmap_")));
        assert_int_equal(rows[i].kind == METRIC_COUNTER,
                         strlen(rows[i].name) > 6 && strcmp(rows[i].name + strlen(rows[i].name) - 6, "_total") == 0);
        snprintf(line, sizeof(line), "# HELP %s ", rows[i].name);
        assert_int_equal(count_lines(text, line), 1);
        snprintf(line, sizeof(line), "# TYPE %s ", rows[i].name);
        assert_int_equal(count_lines(text, line), 1);
        snprintf(line, sizeof(line),
                 rows[i].kind == METRIC_HISTOGRAM ? "%s_count "
                 : series > 1                     ? "%s{"
                                                  : "%s ",
                 rows[i].name);
        assert_int_equal(count_lines(text, line), series);
    }
    buf_fini(&buf);
}

enum { THREADS = 4, ROUNDS = 10000 };

static void *observe_much(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        metric_observe_ns(METRIC_COMMIT_DURATION, i);
        metric_observe(METRIC_COMMIT_BATCH, i);
        metric_add(METRIC_CHECKPOINTS, 1);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int64_t durations = metric_get(METRIC_COMMIT_DURATION), batches = metric_get(METRIC_COMMIT_BATCH);
    int64_t checkpoints = metric_get(METRIC_CHECKPOINTS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, observe_much, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metric_get(METRIC_COMMIT_DURATION), durations + THREADS * ROUNDS);
    assert_int_equal(metric_get(METRIC_COMMIT_BATCH), batches + THREADS * ROUNDS);
    assert_int_equal(metric_get(METRIC_CHECKPOINTS), checkpoints + THREADS * ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_and_gauges),
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_labels_are_escaped),
        cmocka_unit_test(test_histogram_of_counts),
        cmocka_unit_test(test_histogram_of_seconds),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
