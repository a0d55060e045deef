/* SPDX-License-Identifier: Apache-2.0
 *
 * What may stand where a store is expected, and what each program is told: foreign files, newer formats, another
 * process, a directory that cannot be written. Whatever it is, it stays as it was. */
#include "fixture.h"

#include "store/store_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct bed {
    char dir[FIXTURE_PATH];
    struct store_message message;
};

static int set_up(void **state)
{
    static struct bed bed;
    bed = (struct bed){ 0 };
    fixture_dir(true, bed.dir);
    *state = &bed;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    fixture_remove(bed->dir);
    return 0;
}

/* Opens, and loads when that went well. */
static int try_open(struct bed *bed, const char *dir, unsigned flags)
{
    struct store *store;
    bed->message.text[0] = '\0';
    int r = store_open_sqlite(dir, flags, clock_system(), &store, &bed->message);
    if (r == 0) {
        struct buf contents;
        buf_init(&contents, 1 << 20);
        r = fixture_contents(store, &contents, &bed->message);
        buf_fini(&contents);
        store_close(store);
    }
    assert_true((r == 0) == (bed->message.text[0] == '\0'));
    return r;
}

static void assert_says(const struct bed *bed, const char *what)
{
    if (!strstr(bed->message.text, what))
        print_error("message '%s' lacks '%s'\n", bed->message.text, what);
    assert_non_null(strstr(bed->message.text, what));
}

/* Refused with and without STORE_CREATE, and left as it is. */
static void assert_refused(struct bed *bed, int result, const char *what)
{
    struct fixture_files files;
    fixture_files_read(bed->dir, &files);
    for (unsigned flags = 0; flags <= STORE_CREATE; flags++) {
        assert_int_equal(try_open(bed, bed->dir, flags), result);
        assert_says(bed, what);
        assert_true(fixture_files_same(bed->dir, &files));
    }
    fixture_files_free(&files);
}

static void make_store(struct bed *bed)
{
    struct fixture_work work;
    struct store *store = fixture_open(bed->dir);
    fixture_work_init(&work, 100);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fixture_work_commit(&work, store), 0);
    fixture_work_free(&work);
    store_close(store);
}

/* Overwrites four bytes of the database's header. */
static void set_header(struct bed *bed, size_t at, const char *bytes)
{
    struct str db = fixture_read(bed->dir, "cloudmap.db");
    memcpy((char *)db.p + at, bytes, 4);
    fixture_write(bed->dir, "cloudmap.db", db);
    fixture_free(&db);
}

