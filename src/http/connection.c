/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a connection and its deadlines. */
#include "http/connection.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "http/intake.h"
#include "http/loop.h"
#include "http/outlet.h"
#include "http/reply.h"
#include "http/request.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const struct head_refusal late_head = { 408, "The request line and headers took too long to arrive." };
static const struct head_refusal late_body = { 408, "The body arrives too slowly." };

struct connection *connection_new(struct loop *loop, int fd, const struct sockaddr *address, bool is_tls)
{
    struct connection *connection = mem_zalloc(sizeof(*connection));
    if (!connection)
        return NULL;
    connection->loop = loop;
    connection->fd = fd;
    connection->is_tls = is_tls;
    connection->phase = CONNECTION_IDLE;
    connection->since_ms = loop_now_ms(loop);
    connection->is_unix = address->sa_family == AF_UNIX;
    connection->is_loopback = peers_is_loopback(address);
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, connection->peer, INET6_ADDRSTRLEN);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, connection->peer, INET6_ADDRSTRLEN);
    else
        memcpy(connection->peer, "unix", sizeof("unix"));
    return connection;
}

void connection_free(struct connection *connection)
{
    if (!connection)
        return;
    mem_free(connection->target_dup);
    mem_free(connection->certificate);
    tls_identity_drop(connection->identity);
    mem_free(connection);
}

void connection_open(struct connection *connection, struct MHD_Connection *mhd)
{
    struct loop *loop = connection->loop;
    connection->mhd = mhd;
    connection->next = loop->connections;
    if (loop->connections)
        loop->connections->prev = connection;
    loop->connections = connection;
    loop->n_connections++;
}

void connection_close(struct connection *connection)
{
    struct loop *loop = connection->loop;
    handshake_leave(connection);
    /* A close with unread input, or with input still to come, makes the kernel send a reset. */
    if (!connection->is_unix && (connection->is_lingering || intake_has_unread(connection->fd))) {
        int fd = fcntl(connection->fd, F_DUPFD_CLOEXEC, 0);
        if (fd >= 0)
            linger_start(&loop->lingering, loop_now_ms(loop), fd);
    }
    if (connection->prev)
        connection->prev->next = connection->next;
    else
        loop->connections = connection->next;
    if (connection->next)
        connection->next->prev = connection->prev;
    loop->n_connections--;
    loop_release_buffered(loop, LOOP_ANSWERS, connection->n_buffered);
    outlet_close(connection);
    if (connection->request)
        request_free(connection->request);
    connection_free(connection);
}

void connection_enter(struct connection *connection, enum connection_phase phase)
{
    connection->phase = phase;
    connection->since_ms = loop_now_ms(connection->loop);
    connection->n_bytes = 0;
    connection->looked_ms = 0;
    connection->is_partial = connection->is_watched = false;
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static enum metric_id metric_of(unsigned status)
{
    switch (status) {
    case 408:
        return METRIC_HTTP_REFUSED_TIMEOUT;
    case 413:
        return METRIC_HTTP_REFUSED_BODY;
    case 414:
    case 431:
        return METRIC_HTTP_REFUSED_HEADERS;
    case 503:
        return METRIC_HTTP_REFUSED_MEMORY;
    default:
        return METRIC_HTTP_REFUSED_MALFORMED;
    }
}

void connection_note_refusal(const struct connection *connection, const struct head_refusal *refusal)
{
    metric_add(metric_of(refusal->status), 1);
    log_event(LOG_HTTP_REFUSED, LOG_C("peer", connection->peer), LOG_I("status", refusal->status),
              LOG_C("reason", refusal->message));
}

void connection_send_refusal(struct loop *loop, int fd, gnutls_session_t session, const struct head_refusal *refusal)
{
    AUTO_FREE char *body = NULL;
    size_t body_n;
    char id[REQUEST_ID_LEN], date[40], text[1024];
    time_t now = (time_t)(clock_wall_ms(loop->shared->clock) / 1000);
    struct tm tm;
    if (!(body = reply_refusal_body(refusal, &body_n)))
        return;
    loop_new_id(loop, id);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    int n =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
                 "x-amzn-RequestId: %.*s\r\nContent-Length: %zu\r\n\r\n%s",
                 refusal->status, MHD_get_reason_phrase_for(refusal->status), date, REQUEST_ID_LEN, id, body_n, body);
    ASSERT(n > 0 && (size_t)n < sizeof(text));
    ssize_t sent =
        session ? gnutls_record_send(session, text, (size_t)n) : send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; /* its reader may be gone; the connection ends either way */
}

