/* SPDX-License-Identifier: Apache-2.0
 *
 * See handshake.h. What a handshake failed of is not told by the library; how far it had come says enough. */
#include "http/handshake.h"
#include "base/log.h"
#include "http/intake.h"
#include "http/loop.h"
#include "http/outlet.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEPS_MAX 8 /* in a row: each takes as long as many requests, which wait meanwhile */

/* --- queues ------------------------------------------------------------------------------------------------------ */

static void enqueue(struct handshake_queue *queue, struct connection *connection)
{
    struct connection_handshake *handshake = &connection->handshake;
    handshake->queue = queue;
    handshake->next = NULL;
    handshake->prev = queue->last;
    if (queue->last)
        queue->last->handshake.next = connection;
    else
        queue->first = connection;
    queue->last = connection;
}

static void dequeue(struct connection *connection)
{
    struct connection_handshake *handshake = &connection->handshake;
    struct handshake_queue *queue = handshake->queue;
    if (handshake->prev)
        handshake->prev->handshake.next = handshake->next;
    else
        queue->first = handshake->next;
    if (handshake->next)
        handshake->next->handshake.prev = handshake->prev;
    else
        queue->last = handshake->prev;
    handshake->queue = NULL;
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void count_success(const struct connection *connection)
{
    bool is_newest = gnutls_protocol_get_version(connection->tls) == GNUTLS_TLS1_3;
    metric_add(is_newest ? METRIC_TLS_HANDSHAKES_13 : METRIC_TLS_HANDSHAKES_12, 1);
    if (gnutls_session_is_resumed(connection->tls))
        metric_add(METRIC_TLS_RESUMED, 1);
}

static const char *reason_text(enum metric_id reason)
{
    switch (reason) {
    case METRIC_TLS_FAILED_TIMEOUT:
        return "the handshake took too long";
    case METRIC_TLS_FAILED_CROWDED:
        return "too many handshakes at a time, and this one was silent longest";
    case METRIC_TLS_FAILED_PLAIN:
        return "HTTP without TLS";
    case METRIC_TLS_FAILED_REJECTED:
        return "the client broke off when it had seen the certificate: does it trust the CA, and has the certificate "
               "the name that it asked for?";
    case METRIC_TLS_FAILED_CLOSED:
        return "the client has sent nothing";
    default:
        return "no TLS 1.2 or 1.3 with a cipher suite in common";
    }
}

static enum metric_id guess_reason(const struct connection *connection)
{
    switch (connection->handshake.progress) {
    case HANDSHAKE_SILENT:
        return METRIC_TLS_FAILED_CLOSED;
    case HANDSHAKE_GREETED:
        return METRIC_TLS_FAILED_PROTOCOL;
    default:
        return METRIC_TLS_FAILED_REJECTED;
    }
}

static void count_failure(struct connection *connection, enum metric_id reason)
{
    if (connection->handshake.has_failed)
        return;
    connection->handshake.has_failed = true;
    metric_add(reason, 1);
    log_event(LOG_TLS_FAILED, LOG_C("peer", connection->peer), LOG_C("reason", reason_text(reason)));
}

void handshake_abandon(struct connection *connection, enum metric_id reason)
{
    count_failure(connection, reason);
    connection_cut(connection); /* which wakes it, and the library finds the end */
}

void handshake_leave(struct connection *connection)
{
    if (!connection->handshake.queue)
        return;
    count_failure(connection, guess_reason(connection));
    dequeue(connection);
    connection->loop->handshakes.n--;
}

/* --- steps ------------------------------------------------------------------------------------------------------- */

/* TLS 1.3's server has nothing to say to the client's last message, and so the kernel would acknowledge it late; until
 * then a client that gathers small segments (Nagle) keeps its first request to itself. */
static void acknowledge(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int));
}

/* What the client has sent until now was the handshake, but for what nobody has read. */
static void finish(struct connection *connection)
{
    acknowledge(connection->fd);
    dequeue(connection);
    connection->loop->handshakes.n--;
    count_success(connection);
    connection_enter(connection, CONNECTION_IDLE);
    if (intake_received(connection->fd, &connection->n_received) == 0)
        connection->n_received -= intake_unread(connection->fd);
}

