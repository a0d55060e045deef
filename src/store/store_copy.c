/* SPDX-License-Identifier: Apache-2.0
 *
 * Backup and restore: page by page through SQLite, then the checks of a full load over the copy, and only then its
 * name. */
#include "store/store_ack.h"
#include "store/store_backend.h"
#include "store/store_dir.h"
#include "store/store_ledger.h"
#include "store/store_sqlite.h"
#include "store/store_sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGES_PER_STEP 1024

struct copying {
    const char *from, *to; /* names for messages */
    store_progress_fn *progress;
    void *arg;
    struct store_message *message;
};

static int cannot_write(const char *path, int error, struct store_message *ret_message)
{
    int r = error == ENOSPC || error == EDQUOT || error == EFBIG ? STORE_FULL : STORE_UNWRITABLE;
    return store_tell(ret_message, r, "%s: cannot write it: %s", path, strerror(error));
}

static int open_new(const char *path, struct store_message *ret_message)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return store_tell(
            ret_message, STORE_EXISTS,
            "%s: this file exists: another copy is being made, or one was interrupted; in that case remove it", path);
    if (fd < 0)
        return cannot_write(path, errno, ret_message);
    close(fd);
    return 0;
}

static int flush_file(const char *path, struct store_message *ret_message)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) ? cannot_write(path, errno, ret_message) : 0;
    if (fd >= 0)
        close(fd);
    return r;
}

static int copy_steps(struct copying *copying, sqlite3 *source, sqlite3 *target)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", source, "main");
    int code = SQLITE_OK;
    while (backup && code == SQLITE_OK) {
        code = sqlite3_backup_step(backup, PAGES_PER_STEP);
        uint64_t total = (uint64_t)sqlite3_backup_pagecount(backup);
        if (copying->progress)
            copying->progress(copying->arg, total - (uint64_t)sqlite3_backup_remaining(backup), total);
    }
    sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE)
        return 0;
    if (store_sqlite_file_is_full(target, STORE_SQLITE_FILE_DATABASE))
        return cannot_write(copying->to, ENOSPC, copying->message);
    return store_sqlite_file_error(target, copying->from, "copying it", copying->message);
}

/* The present state of `source` into the file `path`, which exists and is empty; flushed. */
static int copy_pages(struct copying *copying, sqlite3 *source, const char *path)
{
    sqlite3 *target = NULL;
    int r;
    /* The open transaction holds one state of the source for all steps. The copy needs no journal: it has no name yet.
     */
    if (sqlite3_exec(source, "BEGIN; SELECT 1 FROM sqlite_schema", NULL, NULL, NULL))
        return store_sqlite_file_error(source, copying->from, "reading it", copying->message);
    if (sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) ||
        sqlite3_exec(target, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL))
        r = store_sqlite_file_error(target, path, "making the copy", copying->message);
    else
        r = copy_steps(copying, source, target);
    sqlite3_close(target);
    sqlite3_exec(source, "ROLLBACK", NULL, NULL, NULL);
    return r ? r : flush_file(path, copying->message);
}

static int ignore_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    (void)arg, (void)key, (void)value, (void)n, (void)sum;
    return 0;
}

/* The checks of a load. *ret_revision is where the ledger stands; with `raise_to` it is first raised to that at least.
 */
static int verify(const char *path, const char *name, uint64_t raise_to, uint64_t *ret_revision,
                  struct store_message *ret_message)
{
    enum store_sqlite_file_mode mode = raise_to ? STORE_SQLITE_FILE_WRITE : STORE_SQLITE_FILE_FROZEN;
    struct store *store;
    int r = store_sqlite_open_file(path, name, mode, &store, ret_message);
    if (r)
        return r;
    r = store_load(store, ignore_record, NULL, ret_message);
    if (r == 0 && raise_to) {
        r = store_raise_revision(store, raise_to);
        if (r)
            store_tell(ret_message, r, "%s: cannot write the ledger of the copy", path);
    }
    if (r == 0)
        *ret_revision = store_revision(store);
    store_close(store);
    return r;
}

/* --- backup ------------------------------------------------------------------------------------------------------ */

static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    /* a file system that cannot: take the small risk that the name appears just now */
    if (errno == EINVAL && access(to, F_OK) && errno == ENOENT)
        return rename(from, to) ? -errno : 0;
    return -errno;
}

