/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and opening one SQLite file. */
#include "store/store_sqlite_file.h"
#include "base/mem.h"
#include "store/store_backend.h"
#include "store/store_dir.h"
#include "store/store_ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x434c4d50 /* "CLMP" */
#define FORMAT_VERSION 2
#define BUSY_TIMEOUT_MS 10000
#define READ_AHEAD_STEP (1 << 20)
#define ROW_ROOM 65536 /* for key, seal and SQLite's own bytes beside the largest value */

/* The file's header, https://www.sqlite.org/fileformat2.html section 1.3, where every field that we do not expect to
 * change is held to its value: SQLite would work with another value, and write the file in another manner. */
#define HEADER_LEN 100
#define AT_USER_VERSION 60
#define AT_APPLICATION_ID 68
static const struct str header_magic = { "SQLite format 3", 16 };
static const struct {
    size_t at;
    struct str bytes;
} header_fixed[] = {
    { 16, { "\x10\x00", 2 } },         /* page size 4096 */
    { 18, { "\x02\x02", 2 } },         /* write-ahead log */
    { 20, { "\x00\x40\x20\x20", 4 } }, /* no reserved space; payload fractions */
    { 44, { "\x00\x00\x00\x04", 4 } }, /* schema format */
    { 48, { "\x00\x00\x00\x00", 4 } }, /* cache size */
    { 52, { "\x00\x00\x00\x00", 4 } }, /* no auto-vacuum */
    { 56, { "\x00\x00\x00\x01", 4 } }, /* UTF-8 */
    { 64, { "\x00\x00\x00\x00", 4 } }, /* no incremental vacuum */
    { 72, { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20 } },
};

static uint32_t read_u32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The system's error of the last call on the file that failed, 0 when there is none: statements do not report it. */
static int last_errno(sqlite3_file *file)
{
    int error = 0;
    if (file && file->pMethods)
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    return error;
}

static sqlite3_file *file_of(sqlite3 *db, enum store_sqlite_file_part part)
{
    sqlite3_file *file = NULL;
    sqlite3_file_control(
        db, "main", part == STORE_SQLITE_FILE_LOG ? SQLITE_FCNTL_JOURNAL_POINTER : SQLITE_FCNTL_FILE_POINTER, &file);
    return file;
}

bool store_sqlite_file_found_no_space(sqlite3_file *file, int code)
{
    /* a flush that finds no space is another matter: what it left out is unknown */
    if (code != SQLITE_IOERR_WRITE)
        return code == SQLITE_FULL;
    int error = last_errno(file);
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

bool store_sqlite_file_is_full(sqlite3 *db, enum store_sqlite_file_part part)
{
    return store_sqlite_file_found_no_space(file_of(db, part), sqlite3_extended_errcode(db));
}

bool store_sqlite_file_is_nomem(sqlite3 *db)
{
    int code = sqlite3_extended_errcode(db);
    return code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM;
}

int store_sqlite_file_error(sqlite3 *db, const char *path, const char *what, struct store_message *ret_message)
{
    if (!db || store_sqlite_file_is_nomem(db))
        return store_tell(ret_message, -ENOMEM, "%s: out of memory while %s", path, what);
    int error = sqlite3_system_errno(db);
    if (!error)
        error = last_errno(file_of(db, STORE_SQLITE_FILE_DATABASE));
    if (!error)
        error = last_errno(file_of(db, STORE_SQLITE_FILE_LOG));
    const char *text = error ? strerror(error) : sqlite3_errmsg(db);
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return store_tell(ret_message, STORE_BUSY, "%s: another program holds the database locked; close it first",
                          path);
    case SQLITE_CANTOPEN:
        return store_tell(ret_message, STORE_UNWRITABLE, "%s: %s failed: %s", path, what, text);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_FULL:
        return store_tell(ret_message, STORE_UNWRITABLE, "%s: cannot write while %s: %s", path, what, text);
    case SQLITE_IOERR:
        if (error == ENOSPC || error == EDQUOT || error == EFBIG || error == EACCES || error == EROFS)
            return store_tell(ret_message, STORE_UNWRITABLE, "%s: cannot write while %s: %s", path, what, text);
        return store_tell(ret_message, -EIO, "%s: input/output error while %s: %s; check the disk", path, what, text);
    default:
        return store_tell(ret_message, STORE_DAMAGED, "%s: damaged (%s); " STORE_HINT_RESTORE, path,
                          sqlite3_errmsg(db));
    }
}