/* GnuTLS has sent or received a message. Behind the second `Finished` both sides are done. */
static int on_message(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                      const gnutls_datum_t *message)
{
    (void)when;
    (void)incoming;
    (void)message;
    struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
    struct connection *connection = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    struct connection_handshake *handshake = &connection->handshake;
    if (handshake->progress == HANDSHAKE_OVER)
        return 0;
    if (type == GNUTLS_HANDSHAKE_CERTIFICATE_PKT && !incoming)
        handshake->progress = HANDSHAKE_SHOWN;
    if (type != GNUTLS_HANDSHAKE_FINISHED)
        return 0;
    handshake->progress = handshake->progress == HANDSHAKE_HALF ? HANDSHAKE_OVER : HANDSHAKE_HALF;
    if (handshake->progress == HANDSHAKE_OVER)
        finish(connection);
    return 0;
}

static void wait_for_client(struct connection *connection)
{
    struct handshakes *handshakes = &connection->loop->handshakes;
    struct epoll_event event = { .data.ptr = connection };
    event.events = gnutls_record_get_direction(connection->tls) ? EPOLLOUT : EPOLLIN;
    MHD_suspend_connection(connection->mhd);
    enqueue(&handshakes->waiting, connection);
    if (epoll_ctl(handshakes->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event)) {
        connection_cut(connection);
        dequeue(connection);
        enqueue(&handshakes->running, connection);
        MHD_resume_connection(connection->mhd);
    }
}

void handshake_review(struct loop *loop)
{
    struct connection *next;
    for (struct connection *one = loop->handshakes.running.first; one; one = next) {
        next = one->handshake.next;
        dequeue(one);
        wait_for_client(one);
    }
}

/* A client that speaks HTTP here is told so in HTTP. */
static bool speaks_http(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && c >= 'A' && c <= 'Z';
}

static void step(struct connection *connection)
{
    static const struct head_refusal no_tls = { 400, "This port speaks TLS: use https." };
    struct handshakes *handshakes = &connection->loop->handshakes;
    epoll_ctl(handshakes->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    if (connection->handshake.progress == HANDSHAKE_SILENT && !intake_has_ended(connection->fd)) {
        connection->handshake.progress = HANDSHAKE_GREETED;
        if (speaks_http(connection->fd)) {
            connection_send_refusal(connection->loop, connection->fd, NULL, &no_tls);
            connection->is_lingering = true;
            handshake_abandon(connection, METRIC_TLS_FAILED_PLAIN);
        }
    }
    dequeue(connection);
    enqueue(&handshakes->running, connection);
    MHD_resume_connection(connection->mhd);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct loop *loop = poll->data;
    struct epoll_event ready[STEPS_MAX];
    int n = epoll_wait(loop->handshakes.epoll_fd, ready, STEPS_MAX, 0);
    for (int i = 0; i < n; i++)
        step(ready[i].data.ptr);
    loop_run(loop, LOOP_TLS);
}

/* --- the begin --------------------------------------------------------------------------------------------------- */

void handshake_begin(struct connection *connection)
{
    struct loop *loop = connection->loop;
    struct handshakes *handshakes = &loop->handshakes;
    if (handshakes->n >= HANDSHAKES_MAX && handshakes->waiting.first) {
        struct connection *oldest = handshakes->waiting.first;
        handshake_abandon(oldest, METRIC_TLS_FAILED_CROWDED);
        dequeue(oldest);
        enqueue(&handshakes->waiting, oldest);
    }
    connection->tls = MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    connection->identity = tls_identity_take(loop->shared->tls);
    connection->phase = CONNECTION_HANDSHAKE;
    handshakes->n++;
    outlet_open(connection);
    wait_for_client(connection);
    if (tls_identity_apply(connection->identity, connection->tls))
        connection_cut(connection);
    gnutls_handshake_set_hook_function(connection->tls, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_POST, on_message);
}

int handshake_init(struct loop *loop)
{
    struct handshakes *handshakes = &loop->handshakes;
    handshakes->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (handshakes->epoll_fd < 0)
        return -errno;
    int r = uv_poll_init(&loop->uv, &handshakes->poll, handshakes->epoll_fd);
    handshakes->poll.data = loop;
    return r < 0 ? r : uv_poll_start(&handshakes->poll, UV_READABLE, on_ready);
}

void handshake_fini(struct loop *loop)
{
    if (loop->handshakes.epoll_fd >= 0)
        close(loop->handshakes.epoll_fd);
    loop->handshakes.epoll_fd = -1;
}
