/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of operations (ops.def) as data: what dispatch, metrics, authorisation and the tests need to know of each.
 * The table is const; handlers run on the API worker of their request.
 *
 * A handler `op_x(call, in, out)` gets its validated input (shapes.h) and a zeroed output, both in the request's
 * arena. It returns 0 when the output is complete; its other results are those of enum call_result (call.h). */
#pragma once

#include "api/error.h"
#include "api/shape.h"
#include "api/shapes.h"

struct api_call;

/* OP_INDEX_RegisterInstance ...: a dense index, in the order of the names, for counters. */
enum op_index {
#define OP(name, ...) OP_INDEX_##name,
#include "api/ops.def"
#undef OP
    OP_COUNT
};

/* What a policy's Resource is matched against (service authorisation reference of AWS Cloud Map). */
enum op_resource {
    OP_ON_ANY,         /* no resource: `*` */
    OP_ON_NAMESPACE,   /* the member holds a namespace's id or ARN */
    OP_ON_NEW_SERVICE, /* ... a namespace's, and the service is `service/` and `*`: both */
    OP_ON_SERVICE,     /* ... a service's id or ARN */
    OP_ON_NAMES,       /* NamespaceName and ServiceName: both */
    OP_ON_OPERATION,   /* ... an operation's id: its namespace, or its service */
    OP_ON_ARN,         /* ... the ARN of a namespace or service; to policies it is `*` */
};

enum op_flags {
    OP_READ = 1,
    OP_WRITE = 2,
    OP_ASYNC = 4,      /* answers an OperationId */
    OP_PAGED = 8,      /* MaxResults and NextToken */
    OP_DATA_PLANE = 16 /* arrives at the host `data-...`; has a rate limit of its own */
};

struct op {
    struct str name; /* also the suffix of X-Amz-Target and, after "servicediscovery:", the IAM action */
    enum op_index index;
    int (*call)(struct api_call *call, const void *in, void *out); /* the handler behind its real types */
    const struct shape *input, *output; /* output->kind is SHAPE_KIND_NOTHING when the body is empty */
    size_t input_size, output_size;     /* of the structs behind in and out */
    enum op_resource resource;
    const char *resource_member; /* wire name of the input member that names the resource; NULL for OP_ON_ANY */
    unsigned flags;
    uint32_t errors; /* ERROR_BIT of each declared error */
};

extern const struct op ops[OP_COUNT];

/* Handlers, in op_*.c; each is called only through the table. */
#define OP(name, handler, in_type, in_shape, out_type, out_shape, ...) \
    int handler(struct api_call *call, const struct in_type *in, struct out_type *out);
#include "api/ops.def"
#undef OP

/* Shapes of the operations, in shapes.c. */
#define OP(name, handler, in_type, in_shape, out_type, out_shape, ...) extern const struct shape in_shape, out_shape;
#include "api/ops.def"
#undef OP

/* The member of that wire name in the operation's input; NULL when it has none. */
const void *op_find_member(const struct op *op, const void *in, struct str name);

/* The operation of that wire name (case matters), or NULL. */
const struct op *op_find(struct str name);
