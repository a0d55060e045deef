/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations and sizes as people write them in configuration: `250ms`, `30s`, `5m`, `2h`, `30d`; `512`, `64KiB`, `1MiB`,
 * `2GiB`. A bare 0 is a duration; any other duration needs its unit. Usable from any thread. */
#pragma once

#include "base/str.h"

/* 0, or 1 when the text is not a duration of at most 10 years. */
int units_parse_duration_ms(struct str text, int64_t *ret_ms);
/* 0, or 1 when the text is not a size below 2^53. */
int units_parse_size(struct str text, uint64_t *ret_bytes);
/* The shortest exact form (`90s` rather than `1.5m`); ret holds 24 characters. Returns the length. */
size_t units_format_duration(int64_t ms, char *ret);
size_t units_format_size(uint64_t bytes, char *ret);
