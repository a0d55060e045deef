/* SPDX-License-Identifier: Apache-2.0
 *
 * Small sorted maps; see pairs.h. */
#include "registry/pairs.h"

#include "model/instance.h"

#include <errno.h>

int pairs_sort(struct arena *arena, const struct str_pair *pairs, size_t n, struct str_pair **ret_sorted)
{
    struct str_pair *sorted = ARENA_ARRAY(arena, struct str_pair, n ? n : 1);

    if (!sorted)
        return -ENOMEM;
    if (n)
        memcpy(sorted, pairs, n * sizeof(*pairs));
    if (instance_sort_attributes(sorted, n))
        return 1;
    *ret_sorted = sorted;
    return 0;
}

int pairs_merge(struct arena *arena, const struct str_pair *old, size_t n_old, const struct str_pair *more,
                size_t n_more, struct str_pair **ret_pairs, size_t *ret_n)
{
    struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, n_old + n_more ? n_old + n_more : 1);
    size_t i = 0, k = 0, n = 0;

    if (!pairs)
        return -ENOMEM;
    while (i < n_old || k < n_more) {
        int order = i == n_old ? 1 : k == n_more ? -1 : str_cmp(old[i].key, more[k].key);
        pairs[n++] = order < 0 ? old[i] : more[k];
        i += order <= 0;
        k += order >= 0;
    }
    *ret_pairs = pairs;
    *ret_n = n;
    return 0;
}

static bool pairs_has_key(const struct str *keys, size_t n_keys, struct str key)
{
    for (size_t i = 0; i < n_keys; i++)
        if (str_eq(keys[i], key))
            return true;
    return false;
}

int pairs_without(struct arena *arena, const struct str_pair *old, size_t n_old, const struct str *keys, size_t n_keys,
                  struct str_pair **ret_pairs, size_t *ret_n)
{
    struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, n_old ? n_old : 1);
    size_t n = 0;

    if (!pairs)
        return -ENOMEM;
    for (size_t i = 0; i < n_old; i++)
        if (!pairs_has_key(keys, n_keys, old[i].key))
            pairs[n++] = old[i];
    *ret_pairs = pairs;
    *ret_n = n;
    return 0;
}

bool pairs_equal(const struct str_pair *a, size_t n_a, const struct str_pair *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++)
        if (!str_eq(a[i].key, b[i].key) || !str_eq(a[i].value, b[i].value))
            return false;
    return true;
}
