/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of action.def. */
#include "model/action.h"

#include "base/mem.h"

static const struct {
    struct str text;
    enum action_level level;
} rows[] = {
#define ACTION(id, service, name, action_level) [ACTION_##id] = { STR(service ":" name), action_level },
#include "model/action.def"
#undef ACTION
};

struct str action_text(enum action action)
{
    ASSERT(action < ACTION_COUNT);
    return rows[action].text;
}

enum action_level action_level(enum action action)
{
    ASSERT(action < ACTION_COUNT);
    return rows[action].level;
}

enum action action_find(struct str text)
{
    for (unsigned i = 0; i < ACTION_COUNT; i++)
        if (str_eq_nocase(rows[i].text, text))
            return (enum action)i;
    return ACTION_OTHER;
}
