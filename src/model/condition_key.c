/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of condition_key.def. */
#include "model/condition_key.h"

#include "base/mem.h"

static const struct str names[] = {
#define CONDITION_KEY(id, name) [CONDITION_KEY_##id] = STR(name),
#include "model/condition_key.def"
#undef CONDITION_KEY
};

struct str condition_key_name(enum condition_key key)
{
    ASSERT(key < CONDITION_KEY_COUNT);
    return names[key];
}

enum condition_key condition_key_find(struct str name, struct str *ret_tag)
{
    *ret_tag = (struct str){ 0 };
    for (unsigned i = 0; i < CONDITION_KEY_COUNT; i++) {
        bool has_tag = names[i].p[names[i].n - 1] == '/';
        if (has_tag && name.n > names[i].n && str_starts_nocase(name, names[i])) {
            *ret_tag = str_skip(name, names[i].n);
            return (enum condition_key)i;
        }
        if (!has_tag && str_eq_nocase(name, names[i]))
            return (enum condition_key)i;
    }
    return CONDITION_KEY_OTHER;
}
