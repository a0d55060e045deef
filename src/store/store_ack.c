/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing the file `acknowledged`. */
#include "store/store_ack.h"
#include "store/store_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define ACK_NEW STORE_DIR_ACK "-new"
#define LINE_LEN (STORE_SEAL_LEN + sizeof("\"revision\":00000000000000000000}\n") - 1)

static void format(uint64_t revision, char ret_line[LINE_LEN])
{
    char json[LINE_LEN];
    int n = snprintf(json, sizeof(json), "{\"revision\":%20" PRIu64 "}", revision);
    store_seal_write(STR(STORE_DIR_ACK), (struct str){ json, (size_t)n }, ret_line);
    ret_line[LINE_LEN - 1] = '\n';
}

int store_ack_read(const struct store_dir *dir, uint64_t *ret_revision)
{
    char line[LINE_LEN + 1], again[LINE_LEN];
    uint64_t revision;
    int fd = openat(dir->fd, STORE_DIR_ACK, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? STORE_MISSING : STORE_DAMAGED;
    ssize_t n = pread(fd, line, sizeof(line), 0);
    close(fd);
    if (n != LINE_LEN)
        return STORE_DAMAGED;
    line[LINE_LEN] = '\0';
    if (sscanf(line + STORE_SEAL_LEN, "\"revision\":%" SCNu64, &revision) != 1)
        return STORE_DAMAGED;
    format(revision, again);
    if (memcmp(line, again, LINE_LEN) != 0)
        return STORE_DAMAGED;
    *ret_revision = revision;
    return 0;
}

int store_ack_create(const struct store_dir *dir, uint64_t revision, int *ret_fd)
{
    char line[LINE_LEN];
    format(revision, line);
    int fd = openat(dir->fd, ACK_NEW, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = 0;
    ssize_t n = pwrite(fd, line, sizeof(line), 0);
    if (n != (ssize_t)sizeof(line))
        r = n < 0 ? -errno : -ENOSPC;
    else if (fsync(fd))
        r = -errno;
    if (r == 0)
        r = store_dir_rename(dir, ACK_NEW, STORE_DIR_ACK);
    if (r) {
        unlinkat(dir->fd, ACK_NEW, 0);
        close(fd);
        return r;
    }
    if (ret_fd)
        *ret_fd = fd;
    else
        close(fd);
    return 0;
}

void store_ack_set(int fd, uint64_t revision)
{
    char line[LINE_LEN];
    format(revision, line);
    ssize_t unreported = pwrite(fd, line, sizeof(line), 0);
    (void)unreported;
}
