/* SPDX-License-Identifier: Apache-2.0
 *
 * Backup and restore. Linked with --wrap=renameat, so that a restore can be killed between any two of its renames. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VALUE_SIZE 900

struct bed {
    char dir[FIXTURE_PATH], data[FIXTURE_PATH], other[FIXTURE_PATH], file[FIXTURE_PATH];
    struct clock_manual clock;
    struct store_message message;
};

static int set_up(void **state)
{
    static struct bed bed;
    bed = (struct bed){ 0 };
    fixture_dir(true, bed.dir);
    fixture_path(bed.dir, "data", bed.data);
    fixture_path(bed.dir, "other", bed.other);
    fixture_path(bed.dir, "backup", bed.file);
    clock_manual_init(&bed.clock, 1700000000000);
    *state = &bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    fixture_remove(bed->dir);
    return 0;
}

static void commit_to(const char *dir, uint64_t commits)
{
    struct fixture_work work;
    struct store *store = fixture_open(dir);
    fixture_work_init(&work, VALUE_SIZE);
    fixture_work_resume(&work, store);
    while (work.n < commits)
        assert_int_equal(fixture_work_commit(&work, store), 0);
    fixture_work_free(&work);
    store_close(store);
}

static void assert_holds(const char *dir, uint64_t commits)
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

static int backup(struct bed *bed)
{
    bed->message.text[0] = '\0';
    int r = store_backup(bed->data, bed->file, NULL, NULL, &bed->message);
    assert_true((r == 0) == (bed->message.text[0] == '\0'));
    struct str partial = fixture_read(bed->dir, "backup.partial");
    assert_false(str_is_set(partial));
    return r;
}

static int restore(struct bed *bed, const char *dir, bool replace)
{
    bed->message.text[0] = '\0';
    int r = store_restore(dir, bed->file, replace, &bed->clock.clock, NULL, NULL, &bed->message);
    assert_true(bed->message.text[0]);
    return r;
}

static void assert_says(const struct bed *bed, const char *what)
{
    if (!strstr(bed->message.text, what))
        print_error("message '%s' lacks '%s'\n", bed->message.text, what);
    assert_non_null(strstr(bed->message.text, what));
}

/* The backup holds so many commits. */
static void assert_backup(struct bed *bed, uint64_t commits)
{
    assert_int_equal(restore(bed, bed->other, false), 0);
    assert_holds(bed->other, commits);
    fixture_remove(bed->other);
}

/* --- backup ------------------------------------------------------------------------------------------------------ */

