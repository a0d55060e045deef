/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of a JSON text (RFC 8259 section 6). Exact decimal arithmetic, linear in the length of the text however
 * large an exponent says it is. Usable from any thread. */
#pragma once

#include "base/str.h"

/* The end of the number that starts at p < end, or NULL when there is none. */
const char *number_end(const char *p, const char *end);

/* `text` is one number by number_end. 0, or 1 when its value is no integer or does not fit. */
int number_to_int(struct str text, int64_t *ret_value);
