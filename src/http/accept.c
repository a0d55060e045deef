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

static void refuse(struct worker *worker, int fd)
{
    static const struct head_refusal too_many = { 503, "There are too many connections; try again later." };
    metric_add(METRIC_HTTP_CONNECTIONS_REFUSED, 1);
    connection_send_refusal(worker, fd, &too_many);
    shutdown(fd, SHUT_WR);
    linger_start(&worker->lingering, &worker->loop, fd);
}

static int enter(struct worker_shared *shared, const struct sockaddr *address)
{
    if (atomic_fetch_add(&shared->n_connections, 1) < shared->limits.connections_max &&
        peers_enter(&shared->peers, address) == 0)
        return 0;
    atomic_fetch_sub(&shared->n_connections, 1);
    return 1;
}

void accept_leave(struct worker *worker, const struct sockaddr *address)
{
    peers_leave(&worker->shared->peers, address);
    atomic_fetch_sub(&worker->shared->n_connections, 1);
    metric_add(METRIC_HTTP_CONNECTIONS, -1);
}

static void admit(struct worker *worker, int fd, const union address *address, socklen_t address_n)
{
    if (address->any.sa_family == AF_UNIX && !is_owner(fd)) {
        metric_add(METRIC_HTTP_CONNECTIONS_REFUSED, 1);
        close(fd);
        return;
    }
    struct connection *connection = connection_new(worker, fd, &address->any);
    if (!connection || enter(worker->shared, &address->any)) {
        connection_free(connection);
        refuse(worker, fd);
        return;
    }
    metric_add(METRIC_HTTP_CONNECTIONS, 1);
    worker->accepted = connection;
    /* The library closes the descriptor when it fails; it may have opened and closed the connection before that. */
    MHD_add_connection(worker->mhd, fd, &address->any, address_n);
    if (worker->accepted) {
        connection_free(TAKE(worker->accepted));
        accept_leave(worker, &address->any);
    }
}

/* --- the listening sockets --------------------------------------------------------------------------------------- */

static void watch(struct worker *worker);

static void on_rested(uv_timer_t *timer)
{
    watch(timer->data);
}

static void rest(struct worker *worker, int error)
{
    int64_t now_ms = worker_now_ms(worker);
    if (!worker->rest_told_ms || now_ms - worker->rest_told_ms >= REST_TOLD_MS) {
        log_event(LOG_HTTP_ACCEPT_RESTS, LOG_C("error", strerror(error)));
        worker->rest_told_ms = now_ms;
    }
    for (size_t i = 0; i < worker->n_listeners; i++)
        uv_poll_stop(&worker->listeners[i]);
    uv_timer_start(&worker->resting, on_rested, REST_MS, 0);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct worker *worker = poll->data;
    int listener_fd;
    uv_fileno((uv_handle_t *)poll, &listener_fd);
    for (int i = 0; i < BURST; i++) {
        union address address = { 0 };
        socklen_t n = sizeof(address);
        int fd = accept4(listener_fd, &address.any, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(worker, fd, &address, n);
            continue;
        }
        if (errno == EAGAIN)
            return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            rest(worker, errno);
            return;
        }
        /* Whatever else it is, it is the end of that one connection (accept(2)). */
    }
}

static void watch(struct worker *worker)
{
    for (size_t i = 0; i < worker->n_listeners; i++)
        uv_poll_start(&worker->listeners[i], UV_READABLE, on_listener);
}

int accept_start(struct worker *worker)
{
    worker->listeners = mem_zalloc(worker->n_listeners * sizeof(worker->listeners[0]));
    if (!worker->listeners)
        return -ENOMEM;
    for (size_t i = 0; i < worker->n_listeners; i++) {
        int r = uv_poll_init(&worker->loop, &worker->listeners[i], worker->listener_fds[i]);
        if (r < 0) {
            worker->n_listeners = i;
            return r;
        }
        worker->listeners[i].data = worker;
    }
    watch(worker);
    return 0;
}

void accept_last(struct worker *worker)
{
    for (size_t i = 0; i < worker->n_listeners; i++) {
        on_listener(&worker->listeners[i], 0, UV_READABLE);
        shutdown(worker->listener_fds[i], SHUT_RDWR);
    }
}

void accept_stop(struct worker *worker)
{
    uv_timer_stop(&worker->resting);
    for (size_t i = 0; i < worker->n_listeners; i++)
        uv_close((uv_handle_t *)&worker->listeners[i], NULL);
    worker->n_listeners = 0;
}
