/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_vfs.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 16
#define FILE_MAX_BYTES ((size_t)64 << 20)
#define BLOCK 512

/* What is on the disk for certain, by path. */
struct flushed {
    char path[512];
    struct buf bytes;
    bool gone; /* removed since */
};

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
    char path[512];
};

static struct {
    pthread_mutex_t mutex;
    sqlite3_vfs vfs, *real;
    struct fault_vfs_plan plan;
    struct rand rand;
    long count;
    struct flushed files[FILES_MAX];
    size_t n_files;
} shim = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* --- what is on the disk ----------------------------------------------------------------------------------------- */

static void read_file(const char *path, struct buf *bytes)
{
    buf_clear(bytes);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return;
    if (fstat(fd, &st) || !buf_reserve(bytes, (size_t)st.st_size + 1) ||
        read(fd, bytes->p, (size_t)st.st_size) != st.st_size)
        abort();
    bytes->n = (size_t)st.st_size;
    close(fd);
}

static void write_file(const char *path, const struct buf *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes->p, bytes->n) != (ssize_t)bytes->n)
        abort();
    close(fd);
}

static struct flushed *flushed_of(const char *path)
{
    for (size_t i = 0; i < shim.n_files; i++)
        if (strcmp(shim.files[i].path, path) == 0)
            return &shim.files[i];
    if (shim.n_files == FILES_MAX)
        abort();
    struct flushed *file = &shim.files[shim.n_files++];
    snprintf(file->path, sizeof(file->path), "%s", path);
    buf_init(&file->bytes, FILE_MAX_BYTES);
    read_file(path, &file->bytes);
    return file;
}

/* Only power cuts look at what was flushed. */
static void note_flushed(const char *path)
{
    if (shim.plan.kind != FAULT_VFS_POWER_CUT)
        return;
    struct flushed *file = flushed_of(path);
    read_file(path, &file->bytes);
    file->gone = false;
}

static bool toss(void)
{
    return rand_below(&shim.rand, 2);
}

/* Each block as it is now or as it was flushed; the length too. Now and then everything is one way. */
static void cut_file(struct flushed *file)
{
    struct buf now;
    buf_init(&now, FILE_MAX_BYTES);
    if (file->gone) {
        if (toss() && file->bytes.n)
            write_file(file->path, &file->bytes);
        return;
    }
    /* renamed by the store itself */
    if (access(file->path, F_OK))
        return;
    read_file(file->path, &now);
    uint64_t lost_of_8 = rand_below(&shim.rand, 9);
    for (size_t at = 0; at < now.n && at < file->bytes.n; at += BLOCK) {
        size_t end = at + BLOCK < now.n ? at + BLOCK : now.n;
        if (end > file->bytes.n)
            end = file->bytes.n;
        if (rand_below(&shim.rand, 8) < lost_of_8)
            memcpy(now.p + at, file->bytes.p + at, end - at);
    }
    /* blocks beyond the flushed end may be zero, or not be there */
    for (size_t at = file->bytes.n; at < now.n; at++)
        if (at % BLOCK == 0 && rand_below(&shim.rand, 8) < lost_of_8)
            memset(now.p + at, 0, now.n - at < BLOCK ? now.n - at : BLOCK);
    if (now.n > file->bytes.n && toss())
        now.n = file->bytes.n + rand_below(&shim.rand, now.n - file->bytes.n + 1);
    write_file(file->path, &now);
}

static void cut_power(void)
{
    for (size_t i = 0; i < shim.n_files; i++)
        cut_file(&shim.files[i]);
    _exit(0);
}

/* --- the plan ---------------------------------------------------------------------------------------------------- */

/* Counts one operation; 0 or the error to give. `half` does the first half of a write. Under the mutex. */
static int meet(int error, int (*half)(struct file *, const void *, int, sqlite3_int64), struct file *file,
                const void *bytes, int n, sqlite3_int64 at)
{
    const struct fault_vfs_plan *plan = &shim.plan;
    shim.count++;
    bool now = plan->kind != FAULT_VFS_NONE && (plan->forever ? shim.count >= plan->at : shim.count == plan->at);
    if (!now)
        return SQLITE_OK;
    if (plan->kind == FAULT_VFS_FULL) {
        if (half)
            return SQLITE_FULL;
        shim.plan.at++; /* the next one may be a write */
        return SQLITE_OK;
    }
    if (half && toss())
        half(file, bytes, n, at);
    if (plan->kind == FAULT_VFS_KILL)
        raise(SIGKILL);
    if (plan->kind == FAULT_VFS_POWER_CUT)
        cut_power();
    return error;
}

void fault_vfs_plan(const struct fault_vfs_plan *plan)
{
    pthread_mutex_lock(&shim.mutex);
    shim.plan = *plan;
    shim.count = 0;
    rand_init_seed(&shim.rand, plan->seed);
    pthread_mutex_unlock(&shim.mutex);
}

long fault_vfs_count(void)
{
    pthread_mutex_lock(&shim.mutex);
    long count = shim.count;
    pthread_mutex_unlock(&shim.mutex);
    return count;
}

void fault_vfs_watch(const char *path)
{
    pthread_mutex_lock(&shim.mutex);
    note_flushed(path);
    pthread_mutex_unlock(&shim.mutex);
}

