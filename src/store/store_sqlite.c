/* SPDX-License-Identifier: Apache-2.0
 *
 * The embedded store: one SQLite database in write-ahead-log mode. A commit is one transaction and one flush of the
 * log. */
#include "store/store_sqlite.h"
#include "base/mem.h"
#include "store/store_ack.h"
#include "store/store_backend.h"
#include "store/store_dir.h"
#include "store/store_ledger.h"
#include "store/store_seal.h"
#include "store/store_sqlite_checkpoint.h"
#include "store/store_sqlite_file.h"
#include "store/store_sqlite_load.h"
#include "store/store_sqlite_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum statement { BEGIN, COMMIT, ROLLBACK, INSERT, UPDATE, DELETE, APPEND, TRIM, ROWS, STATEMENT_COUNT };

/* 15 is where the digits of the sum stand in a sealed value, counted from 1. */
static const char *const statement_sql[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [INSERT] = "INSERT INTO record VALUES(?1, ?2)",
    [UPDATE] = "UPDATE record SET value = ?2 WHERE key = ?1 AND substr(value, 15, 8) = ?3",
    [DELETE] = "DELETE FROM record WHERE key = ?1 AND substr(value, 15, 8) = ?3",
    [APPEND] = "INSERT INTO trail VALUES(?1, ?2, ?3, ?4)",
    [TRIM] = "DELETE FROM trail WHERE number <= ?1",
    [ROWS] = "SELECT number, time, hash, text FROM trail WHERE number BETWEEN ?1 AND ?2 ORDER BY number",
};
_Static_assert(STORE_SEAL_SUM_AT == 14, "the statements name the place of the sum");

struct sqlite {
    struct store_backend backend;
    struct store_dir dir; /* fd -1: a single file without a directory of ours */
    char path[STORE_DIR_FILE_MAX];
    char name[STORE_DIR_FILE_MAX]; /* what messages call it */
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct store_sqlite_log *log; /* from accept on; NULL: a single file */
    const struct store_sqlite_checkpoint_limits *limits;
    struct store_sqlite_checkpoint *checkpoint; /* from accept on */
    char *ack;                                  /* of store_ack.h, mapped; from accept on; NULL: a single file */
    unsigned log_frames;                        /* after the last commit, told by SQLite's hook */
    bool accepted, lost;
};

static struct sqlite *sqlite_of(struct store_backend *backend)
{
    return (struct sqlite *)backend;
}

static int sqlite_load(struct store_backend *backend, store_row_fn *fn, void *arg, struct store_message *ret_message)
{
    struct sqlite *sqlite = sqlite_of(backend);
    return store_sqlite_load(sqlite->db, backend->name, fn, arg, ret_message);
}

/* --- from load to commits ---------------------------------------------------------------------------------------- */

static int check_acknowledged(struct sqlite *sqlite, uint64_t revision, struct store_message *ret_message)
{
    uint64_t acknowledged;
    int r = store_ack_read(&sqlite->dir, &acknowledged);
    if (r == STORE_MISSING)
        return 0;
    if (r)
        return store_tell(
            ret_message, STORE_DAMAGED,
            "%s/" STORE_DIR_ACK ": damaged; the database beside it is whole, but whether its last commits are "
            "there cannot be told: " STORE_HINT_RESTORE ", or remove this file to go on without that check",
            sqlite->dir.path);
    if (acknowledged > revision)
        return store_tell(ret_message, STORE_DAMAGED,
                          "%s: the log lost acknowledged commits: the database ends at revision %" PRIu64 ", %" PRIu64
                          " was acknowledged; " STORE_HINT_RESTORE ", or remove the file " STORE_DIR_ACK
                          " to go on without the lost commits",
                          sqlite->path, revision, acknowledged);
    return 0;
}

static int note_log_frames(void *arg, sqlite3 *db, const char *schema, int frames)
{
    struct sqlite *sqlite = arg;
    (void)db;
    (void)schema;
    sqlite->log_frames = (unsigned)frames;
    return SQLITE_OK;
}

static int prepare(struct sqlite *sqlite, struct store_message *ret_message)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        if (sqlite3_prepare_v3(sqlite->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &sqlite->statements[i],
                               NULL))
            return store_sqlite_file_error(sqlite->db, sqlite->path, "opening it", ret_message);
    sqlite3_wal_hook(sqlite->db, note_log_frames, sqlite);
    return 0;
}