static int not_ours(const char *path, const char *why, struct store_message *ret_message)
{
    return store_tell(ret_message, STORE_DAMAGED,
                      "%s: %s; nothing was changed: name the right one, or move this one away", path, why);
}

/* What can be known of the file without opening it. */
static int check_file(const char *path, struct store_message *ret_message)
{
    struct stat st;
    if (stat(path, &st))
        return errno == ENOENT
                   ? store_tell(ret_message, STORE_MISSING, "%s: there is no such file", path)
                   : store_tell(ret_message, STORE_UNWRITABLE, "%s: cannot open it: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return not_ours(path, "this is not a regular file", ret_message);
    if (st.st_size == 0)
        return not_ours(path, "this file is empty, a Cloudmap store never is", ret_message);
    return 0;
}

/* Reads through SQLite's own descriptor: closing one of ours would drop the locks that this process may hold. */
static int check_header(sqlite3 *db, const char *path, struct store_message *ret_message)
{
    char header[HEADER_LEN];
    sqlite3_file *file = file_of(db, STORE_SQLITE_FILE_DATABASE);
    int code = file && file->pMethods ? file->pMethods->xRead(file, header, sizeof(header), 0) : SQLITE_CANTOPEN;
    if (code == SQLITE_IOERR_SHORT_READ)
        return not_ours(path, "this file is too short to be a Cloudmap store", ret_message);
    if (code)
        return store_tell(ret_message, -EIO, "%s: cannot read it: %s; check the disk", path, sqlite3_errstr(code));
    if (memcmp(header, header_magic.p, header_magic.n) != 0)
        return not_ours(path, "this is not a Cloudmap store", ret_message);
    if (read_u32(header + AT_APPLICATION_ID) != APPLICATION_ID)
        return not_ours(path, "this is an SQLite database of another program", ret_message);
    uint32_t version = read_u32(header + AT_USER_VERSION);
    if (version > FORMAT_VERSION)
        return store_tell(ret_message, STORE_NEWER,
                          "%s: this store has format %u, this program knows formats up to %d; " STORE_HINT_NEWER, path,
                          version, FORMAT_VERSION);
    for (size_t i = 0; i < sizeof(header_fixed) / sizeof(header_fixed[0]); i++)
        if (memcmp(header + header_fixed[i].at, header_fixed[i].bytes.p, header_fixed[i].bytes.n) != 0)
            version = 0;
    if (version == 0)
        return store_tell(
            ret_message, STORE_DAMAGED,
            "%s: damaged, or changed by another program (byte 16 to 99 of its header); " STORE_HINT_RESTORE, path);
    return 0;
}

/* file:PATH?immutable=1 (file:///... for an absolute path) with what a URI would take for its own escaped. */
static void frozen_uri(const char *path, char *ret_uri, size_t size)
{
    size_t n = (size_t)snprintf(ret_uri, size, path[0] == '/' ? "file://" : "file:");
    for (const char *p = path; *p && n + sizeof("%00?immutable=1") < size; p++)
        n += (size_t)snprintf(ret_uri + n, size - n, strchr("%?#", *p) ? "%%%02x" : "%c", *p);
    snprintf(ret_uri + n, size - n, "?immutable=1");
}

static int set_up(sqlite3 *db, enum store_sqlite_file_mode mode)
{
    store_sqlite_file_keep(db, false);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    sqlite3_wal_autocheckpoint(db, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, STORE_MAX_VALUE + ROW_ROOM);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (mode != STORE_SQLITE_FILE_WRITE)
        return SQLITE_OK;
    return sqlite3_exec(db, "PRAGMA synchronous = FULL; PRAGMA secure_delete = OFF; PRAGMA cache_size = -16384", NULL,
                        NULL, NULL);
}

void store_sqlite_file_read_ahead(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    /* the kernel takes so much of each request and drops the rest */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        for (off_t at = 0; at < st.st_size; at += READ_AHEAD_STEP)
            posix_fadvise(fd, at, READ_AHEAD_STEP, POSIX_FADV_WILLNEED);
    close(fd);
}

int store_sqlite_file_open(const char *path, enum store_sqlite_file_mode mode, sqlite3 **ret_db,
                           struct store_message *ret_message)
{
    char uri[4 * STORE_DIR_FILE_MAX];
    const char *name = path;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    sqlite3 *db = NULL;
    flags |= mode == STORE_SQLITE_FILE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (mode == STORE_SQLITE_FILE_FROZEN) {
        flags |= SQLITE_OPEN_URI;
        frozen_uri(path, uri, sizeof(uri));
        name = uri;
    }
    int r = check_file(path, ret_message);
    if (r)
        return r;
    if (sqlite3_open_v2(name, &db, flags, NULL))
        r = store_sqlite_file_error(db, path, "opening it", ret_message);
    else if (mode == STORE_SQLITE_FILE_WRITE && sqlite3_db_readonly(db, "main"))
        r = store_tell(ret_message, STORE_UNWRITABLE, "%s: this file is read-only; make it writable", path);
    else
        r = check_header(db, path, ret_message);
    if (r == 0 && set_up(db, mode))
        r = store_sqlite_file_error(db, path, "opening it", ret_message);
    if (r) {
        sqlite3_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

int store_sqlite_file_upgrade(sqlite3 *db, const char *path, struct store_message *ret_message)
{
    char sql[512];
    sqlite3_stmt *statement;
    int version = FORMAT_VERSION, r = 0;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int(statement, 0);
    else
        r = store_sqlite_file_error(db, path, "reading its format", ret_message);
    sqlite3_finalize(statement);
    if (r || version == FORMAT_VERSION)
        return r;
    snprintf(sql, sizeof(sql), "BEGIN IMMEDIATE; " STORE_SQLITE_FILE_TRAIL "; PRAGMA user_version = %d; COMMIT",
             FORMAT_VERSION);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        r = store_sqlite_file_error(db, path, "bringing it to the present format", ret_message);
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

void store_sqlite_file_keep(sqlite3 *db, bool keep_current)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep_current ? 0 : 1, NULL);
}

/* The first statements set what cannot be changed once the file has pages. */
static int make_tables(sqlite3 *db, uint64_t revision)
{
    struct store_ledger ledger = { .revision = revision };
    char text[STORE_LEDGER_SIZE], sql[1024];
    uint32_t sum;
    struct str key = STORE_LEDGER_KEY, value = store_ledger_write(&ledger, text, &sum);
    int n = snprintf(sql, sizeof(sql),
                     "PRAGMA page_size = 4096; PRAGMA encoding = 'UTF-8'; PRAGMA auto_vacuum = NONE;"
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "BEGIN;"
                     "PRAGMA application_id = %d; PRAGMA user_version = %d;" STORE_SQLITE_FILE_TABLE
                     ";" STORE_SQLITE_FILE_TRAIL ";"
                     "INSERT INTO record VALUES('" STR_FMT "', '" STR_FMT "');"
                     "COMMIT;",
                     APPLICATION_ID, FORMAT_VERSION, STR_ARG(key), STR_ARG(value));
    ASSERT(n > 0 && (size_t)n < sizeof(sql));
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code ? code : sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

int store_sqlite_file_create(const char *path, uint64_t revision, struct store_message *ret_message)
{
    sqlite3 *db = NULL;
    int r = 0;
    /* SQLite gives the log and its index the mode of the database */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return store_tell(ret_message, STORE_UNWRITABLE, "%s: cannot create it: %s", path, strerror(errno));
    close(fd);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL))
        r = store_sqlite_file_error(db, path, "creating it", ret_message);
    else if (make_tables(db, revision))
        r = store_sqlite_file_error(db, path, "creating it", ret_message);
    sqlite3_close(db);
    return r;
}
