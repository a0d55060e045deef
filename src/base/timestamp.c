/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates of the proleptic Gregorian calendar, by the count of days. */
#include "base/timestamp.h"

#include <time.h>

#define DAY_MS INT64_C(86400000)

/* Takes a number of exactly `digits` digits from the front. 0, or 1. */
static int take_number(struct str *rest, size_t digits, unsigned *ret_value)
{
    unsigned value = 0;
    if (rest->n < digits)
        return 1;
    for (size_t i = 0; i < digits; i++) {
        if (rest->p[i] < '0' || rest->p[i] > '9')
            return 1;
        value = value * 10 + (unsigned)(rest->p[i] - '0');
    }
    *rest = str_skip(*rest, digits);
    *ret_value = value;
    return 0;
}

/* The same behind a separator. */
static int take_part(struct str *rest, char separator, unsigned *ret_value)
{
    if (rest->n == 0 || rest->p[0] != separator)
        return 1;
    *rest = str_skip(*rest, 1);
    return take_number(rest, 2, ret_value);
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* 0, or 1 when there is no such day from 1970 on. */
static int days_since_epoch(unsigned year, unsigned month, unsigned day, int64_t *ret_days)
{
    static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (year < 1970 || month < 1 || month > 12)
        return 1;
    unsigned length = lengths[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
    if (day < 1 || day > length)
        return 1;
    unsigned before = year - 1;
    int64_t days = (int64_t)before * 365 + before / 4 - before / 100 + before / 400;
    for (unsigned m = 1; m < month; m++)
        days += lengths[m - 1] + (m == 2 && is_leap(year) ? 1 : 0);
    *ret_days = days + day - 1 - 719162; /* days from year 1 to 1970 */
    return 0;
}

/* `.123456`, to milliseconds; nothing is 0. */
static int take_fraction(struct str *rest, unsigned *ret_ms)
{
    unsigned ms = 0, scale = 100;
    size_t i = 1;
    if (rest->n == 0 || rest->p[0] != '.') {
        *ret_ms = 0;
        return 0;
    }
    for (; i < rest->n && rest->p[i] >= '0' && rest->p[i] <= '9'; i++, scale /= 10)
        ms += scale * (unsigned)(rest->p[i] - '0');
    *rest = str_skip(*rest, i);
    *ret_ms = ms;
    return i == 1;
}

/* `Z`, `+01:00` or `+0100`, to the end of the text. */
static int take_offset(struct str rest, int64_t *ret_ms)
{
    unsigned hours, minutes;
    if (rest.n == 1 && rest.p[0] == 'Z') {
        *ret_ms = 0;
        return 0;
    }
    if (rest.n == 0 || (rest.p[0] != '+' && rest.p[0] != '-'))
        return 1;
    int64_t sign = rest.p[0] == '-' ? -1 : 1;
    rest = str_skip(rest, 1);
    if (take_number(&rest, 2, &hours))
        return 1;
    if (rest.n > 0 && rest.p[0] == ':')
        rest = str_skip(rest, 1);
    if (take_number(&rest, 2, &minutes) || rest.n > 0 || hours > 23 || minutes > 59)
        return 1;
    *ret_ms = sign * (int64_t)(hours * 60 + minutes) * 60000;
    return 0;
}

int timestamp_parse_ms(struct str text, int64_t *ret_ms)
{
    unsigned year, month, day, hour, minute, second, fraction;
    int64_t days, offset;
    if (take_number(&text, 4, &year) || take_part(&text, '-', &month) || take_part(&text, '-', &day) ||
        take_part(&text, 'T', &hour) || take_part(&text, ':', &minute) || take_part(&text, ':', &second) ||
        take_fraction(&text, &fraction) || take_offset(text, &offset))
        return 1;
    if (days_since_epoch(year, month, day, &days) || hour > 23 || minute > 59 || second > 60)
        return 1;
    int64_t ms = days * DAY_MS + (int64_t)(hour * 3600 + minute * 60 + second) * 1000 + fraction - offset;
    if (ms < 0)
        return 1;
    *ret_ms = ms;
    return 0;
}

struct str timestamp_format_s(int64_t seconds, char ret_text[TIMESTAMP_ROOM])
{
    time_t time = (time_t)seconds;
    struct tm tm;
    size_t n = gmtime_r(&time, &tm) ? strftime(ret_text, TIMESTAMP_ROOM, "%Y-%m-%dT%H:%M:%SZ", &tm) : 0;
    ret_text[n] = '\0';
    return (struct str){ ret_text, n };
}
