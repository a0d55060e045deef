/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests of rules: what a rule said, compared with what it must say. */
#pragma once

#include "../test.h"

#include "registry/rules.h"

/* NULL: allowed. `r` is what the rule returned. */
static inline void rules_fixture_check(const char *name, int r, const struct change *change, const char *wanted)
{
    struct str message = r ? change->message : (struct str){ 0 };

    if (!wanted != !r || !str_eq(message, str_of(wanted)))
        print_error("%s: %d\ngot  '" STR_FMT "'\nwant '%s'\n", name, r, STR_ARG(message), wanted ? wanted : "");
    assert_int_equal(r, wanted ? CHANGE_INVALID_INPUT : 0);
    assert_true(str_eq(message, str_of(wanted)));
}
