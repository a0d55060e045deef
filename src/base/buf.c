/* SPDX-License-Identifier: Apache-2.0
 *
 * The growing buffer: everything but the hot path. */
#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#define SIZE_MIN ((size_t)256)

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){ .max = max };
}

void buf_fini(struct buf *buf)
{
    mem_free(buf->p);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    buf->n = 0;
    buf->failed = false;
}

bool buf_reserve(struct buf *buf, size_t n)
{
    if (buf->failed || n > buf->max - buf->n) {
        buf->failed = true;
        return false;
    }
    if (n <= buf->size - buf->n)
        return true;
    size_t need = buf->n + n;
    size_t size = buf->size < SIZE_MIN / 2 ? SIZE_MIN : buf->size <= buf->max / 2 ? buf->size * 2 : buf->max;
    if (size < need)
        size = need;
    if (size > buf->max)
        size = buf->max;
    char *p = mem_realloc(buf->p, size);
    if (!p) {
        buf->failed = true;
        return false;
    }
    buf->p = p;
    buf->size = size;
    return true;
}

void buf_put_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_put(buf, digits + at, sizeof(digits) - at);
}

void buf_put_i64(struct buf *buf, int64_t value)
{
    if (value < 0)
        buf_put_char(buf, '-');
    buf_put_u64(buf, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char small[256];
    int n = vsnprintf(small, sizeof(small), format, args);
    ASSERT(n >= 0);
    if ((size_t)n < sizeof(small)) {
        buf_put(buf, small, (size_t)n);
    } else {
        /* The NUL that vsnprintf adds may not fit within max: the text goes through a block of its own. */
        char *big = buf_reserve(buf, (size_t)n) ? mem_alloc((size_t)n + 1) : NULL;
        if (big) {
            vsnprintf(big, (size_t)n + 1, format, again);
            buf_put(buf, big, (size_t)n);
        }
        buf->failed |= !big;
        mem_free(big);
    }
    va_end(again);
    va_end(args);
}

char *buf_take(struct buf *buf, size_t *ret_n)
{
    char *p = buf->failed ? NULL : mem_realloc(buf->p, buf->n + 1);
    if (!p) {
        buf->failed = true;
        return NULL;
    }
    p[buf->n] = '\0';
    if (ret_n)
        *ret_n = buf->n;
    buf_init(buf, buf->max);
    return p;
}
