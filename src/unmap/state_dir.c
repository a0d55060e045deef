/* SPDX-License-Identifier: Apache-2.0
 *
 * Files are found through the directory's descriptor, so that a directory that is moved stays the same one. */
#include "unmap/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_MS 10000
#define LOCK_REST_MS 10

/* --- where it is ------------------------------------------------------------------------------------------------- */

static const char *find_default(const struct environment *environment, struct arena *arena)
{
    const char *unit = environment_find(environment, "STATE_DIRECTORY");
    if (unit) /* the first of several */
        return arena_dup(arena, (struct str){ unit, strcspn(unit, ":") }).p;
    if (geteuid() == 0)
        return "/var/lib/cloud-unmap";
    const char *state_home = environment_find(environment, "XDG_STATE_HOME");
    if (state_home && *state_home == '/')
        return arena_printf(arena, "%s/cloud-unmap", state_home).p;
    const char *home = environment_find(environment, "HOME");
    return home ? arena_printf(arena, "%s/.local/state/cloud-unmap", home).p : NULL;
}

/* The directory and those above it. 0 or -errno. */
static int make_path(const char *path)
{
    char part[4096];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(part))
        return -ENAMETOOLONG;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

int state_dir_open(const char *path, bool is_to_write, const struct environment *environment, struct arena *arena,
                   struct state_dir *ret)
{
    *ret = (struct state_dir){ .fd = -1, .path = path ? path : find_default(environment, arena) };
    if (!ret->path)
        return -ENOENT;
    int fd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && is_to_write) {
        int r = make_path(ret->path);
        if (r < 0)
            return r;
        fd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0)
        return -errno;
    ret->fd = fd;
    int r = is_to_write ? state_dir_check_writable(ret) : 0;
    if (r != 0)
        state_dir_close(ret);
    return r;
}

int state_dir_check_writable(const struct state_dir *dir)
{
    return faccessat(dir->fd, ".", W_OK | X_OK, AT_EACCESS) == 0 ? 0 : -errno;
}

void state_dir_close(struct state_dir *dir)
{
    if (dir->fd >= 0)
        close(dir->fd);
    dir->fd = -1;
}

/* Opens a file of the directory, or makes it. What an operator makes as root (`approve`, `restore`) is given to the
 * directory's owner, as whom the controller reads it; of a file with other names too nobody knows whose it is. Where
 * root may not give, it stays root's. >= 0 or -errno. */
