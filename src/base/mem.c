/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap, with a hook that makes the k-th allocation of a thread fail, and the end of a failed assertion. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* mutable: per thread, so that a test under way does not disturb threads beside it. Only tests ever change it. */
static _Thread_local struct {
    long left; /* allocations until the failure, 1 = the next; 0 = off */
    int forever, delivered;
} fault;

static inline int must_fail(void)
{
    if (__builtin_expect(fault.left == 0, 1))
        return 0;
    if (fault.left > 1) {
        fault.left--;
        return 0;
    }
    fault.delivered = 1;
    if (!fault.forever)
        fault.left = 0;
    return 1;
}

int mem_fail_at(long k, int forever)
{
    int delivered = fault.delivered;
    fault.left = k;
    fault.forever = forever;
    fault.delivered = 0;
    return delivered;
}

void *mem_alloc(size_t n)
{
    return must_fail() ? NULL : malloc(n ? n : 1);
}

void *mem_zalloc(size_t n)
{
    return must_fail() ? NULL : calloc(1, n ? n : 1);
}

void *mem_realloc(void *p, size_t n)
{
    return must_fail() ? NULL : realloc(p, n ? n : 1);
}

void *mem_dup(const void *p, size_t n)
{
    void *copy = mem_alloc(n);
    if (copy && n)
        memcpy(copy, p, n);
    return copy;
}

char *mem_dup_cstr(const char *text)
{
    return mem_dup(text, strlen(text) + 1);
}

void mem_free(void *p)
{
    free(p);
}

void mem_cleanup(void *pp)
{
    mem_free(*(void **)pp);
}

void mem_panic(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
