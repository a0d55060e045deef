/* SPDX-License-Identifier: Apache-2.0
 *
 * Slices: ASCII case folding, search, decimal numbers. */
#include "base/str.h"

static inline unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

char str_fold_char(char c)
{
    return (char)fold((unsigned char)c);
}

/* Order of the first n bytes, which both have. */
static int compare_folded(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char ca = fold((unsigned char)a[i]), cb = fold((unsigned char)b[i]);
        if (ca != cb)
            return ca < cb ? -1 : 1;
    }
    return 0;
}

int str_cmp_nocase(struct str a, struct str b)
{
    int c = compare_folded(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool str_eq_nocase(struct str a, struct str b)
{
    /* most are equal as they stand, or not at all */
    return a.n == b.n && (str_eq(a, b) || compare_folded(a.p, b.p, a.n) == 0);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && compare_folded(s.p, prefix.p, prefix.n) == 0;
}

size_t str_find_char(struct str s, char c)
{
    const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;
    return hit ? (size_t)(hit - s.p) : s.n;
}

int str_parse_u64(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.n == 0)
        return 1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 1;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return 1;
    }
    *ret_value = value;
    return 0;
}
