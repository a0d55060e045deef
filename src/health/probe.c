/* SPDX-License-Identifier: Apache-2.0
 *
 * One probe; see probe.h. Each phase has a function that goes on until the socket would block. */
#include "health/probe.h"

#include "base/mem.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS 1000000
#define READ_SIZE 2048

/* --- phases --------------------------------------------------------------------------------------------------------
 */

static enum probe_result result_of_timeout(enum probe_phase phase)
{
    return phase == PROBE_CONNECTS       ? PROBE_CONNECT_TIMEOUT
           : phase == PROBE_SHAKES_HANDS ? PROBE_TLS_TIMEOUT
                                         : PROBE_ANSWER_TIMEOUT;
}

static ssize_t send_some(struct probe *probe, const void *p, size_t n)
{
    if (probe->session)
        return probe_tls_send(probe->session, p, n);
    ssize_t r = send(probe->fd, p, n, MSG_NOSIGNAL);
    return r < 0 ? -errno : r;
}

static ssize_t recv_some(struct probe *probe, void *p, size_t n)
{
    if (probe->session)
        return probe_tls_recv(probe->session, p, n);
    ssize_t r = recv(probe->fd, p, n, 0);
    return r < 0 ? -errno : r;
}

static enum probe_result read_answer(struct probe *probe)
{
    char block[READ_SIZE];

    for (;;) {
        ssize_t n = recv_some(probe, block, sizeof(block));
        if (n == -EAGAIN)
            return PROBE_PENDING;
        if (n <= 0)
            return probe_reader_end(&probe->reader);
        enum probe_result result = probe_reader_put(&probe->reader, block, (size_t)n);
        if (result != PROBE_PENDING)
            return result;
    }
}

static enum probe_result send_request(struct probe *probe)
{
    struct str request = probe->check->request;

    while (probe->n_sent < request.n) {
        ssize_t n = send_some(probe, request.p + probe->n_sent, request.n - probe->n_sent);
        if (n == -EAGAIN)
            return PROBE_PENDING;
        if (n < 0)
            break; /* an answer may have come before the reset */
        probe->n_sent += (size_t)n;
    }
    probe->phase = PROBE_READS;
    return read_answer(probe);
}

static enum probe_result begin_request(struct probe *probe, int64_t now_ns)
{
    probe->phase = PROBE_SENDS;
    probe->deadline_ns = now_ns + probe->limits->answer_ms * MS;
    probe_reader_init(&probe->reader, probe->check);
    return send_request(probe);
}

static enum probe_result shake_hands(struct probe *probe, int64_t now_ns)
{
    enum probe_result result = probe_tls_handshake(probe->session);

    return result == PROBE_OK ? begin_request(probe, now_ns) : result;
}

/* PROBE_OK: there is a connection, or there was one that the peer has reset already, which the next phase finds out: so
 * the result does not depend on who comes first. A socket is reported before it has any connection, too. */
static enum probe_result look_at_connect(const struct probe *probe)
{
    struct sockaddr_storage peer;
    socklen_t n_peer = sizeof(peer), n_error = sizeof(int);
    int error = 0;

    if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &n_error) != 0)
        error = errno;
    if (error == ECONNRESET || error == EPIPE)
        return PROBE_OK;
    if (error == 0 && getpeername(probe->fd, (struct sockaddr *)&peer, &n_peer) != 0) {
        if (errno == ENOTCONN)
            return PROBE_PENDING;
        error = errno;
    }
    return error ? probe_result_of_errno(error, probe->check->address.is_ipv6) : PROBE_OK;
}

static enum probe_result finish_connect(struct probe *probe, int64_t now_ns)
{
    enum probe_result result = look_at_connect(probe);

    if (result != PROBE_OK)
        return result;
    if (probe->check->protocol == CHECK_TCP)
        return PROBE_OK;
    if (probe->check->protocol == CHECK_HTTP)
        return begin_request(probe, now_ns);
    if (probe_tls_open(probe->tls, probe->check, probe->fd, &probe->session) != 0)
        return PROBE_NO_RESOURCES;
    probe->phase = PROBE_SHAKES_HANDS;
    return shake_hands(probe, now_ns);
}

/* --- start, step, end ----------------------------------------------------------------------------------------------
 */

static int begin_connect(int fd, const struct check *check)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(check->port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(check->port) };

    memcpy(&in.sin_addr, check->address.octets, sizeof(in.sin_addr));
    memcpy(&in6.sin6_addr, check->address.octets, sizeof(in6.sin6_addr));
    if (check->address.is_ipv6)
        return connect(fd, (const struct sockaddr *)&in6, sizeof(in6));
    return connect(fd, (const struct sockaddr *)&in, sizeof(in));
}

enum probe_result probe_start(struct probe *probe, const struct check *check, const struct target_policy *policy,
                              const struct probe_limits *limits, struct probe_tls *tls, int64_t now_ns)
{
    int64_t connect_ms = check->protocol == CHECK_TCP ? limits->tcp_connect_ms : limits->http_connect_ms;

    *probe = (struct probe){ .check = check,
                             .limits = limits,
                             .tls = tls,
                             .fd = -1,
                             .phase = PROBE_CONNECTS,
                             .deadline_ns = now_ns + connect_ms * MS };
    if (target_address_check(policy, &check->address, check->port) != TARGET_ALLOWED)
        return PROBE_FORBIDDEN;
    probe->fd = socket(check->address.is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe->fd < 0)
        return probe_result_of_errno(errno, check->address.is_ipv6);
    if (begin_connect(probe->fd, check) == 0 || errno == EINPROGRESS)
        return PROBE_PENDING;
    enum probe_result result = probe_result_of_errno(errno, check->address.is_ipv6);
    probe_end(probe);
    return result;
}

enum probe_result probe_step(struct probe *probe, int64_t now_ns)
{
    enum probe_phase phase = probe->phase;
    enum probe_result result = PROBE_PENDING;

    switch (phase) {
    case PROBE_CONNECTS:
        result = finish_connect(probe, now_ns);
        break;
    case PROBE_SHAKES_HANDS:
        result = shake_hands(probe, now_ns);
        break;
    case PROBE_SENDS:
        result = send_request(probe);
        break;
    case PROBE_READS:
        result = read_answer(probe);
        break;
    }
    if (result == PROBE_PENDING && now_ns >= probe->deadline_ns)
        result = result_of_timeout(probe->phase);
    return result;
}

void probe_end(struct probe *probe)
{
    probe_tls_close(TAKE(probe->session));
    if (probe->fd >= 0)
        close(probe->fd);
    probe->fd = -1;
}

unsigned probe_status(const struct probe *probe)
{
    return probe->reader.status;
}
