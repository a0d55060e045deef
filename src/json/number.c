/* SPDX-License-Identifier: Apache-2.0
 *
 * Number literals: grammar, and value as an integer. */
#include "json/number.h"

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

const char *number_end(const char *p, const char *end)
{
    if (p < end && *p == '-')
        p++;
    if (p == end || !is_digit(*p))
        return NULL;
    p = *p == '0' ? p + 1 : skip_digits(p, end);
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = skip_digits(p, end);
        if (p == fraction)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        const char *exponent = p;
        p = skip_digits(p, end);
        if (p == exponent)
            return NULL;
    }
    return p;
}

/* The digits of an exponent with their sign, capped far beyond what the digits of any text could make up for. */
static int64_t read_exponent(const char *p, const char *end)
{
    const int64_t cap = INT64_MAX / 4;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    int64_t value = 0;
    for (; p < end; p++)
        value = value > cap / 10 ? cap : value * 10 + (*p - '0');
    return negative ? -value : value;
}

/* Appends a decimal digit to a value that is kept negative, since that side reaches further. False on overflow. */
static bool append(int64_t *value, int digit)
{
    return !__builtin_mul_overflow(*value, (int64_t)10, value) &&
           !__builtin_sub_overflow(*value, (int64_t)digit, value);
}

/* The general case, `p` being behind the sign: the digits up to the last one that counts, then zeros as the point and
 * the exponent demand. */
static int to_negative(const char *p, const char *end, int64_t *ret_value)
{
    const char *point = NULL, *last = NULL; /* last: the last digit that is not 0 */
    const char *at = p;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.')
            point = at;
        else if (*at != '0')
            last = at;
    }
    int64_t value = 0;
    if (last) {
        int64_t zeros = at < end ? read_exponent(at + 1, end) : 0; /* to append behind the last digit */
        if (!point)
            zeros += at - 1 - last;
        else
            zeros += last < point ? point - 1 - last : point - last;
        if (zeros < 0)
            return 1;
        for (; p <= last; p++)
            if (*p != '.' && !append(&value, *p - '0'))
                return 1;
        for (; zeros > 0; zeros--)
            if (!append(&value, 0))
                return 1;
    }
    *ret_value = value;
    return 0;
}

int number_to_int(struct str text, int64_t *ret_value)
{
    const char *p = text.p, *end = text.p + text.n;
    bool negative = *p == '-';
    p += negative;
    int64_t value = 0;
    if (end - p <= 18) {
        /* Nearly every number: digits alone, too few to overflow. */
        const char *at = p;
        for (; at < end && is_digit(*at); at++)
            value = value * 10 + (*at - '0');
        if (at == end) {
            *ret_value = negative ? -value : value;
            return 0;
        }
    }
    if (to_negative(p, end, &value) != 0 || (!negative && value == INT64_MIN))
        return 1;
    *ret_value = negative ? value : -value;
    return 0;
}