static int open_file(const struct state_dir *dir, const char *name, int flags)
{
    struct stat folder, file;
    int fd = openat(dir->fd, name, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (geteuid() == 0 && fstat(dir->fd, &folder) == 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
        file.st_uid == 0 && file.st_nlink == 1)
        (void)!fchown(fd, folder.st_uid, folder.st_gid);
    return fd;
}

int state_dir_lock(const struct state_dir *dir)
{
    int fd = open_file(dir, "lock", O_RDWR);
    if (fd < 0)
        return fd;
    const struct timespec rest = { .tv_nsec = LOCK_REST_MS * 1000000 };
    for (int64_t waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited_ms += LOCK_REST_MS) {
        if ((errno == EINTR || errno == EWOULDBLOCK) && waited_ms < LOCK_WAIT_MS) {
            nanosleep(&rest, NULL);
            continue;
        }
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static int write_all(int fd, struct str text)
{
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text = str_skip(text, (size_t)n);
    }
    return 0;
}

/* A file that ends within a line gets an end of line. 0 or -errno. */
static int close_torn_line(int fd, off_t size)
{
    char last = '\n';
    if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
        return -EIO;
    return last == '\n' ? 0 : write_all(fd, STR("\n"));
}

static int open_to_append(const struct state_dir *dir, const char *name)
{
    return open_file(dir, name, O_RDWR | O_APPEND);
}

static int append(const struct state_dir *dir, const char *name, const char *old_name, uint64_t rotate_bytes,
                  struct str lines)
{
    struct stat info;
    int fd = open_to_append(dir, name);
    if (fd < 0)
        return fd;
    int r = fstat(fd, &info) == 0 ? 0 : -errno;
    if (r == 0 && (uint64_t)info.st_size > rotate_bytes) {
        close(fd);
        if (renameat(dir->fd, name, dir->fd, old_name) != 0)
            return -errno;
        fd = open_to_append(dir, name);
        if (fd < 0)
            return fd;
        info.st_size = 0;
    }
    if (r == 0)
        r = close_torn_line(fd, info.st_size);
    if (r == 0)
        r = write_all(fd, lines);
    if (r == 0 && fsync(fd) != 0)
        r = -errno;
    if (r == 0 && info.st_size == 0 && fsync(dir->fd) != 0) /* the name of a new file, too */
        r = -errno;
    close(fd);
    return r;
}

int state_dir_append(const struct state_dir *dir, const char *name, const char *old_name, uint64_t rotate_bytes,
                     struct str lines)
{
    int lock = state_dir_lock(dir);
    if (lock < 0)
        return lock;
    int r = append(dir, name, old_name, rotate_bytes, lines);
    close(lock);
    return r;
}

int state_dir_replace(const struct state_dir *dir, const char *name, struct str text)
{
    char temporary[300];
    snprintf(temporary, sizeof(temporary), "%.200s.%ld.new", name, (long)getpid());
    int fd = open_file(dir, temporary, O_WRONLY | O_TRUNC);
    if (fd < 0)
        return fd;
    int r = write_all(fd, text);
    if (r == 0 && fsync(fd) != 0)
        r = -errno;
    close(fd);
    if (r == 0 && renameat(dir->fd, temporary, dir->fd, name) != 0)
        r = -errno;
    if (r != 0)
        unlinkat(dir->fd, temporary, 0);
    return r;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

struct lines {
    state_dir_line_fn *fn;
    void *arg;
    struct buf text; /* of the line that has not ended */
    unsigned line;
    bool is_too_long; /* what there was of it is forgotten */
};

static int end_line(struct lines *lines)
{
    int r = 0;
    lines->line++;
    if (lines->is_too_long)
        r = lines->fn(lines->arg, lines->line, NULL, 0);
    else if (lines->text.n > 0)
        r = lines->fn(lines->arg, lines->line, lines->text.p, lines->text.n);
    buf_clear(&lines->text);
    lines->is_too_long = false;
    return r;
}

/* 0, -ENOMEM or what `fn` returned. */
static int take_block(struct lines *lines, struct str block)
{
    while (block.n > 0) {
        size_t n = str_find_char(block, '\n');
        lines->is_too_long |= lines->text.n + n > STATE_DIR_LINE_MAX;
        if (!lines->is_too_long)
            buf_put(&lines->text, block.p, n);
        if (lines->text.failed)
            return -ENOMEM;
        int r = n < block.n ? end_line(lines) : 0;
        if (r != 0)
            return r;
        block = str_skip(block, n < block.n ? n + 1 : n);
    }
    return 0;
}

static int read_lines(int fd, state_dir_line_fn *fn, void *arg)
{
    struct lines lines = { .fn = fn, .arg = arg };
    char block[65536];
    int r = 0;
    buf_init(&lines.text, STATE_DIR_LINE_MAX);
    while (r == 0) {
        ssize_t n = read(fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = -errno;
        if (n <= 0)
            break;
        r = take_block(&lines, (struct str){ block, (size_t)n });
    }
    if (r == 0 && (lines.text.n > 0 || lines.is_too_long)) /* without its end: one that a crash tore */
        r = end_line(&lines);
    buf_fini(&lines.text);
    return r;
}

int state_dir_read(const struct state_dir *dir, const char *name, state_dir_line_fn *fn, void *arg)
{
    struct stat info;
    int fd = openat(dir->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int r = fstat(fd, &info) != 0 ? -errno : S_ISREG(info.st_mode) ? read_lines(fd, fn, arg) : -EINVAL;
    close(fd);
    return r;
}
