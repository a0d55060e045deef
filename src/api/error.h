/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire errors of errors.def: the only place that knows their names, HTTP statuses and bodies. Handlers fill a
 * struct api_error; api.c sends error_status, the header x-amzn-ErrorType: error_name, and error_render as the body
 * (Go and JavaScript clients read the header first, botocore only the body). Usable from any thread.
 * Source: API reference, "Common Errors" and the Errors section of each action. */
#pragma once

#include "base/buf.h"

enum error_kind {
    ERROR_MODELLED,  /* declared by operations; the message member is `Message` */
    ERROR_FRONT_END, /* may answer any request; the message member is `message` */
};

enum error_id {
#define ERROR(id, name, status, kind, message, ...) id,
#include "api/errors.def"
#undef ERROR
    ERROR_COUNT
};

/* For the sets of declared errors; modelled errors come first, so 32 bits do. */
#define ERROR_BIT(id) (UINT32_C(1) << (id))

#define ERROR_MAX_EXTRAS 3

/* One error answer; all slices are borrowed. Members that the error does not declare must stay absent. */
struct api_error {
    enum error_id id;
    struct str message; /* absent: the default message */
    struct str creator_request_id, namespace_id, service_id, service_arn;
    struct str duplicate_operation_id;
    struct str resource_name;
};

/* An extra member of the body, for error_extra. */
struct error_extra {
    const char *name, *shape;
    size_t offset; /* of its struct str in struct api_error */
};

/* The wire name, such as "InvalidInput". */
struct str error_name(enum error_id id);
/* The HTTP status, such as 400. */
unsigned error_status(enum error_id id);
enum error_kind error_kind(enum error_id id);
/* The i-th declared extra member; NULL when there are no more. */
const struct error_extra *error_extra(enum error_id id, size_t i);

/* Appends the body, one JSON object: `__type`, the message, the extra members that are present. */
void error_render(struct buf *buf, const struct api_error *error);
