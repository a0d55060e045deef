/* SPDX-License-Identifier: Apache-2.0
 *
 * One-block objects; see pack.h. */
#include "model/pack.h"

void pack_str(struct pack *pack, struct str *s)
{
    if (!str_is_set(*s))
        return;
    if (pack->at) {
        char *copy = pack->at + pack->n;
        if (s->n)
            memcpy(copy, s->p, s->n);
        s->p = copy;
    }
    pack->n += s->n;
}

void pack_pairs(struct pack *pack, const struct str_pair **pairs, size_t n)
{
    const size_t align = _Alignof(struct str_pair);
    struct str_pair *copy = NULL;

    if (n == 0) {
        *pairs = NULL;
        return;
    }
    pack->n = (pack->n + align - 1) & ~(align - 1);
    if (pack->at) {
        copy = (struct str_pair *)(void *)(pack->at + pack->n);
        memcpy(copy, *pairs, n * sizeof(*copy));
    }
    pack->n += n * sizeof(**pairs);
    for (size_t i = 0; i < n; i++) {
        struct str_pair pair = (*pairs)[i];
        pack_str(pack, &pair.key);
        pack_str(pack, &pair.value);
        if (copy)
            copy[i] = pair;
    }
    if (copy)
        *pairs = copy;
}
