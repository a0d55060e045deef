/* SPDX-License-Identifier: Apache-2.0
 *
 * Accepting. When descriptors or memory run out, accepting rests for a moment: the clients wait in the backlog, and a
 * socket that stays readable does not keep the loop spinning. */
#include "http/accept.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BURST 64 /* accepted in a row, before the loop looks elsewhere */
#define REST_MS 100
#define REST_TOLD_MS 60000 /* the log hears of it this often at most */

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

/* --- admission --------------------------------------------------------------------------------------------------- */

static bool is_owner(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

/* Without words inside TLS: there is no session yet. */
static void refuse(struct loop *loop, int fd, bool is_tls)
{
    static const struct head_refusal too_many = { 503, "There are too many connections; try again later." };
    metric_add(METRIC_HTTP_CONNECTIONS_REFUSED, 1);
    if (!is_tls)
        connection_send_refusal(loop, fd, NULL, &too_many);
    shutdown(fd, SHUT_WR);
    linger_start(&loop->lingering, loop_now_ms(loop), fd);
}

static int enter(struct loop_shared *shared, const struct sockaddr *address)
{
    if (atomic_fetch_add(&shared->n_connections, 1) < shared->limits.connections_max &&
        peers_enter(&shared->peers, address) == 0)
        return 0;
    atomic_fetch_sub(&shared->n_connections, 1);
    return 1;
}

void accept_leave(struct loop *loop, const struct sockaddr *address)
{
    peers_leave(&loop->shared->peers, address);
    atomic_fetch_sub(&loop->shared->n_connections, 1);
    metric_add(METRIC_HTTP_CONNECTIONS, -1);
}

static void admit(struct loop *loop, int fd, const union address *address, socklen_t address_n, bool is_tls)
{
    if (address->any.sa_family == AF_UNIX && !is_owner(fd)) {
        metric_add(METRIC_HTTP_CONNECTIONS_REFUSED, 1);
        close(fd);
        return;
    }
    struct connection *connection = connection_new(loop, fd, &address->any, is_tls);
    if (!connection || enter(loop->shared, &address->any)) {
        connection_free(connection);
        refuse(loop, fd, is_tls);
        return;
    }
    metric_add(METRIC_HTTP_CONNECTIONS, 1);
    connection->next = loop->accepted;
    loop->accepted = connection;
    struct MHD_Daemon *library = loop->libraries[is_tls ? LOOP_TLS : LOOP_PLAIN].mhd;
    if (MHD_add_connection(library, fd, &address->any, address_n) == MHD_YES) {
        if (is_tls)
            handshake_begin(connection);
        return;
    }
    /* The library has closed the descriptor; it may have opened and closed the connection before that. */
    connection = accept_take(loop, fd);
    if (connection) {
        connection_free(connection);
        accept_leave(loop, &address->any);
    }
}

struct connection *accept_take(struct loop *loop, int fd)
{
    struct connection **at = &loop->accepted;
    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    struct connection *connection = *at;
    if (connection)
        *at = connection->next;
    return connection;
}

/* --- the listening sockets --------------------------------------------------------------------------------------- */

static void watch(struct loop *loop);

static void on_rested(uv_timer_t *timer)
{
    watch(timer->data);
}

static void rest(struct loop *loop, int error)
{
    int64_t now_ms = loop_now_ms(loop);
    if (!loop->rest_told_ms || now_ms - loop->rest_told_ms >= REST_TOLD_MS) {
        log_event(LOG_HTTP_ACCEPT_RESTS, LOG_C("error", strerror(error)));
        loop->rest_told_ms = now_ms;
    }
    for (size_t i = 0; i < loop->n_listeners; i++)
        uv_poll_stop(&loop->polls[i]);
    uv_timer_start(&loop->resting, on_rested, REST_MS, 0);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct loop *loop = poll->data;
    const struct loop_listener *listener = &loop->listeners[poll - loop->polls];
    for (int i = 0; i < BURST; i++) {
        union address address = { 0 };
        socklen_t n = sizeof(address);
        int fd = accept4(listener->fd, &address.any, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(loop, fd, &address, n, listener->is_tls);
            continue;
        }
        if (errno == EAGAIN)
            return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            rest(loop, errno);
            return;
        }
        /* Whatever else it is, it is the end of that one connection (accept(2)). */
    }
}

static void watch(struct loop *loop)
{
    for (size_t i = 0; i < loop->n_listeners; i++)
        uv_poll_start(&loop->polls[i], UV_READABLE, on_listener);
}

int accept_start(struct loop *loop)
{
    loop->polls = mem_zalloc(loop->n_listeners * sizeof(loop->polls[0]));
    if (!loop->polls)
        return -ENOMEM;
    for (size_t i = 0; i < loop->n_listeners; i++) {
        int r = uv_poll_init(&loop->uv, &loop->polls[i], loop->listeners[i].fd);
        if (r < 0) {
            loop->n_listeners = i;
            return r;
        }
        loop->polls[i].data = loop;
    }
    watch(loop);
    return 0;
}

void accept_last(struct loop *loop)
{
    for (size_t i = 0; i < loop->n_listeners; i++) {
        on_listener(&loop->polls[i], 0, UV_READABLE);
        if (!loop->shared->keeps_listening)
            shutdown(loop->listeners[i].fd, SHUT_RDWR);
    }
}

void accept_stop(struct loop *loop)
{
    uv_timer_stop(&loop->resting);
    for (size_t i = 0; i < loop->n_listeners; i++)
        uv_close((uv_handle_t *)&loop->polls[i], NULL);
    loop->n_listeners = 0;
}
