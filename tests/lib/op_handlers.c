/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers for tests of the operations table that link no registry. */
#include "op_handlers.h"

struct op_handlers_seen op_handlers_seen;

#define OP(name, handler, in_type, in_shape, out_type, ...)                             \
    int handler(struct api_call *call, const struct in_type *in, struct out_type *out)  \
    {                                                                                   \
        op_handlers_seen = (struct op_handlers_seen){ OP_INDEX_##name, call, in, out }; \
        return 0;                                                                       \
    }
#include "api/ops.def"
#undef OP
