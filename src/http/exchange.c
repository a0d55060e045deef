/* SPDX-License-Identifier: Apache-2.0
 *
 * One exchange, seen from the library's callbacks: target, head, body in pieces, end, answer sent. Refusals go past the
 * library: in the middle of a body it takes no answer, and when a head is too large it has no room to build one. */
#include "http/exchange.h"
#include "base/mem.h"
#include "base/metric.h"
#include "http/client_certificate.h"

/* What the library needs in a connection's memory besides the head: a record for each header and argument, and the
 * head of the answer. Without it an accepted request would end without an answer. */
#define HEADER_RECORD_SIZE 64
#define ANSWER_HEAD_SIZE 1024

/* The library reads a resumed connection before it sends the answer that waits, and finding that the peer has closed
 * its side it drops the answer. Connections with a timeout of their own it goes through before that: they send first.
 */
#define RESUMED_TIMEOUT_S 1000000u

static const struct head_refusal no_memory = { 503, "There is no memory for the request now." };
static const struct head_refusal head_too_large = { 431, "The request line and headers are too large." };
static const struct head_refusal too_many_headers = { 431, "There are too many headers." };
static const struct head_refusal broken_head = { 400, "The head holds a bare LF, a NUL or a folded line." };
static const struct head_refusal body_too_large = { 413, "The body is too large." };

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* The library is about to overwrite the delimiters of a query. */
void *exchange_on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct loop *loop = cls;
    loop->progress++;
    struct connection *connection = connection_of(mhd);
    connection_enter(connection, CONNECTION_HEAD);
    connection->is_used = true;
    connection->target = str_of(target);
    connection->has_query = str_find_char(connection->target, '?') < connection->target.n;
    if (connection->has_query)
        connection->target_dup = mem_dup(target, connection->target.n + 1);
    return connection;
}

/* --- the head ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
                                      const char *value, size_t value_n)
{
    (void)kind;
    struct head *head = cls;
    if (head->n_headers == HTTP_HEADERS_MAX)
        return MHD_NO;
    head->headers[head->n_headers++] = (struct str_pair){ { name, name_n }, { value, value_n } };
    return MHD_YES;
}

/* A Cookie header is copied by the library. */
static size_t memory_needed(struct MHD_Connection *mhd, const struct head *head, size_t head_n)
{
    int n_others = MHD_get_connection_values_n(mhd, MHD_GET_ARGUMENT_KIND | MHD_COOKIE_KIND, NULL, NULL);
    size_t n = head_n + (head->n_headers + (size_t)n_others) * HEADER_RECORD_SIZE + ANSWER_HEAD_SIZE;
    for (size_t i = 0; i < head->n_headers; i++) {
        const struct str_pair *header = &head->headers[i];
        if (header->key.n == sizeof("Cookie") - 1 && str_eq_nocase(header->key, STR("Cookie")))
            n += header->value.n;
    }
    return n;
}

/* 0 and the head as the library has cut it up, or 1 with the refusal. */
static int collect_head(struct connection *connection, const char *method, const char *version, struct head *head,
                        struct head_refusal *ret_refusal)
{
    struct MHD_Connection *mhd = connection->mhd;
    size_t n = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    head->method = str_of(method);
    head->target = connection->target;
    head->version = str_of(version);
    if (MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, collect_header, head) > HTTP_HEADERS_MAX)
        *ret_refusal = too_many_headers;
    else if (memory_needed(mhd, head, n) > connection->loop->shared->limits.head_max)
        *ret_refusal = head_too_large;
    else if (!LOOP_LIBRARY_IS_STRICT && !head_is_unbroken(head, method, n))
        *ret_refusal = broken_head;
    else
        return 0;
    return 1;
}

static int check_head(struct connection *connection, struct http_request *request, const char *method,
                      const char *version, struct head_refusal *ret_refusal)
{
    struct head *head = &request->head;
    if (collect_head(connection, method, version, head, ret_refusal))
        return 1;
    if (connection->has_query) {
        *ret_refusal = no_memory;
        if (!connection->target_dup)
            return 1;
        head->target.p = connection->target_dup;
    }
    if (head_check(head, ret_refusal))
        return 1;
    if (head->content_length > connection->loop->shared->limits.body_max) {
        *ret_refusal = body_too_large;
        return 1;
    }
    return 0;
}

/* By the CAs that were read since. */
static int judge_client(struct connection *connection, struct head_refusal *ret_refusal)
{
    struct tls_identity *newest = tls_identity_take(connection->loop->shared->tls);
    int r = 1;
    *ret_refusal = no_memory;
    if (tls_identity_judge(newest, connection->tls) == 0)
        r = client_certificate_judge(connection->tls, ret_refusal);
    if (tls_identity_judge(connection->identity, connection->tls))
        r = 1;
    connection->judge = tls_identity_generation(newest);
    tls_identity_drop(newest);
    return r;
}

