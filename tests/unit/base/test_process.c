/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/process.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* The value of one metric; the test fails when it is not there. */
static double read_metric(const char *name)
{
    struct buf buf;
    char line[100];
    buf_init(&buf, 100000);
    process_write_metrics(&buf);
    char *text = buf_take(&buf, NULL);
    assert_non_null(text);
    snprintf(line, sizeof(line), "\n%s ", name);
    char *at = strstr(text, line);
    if (!at)
        fail_msg("%s is missing", name);
    double value = strtod(at + strlen(line), NULL);
    mem_free(text);
    return value;
}

static void test_memory_figures(void **state)
{
    (void)state;
    double resident = read_metric("process_resident_memory_bytes");
    assert_true(resident > 100000);
    assert_true(read_metric("process_virtual_memory_bytes") >= resident);
    size_t n = (size_t)32 << 20;
    char *p = mem_alloc(n);
    assert_non_null(p);
    memset(p, 1, n);
    __asm__ volatile("" : : "r"(p) : "memory");
    assert_true(read_metric("process_resident_memory_bytes") > resident + (double)n * 0.9);
    mem_free(p);
}

static void test_cpu_time_grows(void **state)
{
    (void)state;
    double before = read_metric("process_cpu_seconds_total");
    for (int i = 0; i < 1000000 && read_metric("process_cpu_seconds_total") <= before; i++)
        continue;
    assert_true(read_metric("process_cpu_seconds_total") > before);
}

static void test_start_time(void **state)
{
    (void)state;
    double now = (double)time(NULL), start = read_metric("process_start_time_seconds");
    assert_true(start > now - 600 && start < now + 2);
}

static void test_files(void **state)
{
    (void)state;
    double before = read_metric("process_open_fds");
    int fd = dup(0);
    assert_true(fd >= 0);
    assert_true(read_metric("process_open_fds") == before + 1);
    close(fd);
    assert_true(read_metric("process_open_fds") == before);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(read_metric("process_max_fds") == (double)limit.rlim_cur);
}

static void *wait_for_barrier(void *arg)
{
    pthread_barrier_wait(arg);
    return NULL;
}

/* The first thread of a process may bring helpers of a sanitizer with it: the second is counted. */
static void test_threads(void **state)
{
    (void)state;
    pthread_barrier_t barrier;
    pthread_t first, second;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 3), 0);
    assert_int_equal(pthread_create(&first, NULL, wait_for_barrier, &barrier), 0);
    double before = read_metric("process_threads");
    assert_int_equal(pthread_create(&second, NULL, wait_for_barrier, &barrier), 0);
    assert_true(read_metric("process_threads") == before + 1);
    pthread_barrier_wait(&barrier);
    assert_int_equal(pthread_join(first, NULL), 0);
    assert_int_equal(pthread_join(second, NULL), 0);
    pthread_barrier_destroy(&barrier);
}

/* The process's name stands in the middle of the figures and may look like them. */
static void test_odd_name(void **state)
{
    (void)state;
    assert_int_equal(prctl(PR_SET_NAME, ") R 1 (x) 2"), 0);
    assert_true(read_metric("process_threads") >= 1);
    assert_true(read_metric("process_resident_memory_bytes") > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_figures), cmocka_unit_test(test_cpu_time_grows), cmocka_unit_test(test_start_time),
        cmocka_unit_test(test_files),          cmocka_unit_test(test_threads),        cmocka_unit_test(test_odd_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
