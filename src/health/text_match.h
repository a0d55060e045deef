/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds a fragment in text that comes a character at a time, however it is cut, in linear time whatever the text is
 * (Knuth, Morris, Pratt). Pure; any thread. */
#pragma once

#include "base/str.h"

struct text_match {
    size_t n; /* how much of the fragment the text read so far ends with */
};

/* For each character of the fragment (at most 65,535) the length of the longest beginning of it that also ends there,
 * the whole left out. */
void text_match_find_borders(struct str fragment, uint16_t *ret_borders);
/* The next character. True when the fragment is complete; an empty one always is. */
bool text_match_put(struct text_match *match, struct str fragment, const uint16_t *borders, char c);
