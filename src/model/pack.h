/* SPDX-License-Identifier: Apache-2.0
 *
 * One-block objects: a structure whose slices point behind itself, so that it is one allocation and one free. Measure
 * with the same calls that then copy. One thread at a time. */
#pragma once

#include "base/str.h"

struct pack {
    char *at; /* NULL while measuring */
    size_t n; /* bytes needed or used */
};

/* Copies s behind what is packed already and points it there; measures only when `at` is NULL. Absent stays absent. */
void pack_str(struct pack *pack, struct str *s);
/* Copies an array of pairs and their text; *pairs then points into the block. */
void pack_pairs(struct pack *pack, const struct str_pair **pairs, size_t n);
