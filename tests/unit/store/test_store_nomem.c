/* SPDX-License-Identifier: Apache-2.0
 *
 * The n-th allocation fails, ours or SQLite's, once or from then on: opening and loading end with -ENOMEM, a commit
 * ends with -ENOMEM and changes nothing (or, when SQLite failed between flush and answer, with STORE_LOST), nothing
 * leaks. */
#include "fixture.h"

#include "base/mem.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#define VALUE_SIZE 300

enum whose { OURS, SQLITES };

/* --- SQLite's allocations ---------------------------------------------------------------------------------------- */

static sqlite3_mem_methods real;
static _Thread_local struct {
    long left; /* 0 = off */
    bool forever, delivered;
} fault;

static bool must_fail(void)
{
    if (fault.left == 0)
        return false;
    if (fault.left > 1) {
        fault.left--;
        return false;
    }
    fault.delivered = true;
    if (!fault.forever)
        fault.left = 0;
    return true;
}

static void *failing_malloc(int n)
{
    return must_fail() ? NULL : real.xMalloc(n);
}

static void *failing_realloc(void *p, int n)
{
    return must_fail() ? NULL : real.xRealloc(p, n);
}

static int install(void **state)
{
    (void)state;
    sqlite3_mem_methods methods;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), SQLITE_OK);
    methods = real;
    methods.xMalloc = failing_malloc;
    methods.xRealloc = failing_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
    return 0;
}

/* Returns whether a failure was delivered since the last call. */
static bool fail_at(enum whose whose, long at, bool forever)
{
    if (whose == OURS)
        return mem_fail_at(at, forever);
    bool delivered = fault.delivered;
    fault.left = at;
    fault.forever = forever;
    fault.delivered = false;
    return delivered;
}

/* --- the sweeps -------------------------------------------------------------------------------------------------- */

struct sweep {
    enum whose whose;
    bool forever;
};

static void assert_contents(const char *dir, uint64_t commits)
{
    struct buf want, got;
    struct store_message message;
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    fixture_work_contents(commits, VALUE_SIZE, &want);
    assert_int_equal(fixture_try(dir, &got, &message), 0);
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    buf_fini(&want);
    buf_fini(&got);
}

static void make_store(const char *dir, uint64_t commits)
{
    struct fixture_work work;
    struct store *store = fixture_open(dir);
    fixture_work_init(&work, VALUE_SIZE);
    while (work.n < commits)
        assert_int_equal(fixture_work_commit(&work, store), 0);
    fixture_work_free(&work);
    store_close(store);
}

static int ignore_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    (void)arg, (void)key, (void)value, (void)n, (void)sum;
    return 0;
}

/* SQLite allocates hundreds of times: a sample of these, all of them with STORE_TEST_STEP=1. */
static uint64_t step(void)
{
    return (uint64_t)fixture_number("STORE_TEST_STEP", 4);
}

/* Opens, or makes, and loads. */
static void test_open(void **state)
{
    const struct sweep *sweep = *state;
    for (int make = 0; make < 2; make++) {
        bool failed = true;
        long at;
        struct rand rand;
        rand_init_seed(&rand, fixture_seed());
        for (at = 1; failed; at += sweep->whose == OURS ? 1 : 1 + (long)rand_below(&rand, step())) {
            char dir[FIXTURE_PATH];
            struct store *store;
            struct store_message message = { "" };
            fixture_dir(true, dir);
            if (!make)
                make_store(dir, 10);
            fail_at(sweep->whose, at, sweep->forever);
            int r = store_open_sqlite(dir, STORE_CREATE, clock_system(), &store, &message);
            if (r == 0) {
                r = store_load(store, ignore_record, NULL, &message);
                store_close(store);
            }
            failed = fail_at(sweep->whose, 0, false);
            /* SQLite can do without some of its memory */
            if (r) {
                if (r != -ENOMEM)
                    print_error("allocation %ld: %d: %s\n", at, r, message.text);
                assert_true(failed);
                assert_int_equal(r, -ENOMEM);
                assert_non_null(strstr(message.text, "out of memory"));
            }
            store_close(fixture_open(dir));
            assert_contents(dir, make ? 0 : 10);
            fixture_remove(dir);
        }
        assert_true(at > (sweep->whose == OURS ? 3 : 50));
    }
}