void connection_refuse(struct connection *connection, const struct head_refusal *refusal)
{
    connection_note_refusal(connection, refusal);
    connection_send_refusal(connection->loop, connection->fd, connection->tls, refusal);
    connection->is_lingering = true;
}

void connection_cut(struct connection *connection)
{
    connection->is_cut = true;
    shutdown(connection->fd, SHUT_RDWR);
}

void connection_drain(struct connection *connection)
{
    /* What was received already is still read; then the library finds the end. */
    if (connection->phase == CONNECTION_IDLE || connection->phase == CONNECTION_HANDSHAKE)
        shutdown(connection->fd, SHUT_RD);
}

/* --- deadlines --------------------------------------------------------------------------------------------------- */

static void cut_late(struct connection *connection, const struct head_refusal *refusal)
{
    connection_refuse(connection, refusal);
    connection_cut(connection);
}

/* The library keeps the beginning of a request line to itself. That there is one shows in the kernel's count of bytes:
 * it grows while nothing is left to be read. Seen twice, head_ms apart, in one idle time, it is late. */
static void check_partial_line(struct connection *connection, int64_t now_ms)
{
    int64_t before_ms = connection->looked_ms ? connection->looked_ms : connection->since_ms;
    uint64_t n;
    if (connection->is_unix || now_ms < before_ms + connection->loop->shared->limits.head_ms ||
        intake_has_unread(connection->fd) || intake_received(connection->fd, &n) < 0)
        return;
    if (connection->is_partial) {
        cut_late(connection, &late_head);
        return;
    }
    bool is_known = connection->looked_ms || !connection->is_used;
    connection->is_partial = is_known && n != connection->n_received;
    connection->n_received = n;
    connection->looked_ms = now_ms;
}

/* The library reads what it needs and waits for the kernel to tell of more: that the peer closed its side right behind
 * what was read, it is not told. A connection that has been seen without its end, waiting, will be. */
static bool has_ended_unnoticed(struct connection *connection)
{
    if (connection->is_watched)
        return false;
    connection->is_watched = connection->phase == CONNECTION_IDLE;
    return intake_has_ended(connection->fd);
}

/* How long the bytes so far may have taken. What counts against buffered_max may not be parked: it comes as fast as
 * answers go. */
static int64_t transfer_ms(const struct connection *connection, const struct http_limits *limits)
{
    uint64_t small = 0;
    if (connection->phase == CONNECTION_BODY)
        small = connection->n_bytes < REQUEST_BUFFERED_MIN ? connection->n_bytes : REQUEST_BUFFERED_MIN;
    return limits->body_grace_ms + (int64_t)(small * 1000 / limits->bytes_per_s_min +
                                             (connection->n_bytes - small) * 1000 / limits->answer_bytes_per_s_min);
}

void connection_check(struct connection *connection)
{
    const struct http_limits *limits = &connection->loop->shared->limits;
    int64_t now_ms = loop_now_ms(connection->loop), elapsed_ms = now_ms - connection->since_ms;
    if (connection->is_cut)
        return;
    switch (connection->phase) {
    case CONNECTION_HANDSHAKE:
        if (elapsed_ms >= limits->handshake_ms)
            handshake_abandon(connection, METRIC_TLS_FAILED_TIMEOUT);
        break;
    case CONNECTION_IDLE:
        if (elapsed_ms >= limits->idle_ms || has_ended_unnoticed(connection))
            connection_cut(connection);
        else
            check_partial_line(connection, now_ms);
        break;
    case CONNECTION_HEAD:
        if (elapsed_ms >= limits->head_ms)
            cut_late(connection, &late_head);
        else if (has_ended_unnoticed(connection))
            connection_cut(connection);
        break;
    case CONNECTION_BODY:
        if (elapsed_ms >= transfer_ms(connection, limits))
            cut_late(connection, &late_body);
        else if (has_ended_unnoticed(connection))
            connection_cut(connection);
        break;
    case CONNECTION_HANDLING:
        break;
    case CONNECTION_ANSWERING:
        if (elapsed_ms >= transfer_ms(connection, limits)) {
            /* The kernel would go on offering what is left: forget it. */
            struct linger none = { .l_onoff = 1 };
            setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
            metric_add(METRIC_HTTP_REFUSED_TIMEOUT, 1);
            connection_cut(connection);
        }
        break;
    }
}
