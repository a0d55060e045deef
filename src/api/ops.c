/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of ops.def as data, and its look-up. */
#include "api/ops.h"

/* One thunk a row gives its handler the types back: function pointers are never cast. */
#define OP(wire_name, handler, ...)                                               \
    static int call_##wire_name(struct api_call *call, const void *in, void *out) \
    {                                                                             \
        return handler(call, in, out);                                            \
    }
#include "api/ops.def"
#undef OP

const struct op ops[OP_COUNT] = {
#define E(id) ERROR_BIT(id)
#define OP(wire_name, handler, in_type, in_shape, out_type, out_shape, acts_on, member, op_flags, declared) \
    [OP_INDEX_##wire_name] = {                                                                              \
        .name = { #wire_name, sizeof(#wire_name) - 1 },                                                     \
        .index = OP_INDEX_##wire_name,                                                                      \
        .call = call_##wire_name,                                                                           \
        .input = &in_shape,                                                                                 \
        .output = &out_shape,                                                                               \
        .input_size = sizeof(struct in_type),                                                               \
        .output_size = sizeof(struct out_type),                                                             \
        .resource = acts_on,                                                                                \
        .resource_member = member,                                                                          \
        .flags = op_flags,                                                                                  \
        .errors = declared,                                                                                 \
    },
#include "api/ops.def"
#undef OP
#undef E
};

const void *op_find_member(const struct op *op, const void *in, struct str name)
{
    for (size_t i = 0; i < op->input->n_members; i++)
        if (str_eq(op->input->members[i].name, name))
            return (const char *)in + op->input->members[i].offset;
    return NULL;
}

const struct op *op_find(struct str name)
{
    size_t low = 0, high = OP_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = str_cmp(name, ops[middle].name);
        if (c == 0)
            return &ops[middle];
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