/* What a crash or a failed flush left in the log is read back from the kernel's memory, and may never have reached the
 * disk. Before more is built on it, it is written to the database and flushed. */
static int secure_log(struct sqlite *sqlite, struct store_message *ret_message)
{
    if (sqlite3_wal_checkpoint_v2(sqlite->db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL))
        return store_sqlite_file_error(sqlite->db, sqlite->path, "bringing the log into it", ret_message);
    return 0;
}

static int sqlite_accept(struct store_backend *backend, uint64_t revision, struct store_message *ret_message)
{
    struct sqlite *sqlite = sqlite_of(backend);
    bool in_directory = sqlite->dir.fd >= 0;
    int r = in_directory ? check_acknowledged(sqlite, revision, ret_message) : 0;
    if (r == 0 && in_directory)
        r = secure_log(sqlite, ret_message);
    if (r == 0)
        r = store_sqlite_file_upgrade(sqlite->db, sqlite->path, ret_message);
    if (r == 0)
        r = prepare(sqlite, ret_message);
    sqlite->accepted = r == 0;
    if (r || !in_directory)
        return r;
    sqlite->log = store_sqlite_log_gather(sqlite->db);
    if (!sqlite->log)
        return store_tell(ret_message, -ENOMEM, "%s: out of memory while opening it", sqlite->path);
    r = store_ack_create(&sqlite->dir, revision, &sqlite->ack);
    if (r)
        return store_tell(ret_message, STORE_UNWRITABLE, "%s/" STORE_DIR_ACK ": cannot write it: %s", sqlite->dir.path,
                          strerror(-r));
    return store_sqlite_checkpoint_start(sqlite->path, sqlite->limits, &sqlite->checkpoint, ret_message);
}

/* --- commits ----------------------------------------------------------------------------------------------------- */

static int step(struct sqlite *sqlite, enum statement i)
{
    sqlite3_step(sqlite->statements[i]);
    return sqlite3_reset(sqlite->statements[i]);
}

static void bind(sqlite3_stmt *statement, int i, struct str text)
{
    /* cannot fail: the slot exists, the length is below the limit, nothing is copied */
    sqlite3_bind_text(statement, i, text.p, (int)text.n, SQLITE_STATIC);
}

/* 0, STORE_CONFLICT, or -EIO: see what the connection says. */
static int apply(struct sqlite *sqlite, const struct store_op *op)
{
    enum statement i = !op->old_sum ? INSERT : op->sum ? UPDATE : DELETE;
    sqlite3_stmt *statement = sqlite->statements[i];
    char digits[8];
    bind(statement, 1, op->key);
    if (i != DELETE)
        bind(statement, 2, op->value);
    if (i != INSERT) {
        store_seal_format_sum(op->old_sum, digits);
        bind(statement, 3, (struct str){ digits, sizeof(digits) });
    }
    int code = step(sqlite, i);
    if (code)
        return (code & 0xff) == SQLITE_CONSTRAINT ? STORE_CONFLICT : -EIO;
    return sqlite3_changes(sqlite->db) == 1 ? 0 : STORE_CONFLICT;
}

/* What an error of the connection means for the commit. Once the log may have been flushed, anything but a write that
 * found no space leaves open whether the commit is there after a restart. */
static int judge(sqlite3 *db, bool committing)
{
    int code = sqlite3_errcode(db) & 0xff;
    if (store_sqlite_file_is_full(db, STORE_SQLITE_FILE_LOG))
        return STORE_FULL;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return STORE_CONFLICT;
    if (store_sqlite_file_is_nomem(db) && !committing)
        return -ENOMEM;
    return STORE_LOST;
}

/* 0, STORE_CONFLICT (a row of that number is there), or -EIO. */
static int apply_trail(struct sqlite *sqlite, const struct store_trail_step *trail)
{
    int code = 0;
    if (trail->gone) {
        sqlite3_bind_int64(sqlite->statements[TRIM], 1, (sqlite3_int64)trail->gone);
        code = step(sqlite, TRIM);
    }
    for (size_t i = 0; code == 0 && i < trail->n_rows; i++) {
        const struct store_row *row = &trail->rows[i];
        sqlite3_stmt *statement = sqlite->statements[APPEND];
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)row->number);
        sqlite3_bind_int64(statement, 2, row->time_ms);
        sqlite3_bind_blob(statement, 3, row->hash, sizeof(row->hash), SQLITE_STATIC);
        bind(statement, 4, row->text);
        code = step(sqlite, APPEND);
    }
    return code == 0 ? 0 : (code & 0xff) == SQLITE_CONSTRAINT ? STORE_CONFLICT : -EIO;
}

