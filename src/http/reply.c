/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers as libmicrohttpd wants them. It adds Date and Content-Length, leaves the body of an answer to HEAD out, and
 * sends head and body in one sendmsg(2). */
#include "http/reply.h"
#include "base/mem.h"
#include "http/loop.h"
#include "http/outlet.h"

#include <stdio.h>

static struct MHD_Response *response_of(char *take_body, size_t n)
{
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(n, take_body, mem_free);
    if (!response)
        mem_free(take_body);
    return response;
}

static bool add_headers(struct MHD_Response *response, const struct reply *reply, bool closes)
{
    char id[REQUEST_ID_LEN + 1];
    memcpy(id, reply->id, REQUEST_ID_LEN);
    id[REQUEST_ID_LEN] = '\0';
    bool ok = MHD_add_response_header(response, "x-amzn-RequestId", id) == MHD_YES;
    for (size_t i = 0; ok && i < reply->n_headers; i++)
        ok = MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value) == MHD_YES;
    return ok && (!closes || MHD_add_response_header(response, "Connection", "close") == MHD_YES);
}

char *reply_refusal_body(const struct head_refusal *refusal, size_t *ret_n)
{
    size_t n = strlen(refusal->message) + strlen("{\"message\":\"\"}");
    char *body = mem_alloc(n + 1);
    if (!body)
        return NULL;
    snprintf(body, n + 1, "{\"message\":\"%s\"}", refusal->message);
    *ret_n = n;
    return body;
}

/* Large answers count until they are sent: slow readers must not pile them up. */
static void admit(struct connection *connection, struct reply *reply)
{
    static const struct head_refusal full = { 503, "Too many large answers are being sent; try again." };
    size_t n = reply->n > REQUEST_BUFFERED_MIN ? reply->n : 0;
    if (loop_reserve_buffered(connection->loop, LOOP_ANSWERS, n)) {
        connection->n_buffered = n;
        return;
    }
    connection_note_refusal(connection, &full);
    mem_free(reply->take_body);
    reply->status = full.status;
    reply->n = 0;
    reply->take_body = reply_refusal_body(&full, &reply->n);
}

int reply_queue(struct connection *connection, struct reply *reply)
{
    bool closes = atomic_load_explicit(&connection->loop->shared->draining, memory_order_relaxed);
    admit(connection, reply);
    struct MHD_Response *response = response_of(TAKE(reply->take_body), reply->n);
    if (!response)
        return 1;
    bool ok = add_headers(response, reply, closes);
    if (ok) {
        connection_enter(connection, CONNECTION_ANSWERING);
        connection->n_bytes = reply->n;
        if (reply->n > 0 && !str_eq(connection->request->head.method, STR("HEAD")))
            outlet_expect_head(connection);
        ok = MHD_queue_response(connection->mhd, reply->status, response) == MHD_YES;
    }
    MHD_destroy_response(response);
    return !ok;
}
