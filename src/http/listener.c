/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing, resolving, binding. */
#include "http/listener.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel takes less when net.core.somaxconn says so */
#define HOST_MAX 256
#define UNSENT_MAX 131072 /* bytes of answers that the kernel keeps while the peer has no room for them */

/* Fills the message and returns the condition that an errno stands for. */
static int explain(struct http_message *message, const char *address, int error)
{
    const char *reason = strerror(error), *advice = "";
    int result = -error;
    switch (error) {
    case EADDRINUSE:
        result = HTTP_ADDRESS_IN_USE;
        reason = "another process listens there";
        advice = "; stop it or choose another address";
        break;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        result = HTTP_ADDRESS_BAD;
        reason = "this machine has no such address";
        advice = "; choose one of its own, 127.0.0.1, or 0.0.0.0 for all";
        break;
    case EACCES:
    case EPERM:
        result = HTTP_ADDRESS_FORBIDDEN;
        reason = "no permission";
        advice = "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
        break;
    default:
        break;
    }
    snprintf(message->text, sizeof(message->text), "Cannot listen on %s: %s%s.", address, reason, advice);
    return result;
}

static int bad(struct http_message *message, const char *address, const char *reason)
{
    snprintf(message->text, sizeof(message->text), "Cannot listen on %s: %s.", address, reason);
    return HTTP_ADDRESS_BAD;
}

/* --- TCP --------------------------------------------------------------------------------------------------------- */

/* HOST:PORT or [IPV6]:PORT; a bare IPv6 address with a port would be ambiguous. */
static int split(struct str address, char ret_host[HOST_MAX], uint16_t *ret_port)
{
    size_t colon = address.n;
    while (colon > 0 && address.p[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return 1;
    struct str host = { address.p, colon - 1 };
    uint64_t port;
    if (str_parse_u64(str_skip(address, colon), &port) || port > 65535)
        return 1;
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct str){ host.p + 1, host.n - 2 };
    else if (str_find_char(host, ':') < host.n)
        return 1;
    if (host.n == 0 || host.n >= HOST_MAX)
        return 1;
    memcpy(ret_host, host.p, host.n);
    ret_host[host.n] = '\0';
    *ret_port = (uint16_t)port;
    return 0;
}

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

/* Connections inherit it. Without, the kernel would take megabytes of answers that nobody reads, and the rate that a
 * reader has to keep would never be asked of it. */
static int bound_unsent(int fd)
{
    return set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX);
}

/* A bound socket that does not listen yet. */
static int bind_one(const struct sockaddr *address, socklen_t n, bool shared, int *ret_fd)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && address->sa_family == AF_INET6)
        r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (r == 0 && shared)
        r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0)
        r = bound_unsent(fd);
    if (r == 0 && bind(fd, address, n))
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static void format_address(const struct sockaddr_storage *address, char ret_text[64])
{
    char host[INET6_ADDRSTRLEN] = "";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(ret_text, 64, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
        snprintf(ret_text, 64, "%s:%u", host, ntohs(in->sin_port));
    }
}

/* The first socket is bound alone: whoever else listens there makes that fail. It becomes shareable before it
 * listens, and the others join it. */
static int open_sockets(const struct sockaddr *wanted, socklen_t wanted_n, unsigned n_sockets,
                        struct listener *listener)
{
    struct sockaddr_storage address = { 0 };
    socklen_t n = sizeof(address);
    int r = bind_one(wanted, wanted_n, false, &listener->fds[0]);
    if (r < 0)
        return r;
    listener->n = 1;
    if (getsockname(listener->fds[0], (struct sockaddr *)&address, &n))
        return -errno;
    if (n_sockets > 1 && (r = set_option(listener->fds[0], SOL_SOCKET, SO_REUSEPORT, 1)) < 0)
        return r;
    for (; listener->n < n_sockets; listener->n++) {
        r = bind_one((struct sockaddr *)&address, n, true, &listener->fds[listener->n]);
        if (r < 0)
            return r;
    }
    for (unsigned i = 0; i < n_sockets; i++) {
        if (listen(listener->fds[i], BACKLOG))
            return -errno;
    }
    format_address(&address, listener->address);
    return 0;
}

