/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of the log keeps the methods that it was opened with, but for those that write or look at what was written.
 *
 * Other processes and connections never see the difference: SQLite tells them of frames through the index of the log,
 * once a whole commit is flushed. */
#include "store/store_sqlite_log.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

#define ROOM 65536 /* a commit of 15 pages; a larger one is written in pieces of this size */

struct store_sqlite_log {
    sqlite3_io_methods methods; /* first: the file points to it */
    const sqlite3_io_methods *real;
    sqlite3_int64 at; /* where the gathered bytes belong */
    int n;
    char bytes[ROOM];
};

static struct store_sqlite_log *log_of(sqlite3_file *file)
{
    return (struct store_sqlite_log *)(uintptr_t)file->pMethods;
}

/* After an error the bytes are given up: the commit that they belong to fails, and the next one overwrites their place.
 */
static int write_gathered(sqlite3_file *file)
{
    struct store_sqlite_log *log = log_of(file);
    int n = log->n;
    log->n = 0;
    return n ? log->real->xWrite(file, log->bytes, n, log->at) : SQLITE_OK;
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
    log->at = log->n = 0;
    file->pMethods = &log->methods;
    return log;
}

void store_sqlite_log_free(struct store_sqlite_log *log)
{
    mem_free(log);
}