static void test_backup(void **state)
{
    struct bed *bed = *state;
    struct stat st;
    struct fixture_files files;
    commit_to(bed->data, 20);
    fixture_files_read(bed->data, &files);
    mode_t old = umask(0);
    assert_int_equal(backup(bed), 0);
    umask(old);
    assert_true(fixture_files_same(bed->data, &files));
    fixture_files_free(&files);
    assert_int_equal(stat(bed->file, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_backup(bed, 20);
    assert_holds(bed->data, 20);
}

struct progress {
    uint64_t done, total;
    unsigned calls;
};

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
    struct progress *progress = arg;
    assert_true(done >= progress->done && done <= total);
    *progress = (struct progress){ .done = done, .total = total, .calls = progress->calls + 1 };
}

static void test_progress(void **state)
{
    struct bed *bed = *state;
    struct progress progress = { 0 };
    commit_to(bed->data, 20);
    assert_int_equal(store_backup(bed->data, bed->file, on_progress, &progress, &bed->message), 0);
    assert_true(progress.calls > 0 && progress.total > 3 && progress.done == progress.total);
    progress = (struct progress){ 0 };
    assert_int_equal(
        store_restore(bed->other, bed->file, false, &bed->clock.clock, on_progress, &progress, &bed->message), 0);
    assert_true(progress.calls > 0 && progress.total > 3 && progress.done == progress.total);
}

static void test_backup_refused(void **state)
{
    struct bed *bed = *state;
    struct store_message message;
    char path[FIXTURE_PATH];
    assert_int_equal(backup(bed), STORE_MISSING);
    assert_int_equal(mkdir(bed->data, 0700), 0);
    assert_int_equal(backup(bed), STORE_MISSING);
    commit_to(bed->data, 5);
    fixture_write(bed->dir, "backup", STR("mine"));
    assert_int_equal(backup(bed), STORE_EXISTS);
    struct str kept = fixture_read(bed->dir, "backup");
    assert_str(kept, "mine");
    fixture_free(&kept);
    fixture_write(bed->dir, "backup", (struct str){ 0 });
    fixture_write(bed->dir, "backup.partial", STR("another one's"));
    assert_int_equal(store_backup(bed->data, bed->file, NULL, NULL, &message), STORE_EXISTS);
    kept = fixture_read(bed->dir, "backup.partial");
    assert_str(kept, "another one's");
    fixture_free(&kept);
    fixture_path(bed->dir, "none/backup", path);
    assert_int_equal(store_backup(bed->data, path, NULL, NULL, &message), STORE_UNWRITABLE);
}

/* A store that would not load is not copied either. */
static void test_backup_of_damage(void **state)
{
    struct bed *bed = *state;
    struct fixture_files files, bad;
    commit_to(bed->data, 20);
    fixture_files_read(bed->data, &files);
    bad = files;
    char *db = malloc(files.db.n);
    assert_non_null(db);
    memcpy(db, files.db.p, files.db.n);
    bad.db.p = db;
    for (size_t page = 0; page < files.db.n / 4096; page++) {
        db[page * 4096 + 4095] ^= 1; /* in the middle of a record, where pages hold any */
        fixture_files_write(bed->data, &bad);
        int r = backup(bed);
        assert_true(r == 0 || r == STORE_DAMAGED);
        if (r)
            assert_says(bed, "data/cloudmap.db");
        else
            assert_backup(bed, 20);
        fixture_write(bed->dir, "backup", (struct str){ 0 });
        db[page * 4096 + 4095] ^= 1;
    }
    free(db);
    bad = files;
    bad.ack = STR("x");
    fixture_files_write(bed->data, &bad);
    assert_int_equal(backup(bed), STORE_DAMAGED);
    /* an older database beside a younger word */
    fixture_files_write(bed->data, &files);
    commit_to(bed->data, 21);
    fixture_write(bed->data, "cloudmap.db", files.db);
    assert_int_equal(backup(bed), STORE_DAMAGED);
    assert_says(bed, "lost acknowledged commits");
    fixture_files_free(&files);
}

/* A log left by a killed process is part of the store. */
static void test_backup_after_kill(void **state)
{
    struct bed *bed = *state;
    int status;
    commit_to(bed->data, 5);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fixture_work work;
        struct store *store = fixture_open(bed->data);
        fixture_work_init(&work, VALUE_SIZE);
        fixture_work_resume(&work, store);
        while (work.n < 15)
            if (fixture_work_commit(&work, store))
                _exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(backup(bed), 0);
    assert_backup(bed, 15);
    assert_holds(bed->data, 15);
}

struct writer {
    struct store *store;
    struct fixture_work work;
    atomic_uint_fast64_t done;
    atomic_bool stop;
    bool failed;
};

static void *write_on(void *arg)
{
    struct writer *writer = arg;
    while (!writer->stop && !writer->failed) {
        writer->failed = fixture_work_commit(&writer->work, writer->store) != 0;
        writer->done = writer->work.n;
    }
    return NULL;
}

/* Each copy is one moment of the store, not before it began nor after it ended. */
static void test_backup_under_writes(void **state)
{
    struct bed *bed = *state;
    static struct writer writer;
    pthread_t thread;
    writer = (struct writer){ .store = fixture_open(bed->data) };
    fixture_work_init(&writer.work, VALUE_SIZE);
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
    for (int i = 0; i < 10; i++) {
        struct fixture_work seen;
        uint64_t before = writer.done;
        assert_int_equal(backup(bed), 0);
        uint64_t after = writer.done;
        assert_int_equal(restore(bed, bed->other, false), 0);
        struct store *store = fixture_open(bed->other);
        fixture_work_init(&seen, VALUE_SIZE);
        fixture_work_resume(&seen, store);
        store_close(store);
        /* a commit may be durable before the writer has told us */
        assert_in_range(seen.n, before, after + 1);
        assert_holds(bed->other, seen.n);
        fixture_work_free(&seen);
        fixture_remove(bed->other);
        fixture_write(bed->dir, "backup", (struct str){ 0 });
    }
    writer.stop = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(writer.failed);
    store_close(writer.store);
    assert_holds(bed->data, writer.work.n);
    fixture_work_free(&writer.work);
}

/* --- restore ----------------------------------------------------------------------------------------------------- */

static uint64_t revision_of(const char *dir)
{
    struct store *store = fixture_open(dir);
    uint64_t revision = store_revision(store);
    store_close(store);
    return revision;
}

static void test_restore_replaces(void **state)
{
    struct bed *bed = *state;
    char aside[64];
    commit_to(bed->data, 10);
    uint64_t backed_up = revision_of(bed->data);
    assert_int_equal(backup(bed), 0);
    commit_to(bed->data, 25);
    uint64_t latest = revision_of(bed->data);
    assert_int_equal(restore(bed, bed->data, false), STORE_EXISTS);
    assert_says(bed, "--replace");
    assert_holds(bed->data, 25);
    /* the clock stands before all of this: revisions still go up */
    assert_int_equal(restore(bed, bed->data, true), 0);
    assert_says(bed, "cloudmap.db.replaced-20231114T221320.000Z");
    assert_holds(bed->data, 10);
    assert_true(revision_of(bed->data) > backed_up);
    assert_true(revision_of(bed->data) > latest);
    commit_to(bed->data, 12);
    /* what was replaced is whole */
    memcpy(aside, "cloudmap.db.replaced-20231114T221320.000Z", 42);
    fixture_path(bed->data, aside, bed->file);
    assert_int_equal(restore(bed, bed->other, false), 0);
    assert_holds(bed->other, 25);
    /* a second one in the same millisecond has its own name; with a clock that is right the revision is of
     * that time, or of a little later, when its lower half is ahead of the old one's */
    bed->clock.wall_ms = 4000000000000;
    assert_int_equal(restore(bed, bed->data, true), 0);
    assert_holds(bed->data, 25);
    assert_in_range(revision_of(bed->data) - (UINT64_C(4000000000000) << 11), 0, UINT32_MAX);
    assert_in_range((uint32_t)revision_of(bed->data) - (uint32_t)latest, 1, INT32_MAX);
    assert_int_equal(restore(bed, bed->data, true), 0);
    assert_says(bed, "replaced-20961002T070640.001Z");
}

/* Whatever state the old store is in, it can be replaced. */
static void test_restore_over_ruins(void **state)
{
    struct bed *bed = *state;
    static const char *const ruined[] = { "cloudmap.db", "cloudmap.db-wal", "cloudmap.db-journal", "acknowledged" };
    commit_to(bed->data, 10);
    assert_int_equal(backup(bed), 0);
    for (size_t i = 0; i < TEST_COUNT(ruined); i++) {
        for (int empty = 0; empty < 2; empty++) {
            fixture_write(bed->data, ruined[i], empty ? STR("") : STR("ruin"));
            assert_int_equal(restore(bed, bed->data, true), 0);
            assert_holds(bed->data, 10);
        }
    }
    fixture_write(bed->data, "cloudmap.db", (struct str){ 0 });
    assert_int_equal(restore(bed, bed->data, false), 0);
    assert_holds(bed->data, 10);
}

/* The file is checked before anything is touched. */
static void test_restore_refused(void **state)
{
    struct bed *bed = *state;
    struct fixture_files files;
    commit_to(bed->data, 10);
    fixture_files_read(bed->data, &files);
    for (int i = 0; i < 7; i++) {
        char *db = malloc(files.db.n);
        assert_non_null(db);
        struct str bad = { db, files.db.n };
        memcpy(db, files.db.p, files.db.n);
        int want = STORE_DAMAGED;
        if (i == 0)
            bad = (struct str){ 0 };
        else if (i == 1)
            bad = STR("");
        else if (i == 2)
            bad = STR("something else");
        else if (i == 3)
            bad.n -= 4096;
        else if (i == 4)
            db[files.db.n - 2] ^= 1;
        else if (i == 5)
            db[63] = 3; /* user_version */
        else
            fixture_write(bed->dir, "backup-wal", STR("x"));
        fixture_write(bed->dir, "backup", bad);
        if (i == 0)
            want = STORE_MISSING;
        if (i == 5)
            want = STORE_NEWER;
        assert_int_equal(restore(bed, bed->data, true), want);
        assert_says(bed, "backup");
        assert_true(fixture_files_same(bed->data, &files));
        assert_int_equal(restore(bed, bed->other, false), want);
        free(db);
    }
    fixture_files_free(&files);
    assert_holds(bed->data, 10);
    /* the other directory is still empty */
    fixture_write(bed->dir, "backup-wal", (struct str){ 0 });
    fixture_write(bed->dir, "backup", (struct str){ 0 });
    assert_int_equal(backup(bed), 0);
    assert_int_equal(restore(bed, bed->other, false), 0);
}

static void test_restore_busy(void **state)
{
    struct bed *bed = *state;
    commit_to(bed->data, 10);
    assert_int_equal(backup(bed), 0);
    struct store *store = fixture_open(bed->data);
    /* that could be the other process's */
    fixture_write(bed->data, "cloudmap.db-new", STR("x"));
    assert_int_equal(restore(bed, bed->data, true), STORE_BUSY);
    struct str kept = fixture_read(bed->data, "cloudmap.db-new");
    assert_str(kept, "x");
    fixture_free(&kept);
    store_close(store);
    assert_holds(bed->data, 10);
}

/* --- a restore that is interrupted ------------------------------------------------------------------------------- */

static struct {
    int left;
    bool after;
} killing;

int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    bool now = killing.left > 0 && --killing.left == 0;
    if (now && !killing.after)
        raise(SIGKILL);
    int r = __real_renameat(from_dir, from, to_dir, to);
    if (now)
        raise(SIGKILL);
    return r;
}