static void sql(struct bed *bed, const char *text)
{
    char path[FIXTURE_PATH];
    sqlite3 *db;
    fixture_path(bed->dir, "cloudmap.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- nothing, or a part ------------------------------------------------------------------------------------------ */

static void test_missing(void **state)
{
    struct bed *bed = *state;
    char path[FIXTURE_PATH];
    assert_int_equal(try_open(bed, bed->dir, 0), STORE_MISSING);
    assert_says(bed, "no store");
    fixture_path(bed->dir, "lock", path);
    assert_int_equal(access(path, F_OK), -1);
    fixture_path(bed->dir, "sub", path);
    assert_int_equal(try_open(bed, path, 0), STORE_MISSING);
    assert_int_equal(access(path, F_OK), -1);
    fixture_path(bed->dir, "sub/sub", path);
    assert_int_equal(try_open(bed, path, STORE_CREATE), STORE_UNWRITABLE);
}

static void test_create(void **state)
{
    struct bed *bed = *state;
    char path[FIXTURE_PATH], file[FIXTURE_PATH];
    struct stat st;
    fixture_path(bed->dir, "sub", path);
    mode_t old = umask(0);
    assert_int_equal(try_open(bed, path, STORE_CREATE), 0);
    umask(old);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    static const char *const names[] = { "cloudmap.db", "lock", "acknowledged" };
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        fixture_path(path, names[i], file);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    fixture_path(path, "cloudmap.db-wal", file);
    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(try_open(bed, path, 0), 0);
}

/* A creation that was interrupted left its files; the next one begins anew. */
static void test_interrupted_creation(void **state)
{
    struct bed *bed = *state;
    fixture_write(bed->dir, "cloudmap.db-new", STR("half"));
    fixture_write(bed->dir, "cloudmap.db-new-wal", STR("a log"));
    assert_int_equal(try_open(bed, bed->dir, STORE_CREATE), 0);
    struct str left = fixture_read(bed->dir, "cloudmap.db-new");
    assert_false(str_is_set(left));
    left = fixture_read(bed->dir, "cloudmap.db-new-wal");
    assert_false(str_is_set(left));
}

static void test_relative_path(void **state)
{
    struct bed *bed = *state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(bed->dir), 0);
    /* a name that SQLite would take for a URI */
    assert_int_equal(try_open(bed, "file:x?mode=memory", STORE_CREATE), 0);
    struct stat st;
    assert_int_equal(stat("file:x?mode=memory/cloudmap.db", &st), 0);
    assert_int_equal(chdir(before), 0);
}

static void test_long_path(void **state)
{
    struct bed *bed = *state;
    char path[1024];
    size_t n = (size_t)snprintf(path, sizeof(path), "%s", bed->dir);
    for (int i = 0; i < 3; i++) {
        n += (size_t)snprintf(path + n, sizeof(path) - n, "/%0200d", i);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_int_equal(try_open(bed, path, STORE_CREATE), STORE_UNWRITABLE);
    assert_says(bed, "longer than");
}

/* --- foreign ----------------------------------------------------------------------------------------------------- */

static void test_foreign_files(void **state)
{
    struct bed *bed = *state;
    char page[4096];
    fixture_write(bed->dir, "cloudmap.db", STR(""));
    assert_refused(bed, STORE_DAMAGED, "empty");
    fixture_write(bed->dir, "cloudmap.db", STR("hello"));
    assert_refused(bed, STORE_DAMAGED, "too short");
    memset(page, 'x', sizeof(page));
    fixture_write(bed->dir, "cloudmap.db", (struct str){ page, sizeof(page) });
    assert_refused(bed, STORE_DAMAGED, "not a Cloudmap store");
    fixture_write(bed->dir, "cloudmap.db", (struct str){ 0 });
    sql(bed, "CREATE TABLE record(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID");
    assert_refused(bed, STORE_DAMAGED, "another program");
    sql(bed, "PRAGMA application_id = 0x434c4d50; PRAGMA user_version = 1");
    assert_refused(bed, STORE_DAMAGED, "changed by another program");
    sql(bed, "PRAGMA journal_mode = WAL");
    assert_refused(bed, STORE_DAMAGED, "ledger record is missing");
}

static void test_not_a_file(void **state)
{
    struct bed *bed = *state;
    char path[FIXTURE_PATH];
    fixture_path(bed->dir, "cloudmap.db", path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(try_open(bed, bed->dir, STORE_CREATE), STORE_DAMAGED);
    assert_says(bed, "not a regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(try_open(bed, bed->dir, STORE_CREATE), STORE_DAMAGED);
    assert_says(bed, "not a regular file");
    assert_int_equal(unlink(path), 0);
    fixture_write(bed->dir, "plain", STR("x"));
    fixture_path(bed->dir, "plain", path);
    assert_int_equal(try_open(bed, path, STORE_CREATE), STORE_DAMAGED);
    assert_says(bed, "not a directory");
    fixture_path(bed->dir, "plain/sub", path);
    assert_int_not_equal(try_open(bed, path, STORE_CREATE), 0);
}

static void test_journal(void **state)
{
    struct bed *bed = *state;
    make_store(bed);
    fixture_write(bed->dir, "cloudmap.db-journal", STR("a rollback journal that SQLite would play back"));
    assert_refused(bed, STORE_DAMAGED, "cloudmap.db-journal");
}

/* What another program may have put into our database: all of it is refused. */
static void test_altered(void **state)
{
    struct bed *bed = *state;
    static const struct {
        const char *sql, *says;
    } cases[] = {
        { "CREATE TABLE more(x)", "tables are not Cloudmap's" },
        { "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END", "tables are not Cloudmap's" },
        { "ALTER TABLE record RENAME COLUMN value TO content", "tables are not Cloudmap's" },
        { "DROP TABLE record", "tables are not Cloudmap's" },
        { "UPDATE record SET value = CAST(value AS BLOB) WHERE key = 'counter'", "not text" },
        { "UPDATE record SET key = 'other' WHERE key = 'counter'", "\"other\" is damaged" },
        { "UPDATE record SET value = json_set(value, '$.commit', 7) WHERE key = 'counter'", "\"counter\" is damaged" },
        { "DELETE FROM record WHERE key = 'counter'", "where the ledger has" },
        { "DELETE FROM record WHERE key = 'ledger'", "ledger record is missing" },
        { "INSERT INTO record VALUES('x\x1b[31m', '{\"v\":1}')", "\"x?[31m\" is damaged" },
        { "INSERT INTO record VALUES('x', '{\"v\":2,\"sum\":7}')", "newer format" },
        { "PRAGMA journal_mode = DELETE", "changed by another program" },
        { "PRAGMA user_version = 0", "changed by another program" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        make_store(bed);
        sql(bed, cases[i].sql);
        assert_refused(bed, strstr(cases[i].says, "newer") ? STORE_NEWER : STORE_DAMAGED, cases[i].says);
        fixture_remove(bed->dir);
        assert_int_equal(mkdir(bed->dir, 0700), 0);
    }
}

/* A record that is whole in itself, but not the one that was committed last. */
static void test_older_record(void **state)
{
    struct bed *bed = *state;
    char value[200], text[300];
    struct str json = STR("{\"commit\":4,\"filling\":\"\"}");
    make_store(bed);
    store_seal_write(STR("counter"), json, value);
    snprintf(text, sizeof(text), "UPDATE record SET value = '%.*s' WHERE key = 'counter'", (int)store_seal_size(json),
             value);
    sql(bed, text);
    assert_refused(bed, STORE_DAMAGED, "digest");
}

/* What people do with sqlite3 without changing anything. */
static void test_looked_at(void **state)
{
    struct bed *bed = *state;
    make_store(bed);
    sql(bed, "SELECT key, value -> '$.commit' FROM record; PRAGMA integrity_check; PRAGMA wal_checkpoint; VACUUM");
    assert_int_equal(try_open(bed, bed->dir, 0), 0);
}

static void test_newer(void **state)
{
    struct bed *bed = *state;
    make_store(bed);
    set_header(bed, 60, "\0\0\0\3");
    assert_refused(bed, STORE_NEWER, "format 3");
    assert_int_equal(store_exit_code(STORE_NEWER), 66);
}

/* --- other processes --------------------------------------------------------------------------------------------- */

static void test_busy(void **state)
{
    struct bed *bed = *state;
    int ready[2], done[2];
    char byte;
    make_store(bed);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(done, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = fixture_open(bed->dir);
        close(done[1]);
        bool told = write(ready[1], "x", 1) == 1 && read(done[0], &byte, 1) == 0;
        store_close(store);
        _exit(told ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(try_open(bed, bed->dir, 0), STORE_BUSY);
    char pid[32];
    snprintf(pid, sizeof(pid), "process %d;", (int)child);
    assert_says(bed, pid);
    assert_int_equal(try_open(bed, bed->dir, STORE_CREATE), STORE_BUSY);
    close(done[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(try_open(bed, bed->dir, 0), 0);
    close(done[0]);
    close(ready[0]);
    close(ready[1]);
}

/* The lock is the process's in two ways: a second store of the same process is kept out too. */
static void test_busy_by_ourselves(void **state)
{
    struct bed *bed = *state;
    struct store *store = fixture_open(bed->dir);
    assert_int_equal(try_open(bed, bed->dir, STORE_CREATE), STORE_BUSY);
    store_close(store);
    assert_int_equal(try_open(bed, bed->dir, STORE_CREATE), 0);
}

/* --- no permission ----------------------------------------------------------------------------------------------- */

/* Runs `check` in a child that is not root. */
static void unprivileged(struct bed *bed, void (*check)(struct bed *bed))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(99);
        check(bed);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void give_away(struct bed *bed)
{
    static const char *const names[] = { ".", "cloudmap.db", "acknowledged", "lock" };
    for (size_t i = 0; geteuid() == 0 && i < TEST_COUNT(names); i++) {
        char path[FIXTURE_PATH];
        fixture_path(bed->dir, names[i], path);
        assert_int_equal(chown(path, 65534, 65534), 0);
    }
}

static void check_unwritable(struct bed *bed)
{
    if (try_open(bed, bed->dir, STORE_CREATE) != STORE_UNWRITABLE) {
        fprintf(stderr, "%s\n", bed->message.text);
        _exit(1);
    }
    if (!strstr(bed->message.text, bed->dir))
        _exit(2);
}

static void assert_unwritable(struct bed *bed, const char *name, mode_t mode)
{
    struct fixture_files files;
    char path[FIXTURE_PATH];
    fixture_files_read(bed->dir, &files);
    if (strcmp(name, ".") == 0)
        memcpy(path, bed->dir, sizeof(path)); /* DIR/. needs permission to enter DIR */
    else
        fixture_path(bed->dir, name, path);
    assert_int_equal(chmod(path, mode), 0);
    unprivileged(bed, check_unwritable);
    assert_int_equal(chmod(path, 0700), 0);
    assert_true(fixture_files_same(bed->dir, &files));
    fixture_files_free(&files);
}

static void test_unwritable(void **state)
{
    struct bed *bed = *state;
    char path[FIXTURE_PATH];
    make_store(bed);
    give_away(bed);
    assert_unwritable(bed, "lock", 0400);
    assert_unwritable(bed, "cloudmap.db", 0400);
    assert_unwritable(bed, "cloudmap.db", 0000);
    assert_unwritable(bed, ".", 0500);
    assert_unwritable(bed, ".", 0000);
    fixture_path(bed->dir, "lock", path);
    assert_int_equal(unlink(path), 0);
    assert_unwritable(bed, ".", 0500);
}

static void test_unwritable_empty_directory(void **state)
{
    struct bed *bed = *state;
    if (geteuid() == 0)
        assert_int_equal(chown(bed->dir, 65534, 65534), 0);
    assert_unwritable(bed, ".", 0500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_create, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_interrupted_creation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_relative_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_altered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_older_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_newer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_busy_by_ourselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unwritable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unwritable_empty_directory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
