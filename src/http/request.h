/* SPDX-License-Identifier: Apache-2.0
 *
 * A request in memory, and the pool that a worker takes them from: an idle connection holds none. Private to src/http;
 * a worker's thread only. */
#pragma once

#include "base/buf.h"
#include "http/head.h"
#include "http/server.h"

struct loop;
struct connection;

#define REQUEST_POOL_MAX 64         /* of a worker, kept for the next */
#define REQUEST_BODY_KEPT_MAX 16384 /* a body's memory beyond this is freed with its request */
#define REQUEST_BUFFERED_MIN 16384  /* from here on bodies and answers count against limits.buffered_max */
#define REQUEST_ID_LEN 36

struct http_request {
    struct http_request *next; /* in the pool, or among the finished */
    struct loop *loop;
    struct connection *connection;
    void *call;
    int64_t arrival_ns;
    struct buf body;
    size_t n_buffered; /* of its body, counted in shared->buffered[LOOP_BODIES] */
    char id[REQUEST_ID_LEN];
    bool is_suspended;
    bool is_answered;
    bool has_failed; /* there was no memory for the answer: the connection must be closed */
    struct head head;
};

struct request_pool {
    struct http_request *first;
    unsigned n;
};

/* NULL when memory is out. */
struct http_request *request_new(struct loop *loop, struct connection *connection);
/* Back to the pool. */
void request_free(struct http_request *request);
void request_pool_fini(struct request_pool *pool);

/* Appends to the body. 0, or 1 with the refusal. */
int request_add_body(struct http_request *request, const char *p, size_t n, struct head_refusal *ret_refusal);
