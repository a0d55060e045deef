/* SPDX-License-Identifier: Apache-2.0
 *
 * Handing an answer to the library. Private to src/http; a worker's thread only. */
#pragma once

#include "http/connection.h"
#include "http/server.h"

struct reply {
    unsigned status;
    const struct http_header *headers;
    size_t n_headers;
    char *take_body;
    size_t n;
    const char *id; /* REQUEST_ID_LEN characters */
};

/* take_body is the callee's from here on. 0, or 1 when memory is out: the connection must be closed without an answer.
 */
int reply_queue(struct connection *connection, struct reply *reply);

/* {"message":"..."}, mem_alloc'ed, NUL behind it. NULL when memory is out. */
char *reply_refusal_body(const struct head_refusal *refusal, size_t *ret_n);
