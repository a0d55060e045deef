/* SPDX-License-Identifier: Apache-2.0
 *
 * A scan: the list is short and asked rarely. */
#include "aws/environment.h"
#include "base/str.h"

const char *environment_find(const struct environment *environment, const char *name)
{
    size_t n = strlen(name);
    for (char **variable = environment->variables; variable && *variable; variable++)
        if (strncmp(*variable, name, n) == 0 && (*variable)[n] == '=')
            return (*variable)[n + 1] ? *variable + n + 1 : NULL;
    return NULL;
}

bool environment_is_true(const struct environment *environment, const char *name)
{
    struct str value = str_of(environment_find(environment, name));
    return str_eq_nocase(value, STR("true")) || str_eq_nocase(value, STR("1")) || str_eq_nocase(value, STR("yes"));
}
