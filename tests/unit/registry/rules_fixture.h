/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests of rules: what a rule said, compared with what it must say. */
#pragma once

#include "../test.h"

#include "registry/rules.h"

/* NULL: allowed. `r` is what the rule returned. */
static inline void rules_fixture_check(const char *name, int r, const struct change *change, const char *wanted)
{
    struct str message = r ? change->message : STR(""), text = wanted ? str_of(wanted) : STR("");

    if (!str_eq(message, text))
        print_error("%s: %d\ngot  '" STR_FMT "'\nwant '" STR_FMT "'\n", name, r, STR_ARG(message), STR_ARG(text));
    assert_true(str_eq(message, text));
    assert_int_equal(r, wanted ? CHANGE_INVALID_INPUT : 0);
}
