/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests: every handler of ops.def, as a function that does nothing but say that it was called. */
#pragma once

#include "api/ops.h"

/* The arguments of the last call. */
struct op_handlers_seen {
    enum op_index index;
    const void *call, *in, *out;
};

extern struct op_handlers_seen op_handlers_seen;
