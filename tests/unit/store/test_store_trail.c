/* SPDX-License-Identifier: Apache-2.0
 *
 * The trail: rows are there with their commit and not without it, go from the oldest on, and whoever changes, removes
 * or moves one is found out. */
#include "fixture.h"

#include "base/mem.h"
#include "store/store_trail.h"

#include <sqlite3.h>
#include <stdio.h>

static char dir[FIXTURE_PATH];

static int set_up(void **state)
{
    (void)state;
    fixture_dir(true, dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove(dir);
    return 0;
}

/* Commit number `n`: three rows at that second. */
static void append(struct store *store, int n)
{
    struct store_batch *batch = store_batch_new();
    char text[64];
    assert_non_null(batch);
    for (int i = 0; i < 3; i++) {
        int len = snprintf(text, sizeof(text), "{\"commit\":%d,\"row\":%d}", n, i);
        store_append(batch, n * 1000, (struct str){ text, (size_t)len });
    }
    assert_int_equal(store_batch_size(batch), 3);
    assert_int_equal(store_commit(store, batch), 0);
    store_batch_free(batch);
}

static void trim(struct store *store, uint64_t n)
{
    struct store_batch *batch = store_batch_new();
    store_trim(batch, n);
    assert_int_equal(store_commit(store, batch), 0);
    store_batch_free(batch);
}

struct seen {
    uint64_t first, last, n;
};

static int see(void *arg, const struct store_row *row)
{
    struct seen *seen = arg;
    char text[64];
    uint64_t i = row->number - 1;
    int len = snprintf(text, sizeof(text), "{\"commit\":%d,\"row\":%d}", (int)(i / 3 + 1), (int)(i % 3));
    assert_true(str_eq(row->text, (struct str){ text, (size_t)len }));
    assert_int_equal(row->time_ms, (i / 3 + 1) * 1000);
    if (!seen->n++)
        seen->first = row->number;
    seen->last = row->number;
    return 0;
}

static struct store_trail *open_trail(void)
{
    struct store_trail *trail = NULL;
    struct store_message message;
    assert_int_equal(store_trail_open(dir, &trail, &message), 0);
    return trail;
}

/* Whole, with rows from `first` to `last`. */
static void assert_trail(uint64_t first, uint64_t last)
{
    struct store_trail *trail = open_trail();
    struct store_trail_head head;
    struct store_message message = { "" };
    struct seen seen = { 0 };
    int r = store_trail_verify(trail, see, &seen, &head, &message);
    if (r)
        print_message("%s\n", message.text);
    assert_int_equal(r, 0);
    assert_int_equal(seen.n, last - first + 1);
    if (seen.n) {
        assert_int_equal(seen.first, first);
        assert_int_equal(seen.last, last);
    }
    assert_int_equal(head.gone, first - 1);
    assert_int_equal(head.last, last);
    store_trail_close(trail);
}

static void test_append_and_trim(void **state)
{
    (void)state;
    struct store_stat stat;
    struct store *store = fixture_open(dir);
    assert_trail(1, 0);
    for (int n = 1; n <= 10; n++)
        append(store, n);
    assert_trail(1, 30);
    trim(store, 7);
    assert_trail(8, 30);
    store_close(store);
    store = fixture_open(dir);
    append(store, 11);
    assert_trail(8, 33);
    store_stat(store, &stat);
    assert_int_equal(stat.trail_rows, 26);
    assert_int_equal(stat.trail_bytes, 20 * 20 + 6 * 21);
    trim(store, 1000);
    assert_trail(34, 33);
    store_stat(store, &stat);
    assert_int_equal(stat.trail_rows + stat.trail_bytes, 0);
    append(store, 12);
    assert_trail(34, 36);
    store_close(store);
}

static void test_reading(void **state)
{
    (void)state;
    struct store_message message;
    struct store *store = fixture_open(dir);
    for (int n = 1; n <= 10; n++)
        append(store, n);
    struct store_trail *trail = open_trail();
    struct seen seen = { 0 };
    assert_int_equal(store_trail_read(trail, 12, true, see, &seen, &message), 0);
    assert_true(seen.first == 12 && seen.last == 1);
    seen = (struct seen){ 0 };
    assert_int_equal(store_trail_read(trail, 12, false, see, &seen, &message), 0);
    assert_true(seen.first == 12 && seen.last == 30);
    const struct {
        int64_t time_ms;
        uint64_t number;
    } seeks[] = { { INT64_MIN, 1 }, { 1000, 1 }, { 1001, 4 }, { 5000, 13 }, { 10000, 28 }, { 10001, 31 } };
    for (size_t i = 0; i < TEST_COUNT(seeks); i++) {
        uint64_t number;
        assert_int_equal(store_trail_seek(trail, seeks[i].time_ms, &number, &message), 0);
        assert_int_equal(number, seeks[i].number);
    }
    /* beside the writer */
    append(store, 11);
    seen = (struct seen){ 0 };
    assert_int_equal(store_trail_read(trail, UINT64_MAX, true, see, &seen, &message), 0);
    assert_int_equal(seen.first, 33);
    store_trail_close(trail);
    store_close(store);
}

static void sql(const char *text)
{
    char path[FIXTURE_PATH];
    sqlite3 *db;
    fixture_path(dir, "cloudmap.db", path);
    assert_int_equal(sqlite3_open(path, &db), 0);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), 0);
    assert_int_equal(sqlite3_close(db), 0);
}

