/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing the file `acknowledged`. */
#include "store/store_ack.h"
#include "store/store_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define ACK_NEW STORE_DIR_ACK "-new"
#define LINE_LEN (STORE_SEAL_LEN + sizeof("\"revision\":00000000000000000000}\n") - 1)
#define FILE_LEN (2 * LINE_LEN)

static void format(uint64_t revision, char ret_line[LINE_LEN])
{
    char json[LINE_LEN];
    int n = snprintf(json, sizeof(json), "{\"revision\":%20" PRIu64 "}", revision);
    store_seal_write(STR(STORE_DIR_ACK), (struct str){ json, (size_t)n }, ret_line);
    ret_line[LINE_LEN - 1] = '\n';
}

static bool parse(const char line[LINE_LEN], uint64_t *ret_revision)
{
    char text[LINE_LEN + 1], again[LINE_LEN];
    memcpy(text, line, LINE_LEN);
    text[LINE_LEN] = '\0';
    if (sscanf(text + STORE_SEAL_LEN, "\"revision\":%" SCNu64, ret_revision) != 1)
        return false;
    format(*ret_revision, again);
    return memcmp(line, again, LINE_LEN) == 0;
}

int store_ack_read(const struct store_dir *dir, uint64_t *ret_revision)
{
    char lines[FILE_LEN + 1];
    uint64_t revision, latest = 0;
    bool found = false;
    int fd = openat(dir->fd, STORE_DIR_ACK, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? STORE_MISSING : STORE_DAMAGED;
    ssize_t n = pread(fd, lines, sizeof(lines), 0);
    close(fd);
    if (n != FILE_LEN && n != LINE_LEN) /* a single line: of a version that wrote no second one */
        return STORE_DAMAGED;
    for (size_t at = 0; at < (size_t)n; at += LINE_LEN) {
        if (!parse(lines + at, &revision))
            continue;
        found = true;
        latest = revision > latest ? revision : latest;
    }
    if (found)
        *ret_revision = latest;
    return found ? 0 : STORE_DAMAGED;
}

static int write_lines(int fd, const char lines[FILE_LEN], char **ret_lines)
{
    ssize_t n = pwrite(fd, lines, FILE_LEN, 0);
    if (n != FILE_LEN)
        return n < 0 ? -errno : -ENOSPC;
    if (fsync(fd))
        return -errno;
    if (!ret_lines)
        return 0;
    char *mapped = mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    *ret_lines = mapped;
    return 0;
}

int store_ack_create(const struct store_dir *dir, uint64_t revision, char **ret_lines)
{
    char lines[FILE_LEN], *mapped = NULL;
    format(revision, lines);
    format(revision, lines + LINE_LEN);
    int fd = openat(dir->fd, ACK_NEW, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write_lines(fd, lines, ret_lines ? &mapped : NULL);
    close(fd);
    if (r == 0)
        r = store_dir_rename(dir, ACK_NEW, STORE_DIR_ACK);
    if (r) {
        unlinkat(dir->fd, ACK_NEW, 0);
        store_ack_close(mapped);
    } else if (ret_lines) {
        *ret_lines = mapped;
    }
    return r;
}

void store_ack_set(char *lines, uint64_t revision)
{
    char line[LINE_LEN];
    format(revision, line);
    memcpy(lines + (revision & 1) * LINE_LEN, line, LINE_LEN);
}

void store_ack_close(char *lines)
{
    if (lines)
        munmap(lines, FILE_LEN);
}
