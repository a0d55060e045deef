/* SPDX-License-Identifier: Apache-2.0
 *
 * The two forms of time that signed requests and their answers carry. Seconds since the epoch, years 1970 to 9999. Any
 * thread. */
#pragma once

#include "base/str.h"

#define AMZ_DATE_LEN 16    /* 20150830T123600Z */
#define AMZ_DATE_DAY_LEN 8 /* 20150830 */

/* The basic form of ISO 8601, without a NUL. */
void amz_date_format(int64_t seconds, char ret_text[AMZ_DATE_LEN]);
/* Exactly that form. 0, or 1 when it is not. */
int amz_date_parse(struct str text, int64_t *ret_seconds);
/* IMF-fixdate of RFC 9110: `Sun, 30 Aug 2015 12:36:00 GMT`; the day's name is not compared. 0, or 1. */
int amz_date_parse_http(struct str text, int64_t *ret_seconds);
