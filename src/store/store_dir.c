/* SPDX-License-Identifier: Apache-2.0
 *
 * The data directory and its lock. */
#include "store/store_dir.h"
#include "store/store_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_failed(const char *path, int error, struct store_message *ret_message)
{
    switch (error) {
    case ENOENT:
        return store_tell(ret_message, STORE_MISSING, "%s: there is no such directory", path);
    case ENOTDIR:
        return store_tell(ret_message, STORE_DAMAGED, "%s: this is not a directory; name another data directory", path);
    case EACCES:
    case EPERM:
        return store_tell(
            ret_message, STORE_UNWRITABLE,
            "%s: no permission to open this directory; run this as root (sudo) or as its owner, or make it "
            "belong to the user that runs Cloudmap",
            path);
    default:
        return store_tell(ret_message, -error, "%s: cannot open this directory: %s", path, strerror(error));
    }
}

int store_dir_open(const char *path, bool create, struct store_dir *ret_dir, struct store_message *ret_message)
{
    char absolute[PATH_MAX];
    struct store_dir dir = { .lock_fd = -1 };
    if (create && mkdir(path, 0700) && errno != EEXIST)
        return store_tell(ret_message, STORE_UNWRITABLE, "%s: cannot create this directory: %s", path, strerror(errno));
    if (!realpath(path, absolute))
        return open_failed(path, errno, ret_message);
    size_t n = strlen(absolute);
    if (n >= sizeof(dir.path))
        return store_tell(ret_message, STORE_UNWRITABLE,
                          "%.100s...: this path is longer than %d bytes; use a shorter one", absolute,
                          STORE_DIR_PATH_MAX - 1);
    memcpy(dir.path, absolute, n + 1);
    dir.fd = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir.fd < 0)
        return open_failed(path, errno, ret_message);
    *ret_dir = dir;
    return 0;
}

static int lock_is_held(const struct store_dir *dir, int fd, struct store_message *ret_message)
{
    char pid[24] = "";
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return store_tell(ret_message, STORE_BUSY, "%s: in use by process %s; stop it first or use another data directory",
                      dir->path, pid[0] ? pid : "of unknown id");
}

int store_dir_lock(struct store_dir *dir, struct store_message *ret_message)
{
    int fd = openat(dir->fd, STORE_DIR_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return store_tell(ret_message, STORE_UNWRITABLE,
                          "%s/" STORE_DIR_LOCK
                          ": cannot open it for writing: %s; the data directory must belong to the "
                          "user that runs Cloudmap",
                          dir->path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        int r = errno == EWOULDBLOCK
                    ? lock_is_held(dir, fd, ret_message)
                    : store_tell(ret_message, STORE_UNWRITABLE, "%s/" STORE_DIR_LOCK ": cannot lock it: %s", dir->path,
                                 strerror(errno));
        close(fd);
        return r;
    }
    /* The process id is a help for people; on a full disk the lock does without. */
    char pid[24];
    int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    ssize_t unreported = ftruncate(fd, 0) == 0 ? pwrite(fd, pid, (size_t)n, 0) : 0;
    (void)unreported;
    dir->lock_fd = fd;
    return 0;
}

void store_dir_close(const struct store_dir *dir)
{
    if (dir->lock_fd >= 0)
        close(dir->lock_fd);
    if (dir->fd >= 0)
        close(dir->fd);
}

bool store_dir_has(const struct store_dir *dir, const char *name)
{
    struct stat st;
    /* a file that cannot even be looked at is there */
    return fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

enum store_dir_state store_dir_state(const struct store_dir *dir)
{
    if (store_dir_has(dir, STORE_DIR_DB))
        return STORE_DIR_PRESENT;
    if (store_dir_has(dir, STORE_DIR_LOG) || store_dir_has(dir, STORE_DIR_ACK))
        return STORE_DIR_INCOMPLETE;
    return STORE_DIR_EMPTY;
}

void store_dir_file(const struct store_dir *dir, const char *name, char ret_path[STORE_DIR_FILE_MAX])
{
    snprintf(ret_path, STORE_DIR_FILE_MAX, "%s/%s", dir->path, name);
}

int store_dir_rename(const struct store_dir *dir, const char *from, const char *to)
{
    return renameat(dir->fd, from, dir->fd, to) || fsync(dir->fd) ? -errno : 0;
}

void store_dir_remove_new(const struct store_dir *dir)
{
    static const char *const names[] = { STORE_DIR_NEW, STORE_DIR_NEW "-wal", STORE_DIR_NEW "-shm",
                                         STORE_DIR_NEW "-journal" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlinkat(dir->fd, names[i], 0);
}
