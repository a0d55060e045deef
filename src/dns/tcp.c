/* SPDX-License-Identifier: Apache-2.0
 *
 * The TCP thread; see tcp.h. Connections stand in one list for each thing that they wait for; all of a list have the
 * same time, so that the first one of it is the first to be late. */
#include "dns/tcp.h"

#include "base/mem.h"
#include "dns/dns_socket.h"
#include "dns/tcp_connection.h"
#include "dns/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FIRST_MS 3000   /* to the end of the first message */
#define PARTIAL_MS 2000 /* between two parts of a message */
#define WRITE_MS 10000  /* to take something of the answers */
#define CROWDED_IDLE_MS 5000
#define REST_MS 100 /* when there are no descriptors left to accept with */
#define EVENTS 64
#define OUT_SIZE (4 * (2 + PACKET_MAX)) /* answers to what arrived in one go */

enum tcp_wait { TCP_FIRST, TCP_IDLE, TCP_PARTIAL, TCP_WRITE, TCP_ALIAS, TCP_WAIT_COUNT };

struct tcp_list {
    struct tcp_connection *first, *last;
};

struct tcp {
    int epoll, wake;
    int listeners[DNS_SOCKET_MAX];
    size_t n_listeners;
    bool stopping;   /* atomic */
    bool is_resting; /* listeners are out of the epoll set until rest_until_ms */
    int64_t rest_until_ms;
    struct tcp_limits limits;
    struct peers *peers;
    const struct snapshot_head *head;
    const struct clock *clock;
    pthread_t thread;
    struct tcp_list lists[TCP_WAIT_COUNT];
    unsigned n_open;
    int64_t now_ms;
    struct answer_worker worker;
    uint8_t out[OUT_SIZE];
};

/* --- waiting -------------------------------------------------------------------------------------------------------
 */

static void tcp_unlist(struct tcp *tcp, struct tcp_connection *connection)
{
    struct tcp_list *list = &tcp->lists[connection->wait];

    if (connection->before)
        connection->before->after = connection->after;
    else
        list->first = connection->after;
    if (connection->after)
        connection->after->before = connection->before;
    else
        list->last = connection->before;
}

static void tcp_enlist(struct tcp *tcp, struct tcp_connection *connection, enum tcp_wait wait)
{
    struct tcp_list *list = &tcp->lists[wait];

    connection->wait = (uint8_t)wait;
    connection->since_ms = tcp->now_ms;
    connection->before = list->last;
    connection->after = NULL;
    if (list->last)
        list->last->after = connection;
    else
        list->first = connection;
    list->last = connection;
}

static void tcp_await(struct tcp *tcp, struct tcp_connection *connection, enum tcp_wait wait)
{
    tcp_unlist(tcp, connection);
    tcp_enlist(tcp, connection, wait);
}

static int64_t tcp_patience_ms(const struct tcp *tcp, enum tcp_wait wait)
{
    switch (wait) {
    case TCP_FIRST:
        return FIRST_MS;
    case TCP_PARTIAL:
        return PARTIAL_MS;
    case TCP_WRITE:
        return WRITE_MS;
    case TCP_ALIAS:
        return ALIAS_WAIT_MS;
    default:
        break;
    }
    if (tcp->n_open > tcp->limits.connections - tcp->limits.connections / 4 && tcp->limits.idle_ms > CROWDED_IDLE_MS)
        return CROWDED_IDLE_MS;
    return tcp->limits.idle_ms;
}

/* --- opening and closing -------------------------------------------------------------------------------------------
 */

static void tcp_close(struct tcp *tcp, struct tcp_connection *connection)
{
    tcp_unlist(tcp, connection);
    peers_leave(tcp->peers, (const struct sockaddr *)&connection->peer);
    close(connection->fd);
    mem_free(connection->pending);
    mem_free(connection);
    tcp->n_open--;
    __atomic_store_n(&tcp->worker.stats.tcp_open, tcp->n_open, __ATOMIC_RELAXED);
}

static void tcp_watch(struct tcp *tcp, int operation, int fd, uint32_t events, void *what)
{
    struct epoll_event event = { .events = events, .data.ptr = what };

    epoll_ctl(tcp->epoll, operation, fd, &event); /* fails for lack of kernel memory only: then nothing arrives, and the
                                                     connection's time runs out */
}

