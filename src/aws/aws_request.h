/* SPDX-License-Identifier: Apache-2.0
 *
 * The headers of one attempt, signed. Any thread. */
#pragma once

#include "aws/aws_endpoint.h"
#include "aws/aws_service.h"
#include "http/client.h"

#define AWS_REQUEST_HEADERS 12

struct aws_request {
    const struct aws_service_traits *traits;
    const struct aws_endpoint *endpoint;
    struct str region;
    const char *action;
    struct str body;
    const struct credentials *credentials; /* NULL: unsigned */
    int64_t seconds;                       /* the time that is signed */
    /* For the service's own statistics. */
    struct str invocation_id;
    unsigned attempt, max_attempts;
    int64_t total_ms;
};

/* Headers and their texts live in the arena, which then holds the session token. 0, -ENOMEM, or AWS_NO_CREDENTIALS: the
 * credentials hold what cannot stand in a header. */
int aws_request_make(const struct aws_request *request, struct arena *arena, struct http_header **ret_headers,
                     size_t *ret_n, struct aws_error *ret_error);