/* --- files ------------------------------------------------------------------------------------------------------- */

static struct file *file_of(sqlite3_file *base)
{
    return (struct file *)base;
}

static int file_close(sqlite3_file *base)
{
    return file_of(base)->real->pMethods->xClose(file_of(base)->real);
}

static int file_read(sqlite3_file *base, void *p, int n, sqlite3_int64 at)
{
    return file_of(base)->real->pMethods->xRead(file_of(base)->real, p, n, at);
}

static int write_half(struct file *file, const void *p, int n, sqlite3_int64 at)
{
    return file->real->pMethods->xWrite(file->real, p, n / 2, at);
}

static int file_write(sqlite3_file *base, const void *p, int n, sqlite3_int64 at)
{
    struct file *file = file_of(base);
    pthread_mutex_lock(&shim.mutex);
    int code = meet(SQLITE_IOERR_WRITE, write_half, file, p, n, at);
    if (code == SQLITE_OK)
        code = file->real->pMethods->xWrite(file->real, p, n, at);
    pthread_mutex_unlock(&shim.mutex);
    return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct file *file = file_of(base);
    pthread_mutex_lock(&shim.mutex);
    int code = meet(SQLITE_IOERR_TRUNCATE, NULL, NULL, NULL, 0, 0);
    if (code == SQLITE_OK)
        code = file->real->pMethods->xTruncate(file->real, size);
    pthread_mutex_unlock(&shim.mutex);
    return code;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct file *file = file_of(base);
    pthread_mutex_lock(&shim.mutex);
    int code = meet(SQLITE_IOERR_FSYNC, NULL, NULL, NULL, 0, 0);
    if (code == SQLITE_OK)
        code = file->real->pMethods->xSync(file->real, flags);
    if (code == SQLITE_OK)
        note_flushed(file->path);
    pthread_mutex_unlock(&shim.mutex);
    return code;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    return file_of(base)->real->pMethods->xFileSize(file_of(base)->real, ret_size);
}

static int file_lock(sqlite3_file *base, int lock)
{
    return file_of(base)->real->pMethods->xLock(file_of(base)->real, lock);
}

static int file_unlock(sqlite3_file *base, int lock)
{
    return file_of(base)->real->pMethods->xUnlock(file_of(base)->real, lock);
}

static int file_check_reserved(sqlite3_file *base, int *ret_reserved)
{
    return file_of(base)->real->pMethods->xCheckReservedLock(file_of(base)->real, ret_reserved);
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    return file_of(base)->real->pMethods->xFileControl(file_of(base)->real, op, arg);
}

static int file_sector_size(sqlite3_file *base)
{
    return file_of(base)->real->pMethods->xSectorSize(file_of(base)->real);
}

static int file_characteristics(sqlite3_file *base)
{
    return file_of(base)->real->pMethods->xDeviceCharacteristics(file_of(base)->real);
}

static int file_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **ret_p)
{
    return file_of(base)->real->pMethods->xShmMap(file_of(base)->real, page, size, extend, ret_p);
}

static int file_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
    return file_of(base)->real->pMethods->xShmLock(file_of(base)->real, offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *base)
{
    file_of(base)->real->pMethods->xShmBarrier(file_of(base)->real);
}

static int file_shm_unmap(sqlite3_file *base, int remove_it)
{
    return file_of(base)->real->pMethods->xShmUnmap(file_of(base)->real, remove_it);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *ret_flags)
{
    struct file *file = file_of(base);
    (void)vfs;
    *file = (struct file){ .real = (sqlite3_file *)(file + 1) };
    snprintf(file->path, sizeof(file->path), "%s", path ? path : "");
    int code = shim.real->xOpen(shim.real, path, file->real, flags, ret_flags);
    if (code)
        return code;
    pthread_mutex_lock(&shim.mutex);
    /* what is there when we first see it counts as flushed */
    if (shim.plan.kind == FAULT_VFS_POWER_CUT && path && flushed_of(path)->gone) {
        flushed_of(path)->gone = false;
        buf_clear(&flushed_of(path)->bytes);
    }
    pthread_mutex_unlock(&shim.mutex);
    file->base.pMethods = &file_methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int flush_directory)
{
    (void)vfs;
    pthread_mutex_lock(&shim.mutex);
    int code = meet(SQLITE_IOERR_DELETE, NULL, NULL, NULL, 0, 0);
    if (code == SQLITE_OK)
        code = shim.real->xDelete(shim.real, path, flush_directory);
    if (code == SQLITE_OK && shim.plan.kind == FAULT_VFS_POWER_CUT)
        flushed_of(path)->gone = true;
    pthread_mutex_unlock(&shim.mutex);
    return code;
}

void fault_vfs_install(void)
{
    shim.real = sqlite3_vfs_find(NULL);
    shim.vfs = *shim.real;
    shim.vfs.zName = "fault";
    shim.vfs.szOsFile = (int)sizeof(struct file) + shim.real->szOsFile;
    shim.vfs.xOpen = vfs_open;
    shim.vfs.xDelete = vfs_delete;
    if (sqlite3_vfs_register(&shim.vfs, 1))
        abort();
}