static void tcp_open(struct tcp *tcp, int fd, const struct sockaddr_storage *peer)
{
    const struct sockaddr *address = (const struct sockaddr *)peer;
    struct tcp_connection *connection;
    int on = 1;

    if (tcp->n_open >= tcp->limits.connections || peers_enter(tcp->peers, address)) {
        dns_stats_add(&tcp->worker.stats.tcp_refused, 1);
        close(fd);
        return;
    }
    connection = mem_alloc(sizeof(*connection));
    if (!connection) {
        peers_leave(tcp->peers, address);
        close(fd);
        return;
    }
    *connection = (struct tcp_connection){ .fd = fd, .peer = *peer, .client.family = peer->ss_family };
    if (peer->ss_family == AF_INET)
        memcpy(connection->client.address, &((const struct sockaddr_in *)peer)->sin_addr, 4);
    else
        memcpy(connection->client.address, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    tcp->n_open++;
    dns_stats_add(&tcp->worker.stats.tcp_accepted, 1);
    __atomic_store_n(&tcp->worker.stats.tcp_open, tcp->n_open, __ATOMIC_RELAXED);
    tcp_enlist(tcp, connection, TCP_FIRST);
    tcp_watch(tcp, EPOLL_CTL_ADD, fd, EPOLLIN, connection);
}

static void tcp_rest(struct tcp *tcp, bool rest)
{
    tcp->is_resting = rest;
    tcp->rest_until_ms = tcp->now_ms + REST_MS;
    for (size_t i = 0; i < tcp->n_listeners; i++)
        tcp_watch(tcp, EPOLL_CTL_MOD, tcp->listeners[i], rest ? 0 : EPOLLIN, &tcp->listeners[i]);
}

static void tcp_accept(struct tcp *tcp, int listener)
{
    for (unsigned i = 0; i < EVENTS; i++) {
        struct sockaddr_storage peer = { 0 };
        socklen_t n = sizeof(peer);
        int fd = accept4(listener, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            tcp_open(tcp, fd, &peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            tcp_rest(tcp, true);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
    }
}

/* --- messages ------------------------------------------------------------------------------------------------------
 */

/* Sends n octets, and keeps what the socket does not take. 0; 1 when something is kept; -1 when the client is gone. */
static int tcp_send(struct tcp *tcp, struct tcp_connection *connection, const uint8_t *p, size_t n)
{
    ssize_t sent = 0;

    if (n) {
        do
            sent = send(connection->fd, p, n, MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
    }
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return -1;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == n)
        return 0;
    connection->pending = mem_dup(p + sent, n - (size_t)sent);
    if (!connection->pending)
        return -1;
    connection->pending_at = 0;
    connection->pending_n = n - (size_t)sent;
    tcp_await(tcp, connection, TCP_WRITE);
    tcp_watch(tcp, EPOLL_CTL_MOD, connection->fd, EPOLLOUT, connection);
    return 1;
}

/* Its first message waits for an alias's target, and what stands behind that for the answer. False: it cannot wait. */
static bool tcp_park(struct tcp *tcp, struct tcp_connection *connection)
{
    if (!alias_wake(tcp->worker.settings->alias, &tcp->worker.wanted, tcp->wake))
        return false;
    if (connection->asked_ms == 0)
        connection->asked_ms = tcp->now_ms;
    tcp_await(tcp, connection, TCP_ALIAS);
    connection->since_ms = connection->asked_ms;
    tcp_watch(tcp, EPOLL_CTL_MOD, connection->fd, 0, connection);
    return true;
}

/* The thread's part in the connection ends with this. */
static void tcp_hand_over(struct tcp *tcp, const struct tcp_connection *connection)
{
    int fd = fcntl(connection->fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0)
        return;
    epoll_ctl(tcp->epoll, EPOLL_CTL_DEL, connection->fd, NULL); /* its place would outlive the descriptor */
    if (transfer_take(tcp->worker.settings->transfer, fd, &connection->client, connection->in, connection->n))
        close(fd);
}

/* Answers what is whole, until nothing is or the socket takes no more. False: the connection is to be closed. */
static bool tcp_answer(struct tcp *tcp, struct tcp_connection *connection)
{
    bool answered = false;
    int more = 1;

    while (more > 0) {
        const struct snapshot *snapshot = snapshot_acquire(tcp->head);
        size_t n = 0;
        int r;
        more = tcp_connection_answer(connection, &tcp->worker, snapshot, tcp->out, sizeof(tcp->out), &n);
        snapshot_release(tcp->head);
        if (more == TCP_CONNECTION_TRANSFER) {
            tcp_hand_over(tcp, connection);
            return false;
        }
        r = n ? tcp_send(tcp, connection, tcp->out, n) : 0;
        if (r < 0 || more < 0)
            return false;
        if (r > 0 || (more == TCP_CONNECTION_WAITS && tcp_park(tcp, connection)))
            return true;
        if (more == TCP_CONNECTION_WAITS)
            tcp->worker.gives_up = true; /* for its first message */
        answered = answered || n;
    }
    if (answered || connection->wait != TCP_FIRST)
        tcp_await(tcp, connection, connection->n ? TCP_PARTIAL : TCP_IDLE);
    return true;
}

static bool tcp_read(struct tcp *tcp, struct tcp_connection *connection)
{
    int64_t start = clock_mono_ns(tcp->clock);
    uint64_t before = tcp->worker.stats.bytes_out;
    size_t room;
    uint8_t *p = tcp_connection_room(connection, &room);
    ssize_t n = recv(connection->fd, p, room, 0);
    bool good;

    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (n == 0)
        return false;
    connection->n += (size_t)n;
    tcp->worker.start_ns = start;
    good = tcp_answer(tcp, connection);
    if (tcp->worker.stats.bytes_out != before)
        dns_stats_observe(&tcp->worker.stats, clock_mono_ns(tcp->clock) - start, 1);
    return good;
}

static bool tcp_write(struct tcp *tcp, struct tcp_connection *connection)
{
    ssize_t sent = send(connection->fd, connection->pending + connection->pending_at,
                        connection->pending_n - connection->pending_at, MSG_NOSIGNAL);

    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    connection->pending_at += (size_t)sent;
    if (connection->pending_at < connection->pending_n) {
        tcp_await(tcp, connection, TCP_WRITE);
        return true;
    }
    mem_free(TAKE(connection->pending));
    tcp_watch(tcp, EPOLL_CTL_MOD, connection->fd, EPOLLIN, connection);
    tcp_await(tcp, connection, TCP_IDLE);
    return tcp_answer(tcp, connection);
}

/* Something is known of an alias's target, or (`gives_up`) its time is over. */
static void tcp_retry(struct tcp *tcp, struct tcp_connection *connection, bool gives_up)
{
    tcp_watch(tcp, EPOLL_CTL_MOD, connection->fd, EPOLLIN, connection);
    tcp_await(tcp, connection, TCP_IDLE);
    tcp->worker.gives_up = gives_up;
    if (!tcp_answer(tcp, connection))
        tcp_close(tcp, connection);
    tcp->worker.gives_up = false;
}

static void tcp_woken(struct tcp *tcp)
{
    struct tcp_connection *connection = tcp->lists[TCP_ALIAS].first, *last = tcp->lists[TCP_ALIAS].last, *after;
    uint64_t count;

    if (read(tcp->wake, &count, sizeof(count)) < 0)
        ASSERT(errno == EAGAIN || errno == EINTR);
    for (; connection; connection = after) {
        after = connection == last ? NULL : connection->after; /* those that wait again stand behind the last */
        tcp_retry(tcp, connection, false);
    }
}

/* --- the thread ----------------------------------------------------------------------------------------------------
 */

/* Closes those that are late; milliseconds to the next one, or -1. */
static int tcp_expire(struct tcp *tcp)
{
    int64_t next = tcp->is_resting ? tcp->rest_until_ms - tcp->now_ms : -1;

    if (tcp->is_resting && next <= 0) {
        tcp_rest(tcp, false);
        next = -1;
    }
    for (unsigned wait = 0; wait < TCP_WAIT_COUNT; wait++) {
        struct tcp_connection *first;
        while ((first = tcp->lists[wait].first)) {
            int64_t left = first->since_ms + tcp_patience_ms(tcp, (enum tcp_wait)wait) - tcp->now_ms;
            if (left > 0) {
                if (next < 0 || left < next)
                    next = left;
                break;
            }
            if (wait == TCP_ALIAS)
                tcp_retry(tcp, first, true);
            else
                tcp_close(tcp, first);
        }
    }
    return (int)next;
}

static bool tcp_is_listener(const struct tcp *tcp, const void *what)
{
    return (const char *)what >= (const char *)tcp->listeners &&
           (const char *)what < (const char *)(tcp->listeners + tcp->n_listeners);
}

static void tcp_handle(struct tcp *tcp, const struct epoll_event *event)
{
    struct tcp_connection *connection = event->data.ptr;
    bool good;

    if (event->data.ptr == &tcp->wake) {
        tcp_woken(tcp);
        return;
    }
    if (tcp_is_listener(tcp, event->data.ptr)) {
        tcp_accept(tcp, *(const int *)event->data.ptr);
        return;
    }
    good = connection->pending ? tcp_write(tcp, connection) : tcp_read(tcp, connection);
    if (!good)
        tcp_close(tcp, connection);
}

static void *tcp_run(void *arg)
{
    struct tcp *tcp = arg;
    struct epoll_event events[EVENTS];

    pthread_setname_np(pthread_self(), "dns-tcp");
    snapshot_reader_start();
    tcp->now_ms = clock_mono_ns(tcp->clock) / 1000000;
    while (!__atomic_load_n(&tcp->stopping, __ATOMIC_RELAXED)) {
        int n = epoll_wait(tcp->epoll, events, EVENTS, tcp_expire(tcp));
        tcp->now_ms = clock_mono_ns(tcp->clock) / 1000000;
        tcp->worker.now_s = (uint32_t)(clock_wall_ms(tcp->clock) / 1000);
        for (int i = 0; i < n; i++)
            tcp_handle(tcp, &events[i]);
    }
    snapshot_reader_stop();
    return NULL;
}

static int tcp_init(struct tcp *tcp)
{
    tcp->epoll = epoll_create1(EPOLL_CLOEXEC);
    tcp->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (tcp->epoll < 0 || tcp->wake < 0)
        return -errno;
    tcp_watch(tcp, EPOLL_CTL_ADD, tcp->wake, EPOLLIN, &tcp->wake);
    for (size_t i = 0; i < tcp->n_listeners; i++)
        tcp_watch(tcp, EPOLL_CTL_ADD, tcp->listeners[i], EPOLLIN, &tcp->listeners[i]);
    return 0;
}

static void tcp_free(struct tcp *tcp)
{
    for (unsigned wait = 0; wait < TCP_WAIT_COUNT; wait++)
        while (tcp->lists[wait].first)
            tcp_close(tcp, tcp->lists[wait].first);
    for (size_t i = 0; i < tcp->n_listeners; i++)
        close(tcp->listeners[i]);
    if (tcp->epoll >= 0)
        close(tcp->epoll);
    if (tcp->wake >= 0)
        close(tcp->wake);
    mem_free(tcp);
}

int tcp_start(const int *take_fds, size_t n, const struct tcp_limits *limits, struct peers *peers,
              const struct answer_settings *settings, const struct snapshot_head *head, const struct clock *clock,
              struct query_ring *ring, struct tcp **ret_tcp)
{
    struct tcp *tcp = mem_zalloc(sizeof(*tcp));
    int r;

    ASSERT(n <= DNS_SOCKET_MAX);
    if (!tcp) {
        for (size_t i = 0; i < n; i++)
            close(take_fds[i]);
        return -ENOMEM;
    }
    memcpy(tcp->listeners, take_fds, n * sizeof(take_fds[0]));
    tcp->n_listeners = n;
    tcp->limits = *limits;
    tcp->peers = peers;
    tcp->head = head;
    tcp->clock = clock;
    answer_init(&tcp->worker, settings);
    tcp->worker.query_ring = ring;
    r = tcp_init(tcp);
    if (r == 0)
        r = -pthread_create(&tcp->thread, NULL, tcp_run, tcp);
    if (r) {
        tcp_free(tcp);
        return r;
    }
    *ret_tcp = tcp;
    return 0;
}

void tcp_stop(struct tcp *tcp)
{
    uint64_t one = 1;

    if (!tcp)
        return;
    __atomic_store_n(&tcp->stopping, true, __ATOMIC_RELAXED);
    if (write(tcp->wake, &one, sizeof(one)) < 0)
        ASSERT(errno == EAGAIN); /* the counter is full: it wakes all the same */
    pthread_join(tcp->thread, NULL);
    tcp_free(tcp);
}

const struct dns_stats *tcp_stats(const struct tcp *tcp)
{
    return &tcp->worker.stats;
}