static int open_address(const struct sockaddr *wanted, socklen_t wanted_n, unsigned n_sockets,
                        struct listener *ret_listener)
{
    struct listener listener = { .fds = mem_zalloc(n_sockets * sizeof(int)) };
    if (!listener.fds)
        return -ENOMEM;
    int r = open_sockets(wanted, wanted_n, n_sockets, &listener);
    if (r < 0) {
        listener_close(&listener);
        return r;
    }
    *ret_listener = listener;
    return 0;
}

int listener_open_tcp(const char *address, unsigned n_sockets, struct listener *ret_listeners, size_t room,
                      size_t *ret_n, struct http_message *ret_message)
{
    char host[HOST_MAX], service[8];
    uint16_t port;
    if (split(str_of(address), host, &port))
        return bad(ret_message, address, "it is not HOST:PORT or [IPV6]:PORT");
    snprintf(service, sizeof(service), "%u", port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found;
    int e = getaddrinfo(host, service, &hints, &found);
    if (e)
        return bad(ret_message, address, gai_strerror(e));

    size_t n = 0;
    int r = 0, missing = EADDRNOTAVAIL;
    for (const struct addrinfo *one = found; one && r == 0; one = one->ai_next) {
        if (n == room) {
            r = -E2BIG;
            break;
        }
        r = open_address(one->ai_addr, one->ai_addrlen, n_sockets, &ret_listeners[n]);
        if (r == 0) {
            n++;
        } else if (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT) {
            missing = -r;
            r = 0;
        }
    }
    freeaddrinfo(found);
    if (r == 0 && n == 0)
        r = -missing;
    if (r < 0) {
        while (n > 0)
            listener_close(&ret_listeners[--n]);
        return explain(ret_message, address, -r);
    }
    *ret_n = n;
    return 0;
}

/* The same descriptor again for each worker: all of them wait for its connections. */
static int dup_sockets(int fd, unsigned n_sockets, struct listener *listener)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return -errno;
    for (; listener->n < n_sockets; listener->n++)
        if ((listener->fds[listener->n] = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)
            return -errno;
    return 0;
}

int listener_adopt(int fd, unsigned n_sockets, struct listener *ret_listener, struct http_message *ret_message)
{
    struct sockaddr_storage address = { 0 };
    socklen_t n = sizeof(address), size = sizeof(int);
    int is_listening = 0;
    if (getsockname(fd, (struct sockaddr *)&address, &n) ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) || !is_listening)
        return bad(ret_message, "a passed socket", "it is no listening TCP socket");
    struct listener listener = { .fds = mem_zalloc(n_sockets * sizeof(int)) };
    format_address(&address, listener.address);
    int r = listener.fds ? dup_sockets(fd, n_sockets, &listener) : -ENOMEM;
    if (r == 0)
        r = bound_unsent(fd);
    if (r < 0) {
        listener_close(&listener);
        return explain(ret_message, "a passed socket", -r);
    }
    *ret_listener = listener;
    return 0;
}

/* --- the unix socket --------------------------------------------------------------------------------------------- */

/* 0 when nothing is there (any more), -EADDRINUSE when somebody listens, -EEXIST when it is no socket. */
static int remove_stale(const struct sockaddr_un *address)
{
    struct stat stat;
    if (lstat(address->sun_path, &stat))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(stat.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    bool is_alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN;
    close(fd);
    if (is_alive)
        return -EADDRINUSE;
    return unlink(address->sun_path) ? -errno : 0;
}

int listener_open_unix(const char *path, int *ret_fd, struct http_message *ret_message)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path))
        return bad(ret_message, path, "the path of a unix socket may have 107 bytes; choose a shorter directory");
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = -1, r = remove_stale(&address);
    if (r == -EEXIST)
        return bad(ret_message, path, "something that is no socket is in the way");
    if (r == 0 && (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        r = -errno;
    /* On Linux a bound socket takes over the mode of its descriptor: at no time may others connect. */
    if (r == 0 && (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG)))
        r = -errno;
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return explain(ret_message, path, -r);
    }
    *ret_fd = fd;
    return 0;
}

void listener_close(struct listener *listener)
{
    for (unsigned i = 0; i < listener->n; i++)
        close(listener->fds[i]);
    mem_free(listener->fds);
    *listener = (struct listener){ 0 };
}