static int flush_directory_of(const char *file, struct store_message *ret_message)
{
    char path[STORE_DIR_FILE_MAX];
    snprintf(path, sizeof(path), "%s", file);
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) ? cannot_write(file, errno, ret_message) : 0;
    if (fd >= 0)
        close(fd);
    return r;
}

static int name_copy(const char *partial, const char *file, struct store_message *ret_message)
{
    int r = rename_new(partial, file);
    if (r == -EEXIST)
        return store_tell(ret_message, STORE_EXISTS, "%s: this file exists; name another one", file);
    if (r)
        return cannot_write(file, -r, ret_message);
    return flush_directory_of(file, ret_message);
}

/* The store of `dir` into the new file `partial`, checked like a load; `acknowledged` is what it must hold at least. */
static int copy_store(struct copying *copying, const char *db_path, const char *partial, uint64_t acknowledged)
{
    sqlite3 *source;
    uint64_t revision;
    int r = store_sqlite_file_open(db_path, STORE_SQLITE_FILE_READ, &source, copying->message);
    if (r)
        return r;
    r = copy_pages(copying, source, partial);
    sqlite3_close(source);
    if (r == 0)
        r = verify(partial, db_path, 0, &revision, copying->message);
    if (r == 0 && revision < acknowledged)
        r = store_tell(copying->message, STORE_DAMAGED,
                       "%s: the log lost acknowledged commits: the database ends at revision %" PRIu64 ", %" PRIu64
                       " was acknowledged; restore an older backup with `cloudmapctl restore FILE --replace`",
                       db_path, revision, acknowledged);
    return r;
}

int store_backup(const char *dir_path, const char *file, store_progress_fn *progress, void *arg,
                 struct store_message *ret_message)
{
    char db_path[STORE_DIR_FILE_MAX], partial[STORE_DIR_FILE_MAX];
    struct store_dir dir;
    uint64_t acknowledged = 0;
    if ((size_t)snprintf(partial, sizeof(partial), "%s.partial", file) >= sizeof(partial))
        return store_tell(ret_message, STORE_UNWRITABLE, "%.100s...: this path is too long", file);
    if (access(file, F_OK) == 0)
        return store_tell(ret_message, STORE_EXISTS, "%s: this file exists; name another one", file);
    int r = store_dir_open(dir_path, false, &dir, ret_message);
    if (r)
        return r;
    /* read first: what is acknowledged now must be in the state that is copied afterwards */
    if (store_ack_read(&dir, &acknowledged) == STORE_DAMAGED)
        r = store_tell(ret_message, STORE_DAMAGED,
                       "%s/" STORE_DIR_ACK ": damaged; restart cloudmapd to have it checked", dir.path);
    store_dir_file(&dir, STORE_DIR_DB, db_path);
    if (r == 0)
        r = open_new(partial, ret_message);
    if (r == 0) {
        struct copying copying = {
            .from = db_path, .to = file, .progress = progress, .arg = arg, .message = ret_message
        };
        r = copy_store(&copying, db_path, partial, acknowledged);
        if (r == 0)
            r = name_copy(partial, file, ret_message);
        if (r)
            unlink(partial);
    }
    store_dir_close(&dir);
    return r;
}

/* --- restore ----------------------------------------------------------------------------------------------------- */

static int refuse_live_file(const char *file, struct store_message *ret_message)
{
    char log_path[STORE_DIR_FILE_MAX];
    struct stat st;
    snprintf(log_path, sizeof(log_path), "%s-wal", file);
    if (stat(log_path, &st) == 0 && st.st_size > 0)
        return store_tell(ret_message, STORE_DAMAGED,
                          "%s: this is a live database with a log beside it; make a backup with `cloudmapctl backup`",
                          file);
    return 0;
}

