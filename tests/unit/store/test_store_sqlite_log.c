/* SPDX-License-Identifier: Apache-2.0
 *
 * What a commit asks of the disk: its pages reach the log in one write and one flush, and few of them make the log
 * longer. Commits that do not fit into the room for them, or not even into SQLite's memory, are as good as others. */
#include "fault_vfs.h"
#include "fixture.h"

#include "base/mem.h"

#define BIG_VALUE ((size_t)1 << 20)
#define BIG_RECORDS 40 /* more than SQLite's cache holds */

static char dir[FIXTURE_PATH];

static int set_up(void **state)
{
    (void)state;
    fault_vfs_plan(&(struct fault_vfs_plan){ .kind = FAULT_VFS_NONE });
    fixture_dir(true, dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove(dir);
    return 0;
}

/* Writes, truncations, flushes and removals of one commit. */
static long commit_costs(struct fixture_work *work, struct store *store)
{
    long before = fault_vfs_count();
    assert_int_equal(fixture_work_commit(work, store), 0);
    return fault_vfs_count() - before;
}

static void test_one_write_and_one_flush(void **state)
{
    (void)state;
    struct fixture_work work;
    struct store *store = fixture_open(dir);
    fixture_work_init(&work, 600);
    commit_costs(&work, store); /* begins the log */
    int n_longer = 0;
    for (int i = 0; i < 50; i++) {
        struct store_stat before, after;
        store_stat(store, &before);
        long n = commit_costs(&work, store);
        store_stat(store, &after);
        bool longer = after.log_bytes > before.log_bytes;
        n_longer += longer;
        assert_true(longer ? n > 2 : n == 2);
    }
    assert_in_range(n_longer, 1, 10); /* doubled each time */
    fixture_work_free(&work);
    store_close(store);
}

static void test_large_commits(void **state)
{
    (void)state;
    struct fixture_work work;
    struct buf want, got;
    struct store_message message;
    struct store *store = fixture_open(dir);
    long most = 0;
    fixture_work_init(&work, FIXTURE_VALUE_MAX);
    commit_costs(&work, store);
    for (int i = 0; i < 50; i++) {
        long n = commit_costs(&work, store);
        most = n > most ? n : most;
    }
    assert_in_range(most, 3, 6 + 16); /* up to five records of five pages each, and a mebibyte of zeros, in pieces */
    store_close(store);
    buf_init(&want, 1 << 24);
    buf_init(&got, 1 << 24);
    fixture_work_contents(work.n, FIXTURE_VALUE_MAX, &want);
    assert_int_equal(fixture_try(dir, &got, &message), 0);
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    buf_fini(&want);
    buf_fini(&got);
    fixture_work_free(&work);
}

static uint32_t put_big(struct store_batch *batch, int i, char filling, uint32_t old_sum)
{
    char key[16];
    char *json = mem_alloc(BIG_VALUE);
    assert_non_null(json);
    memset(json, filling, BIG_VALUE);
    memcpy(json, "{\"a\":\"", 6);
    memcpy(json + BIG_VALUE - 2, "\"}", 2);
    size_t n = (size_t)snprintf(key, sizeof(key), "big/%02d", i);
    uint32_t sum = store_put(batch, (struct str){ key, n }, (struct str){ json, BIG_VALUE }, old_sum);
    mem_free(json);
    return sum;
}

static int count_big(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    int *n_found = arg;
    (void)key, (void)sum;
    assert_int_equal(n, BIG_VALUE);
    assert_int_equal(value[BIG_VALUE / 2], 'z');
    ++*n_found;
    return 0;
}

/* Pages go to the log in the middle of the commit, are read back from it, changed, and written over. */
static void test_commit_beyond_the_cache(void **state)
{
    (void)state;
    struct store_message message;
    struct store *store = fixture_open(dir);
    struct store_batch *batch = store_batch_new();
    uint32_t sums[BIG_RECORDS];
    int n_found = 0;
    for (int i = 0; i < BIG_RECORDS; i++)
        sums[i] = put_big(batch, i, 'a', 0);
    for (int i = 0; i < BIG_RECORDS; i++)
        put_big(batch, i, 'z', sums[i]);
    assert_int_equal(store_commit(store, batch), 0);
    store_batch_free(batch);
    store_close(store);
    assert_int_equal(store_open_sqlite(dir, 0, clock_system(), &store, &message), 0);
    assert_int_equal(store_load(store, count_big, &n_found, &message), 0);
    assert_int_equal(n_found, BIG_RECORDS);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_write_and_one_flush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_commits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commit_beyond_the_cache, set_up, tear_down),
    };
    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
