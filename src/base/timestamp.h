/* SPDX-License-Identifier: Apache-2.0
 *
 * The times in AWS's texts: `2026-01-02T03:04:05Z`, with a fraction or another offset (RFC 3339 and the offset without
 * a colon of ISO 8601). Usable from any thread. */
#pragma once

#include "base/str.h"

#define TIMESTAMP_ROOM 32

/* `2026-01-02T03:04:05Z` with a NUL behind it; empty for a time that no calendar has. The slice is ret_text's. */
struct str timestamp_format_s(int64_t seconds, char ret_text[TIMESTAMP_ROOM]);
/* Milliseconds since the epoch; what is finer is cut off. 0, or 1 when the text is no such time, or before 1970. */
int timestamp_parse_ms(struct str text, int64_t *ret_ms);
