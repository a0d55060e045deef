/* SPDX-License-Identifier: Apache-2.0
 *
 * The two forms of time that signed requests and their answers carry. Seconds since the epoch, years 1970 to 9999. Any
 * thread. */
#pragma once

#include "base/str.h"

#define TIMESTAMP_LEN 16     /* 20150830T123600Z */
#define TIMESTAMP_DATE_LEN 8 /* 20150830 */

/* The basic form of ISO 8601, without a NUL. */
void timestamp_format(int64_t seconds, char ret_text[TIMESTAMP_LEN]);
/* Exactly that form. 0, or 1 when it is not. */
int timestamp_parse(struct str text, int64_t *ret_seconds);
/* IMF-fixdate of RFC 9110: `Sun, 30 Aug 2015 12:36:00 GMT`; the day's name is not compared. 0, or 1. */
int timestamp_parse_http(struct str text, int64_t *ret_seconds);
