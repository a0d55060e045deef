/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of the log keeps the methods that it was opened with, but for those that write or look at what was written.
 *
 * Other processes and connections never see the difference: SQLite tells them of frames through the index of the log,
 * once a whole commit is flushed. */
#include "store/store_sqlite_log.h"
#include "base/mem.h"
#include "store/store_sqlite_file.h"

#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>

#define ROOM 65536             /* a commit of 15 pages; a larger one is written in pieces of this size */
#define LEAD (1 << 20)         /* how far the file grows ahead of what is written, at most */
#define ROOM_LEFT (64u * LEAD) /* on the disk, to let it */

struct store_sqlite_log {
    sqlite3_io_methods methods; /* first: the file points to it */
    const sqlite3_io_methods *real;
    const char *path;  /* of the database; SQLite's */
    sqlite3_int64 at;  /* where the gathered bytes belong */
    sqlite3_int64 end; /* of the file, as far as this connection made it */
    int n;
    char bytes[ROOM];
};

static struct store_sqlite_log *log_of(sqlite3_file *file)
{
    return (struct store_sqlite_log *)(uintptr_t)file->pMethods;
}

static bool has_room(const struct store_sqlite_log *log)
{
    struct statvfs fs;
    return statvfs(log->path, &fs) == 0 && fs.f_bavail * fs.f_frsize >= ROOM_LEFT;
}

/* Puts zeros, which are no frames, behind `at`, as many as lie before it: a flush of bytes within the file need not
 * write anew how long the file is, and takes a third less time. Without room for them the log grows write by write. */
static int lengthen(sqlite3_file *file, sqlite3_int64 at)
{
    static const char zeros[ROOM];
    struct store_sqlite_log *log = log_of(file);
    sqlite3_int64 end = has_room(log) ? at + (at < LEAD ? at : LEAD) : at;
    int code = SQLITE_OK;
    for (log->end = at; code == SQLITE_OK && log->end < end;) {
        int n = end - log->end < ROOM ? (int)(end - log->end) : ROOM;
        code = log->real->xWrite(file, zeros, n, log->end);
        log->end += code ? 0 : n;
    }
    return store_sqlite_file_found_no_space(file, code) ? SQLITE_OK : code;
}

/* After an error the bytes are given up: the commit that they belong to fails, and the next one overwrites their place.
 */
static int write_gathered(sqlite3_file *file)
{
    struct store_sqlite_log *log = log_of(file);
    sqlite3_int64 at = log->at + log->n;
    int n = log->n;
    log->n = 0;
    int code = n ? log->real->xWrite(file, log->bytes, n, log->at) : SQLITE_OK;
    return code == SQLITE_OK && at > log->end ? lengthen(file, at) : code;
}

static int file_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct store_sqlite_log *log = log_of(file);
    if (at != log->at + log->n || n > ROOM - log->n) {
        int code = write_gathered(file);
        if (code)
            return code;
        log->at = at;
    }
    if (n > ROOM)
        return log->real->xWrite(file, p, n, at);
    memcpy(log->bytes + log->n, p, (size_t)n);
    log->n += n;
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
    int code = write_gathered(file);
    return code ? code : log_of(file)->real->xSync(file, flags);
}

static int file_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    int code = write_gathered(file);
    return code ? code : log_of(file)->real->xRead(file, p, n, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = write_gathered(file);
    log_of(file)->end = size;
    return code ? code : log_of(file)->real->xTruncate(file, size);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    int code = write_gathered(file);
    return code ? code : log_of(file)->real->xFileSize(file, ret_size);
}

struct store_sqlite_log *store_sqlite_log_gather(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    struct store_sqlite_log *log = mem_alloc(sizeof(*log));
    if (!log)
        return NULL;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    ASSERT(file && file->pMethods);
    log->real = file->pMethods;
    log->methods = *log->real;
    log->methods.xWrite = file_write;
    log->methods.xSync = file_sync;
    log->methods.xRead = file_read;
    log->methods.xTruncate = file_truncate;
    log->methods.xFileSize = file_size;
    log->path = sqlite3_db_filename(db, "main");
    log->at = log->end = log->n = 0;
    file->pMethods = &log->methods;
    return log;
}

void store_sqlite_log_free(struct store_sqlite_log *log)
{
    mem_free(log);
}