static int apply_all(struct sqlite *sqlite, const struct store_op *ops, size_t n_ops,
                     const struct store_trail_step *trail, const struct store_op *ledger)
{
    if (step(sqlite, BEGIN))
        return judge(sqlite->db, false);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n_ops; i++)
        r = apply(sqlite, &ops[i]);
    if (r == 0)
        r = apply_trail(sqlite, trail);
    if (r == 0)
        r = apply(sqlite, ledger);
    return r == -EIO ? judge(sqlite->db, false) : r;
}

static int sqlite_rows(struct store_backend *backend, uint64_t from, uint64_t to, store_trail_fn *fn, void *arg)
{
    struct sqlite *sqlite = sqlite_of(backend);
    sqlite3_stmt *statement = sqlite->statements[ROWS];
    int r = 0, code = SQLITE_DONE;
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)from);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)to);
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_row row;
        r = store_sqlite_load_row(statement, &row) ? STORE_LOST : fn(arg, &row);
    }
    if (r == 0 && code != SQLITE_DONE)
        r = STORE_LOST;
    sqlite3_reset(statement);
    return r;
}

static int sqlite_commit(struct store_backend *backend, const struct store_op *ops, size_t n_ops,
                         const struct store_trail_step *trail, const struct store_op *ledger, uint64_t revision)
{
    struct sqlite *sqlite = sqlite_of(backend);
    if (sqlite->checkpoint && store_sqlite_checkpoint_is_lost(sqlite->checkpoint))
        sqlite->lost = true;
    if (sqlite->lost)
        return STORE_LOST;
    int r = apply_all(sqlite, ops, n_ops, trail, ledger);
    if (r == 0 && step(sqlite, COMMIT))
        r = judge(sqlite->db, true);
    if (r) {
        sqlite->lost = r == STORE_LOST;
        if (!sqlite3_get_autocommit(sqlite->db))
            step(sqlite, ROLLBACK);
        return r;
    }
    if (sqlite->checkpoint) {
        store_ack_set(sqlite->ack, revision);
        store_sqlite_checkpoint_after_commit(sqlite->checkpoint, sqlite->db, sqlite->log_frames);
    }
    return 0;
}

/* --- the rest ---------------------------------------------------------------------------------------------------- */

static uint64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void sqlite_stat(struct store_backend *backend, struct store_stat *ret_stat)
{
    struct sqlite *sqlite = sqlite_of(backend);
    char log_path[sizeof(sqlite->path) + 4];
    snprintf(log_path, sizeof(log_path), "%s-wal", sqlite->path);
    ret_stat->file_bytes = file_size(sqlite->path);
    ret_stat->log_bytes = file_size(log_path);
    if (sqlite->checkpoint)
        ret_stat->checkpoints = store_sqlite_checkpoint_count(sqlite->checkpoint);
}

static void sqlite_close(struct store_backend *backend)
{
    struct sqlite *sqlite = sqlite_of(backend);
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(sqlite->statements[i]);
    bool lost = store_sqlite_checkpoint_stop(sqlite->checkpoint) || sqlite->lost;
    if (sqlite->db) {
        /* the last connection: it brings the log in and removes it */
        store_sqlite_file_keep(sqlite->db, sqlite->accepted && !lost);
        sqlite3_close(sqlite->db);
    }
    store_sqlite_log_free(sqlite->log);
    store_ack_close(sqlite->ack);
    store_dir_close(&sqlite->dir);
    mem_free(sqlite);
}

static const struct store_backend_ops sqlite_ops = {
    .load = sqlite_load,
    .accept = sqlite_accept,
    .commit = sqlite_commit,
    .rows = sqlite_rows,
    .stat = sqlite_stat,
    .close = sqlite_close,
};

/* --- opening ----------------------------------------------------------------------------------------------------- */