/* A connection may outlive what made its client trusted. */
static int check_client_again(struct connection *connection, struct head_refusal *ret_refusal)
{
    const struct loop_shared *shared = connection->loop->shared;
    if (clock_wall_ms(shared->clock) / 1000 >= connection->certificate->expiry_s) {
        *ret_refusal = client_certificate_expired();
        return 1;
    }
    return connection->judge == tls_generation(shared->tls) ? 0 : judge_client(connection, ret_refusal);
}

/* What the client has shown in its handshake: looked at once, and judged for each request. */
static int check_client(struct connection *connection, struct head_refusal *ret_refusal)
{
    int r = 0;
    if (!connection->tls || !tls_identity_asks_clients(connection->identity))
        return 0;
    if (!connection->is_certificate_checked) {
        r = client_certificate_check(connection->tls, &connection->certificate, ret_refusal);
        connection->is_certificate_checked = r == 0;
        connection->judge = tls_identity_generation(connection->identity);
    }
    if (r == 0 && connection->certificate)
        r = check_client_again(connection, ret_refusal);
    if (r)
        metric_add(METRIC_TLS_CLIENTS_REFUSED, 1);
    return r;
}

/* With the head complete. */
static enum MHD_Result begin(struct connection *connection, const char *method, const char *version)
{
    struct head_refusal refusal = no_memory;
    struct http_request *request = request_new(connection->loop, connection);
    connection->request = request;
    if (!request || check_client(connection, &refusal) || check_head(connection, request, method, version, &refusal)) {
        connection_refuse(connection, &refusal);
        return MHD_NO;
    }
    if (request->head.has_body)
        connection_enter(connection, CONNECTION_BODY);
    return MHD_YES;
}

/* --- the body ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result receive(struct connection *connection, const char *data, size_t n)
{
    struct head_refusal refusal;
    connection->n_bytes += n;
    if (request_add_body(connection->request, data, n, &refusal) == 0)
        return MHD_YES;
    connection_refuse(connection, &refusal);
    return MHD_NO;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

/* What the library itself refuses, it answers itself. */
static void note_library_refusal(const struct connection *connection)
{
    const union MHD_ConnectionInfo *status = MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_HTTP_STATUS);
    struct head_refusal refusal = { .message = "The request is malformed." };
    if (!status || (connection->phase != CONNECTION_HEAD && connection->phase != CONNECTION_BODY))
        return;
    refusal.status = status->http_status;
    connection_note_refusal(connection, &refusal);
}

/* The request is answered: what it held is free for the next. */
static enum MHD_Result conclude(struct http_request *request)
{
    ASSERT(request->is_answered);
    bool has_failed = request->has_failed;
    request->connection->request = NULL;
    request_free(request);
    return has_failed ? MHD_NO : MHD_YES;
}

static enum MHD_Result dispatch(struct connection *connection)
{
    struct http_request *request = connection->request;
    struct loop *loop = connection->loop;
    buf_put_char(&request->body, '\0');
    if (request->body.failed) {
        connection_refuse(connection, &no_memory);
        return MHD_NO;
    }
    request->body.n--;
    connection_enter(connection, CONNECTION_HANDLING);
    loop->shared->handler.handle(loop->context, request);
    if (!request->is_suspended)
        return conclude(request);
    connection->is_resumable = true;
    MHD_set_connection_option(connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT, RESUMED_TIMEOUT_S);
    MHD_suspend_connection(connection->mhd);
    return MHD_YES;
}

void exchange_finish(struct http_request *request)
{
    struct connection *connection = request->connection;
    struct loop *loop = request->loop;
    loop->shared->handler.finish(loop->context, request, request->call);
    if (conclude(request) == MHD_NO)
        connection_cut(connection);
    MHD_resume_connection(connection->mhd);
}

enum MHD_Result exchange_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                    const char *version, const char *data, size_t *n, void **context)
{
    (void)mhd;
    (void)url;
    struct loop *loop = cls;
    struct connection *connection = *context;
    loop->progress++;
    if (connection->phase == CONNECTION_HEAD && !connection->request)
        return begin(connection, method, version);
    /* An answer could not be queued; the library asks again. */
    if (!connection->request || connection->is_cut)
        return MHD_NO;
    if (*n == 0)
        return dispatch(connection);
    size_t got = *n;
    *n = 0;
    return receive(connection, data, got);
}

void exchange_on_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
    (void)mhd;
    struct loop *loop = cls;
    struct connection *connection = *context;
    loop->progress++;
    if (connection->request)
        request_free(TAKE(connection->request));
    mem_free(TAKE(connection->target_dup));
    loop_release_buffered(loop, LOOP_ANSWERS, connection->n_buffered);
    connection->n_buffered = 0;
    if (code == MHD_REQUEST_TERMINATED_WITH_ERROR) {
        note_library_refusal(connection);
        connection->is_lingering = true;
    }
    if (connection->is_resumable)
        MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    connection->is_resumable = false;
    connection_enter(connection, CONNECTION_IDLE);
    if (loop->is_draining)
        connection_drain(connection);
}
