/* SPDX-License-Identifier: Apache-2.0
 *
 * Small maps (tags, service attributes) as arrays sorted by key. Results live in the arena; slices are borrowed from
 * the inputs. Usable from any thread. */
#pragma once

#include "base/arena.h"

/* `pairs` sorted by key. 0, 1 when a key appears twice, or -ENOMEM. */
int pairs_sort(struct arena *arena, const struct str_pair *pairs, size_t n, struct str_pair **ret_sorted);
/* `old` (sorted) with the pairs of `more` (sorted) added or put in place. 0 or -ENOMEM. */
int pairs_merge(struct arena *arena, const struct str_pair *old, size_t n_old, const struct str_pair *more,
                size_t n_more, struct str_pair **ret_pairs, size_t *ret_n);
/* `old` without the keys. 0 or -ENOMEM. */
int pairs_without(struct arena *arena, const struct str_pair *old, size_t n_old, const struct str *keys, size_t n_keys,
                  struct str_pair **ret_pairs, size_t *ret_n);
bool pairs_equal(const struct str_pair *a, size_t n_a, const struct str_pair *b, size_t n_b);
