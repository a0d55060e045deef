/* SPDX-License-Identifier: Apache-2.0
 *
 * The n-th write, truncation, flush or removal fails, once or from then on, in the writer or in the checkpoint thread:
 * what was acknowledged is there afterwards, a commit that failed is there whole or not at all, and after an error that
 * leaves this open no commit is taken any more. */
#include "fault_vfs.h"
#include "fixture.h"

#include "store/store_sqlite.h"

#include <errno.h>

#define VALUE_SIZE 600
#define COMMITS 40

static const struct store_sqlite_checkpoint_limits limits = { .every = 12, .bound = 30, .limit = 60 };

static int ignore_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    (void)arg, (void)key, (void)value, (void)n, (void)sum;
    return 0;
}

struct run {
    const char *dir;
    uint64_t acknowledged;
    long opened_at; /* operations until the store was loaded */
    bool opened, lost, full;
};

/* Nobody knows what a lost store has on the disk: its log stays as it is, for the next start to read. */
static void close_store(struct store *store, const struct run *run)
{
    struct str before = fixture_read(run->dir, "cloudmap.db-wal");
    store_close(store);
    struct str after = fixture_read(run->dir, "cloudmap.db-wal");
    if (run->lost)
        assert_true(str_is_set(after) && str_eq(before, after));
    fixture_free(&before);
    fixture_free(&after);
}

/* Opens, commits and closes under the plan. */
static void run(struct run *run, const struct fault_vfs_plan *plan)
{
    struct fixture_work work;
    struct store *store;
    struct store_message message = { "" };
    fault_vfs_plan(plan);
    int r = store_sqlite_open(run->dir, STORE_CREATE, clock_system(), &limits, &store, &message);
    if (r == 0) {
        r = store_load(store, ignore_record, NULL, &message);
        if (r)
            store_close(store);
    }
    run->opened = r == 0;
    assert_true(run->opened || message.text[0]);
    assert_true(r != STORE_DAMAGED && r != STORE_NEWER);
    run->opened_at = fault_vfs_count();
    if (!run->opened)
        return;
    fixture_work_init(&work, VALUE_SIZE);
    for (int i = 0; i < COMMITS; i++) {
        r = fixture_work_commit(&work, store);
        assert_true(r == 0 || r == STORE_LOST || r == STORE_FULL);
        assert_true(!run->lost || r == STORE_LOST);
        run->lost |= r == STORE_LOST;
        run->full |= r == STORE_FULL;
        struct store_stat stat;
        store_stat(store, &stat);
        assert_int_equal(stat.lost, run->lost);
    }
    /* an error that only the checkpoint thread has met reaches the commits too */
    bool met = plan->kind == FAULT_VFS_ERROR && run->opened_at < plan->at && fault_vfs_count() >= plan->at;
    for (int i = 0; met && !run->lost; i++) {
        assert_true(i < 10000);
        run->lost = fixture_work_commit(&work, store) == STORE_LOST;
    }
    run->acknowledged = work.n;
    close_store(store, run);
    fixture_work_free(&work);
}

static void verify(const struct run *run)
{
    struct fixture_work work;
    struct buf want, got;
    struct store_message message;
    fault_vfs_plan(&(struct fault_vfs_plan){ .kind = FAULT_VFS_NONE });
    struct store *store = fixture_open(run->dir);
    fixture_work_init(&work, VALUE_SIZE);
    fixture_work_resume(&work, store);
    /* only a commit that was answered with STORE_LOST may be there or not */
    assert_in_range(work.n, run->acknowledged, run->acknowledged + run->lost);
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    fixture_work_contents(work.n, VALUE_SIZE, &want);
    assert_int_equal(fixture_contents(store, &got, &message), 0);
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    buf_fini(&want);
    buf_fini(&got);
    assert_int_equal(fixture_work_commit(&work, store), 0);
    fixture_work_free(&work);
    store_close(store);
}

static void sweep(enum fault_vfs_kind kind, bool forever, struct run *ret_seen)
{
    struct rand rand;
    uint64_t step = (uint64_t)fixture_number("STORE_TEST_STEP", 4);
    bool met = true;
    rand_init_seed(&rand, fixture_seed());
    for (long at = 1; met; at += 1 + (long)rand_below(&rand, step)) {
        char dir[FIXTURE_PATH];
        fixture_dir(true, dir);
        struct run now = { .dir = dir };
        run(&now, &(struct fault_vfs_plan){ .kind = kind, .at = at, .forever = forever, .seed = rand_u64(&rand) });
        met = fault_vfs_count() >= at;
        assert_true(met || (now.opened && now.acknowledged == COMMITS));
        verify(&now);
        fixture_remove(dir);
        ret_seen->opened |= now.opened;
        ret_seen->lost |= now.lost;
        ret_seen->full |= now.full;
    }
}

static void test_error_once(void **state)
{
    (void)state;
    struct run seen = { 0 };
    sweep(FAULT_VFS_ERROR, false, &seen);
    assert_true(seen.opened && seen.lost && !seen.full);
}

static void test_error_from_then_on(void **state)
{
    (void)state;
    struct run seen = { 0 };
    sweep(FAULT_VFS_ERROR, true, &seen);
    assert_true(seen.opened && seen.lost && !seen.full);
}

static void test_full_once(void **state)
{
    (void)state;
    struct run seen = { 0 };
    sweep(FAULT_VFS_FULL, false, &seen);
    assert_true(seen.opened && seen.full && !seen.lost);
}

static void test_full_from_then_on(void **state)
{
    (void)state;
    struct run seen = { 0 };
    sweep(FAULT_VFS_FULL, true, &seen);
    assert_true(seen.opened && seen.full && !seen.lost);
}

static int set_up(void **state)
{
    (void)state;
    fault_vfs_install();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_once),
        cmocka_unit_test(test_error_from_then_on),
        cmocka_unit_test(test_full_once),
        cmocka_unit_test(test_full_from_then_on),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
