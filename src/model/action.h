/* SPDX-License-Identifier: Apache-2.0
 *
 * The actions of action.def by number, so that a policy keeps what it says of each as one bit. Usable from any thread.
 * Source: service authorization reference, AWS Cloud Map. */
#pragma once

#include "base/str.h"

enum action {
#define ACTION(id, service, name, level) ACTION_##id,
#include "model/action.def"
#undef ACTION
    ACTION_COUNT,
    ACTION_OTHER = ACTION_COUNT /* any that is not in the table: known by its name only */
};

_Static_assert(ACTION_COUNT < 64, "a set of actions is one word");

#define ACTION_BIT(action) (UINT64_C(1) << (action))
#define ACTION_SERVICE STR("servicediscovery:")

enum action_level { ACTION_READ, ACTION_LIST, ACTION_WRITE, ACTION_TAGGING };

/* `servicediscovery:RegisterInstance`. */
struct str action_text(enum action action);
enum action_level action_level(enum action action);
/* Without regard to case; ACTION_OTHER when it is not in the table. */
enum action action_find(struct str text);
