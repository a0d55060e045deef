/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts of policies with wildcards and variables, compiled: `*` any characters, `?` one, `${key}` what the call has.
 * In an ARN, a wildcard of the first five parts stays within its part, as IAM has it. Matching walks both texts and
 * goes back to the last `*` only: no pattern makes it exponential. Usable from any thread. */
#pragma once

#include "base/arena.h"
#include "model/condition_key.h"

#define GLOB_MAX_VARIABLES 64 /* of one policy */

/* A variable of a policy: its key, and what stands in for an absent value. */
struct glob_variable {
    struct str key, fallback;
    enum condition_key number; /* of the key, and its tag: condition_key_find */
    struct str tag;
};

/* The variables of one policy, while it is compiled and afterwards. */
struct glob_variables {
    struct glob_variable items[GLOB_MAX_VARIABLES];
    unsigned n;
};

struct glob {
    struct str text; /* bytes, and marks below 0x08, which no policy may hold */
    bool is_literal; /* no marks: compared as it stands */
    bool is_any;     /* `*` */
};

enum glob_flags {
    GLOB_WILDCARDS = 1, /* `*` and `?` mean something */
    GLOB_VARIABLES = 2, /* `${...}` does */
    GLOB_ARN = 4,       /* wildcards of the first five parts stay within them */
    GLOB_SHORT_ARN = 8, /* with GLOB_ARN: parts that are missing at the end are `*` */
};

enum glob_result {
    GLOB_BAD_VARIABLE = 1, /* `${` without `}`, or an empty one */
    GLOB_TOO_MANY,         /* more than GLOB_MAX_VARIABLES different ones */
};

/* Into the arena, with new variables added to `variables`, which borrow from the text; the text holds no byte below
 * 0x09. 0, enum glob_result or -ENOMEM. */
int glob_compile(struct arena *arena, struct str text, unsigned flags, struct glob_variables *variables,
                 struct glob *ret_glob);

/* What a variable stands for in a call; absent: it has no value. */
struct glob_values {
    struct str (*find)(const struct glob_values *values, unsigned variable);
};

/* A variable without a value makes the whole pattern match nothing. `fold` compares without regard to ASCII case. */
bool glob_matches_slow(const struct glob *glob, struct str text, const struct glob_values *values, bool fold);

static inline bool glob_matches(const struct glob *glob, struct str text, const struct glob_values *values)
{
    if (glob->is_any)
        return true;
    if (glob->is_literal)
        return str_eq(glob->text, text);
    return glob_matches_slow(glob, text, values, false);
}