/* Takes the directory in every case. */
static int open_backend(const char *path, const char *name, enum store_sqlite_file_mode mode,
                        const struct store_dir *take_dir, const struct store_sqlite_checkpoint_limits *limits,
                        struct store **ret_store, struct store_message *ret_message)
{
    struct sqlite *sqlite = mem_zalloc(sizeof(*sqlite));
    if (!sqlite) {
        store_dir_close(take_dir);
        return store_tell(ret_message, -ENOMEM, "%s: out of memory while opening it", name);
    }
    sqlite->backend = (struct store_backend){ .ops = &sqlite_ops, .name = sqlite->name };
    sqlite->dir = *take_dir;
    sqlite->limits = limits;
    snprintf(sqlite->path, sizeof(sqlite->path), "%s", path);
    snprintf(sqlite->name, sizeof(sqlite->name), "%s", name);
    int r = store_sqlite_file_open(path, mode, &sqlite->db, ret_message);
    struct store *store = r == 0 ? store_new(&sqlite->backend) : NULL;
    if (r == 0 && !store)
        r = store_tell(ret_message, -ENOMEM, "%s: out of memory while opening it", name);
    if (r)
        sqlite_close(&sqlite->backend);
    else
        *ret_store = store;
    return r;
}

int store_sqlite_open_file(const char *path, const char *name, enum store_sqlite_file_mode mode,
                           struct store **ret_store, struct store_message *ret_message)
{
    const struct store_dir no_dir = { .fd = -1, .lock_fd = -1 };
    return open_backend(path, name, mode, &no_dir, NULL, ret_store, ret_message);
}

static int create(const struct store_dir *dir, const struct clock *clock, struct store_message *ret_message)
{
    char path[STORE_DIR_FILE_MAX];
    store_dir_remove_new(dir);
    store_dir_file(dir, STORE_DIR_NEW, path);
    int r = store_sqlite_file_create(path, store_ledger_first_revision(clock), ret_message);
    if (r == 0) {
        r = store_dir_rename(dir, STORE_DIR_NEW, STORE_DIR_DB);
        if (r)
            store_tell(ret_message, r, "%s: cannot rename it: %s", path, strerror(-r));
    }
    if (r)
        store_dir_remove_new(dir);
    return r;
}

/* Whether the locked directory holds what can be opened; makes a store when there is none and `may_create`. */
static int settle(const struct store_dir *dir, bool may_create, const struct clock *clock,
                  struct store_message *ret_message)
{
    if (store_dir_has(dir, STORE_DIR_JOURNAL))
        return store_tell(ret_message, STORE_DAMAGED,
                          "%s/" STORE_DIR_JOURNAL ": another program was changing the database; " STORE_HINT_RESTORE,
                          dir->path);
    switch (store_dir_state(dir)) {
    case STORE_DIR_PRESENT:
        return 0;
    case STORE_DIR_INCOMPLETE:
        return store_tell(ret_message, STORE_DAMAGED,
                          "%s/" STORE_DIR_DB ": the database is gone, but its log or its file " STORE_DIR_ACK
                          " is still there; put it back, or " STORE_HINT_RESTORE,
                          dir->path);
    default:
        break;
    }
    if (may_create)
        return create(dir, clock, ret_message);
    return store_tell(ret_message, STORE_MISSING, "%s: there is no store in this directory", dir->path);
}

int store_sqlite_open(const char *path, unsigned flags, const struct clock *clock,
                      const struct store_sqlite_checkpoint_limits *limits, struct store **ret_store,
                      struct store_message *ret_message)
{
    bool may_create = flags & STORE_CREATE;
    char file[STORE_DIR_FILE_MAX];
    struct store_dir dir;
    int r = store_dir_open(path, may_create, &dir, ret_message);
    if (r)
        return r;
    /* a directory without a store is not even given a lock file */
    if (may_create || store_dir_state(&dir) != STORE_DIR_EMPTY)
        r = store_dir_lock(&dir, ret_message);
    if (r == 0)
        r = settle(&dir, may_create, clock, ret_message);
    if (r) {
        store_dir_close(&dir);
        return r;
    }
    store_dir_file(&dir, STORE_DIR_DB, file);
    store_sqlite_file_read_ahead(file);
    return open_backend(file, file, STORE_SQLITE_FILE_WRITE, &dir, limits, ret_store, ret_message);
}

int store_open_sqlite(const char *dir, unsigned flags, const struct clock *clock, struct store **ret_store,
                      struct store_message *ret_message)
{
    return store_sqlite_open(dir, flags, clock, &store_sqlite_checkpoint_limits, ret_store, ret_message);
}
