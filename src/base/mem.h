/* SPDX-License-Identifier: Apache-2.0
 *
 * Heap memory, ownership macros and assertions. Every allocation of the project goes through here, so that a
 * test can make the k-th one fail. Usable from any thread. */
#pragma once

#include <stddef.h>

/* NULL when memory is out (or a test said so); n == 0 is allowed and gives a unique pointer. */
void *mem_alloc(size_t n) __attribute__((malloc, warn_unused_result));
void *mem_zalloc(size_t n) __attribute__((malloc, warn_unused_result));
/* On failure the old block stays valid. */
void *mem_realloc(void *p, size_t n) __attribute__((warn_unused_result));
void *mem_dup(const void *p, size_t n) __attribute__((malloc, warn_unused_result));
char *mem_dup_cstr(const char *text) __attribute__((malloc, warn_unused_result));
void mem_free(void *p); /* accepts NULL */

/* Tests: the k-th allocation of this thread from now on fails (1 = the next), and all after it when `forever`.
 * 0 switches it off. Returns whether a failure was delivered since the last call. */
int mem_fail_at(long k, int forever);

/* Moves a pointer out of a variable: the variable becomes NULL. */
#define TAKE(p)                     \
    (__extension__({                \
        __typeof__(p) taken_ = (p); \
        (p) = NULL;                 \
        taken_;                     \
    }))

void mem_cleanup(void *pp); /* for AUTO_FREE: frees *(void **)pp */
#define AUTO_FREE __attribute__((cleanup(mem_cleanup)))

/* For what we control; stays on in production, never used on input. */
#define ASSERT(condition)                              \
    do {                                               \
        if (__builtin_expect(!(condition), 0))         \
            mem_panic(__FILE__, __LINE__, #condition); \
    } while (0)
/* Says where and what, and aborts. */
void mem_panic(const char *file, int line, const char *condition) __attribute__((noreturn));