/* One commit for each allocation that may fail, and for each the next one, which must not notice. */
static void test_commit(void **state)
{
    const struct sweep *sweep = *state;
    char dir[FIXTURE_PATH];
    struct fixture_work work;
    bool failed = true;
    unsigned n_refused = 0, n_lost = 0;
    fixture_dir(true, dir);
    fixture_work_init(&work, VALUE_SIZE);
    for (long at = 1; failed; at++) {
        struct store *store = fixture_open(dir);
        fixture_work_resume(&work, store);
        uint64_t before = work.n;
        fail_at(sweep->whose, at, sweep->forever);
        int r = fixture_work_commit(&work, store);
        failed = fail_at(sweep->whose, 0, false);
        if (r == -ENOMEM) {
            assert_true(failed);
            assert_int_equal(work.n, before);
            assert_int_equal(fixture_work_commit(&work, store), 0);
            n_refused++;
        } else if (r == STORE_LOST) {
            assert_true(failed && sweep->whose == SQLITES);
            assert_int_equal(fixture_work_commit(&work, store), STORE_LOST);
            n_lost++;
        } else {
            assert_int_equal(r, 0);
        }
        store_close(store);
        store = fixture_open(dir);
        uint64_t acknowledged = work.n;
        fixture_work_resume(&work, store);
        assert_in_range(work.n, acknowledged, acknowledged + (r == STORE_LOST));
        store_close(store);
        assert_contents(dir, work.n);
    }
    print_message("refused %u, lost %u\n", n_refused, n_lost);
    assert_true(n_refused > 0);
    fixture_work_free(&work);
    fixture_remove(dir);
}

/* The memory backend and the fault wrapper. */
static void test_memory_backend(void **state)
{
    const struct sweep *sweep = *state;
    struct fixture_work work;
    bool failed = true;
    fixture_work_init(&work, VALUE_SIZE);
    struct store *store = NULL;
    for (long at = 1; failed; at++) {
        struct store *inner = NULL;
        mem_fail_at(at, sweep->forever);
        int r = store_open_memory(clock_system(), &inner);
        if (r == 0) {
            r = store_open_fault(&inner, &(struct store_fault){ .at = 0 }, &store);
            /* on failure the inner store is still ours */
            assert_true((r == 0) == (inner == NULL));
            store_close(inner);
        }
        failed = mem_fail_at(0, 0);
        assert_int_equal(r, failed ? -ENOMEM : 0);
    }
    assert_int_equal(store_load(store, ignore_record, NULL, NULL), 0);
    for (int i = 0; i < 30; i++) {
        failed = true;
        for (long at = 1; failed; at++) {
            mem_fail_at(at, sweep->forever);
            int r = fixture_work_commit(&work, store);
            failed = mem_fail_at(0, 0);
            assert_int_equal(r, failed ? -ENOMEM : 0);
        }
    }
    assert_int_equal(work.n, 30);
    struct buf want, got;
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    fixture_work_contents(work.n, VALUE_SIZE, &want);
    assert_int_equal(fixture_contents(store, &got, NULL), 0);
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    buf_fini(&want);
    buf_fini(&got);
    store_close(store);
    fixture_work_free(&work);
}

static void test_load(void **state)
{
    const struct sweep *sweep = *state;
    char dir[FIXTURE_PATH];
    bool failed = true;
    fixture_dir(true, dir);
    make_store(dir, 10);
    struct store *store = fixture_open(dir);
    for (long at = 1; failed; at++) {
        struct store_message message = { "" };
        fail_at(sweep->whose, at, sweep->forever);
        int r = store_load(store, ignore_record, NULL, &message);
        failed = fail_at(sweep->whose, 0, false);
        if (r && r != -ENOMEM)
            print_error("allocation %ld: %d: %s\n", at, r, message.text);
        assert_true(r == 0 || (failed && r == -ENOMEM && message.text[0]));
    }
    store_close(store);
    assert_contents(dir, 10);
    fixture_remove(dir);
}

#define ON_EACH(test)                                                                    \
    { #test " ours once", test, NULL, NULL, &(struct sweep){ OURS, false } },            \
        { #test " ours from then on", test, NULL, NULL, &(struct sweep){ OURS, true } }, \
        { #test " sqlite once", test, NULL, NULL, &(struct sweep){ SQLITES, false } },   \
    {                                                                                    \
#test " sqlite from then on", test, NULL, NULL, &(struct sweep)                  \
        {                                                                                \
            SQLITES, true                                                                \
        }                                                                                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(test_open),
        ON_EACH(test_load),
        ON_EACH(test_commit),
        { "test_memory_backend once", test_memory_backend, NULL, NULL, &(struct sweep){ OURS, false } },
        { "test_memory_backend from then on", test_memory_backend, NULL, NULL, &(struct sweep){ OURS, true } },
    };
    return cmocka_run_group_tests(tests, install, NULL);
}
