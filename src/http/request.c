/* SPDX-License-Identifier: Apache-2.0
 *
 * A request: what its handler may ask, and how it is answered. */
#include "http/request.h"
#include "base/mem.h"
#include "http/client_certificate.h"
#include "http/loop.h"
#include "http/reply.h"

struct http_request *request_new(struct loop *loop, struct connection *connection)
{
    struct request_pool *pool = &loop->requests;
    struct http_request *request = pool->first;
    if (request) {
        pool->first = request->next;
        pool->n--;
    } else {
        request = mem_alloc(sizeof(*request));
        if (!request)
            return NULL;
        buf_init(&request->body, loop->shared->limits.body_max + 1);
    }
    request->next = NULL;
    request->loop = loop;
    request->connection = connection;
    request->call = NULL;
    request->arrival_ns = clock_mono_ns(loop->shared->clock);
    request->n_buffered = 0;
    request->is_suspended = request->is_answered = request->has_failed = false;
    request->head.n_headers = 0;
    loop_new_id(loop, request->id);
    return request;
}

static void destroy(struct http_request *request)
{
    buf_fini(&request->body);
    mem_free(request);
}

void request_free(struct http_request *request)
{
    struct request_pool *pool = &request->loop->requests;
    loop_release_buffered(request->loop, LOOP_BODIES, request->n_buffered);
    buf_clear(&request->body);
    if (request->body.size > REQUEST_BODY_KEPT_MAX)
        buf_fini(&request->body);
    if (pool->n == REQUEST_POOL_MAX) {
        destroy(request);
        return;
    }
    request->next = pool->first;
    pool->first = request;
    pool->n++;
}

void request_pool_fini(struct request_pool *pool)
{
    struct http_request *next;
    for (struct http_request *request = pool->first; request; request = next) {
        next = request->next;
        destroy(request);
    }
    *pool = (struct request_pool){ 0 };
}

int request_add_body(struct http_request *request, const char *p, size_t n, struct head_refusal *ret_refusal)
{
    static const struct head_refusal too_large = { 413, "The body is too large." };
    static const struct head_refusal no_memory = { 503, "There is no memory for the body now." };
    struct buf *body = &request->body;
    if (n > body->max - 1 - body->n) {
        *ret_refusal = too_large;
        return 1;
    }
    size_t old_size = body->size;
    buf_put(body, p, n);
    size_t grown = body->size > REQUEST_BUFFERED_MIN ? body->size - old_size : 0;
    if (body->failed || !loop_reserve_buffered(request->loop, LOOP_BODIES, grown)) {
        *ret_refusal = no_memory;
        return 1;
    }
    request->n_buffered += grown;
    return 0;
}

/* --- what a handler may ask -------------------------------------------------------------------------------------- */

struct str http_request_method(const struct http_request *request)
{
    return request->head.method;
}

struct str http_request_path(const struct http_request *request)
{
    return request->head.path;
}

struct str http_request_query(const struct http_request *request)
{
    return request->head.query;
}

struct str http_request_host(const struct http_request *request)
{
    return request->head.host;
}

struct str http_request_header(const struct http_request *request, const char *name)
{
    struct str wanted = str_of(name);
    for (size_t i = 0; i < request->head.n_headers; i++) {
        const struct str_pair *header = &request->head.headers[i];
        if (header->key.n == wanted.n && str_eq_nocase(header->key, wanted))
            return header->value;
    }
    return (struct str){ 0 };
}

const struct str_pair *http_request_headers(const struct http_request *request, size_t *ret_n)
{
    *ret_n = request->head.n_headers;
    return request->head.headers;
}

char *http_request_body(struct http_request *request, size_t *ret_n)
{
    *ret_n = request->body.n;
    return request->body.p;
}

struct str http_request_peer(const struct http_request *request)
{
    return str_of(request->connection->peer);
}

bool http_request_is_loopback(const struct http_request *request)
{
    return request->connection->is_loopback;
}

bool http_request_is_tls(const struct http_request *request)
{
    return request->connection->is_tls;
}

const struct http_client_certificate *http_request_client_certificate(const struct http_request *request)
{
    const struct client_certificate *certificate = request->connection->certificate;
    return certificate ? &certificate->shown : NULL;
}

struct str http_request_id(const struct http_request *request)
{
    return (struct str){ request->id, REQUEST_ID_LEN };
}

int64_t http_request_arrival_ns(const struct http_request *request)
{
    return request->arrival_ns;
}

void http_request_set_call(struct http_request *request, void *call)
{
    request->call = call;
}

void *http_request_call(const struct http_request *request)
{
    return request->call;
}

bool http_request_is_cancelled(const struct http_request *request)
{
    return request->connection->is_cut;
}

/* --- answering --------------------------------------------------------------------------------------------------- */

void http_suspend(struct http_request *request)
{
    ASSERT(!request->is_answered && !request->is_suspended);
    request->is_suspended = true;
}

void http_finish(struct http_request *request)
{
    loop_finish(request->loop, request);
}

void http_respond(struct http_request *request, unsigned status, const struct http_header *headers, size_t n_headers,
                  char *take_body, size_t n)
{
    ASSERT(!request->is_answered);
    request->is_answered = true;
    struct reply reply = {
        .status = status, .headers = headers, .n_headers = n_headers, .take_body = take_body, .n = n, .id = request->id
    };
    request->has_failed = reply_queue(request->connection, &reply) != 0;
}
