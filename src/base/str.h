/* SPDX-License-Identifier: Apache-2.0
 *
 * A borrowed slice of bytes. A slice is never NUL-terminated and never owns its bytes;
 * p == NULL means "absent", n == 0 with p != NULL means "present and empty".
 * Usable from any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A key and its value, both borrowed. */
struct str_pair {
    struct str key, value;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

/* The slice of a NUL-terminated string; NULL gives the absent slice. */
static inline struct str str_of(const char *text)
{
    return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_is_set(struct str s)
{
    return s.p != NULL;
}

/* Bytewise order; a prefix sorts first. Absent equals empty. */
static inline int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c)
        return c;
    return (a.n > b.n) - (a.n < b.n);
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* The slice without its first n bytes; n must not exceed s.n. */
static inline struct str str_skip(struct str s, size_t n)
{
    return (struct str){ s.p + n, s.n - n };
}

/* ASCII case folding, as DNS compares names (RFC 4343). */
char str_fold_char(char c);
int str_cmp_nocase(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b);
bool str_starts_nocase(struct str s, struct str prefix);

/* Position of c in s, or s.n. */
size_t str_find_char(struct str s, char c);

/* Decimal text without sign or blanks to *ret_value. 0, or 1 when the text is not a number that fits. */
int str_parse_u64(struct str s, uint64_t *ret_value);
