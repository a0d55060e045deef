/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON object of the daemon's, laid out for people: a text or number is a line with its name, an array of objects a
 * table with a column for each of their members. One thread. */
#pragma once

#include "base/str.h"

/* `json` is modified. `hidden` names members that are left out, between blanks. 0, or 1: it is not such an object. */
int answer_table_print(char *json, size_t n, const char *hidden);