/* Afterwards there is the old store, the new one, or a refusal; and the restore can be made again. */
static void test_restore_killed(void **state)
{
    struct bed *bed = *state;
    unsigned n_old = 0, n_refused = 0, n_new = 0, n_killed = 0;
    commit_to(bed->data, 10);
    assert_int_equal(backup(bed), 0);
    for (int at = 2; at < 20; at++) {
        struct buf contents;
        int status;
        fixture_remove(bed->data);
        commit_to(bed->data, 25);
        /* a log is there too, as after a crash */
        fixture_write(bed->data, "cloudmap.db-wal", STR(""));
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            killing.left = at / 2;
            killing.after = at % 2;
            store_restore(bed->data, bed->file, true, &bed->clock.clock, NULL, NULL, &bed->message);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        n_killed += WIFSIGNALED(status);
        buf_init(&contents, 1 << 20);
        /* a daemon that may make a new store must not do so in between */
        struct store *store;
        int r = store_open_sqlite(bed->data, STORE_CREATE, &bed->clock.clock, &store, &bed->message);
        if (r == 0) {
            r = fixture_contents(store, &contents, &bed->message);
            store_close(store);
        }
        if (r) {
            assert_int_equal(r, STORE_DAMAGED);
            assert_int_not_equal(status, 0);
            n_refused++;
        } else {
            struct buf old, new;
            buf_init(&old, 1 << 20);
            buf_init(&new, 1 << 20);
            fixture_work_contents(25, VALUE_SIZE, &old);
            fixture_work_contents(10, VALUE_SIZE, &new);
            bool is_old = str_eq(buf_str(&contents), buf_str(&old));
            assert_true(is_old || str_eq(buf_str(&contents), buf_str(&new)));
            n_old += is_old;
            n_new += !is_old;
            buf_fini(&old);
            buf_fini(&new);
        }
        buf_fini(&contents);
        assert_int_equal(restore(bed, bed->data, true), 0);
        assert_holds(bed->data, 10);
    }
    print_message("killed %u: old %u, refused %u, new %u\n", n_killed, n_old, n_refused, n_new);
    assert_true(n_old > 0 && n_refused > 2 && n_new > 0);
    assert_int_equal(n_killed, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_backup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backup_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backup_of_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backup_after_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backup_under_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restore_replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restore_over_ruins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restore_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restore_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restore_killed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