static void test_tampering(void **state)
{
    (void)state;
    struct store *store = fixture_open(dir);
    for (int n = 1; n <= 10; n++)
        append(store, n);
    store_close(store);
    static const struct {
        const char *sql, *says;
    } all[] = {
        { "UPDATE trail SET text = '{\"commit\":6,\"row\":9}' WHERE number = 17", "row 17 of the trail was changed" },
        { "UPDATE trail SET time = time + 1 WHERE number = 17", "row 17 of the trail was changed" },
        { "UPDATE trail SET hash = zeroblob(32) WHERE number = 30", "row 30 of the trail was changed" },
        { "UPDATE trail SET hash = 'x' WHERE number = 30", "row 30 of the trail is no row of ours" },
        { "DELETE FROM trail WHERE number = 17", "row 17 of the trail is missing" },
        { "DELETE FROM trail WHERE number <= 3", "row 1 of the trail is missing" },
        { "DELETE FROM trail WHERE number > 28", "row 29 of the trail is missing, as are those behind it" },
        { "UPDATE trail SET number = 99 WHERE number = 17; UPDATE trail SET number = 17 WHERE number = 18;"
          "UPDATE trail SET number = 18 WHERE number = 99",
          "row 17 of the trail was changed" },
        { "INSERT INTO trail SELECT 31, time, hash, text FROM trail WHERE number = 30",
          "row 31 of the trail was changed" },
    };
    struct fixture_files files;
    fixture_files_read(dir, &files);
    for (size_t i = 0; i < TEST_COUNT(all); i++) {
        struct store_trail *trail;
        struct store_trail_head head;
        struct store_message message = { "" };
        sql(all[i].sql);
        trail = open_trail();
        assert_int_equal(store_trail_verify(trail, NULL, NULL, &head, &message), STORE_DAMAGED);
        if (!strstr(message.text, all[i].says))
            print_message("%s\n", message.text);
        assert_non_null(strstr(message.text, all[i].says));
        store_trail_close(trail);
        fixture_files_write(dir, &files);
    }
    fixture_files_free(&files);
    assert_trail(1, 30);
}

/* What a failed commit would have appended is not there, and the next one takes its numbers. */
static void test_failed_commit(void **state)
{
    (void)state;
    struct store *store = fixture_open(dir);
    struct store_batch *batch = store_batch_new();
    append(store, 1);
    store_append(batch, 2000, STR("{\"never\":1}"));
    store_put(batch, STR("key"), STR("{\"a\":1}"), 4711); /* there is no such record */
    assert_int_equal(store_commit(store, batch), STORE_CONFLICT);
    store_batch_free(batch);
    assert_trail(1, 3);
    append(store, 2);
    assert_trail(1, 6);
    store_close(store);
}

static void test_upgrade(void **state)
{
    (void)state;
    struct fixture_work work;
    struct store *store = fixture_open(dir);
    fixture_work_init(&work, 600);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fixture_work_commit(&work, store), 0);
    store_close(store);
    sql("DROP TABLE trail; PRAGMA user_version = 1");
    store = fixture_open(dir);
    assert_int_equal(fixture_work_commit(&work, store), 0);
    append(store, 1);
    store_close(store);
    assert_trail(1, 3);
    fixture_work_free(&work);
}

static int chain_hash(void *arg, const struct store_row *row)
{
    memcpy(arg, row->hash, sizeof(row->hash));
    return 0;
}

/* The memory store, the oracle, comes to the same head. */
static void test_memory_agrees(void **state)
{
    (void)state;
    struct store *stores[2] = { fixture_open(dir), NULL };
    struct store_message message;
    uint8_t hash[HASH_SHA256_LEN];
    assert_int_equal(store_open_memory(clock_system(), &stores[1]), 0);
    struct buf ignored;
    buf_init(&ignored, 1 << 20);
    assert_int_equal(fixture_contents(stores[1], &ignored, &message), 0);
    buf_fini(&ignored);
    for (int n = 1; n <= 5; n++)
        for (int i = 0; i < 2; i++) {
            append(stores[i], n);
            if (n == 3)
                trim(stores[i], 4);
        }
    assert_memory_equal(store_head(stores[0]), store_head(stores[1]), sizeof(struct store_trail_head));
    struct store_trail *trail = open_trail();
    assert_int_equal(store_trail_read(trail, 15, false, chain_hash, hash, &message), 0);
    assert_memory_equal(hash, store_head(stores[1])->hash, sizeof(hash));
    store_trail_close(trail);
    store_close(stores[0]);
    store_close(stores[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_append_and_trim, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tampering, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_upgrade, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_agrees, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
