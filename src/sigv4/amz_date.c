/* SPDX-License-Identifier: Apache-2.0
 *
 * Fixed positions, digits only: strptime takes more than it should. */
#include "sigv4/amz_date.h"
#include "base/mem.h"

#include <stdio.h>
#include <time.h>

#define SECONDS_MAX 253402300799 /* the end of year 9999 */

void amz_date_format(int64_t seconds, char ret_text[AMZ_DATE_LEN])
{
    struct tm tm;
    char text[AMZ_DATE_LEN + 1];
    time_t t = seconds < 0 ? 0 : seconds > SECONDS_MAX ? SECONDS_MAX : seconds;
    ASSERT(gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm) == AMZ_DATE_LEN);
    memcpy(ret_text, text, AMZ_DATE_LEN);
}

static bool take_number(struct str *text, size_t n, int *ret_number)
{
    int number = 0;
    if (text->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text->p[i] < '0' || text->p[i] > '9')
            return false;
        number = 10 * number + (text->p[i] - '0');
    }
    *text = str_skip(*text, n);
    *ret_number = number;
    return true;
}

static bool take_word(struct str *text, struct str word)
{
    if (!str_starts(*text, word))
        return false;
    *text = str_skip(*text, word.n);
    return true;
}

static bool take_month(struct str *text, int *ret_month)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++) {
        if (take_word(text, (struct str){ months + 3 * i, 3 })) {
            *ret_month = i + 1;
            return true;
        }
    }
    return false;
}

/* A day that is in the calendar: timegm would carry the 31st of June over. */
static int seconds_of(struct tm tm, int64_t *ret_seconds)
{
    struct tm read = tm;
    read.tm_year -= 1900;
    read.tm_mon -= 1;
    struct tm again = read;
    time_t seconds = timegm(&again);
    if (tm.tm_year < 1970 || again.tm_mon != read.tm_mon || again.tm_mday != read.tm_mday ||
        again.tm_hour != read.tm_hour || again.tm_min != read.tm_min || again.tm_sec != read.tm_sec)
        return 1;
    *ret_seconds = seconds;
    return 0;
}

int amz_date_parse(struct str text, int64_t *ret_seconds)
{
    struct tm tm = { 0 };
    bool good = take_number(&text, 4, &tm.tm_year) && take_number(&text, 2, &tm.tm_mon) &&
                take_number(&text, 2, &tm.tm_mday) && take_word(&text, STR("T")) &&
                take_number(&text, 2, &tm.tm_hour) && take_number(&text, 2, &tm.tm_min) &&
                take_number(&text, 2, &tm.tm_sec) && str_eq(text, STR("Z"));
    return good ? seconds_of(tm, ret_seconds) : 1;
}

int amz_date_parse_http(struct str text, int64_t *ret_seconds)
{
    struct tm tm = { 0 };
    if (text.n != 29)
        return 1;
    text = str_skip(text, 3);
    bool good = take_word(&text, STR(", ")) && take_number(&text, 2, &tm.tm_mday) && take_word(&text, STR(" ")) &&
                take_month(&text, &tm.tm_mon) && take_word(&text, STR(" ")) && take_number(&text, 4, &tm.tm_year) &&
                take_word(&text, STR(" ")) && take_number(&text, 2, &tm.tm_hour) && take_word(&text, STR(":")) &&
                take_number(&text, 2, &tm.tm_min) && take_word(&text, STR(":")) && take_number(&text, 2, &tm.tm_sec) &&
                str_eq(text, STR(" GMT"));
    return good ? seconds_of(tm, ret_seconds) : 1;
}
