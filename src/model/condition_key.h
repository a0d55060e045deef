/* SPDX-License-Identifier: Apache-2.0
 *
 * The condition keys of condition_key.def by number. Any other key may stand in a policy too: no call has it. Usable
 * from any thread. Source: IAM user guide, "AWS global condition context keys". */
#pragma once

#include "base/str.h"

enum condition_key {
#define CONDITION_KEY(id, name) CONDITION_KEY_##id,
#include "model/condition_key.def"
#undef CONDITION_KEY
    CONDITION_KEY_COUNT,
    CONDITION_KEY_OTHER = CONDITION_KEY_COUNT
};

/* As it stands in the table. */
struct str condition_key_name(enum condition_key key);
/* Without regard to case. *ret_tag is what follows the slash of a key of tags, else absent. */
enum condition_key condition_key_find(struct str name, struct str *ret_tag);
