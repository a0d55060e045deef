/* SPDX-License-Identifier: Apache-2.0
 *
 * The checkpoint thread beside the writer: the log comes to its end again and again, a reader that holds an old state
 * delays that without harm, and figures may be asked for from any thread. */
#include "fixture.h"

#include "store/store_sqlite.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#define VALUE_SIZE 600
#define FRAME (4096 + 24)

static const struct store_sqlite_checkpoint_limits limits = { .every = 12, .bound = 30, .limit = 60 };

struct bed {
    char dir[FIXTURE_PATH];
    struct store *store;
    struct fixture_work work;
};

static int ignore_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    (void)arg, (void)key, (void)value, (void)n, (void)sum;
    return 0;
}

static int set_up(void **state)
{
    static struct bed bed;
    struct store_message message;
    bed = (struct bed){ 0 };
    fixture_dir(true, bed.dir);
    assert_int_equal(store_sqlite_open(bed.dir, STORE_CREATE, clock_system(), &limits, &bed.store, &message), 0);
    assert_int_equal(store_load(bed.store, ignore_record, NULL, &message), 0);
    fixture_work_init(&bed.work, VALUE_SIZE);
    *state = &bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    struct buf want, got;
    struct store_message message;
    store_close(bed->store);
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    fixture_work_contents(bed->work.n, VALUE_SIZE, &want);
    assert_int_equal(fixture_try(bed->dir, &got, &message), 0);
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    buf_fini(&want);
    buf_fini(&got);
    fixture_work_free(&bed->work);
    fixture_remove(bed->dir);
    return 0;
}

static void commit(struct bed *bed, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(fixture_work_commit(&bed->work, bed->store), 0);
}

static struct store_stat stat_of(struct bed *bed)
{
    struct store_stat stat;
    store_stat(bed->store, &stat);
    return stat;
}

/* Commits until so many in a row found room in the log as it is; each writes two frames at least, so that it began
 * anew. */
static void commit_until_used_again(struct bed *bed)
{
    for (int rounds = 0;; rounds++) {
        uint64_t before = stat_of(bed).log_bytes;
        commit(bed, 1000);
        assert_true(rounds < 100);
        if (before == stat_of(bed).log_bytes)
            return;
    }
}

static void test_log_is_used_again(void **state)
{
    struct bed *bed = *state;
    for (int i = 0; i < 3; i++)
        commit_until_used_again(bed);
    struct store_stat stat = stat_of(bed);
    assert_true(stat.checkpoints > 3);
    assert_true(stat.log_bytes > limits.every * FRAME);
    assert_int_equal(stat.commits, bed->work.n);
    assert_true(stat.file_bytes >= 2 * 4096);
    assert_int_equal(stat.file_bytes % 4096, 0);
}

static void sql(sqlite3 *db, const char *text)
{
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
}

static void test_reader_holds_the_log(void **state)
{
    struct bed *bed = *state;
    char path[FIXTURE_PATH];
    sqlite3 *db;
    commit(bed, 10);
    fixture_path(bed->dir, "cloudmap.db", path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sql(db, "BEGIN; SELECT count(*) FROM record");
    commit(bed, 300);
    uint64_t held = stat_of(bed).log_bytes;
    assert_true(held > 300 * 2 * FRAME);
    sql(db, "COMMIT");
    commit_until_used_again(bed);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Another writer is noticed by the ledger that is not ours. */
static void test_second_writer(void **state)
{
    struct bed *bed = *state;
    char path[FIXTURE_PATH];
    sqlite3 *db;
    commit(bed, 10);
    fixture_path(bed->dir, "cloudmap.db", path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sql(db, "CREATE TEMP TABLE kept AS SELECT value FROM record WHERE key = 'ledger'");
    sql(db, "UPDATE record SET value = '{\"v\":1,\"crc\":\"00000000\"' || substr(value, 24) WHERE key = 'ledger'");
    for (int i = 0; i < 2; i++) {
        uint64_t n = bed->work.n;
        assert_int_equal(fixture_work_commit(&bed->work, bed->store), STORE_CONFLICT);
        assert_int_equal(bed->work.n, n);
    }
    sql(db, "UPDATE record SET value = (SELECT value FROM kept) WHERE key = 'ledger'");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    commit(bed, 10);
}

static atomic_bool stop;

static void *ask(void *arg)
{
    struct bed *bed = arg;
    uint64_t last = 0;
    while (!stop) {
        struct store_stat stat = stat_of(bed);
        if (stat.commits < last || stat.lost)
            return bed;
        last = stat.commits;
    }
    return NULL;
}

static void test_figures_from_another_thread(void **state)
{
    struct bed *bed = *state;
    pthread_t thread;
    void *failed;
    stop = false;
    assert_int_equal(pthread_create(&thread, NULL, ask, bed), 0);
    commit(bed, 400);
    stop = true;
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_log_is_used_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reader_holds_the_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_second_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_figures_from_another_thread, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
