/* SPDX-License-Identifier: Apache-2.0
 *
 * An operation: what an asynchronous action became. One-block objects as in namespace.h (free with mem_free).
 * https://docs.aws.amazon.com/cloud-map, Operation. */
#pragma once

#include "base/str.h"
#include "model/id.h"

enum operation_status {
    OPERATION_SUBMITTED,
    OPERATION_PENDING,
    OPERATION_SUCCESS,
    OPERATION_FAIL,
    OPERATION_STATUS_COUNT
};

enum operation_type {
    OPERATION_CREATE_NAMESPACE,
    OPERATION_DELETE_NAMESPACE,
    OPERATION_UPDATE_NAMESPACE,
    OPERATION_UPDATE_SERVICE,
    OPERATION_REGISTER_INSTANCE,
    OPERATION_DEREGISTER_INSTANCE,
    OPERATION_TYPE_COUNT
};

struct operation {
    struct id_operation id; /* create_ms is the CreateDate */
    enum operation_type type;
    enum operation_status status;
    int64_t update_ms;
    struct str account, region;                       /* the tenant */
    struct str action;                                /* the API action's name, as in DuplicateRequest */
    struct str namespace_id, service_id, instance_id; /* targets; absent when not one */
    struct str error_code, error_message;             /* FAIL only */
    struct str request;                               /* not finished: the change as JSON, to be done when due */
    int64_t due_wall_ms;                              /* not finished: when the next status comes; 0: held */
    int64_t due_mono_ms;
    uint64_t group;     /* revision of the commit whose record holds it */
    uint32_t group_sum; /* of that record */
};

/* NULL when memory is out. */
struct operation *operation_dup(const struct operation *draft);
bool operation_is_finished(const struct operation *operation);
/* PENDING until somebody decides about it. */
bool operation_is_held(const struct operation *operation);

/* The words of the API. */
struct str operation_status_text(enum operation_status status);
struct str operation_type_text(enum operation_type type);
/* Each: 0, or 1 for an unknown word. */
int operation_parse_status(struct str word, enum operation_status *ret_status);
int operation_parse_type(struct str word, enum operation_type *ret_type);