/* `file`, checked, as the complete database STORE_DIR_NEW, its revision above everything that was given out here. */
static int prepare_new(const struct store_dir *dir, struct copying *copying, const struct clock *clock,
                       uint64_t *ret_revision)
{
    char path[STORE_DIR_FILE_MAX];
    sqlite3 *source;
    uint64_t revision, acknowledged, raise_to;
    int r = refuse_live_file(copying->from, copying->message);
    store_sqlite_file_read_ahead(copying->from);
    if (r == 0)
        r = verify(copying->from, copying->from, 0, &revision, copying->message);
    if (r)
        return r;
    if (store_ack_read(dir, &acknowledged))
        acknowledged = 0;
    raise_to = store_ledger_restored_revision(clock, revision, acknowledged);
    store_dir_remove_new(dir);
    store_dir_file(dir, STORE_DIR_NEW, path);
    r = open_new(path, copying->message);
    if (r == 0)
        r = store_sqlite_file_open(copying->from, STORE_SQLITE_FILE_FROZEN, &source, copying->message);
    if (r)
        return r;
    r = copy_pages(copying, source, path);
    sqlite3_close(source);
    if (r == 0)
        r = verify(path, copying->from, raise_to, ret_revision, copying->message);
    if (r == 0 && store_dir_has(dir, STORE_DIR_NEW "-wal"))
        r = cannot_write(path, ENOSPC, copying->message);
    return r;
}

/* A dated name under which nothing stands yet. */
static void choose_aside(const struct store_dir *dir, const struct clock *clock, char ret_name[64])
{
    int64_t ms = clock_wall_ms(clock);
    do {
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        char date[32];
        strftime(date, sizeof(date), "%Y%m%dT%H%M%S", gmtime_r(&seconds, &tm));
        snprintf(ret_name, 64, STORE_DIR_DB ".replaced-%s.%03dZ", date, (int)(ms % 1000));
        ms++;
    } while (store_dir_has(dir, ret_name));
}

/* The order matters: from the first step on the old database is refused (it ends before the acknowledged revision), and
 * a directory without a database is refused while that file stands. An interruption can only be followed by a refusal,
 * until the new database has its name. */
static int exchange(const struct store_dir *dir, uint64_t revision, const char *aside)
{
    static const char *const suffixes[] = { "", "-wal", "-journal" };
    int r = store_ack_create(dir, revision, NULL);
    for (size_t i = 0; r == 0 && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char from[64], to[80];
        snprintf(from, sizeof(from), STORE_DIR_DB "%s", suffixes[i]);
        snprintf(to, sizeof(to), "%s%s", aside, suffixes[i]);
        if (store_dir_has(dir, from))
            r = store_dir_rename(dir, from, to);
    }
    if (r == 0)
        unlinkat(dir->fd, STORE_DIR_INDEX, 0);
    return r ? r : store_dir_rename(dir, STORE_DIR_NEW, STORE_DIR_DB);
}

/* Under the lock. */
static int restore(const struct store_dir *dir, struct copying *copying, bool replace, const struct clock *clock)
{
    char aside[64];
    uint64_t revision;
    bool there =
        store_dir_has(dir, STORE_DIR_DB) || store_dir_has(dir, STORE_DIR_LOG) || store_dir_has(dir, STORE_DIR_JOURNAL);
    if (there && !replace)
        return store_tell(copying->message, STORE_EXISTS,
                          "%s: there is a store already; add --replace to put this one in its place", dir->path);
    int r = prepare_new(dir, copying, clock, &revision);
    if (r) {
        store_dir_remove_new(dir);
        return r;
    }
    choose_aside(dir, clock, aside);
    r = exchange(dir, revision, aside);
    if (r)
        return store_tell(copying->message, STORE_UNWRITABLE,
                          "%s: cannot rename the files: %s; repeat the restore (the old store may be named %s by now)",
                          dir->path, strerror(-r), aside);
    return there ? store_tell(copying->message, 0, "%s: restored; the store that was there is kept as %s", dir->path,
                              aside)
                 : store_tell(copying->message, 0, "%s: restored", dir->path);
}

int store_restore(const char *dir_path, const char *file, bool replace, const struct clock *clock,
                  store_progress_fn *progress, void *arg, struct store_message *ret_message)
{
    struct copying copying = { .from = file, .to = dir_path, .progress = progress, .arg = arg, .message = ret_message };
    struct store_dir dir;
    int r = store_dir_open(dir_path, true, &dir, ret_message);
    if (r)
        return r;
    r = store_dir_lock(&dir, ret_message);
    if (r == 0)
        r = restore(&dir, &copying, replace, clock);
    store_dir_close(&dir);
    return r;
}
