/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer with a stated maximum and a sticky error: write on, check `failed` once at the end.
 * What it holds after a failure is unspecified (buf_str then gives nothing). One thread at a time. */
#pragma once

#include "base/str.h"

struct buf {
    char *p;
    size_t n, size, max;
    bool failed;
};

/* Takes no memory yet; holds at most `max` bytes. */
void buf_init(struct buf *buf, size_t max);
void buf_fini(struct buf *buf);
/* Forgets the contents and the error, keeps the memory. */
void buf_clear(struct buf *buf);
/* Makes room for n more bytes; false (and sticky) when it cannot. */
bool buf_reserve(struct buf *buf, size_t n);

/* The hot path: one compare and one memcpy. */
static inline void buf_put(struct buf *buf, const void *p, size_t n)
{
    if (__builtin_expect(buf->size - buf->n < n, 0) && !buf_reserve(buf, n))
        return;
    if (n)
        memcpy(buf->p + buf->n, p, n);
    buf->n += n;
}

static inline void buf_put_str(struct buf *buf, struct str s)
{
    buf_put(buf, s.p, s.n);
}

static inline void buf_put_char(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

/* Forgets everything behind the first n bytes; nothing when there are fewer. */
static inline void buf_truncate(struct buf *buf, size_t n)
{
    if (n < buf->n)
        buf->n = n;
}

/* Decimal text, and text by format. */
void buf_put_u64(struct buf *buf, uint64_t value);
void buf_put_i64(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline struct str buf_str(const struct buf *buf)
{
    if (!buf->p || buf->failed)
        return STR("");
    return (struct str){ buf->p, buf->n };
}

/* The bytes, NUL-terminated, now owned by the caller (mem_free); the buffer is empty. NULL when it had failed or
 * memory is out. ret_n may be NULL. */
char *buf_take(struct buf *buf, size_t *ret_n);
