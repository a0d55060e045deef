/* SPDX-License-Identifier: Apache-2.0
 *
 * See text_match.h. */
#include "health/text_match.h"

static size_t step(struct str fragment, const uint16_t *borders, size_t n, char c)
{
    while (n > 0 && fragment.p[n] != c)
        n = borders[n - 1];
    return n + (fragment.p[n] == c);
}

void text_match_find_borders(struct str fragment, uint16_t *ret_borders)
{
    for (size_t i = 0; i < fragment.n; i++)
        ret_borders[i] = i ? (uint16_t)step(fragment, ret_borders, ret_borders[i - 1], fragment.p[i]) : 0;
}

bool text_match_put(struct text_match *match, struct str fragment, const uint16_t *borders, char c)
{
    if (match->n < fragment.n)
        match->n = step(fragment, borders, match->n, c);
    return match->n == fragment.n;
}
