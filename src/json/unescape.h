/* SPDX-License-Identifier: Apache-2.0
 *
 * The strings of a JSON text (RFC 8259 section 7), unescaped where they stand. Usable from any thread. */
#pragma once

#include "base/str.h"

enum unescape_result {
    UNESCAPE_SYNTAX = 1, /* not terminated, a raw control character, an unknown escape */
    UNESCAPE_UTF8,       /* bytes that are not UTF-8, or half a surrogate pair */
};

/* Reads the string whose first byte after the opening quote is *at, modifying it, and moves *at behind the closing
 * quote. 0 or enum unescape_result, *at then being at the offending byte. */
int unescape_string(char **at, char *end, struct str *ret_value);
