/* SPDX-License-Identifier: Apache-2.0
 *
 * The buffer of a file is made as large as the file may be before the first byte is read, so that it never moves. */
#include "aws/secret.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

char *secret_dup(struct str s)
{
    char *copy = mem_alloc(s.n + 1);
    if (!copy)
        return NULL;
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = '\0';
    return copy;
}

void secret_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    mem_free(secret);
}

void secret_fini_buf(struct buf *buf)
{
    if (buf->p)
        explicit_bzero(buf->p, buf->size);
    buf_fini(buf);
}

/* Up to one byte more than max, which tells that the file is too long. */
static int read_all(int fd, size_t max, struct buf *text)
{
    if (!buf_reserve(text, max + 1))
        return -ENOMEM;
    while (text->n <= max) {
        ssize_t n = read(fd, text->p + text->n, max + 1 - text->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        text->n += (size_t)n;
    }
    return -EFBIG;
}

int secret_read_file(const char *path, size_t max, struct buf *ret_text)
{
    /* O_NONBLOCK: a FIFO without a writer must not hold us up. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    struct stat status;
    struct buf text;
    buf_init(&text, max + 1);
    int r = fstat(fd, &status) < 0 ? -errno : 0;
    if (r == 0 && !S_ISREG(status.st_mode))
        r = -ENODEV;
    if (r == 0 && status.st_size > (off_t)max)
        r = -EFBIG;
    if (r == 0)
        r = read_all(fd, max, &text);
    close(fd);
    if (r < 0) {
        secret_fini_buf(&text);
        return r;
    }
    *ret_text = text;
    return 0;
}
