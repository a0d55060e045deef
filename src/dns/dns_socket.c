/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets; see dns_socket.h. */
#include "dns/dns_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#define BACKLOG 4096
#define HOST_MAX 256
#define PORT_TRIES 32 /* ports that the kernel gave for TCP and that are taken for UDP */
#define BUFFER (4 << 20)
#define PASSED_WAIT_US \
    500000 /* how long a wait on a passed UDP socket takes at most: it cannot be shut down to end it */
#define TCP_BUFFER \
    (128 << 10) /* caps what a client can make the kernel hold, and lets one that reads slowly be seen to */

static int dns_socket_explain(struct dns_message *message, const char *address, int error)
{
    const char *reason = strerror(error), *advice = "";
    int result = -error;

    if (error == EADDRINUSE) {
        result = DNS_SOCKET_IN_USE;
        reason = "another process answers there";
        advice = "; stop it or choose another address with dns.listen";
    } else if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT) {
        result = DNS_SOCKET_BAD;
        reason = "this machine has no such address";
        advice = "; choose one of its own, 127.0.0.1, or 0.0.0.0 for all";
    } else if (error == EACCES || error == EPERM) {
        result = DNS_SOCKET_FORBIDDEN;
        reason = "no permission";
        advice = "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    }
    snprintf(message->text, sizeof(message->text), "Cannot answer DNS on %s: %s%s.", address, reason, advice);
    return result;
}

/* HOST:PORT or [IPV6]:PORT. 0 or 1. */
static int dns_socket_split(const char *address, char ret_host[HOST_MAX], const char **ret_port)
{
    const char *colon = strrchr(address, ':');
    struct str host;

    if (!colon)
        return 1;
    host = (struct str){ address, (size_t)(colon - address) };
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct str){ host.p + 1, host.n - 2 };
    if (host.n == 0 || host.n >= HOST_MAX)
        return 1;
    memcpy(ret_host, host.p, host.n);
    ret_host[host.n] = '\0';
    *ret_port = colon + 1;
    return 0;
}

static int dns_socket_set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int dns_socket_bind(const struct dns_socket *place, int type, bool shared)
{
    int family = place->address.ss_family, r = 0;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (family == AF_INET6)
        r = dns_socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (r == 0 && (type & SOCK_STREAM) == SOCK_STREAM)
        r = dns_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && shared)
        r = dns_socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0 && bind(fd, (const struct sockaddr *)&place->address, place->n))
        r = -errno;
    if (r == 0 && !shared)
        r = dns_socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1); /* from here on only this process' own come beside it */
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

static in_port_t *dns_socket_port(struct dns_socket *place)
{
    if (place->address.ss_family == AF_INET6)
        return &((struct sockaddr_in6 *)&place->address)->sin6_port;
    return &((struct sockaddr_in *)&place->address)->sin_port;
}

static void dns_socket_format(struct dns_socket *place)
{
    char host[INET6_ADDRSTRLEN] = "";
    unsigned port = ntohs(*dns_socket_port(place));

    if (place->address.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&place->address)->sin6_addr, host, sizeof(host));
        snprintf(place->text, sizeof(place->text), "[%s]:%u", host, port);
    } else {
        inet_ntop(AF_INET, &((struct sockaddr_in *)&place->address)->sin_addr, host, sizeof(host));
        snprintf(place->text, sizeof(place->text), "%s:%u", host, port);
    }
}

void dns_socket_release(struct dns_socket *claimed)
{
    for (size_t i = 0; i < 2; i++) {
        if (claimed->claims[i] >= 0)
            close(claimed->claims[i]);
        claimed->claims[i] = -1;
    }
}

/* TCP and then UDP on the same port. 0 or -errno. */
static int dns_socket_claim_both(struct dns_socket *place)
{
    bool any = *dns_socket_port(place) == 0;
    int r = 0;

    for (unsigned tries = 0; tries < PORT_TRIES; tries++) {
        r = place->claims[0] = dns_socket_bind(place, SOCK_STREAM, false);
        if (r < 0)
            return r;
        if (getsockname(place->claims[0], (struct sockaddr *)&place->address, &place->n))
            r = -errno;
        else
            r = place->claims[1] = dns_socket_bind(place, SOCK_DGRAM, false);
        if (r >= 0)
            return 0;
        dns_socket_release(place);
        if (!any || r != -EADDRINUSE)
            return r;
        *dns_socket_port(place) = 0;
    }
    return r;
}

int dns_socket_claim(const char *address, struct dns_socket *ret_sockets, size_t room, size_t *ret_n,
                     struct dns_message *ret_message)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE }, *list = NULL;
    char host[HOST_MAX];
    const char *port;
    size_t n = 0;
    int r, failed = 0;

    if (dns_socket_split(address, host, &port)) {
        snprintf(ret_message->text, sizeof(ret_message->text), "Cannot answer DNS on %s: not HOST:PORT.", address);
        return DNS_SOCKET_BAD;
    }
    r = getaddrinfo(host, port, &hints, &list);
    if (r) {
        snprintf(ret_message->text, sizeof(ret_message->text), "Cannot answer DNS on %s: %s.", address,
                 gai_strerror(r));
        return DNS_SOCKET_BAD;
    }
    for (const struct addrinfo *one = list; one && n < room && (!failed || failed == -EADDRNOTAVAIL);
         one = one->ai_next) {
        struct dns_socket *place = &ret_sockets[n];
        *place = (struct dns_socket){ .n = one->ai_addrlen, .claims = { -1, -1 } };
        memcpy(&place->address, one->ai_addr, one->ai_addrlen);
        r = dns_socket_claim_both(place);
        if (r == 0) {
            dns_socket_format(place);
            n++;
        } else {
            failed = r;
        }
    }
    freeaddrinfo(list);
    *ret_n = n;
    if (failed && !(n && failed == -EADDRNOTAVAIL))
        return dns_socket_explain(ret_message, address, -failed);
    return 0;
}

/* --- passed sockets -------------------------------------------------------------------------------------------------
 */

static int dns_socket_get(int fd, int level, int option)
{
    int value = 0;
    socklen_t n = sizeof(value);

    return getsockopt(fd, level, option, &value, &n) ? -1 : value;
}

/* Its address, and what is wrong with it, or NULL. */
static const char *dns_socket_inspect(int fd, struct dns_socket *ret_place)
{
    struct dns_socket place = { .n = sizeof(place.address), .claims = { -1, -1 }, .is_passed = true };
    int type = dns_socket_get(fd, SOL_SOCKET, SO_TYPE);

    if (getsockname(fd, (struct sockaddr *)&place.address, &place.n) ||
        (place.address.ss_family != AF_INET && place.address.ss_family != AF_INET6) ||
        (type != SOCK_STREAM && type != SOCK_DGRAM))
        return "it is no UDP or TCP socket";
    dns_socket_format(&place);
    *ret_place = place;
    if (type == SOCK_STREAM && dns_socket_get(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
        return "it does not listen";
    if (place.address.ss_family == AF_INET6 && dns_socket_is_wildcard(&place) &&
        dns_socket_get(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 1)
        return "it takes IPv4 too; pass a socket for each (BindIPv6Only=ipv6-only)";
    return NULL;
}

static int dns_socket_bad(struct dns_message *message, const char *where, const char *why)
{
    snprintf(message->text, sizeof(message->text), "Cannot answer DNS on the passed socket %s: %s.", where, why);
    return DNS_SOCKET_BAD;
}

static int dns_socket_adopt_one(int fd, struct dns_socket *places, size_t room, size_t *n, struct dns_message *message)
{
    struct dns_socket place = { .text = "" };
    const char *why = dns_socket_inspect(fd, &place);
    bool is_udp = dns_socket_get(fd, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM;
    size_t i = 0;

    if (why)
        return dns_socket_bad(message, place.text, why);
    while (i < *n && strcmp(places[i].text, place.text) != 0)
        i++;
    if (i == room || (i < *n && places[i].claims[is_udp] >= 0))
        return dns_socket_bad(message, place.text, i == room ? "there are too many" : "it was passed twice");
    if (i == *n)
        places[(*n)++] = place;
    places[i].claims[is_udp] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return places[i].claims[is_udp] < 0 ? -errno : 0;
}

int dns_socket_adopt(const int *fds, size_t n, struct dns_socket *ret_sockets, size_t room, size_t *ret_n,
                     struct dns_message *ret_message)
{
    size_t n_places = 0;
    int r = 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = dns_socket_adopt_one(fds[i], ret_sockets, room, &n_places, ret_message);
    for (size_t i = 0; i < n_places && r == 0; i++)
        if (ret_sockets[i].claims[0] < 0 || ret_sockets[i].claims[1] < 0)
            r = dns_socket_bad(ret_message, ret_sockets[i].text,
                               ret_sockets[i].claims[0] < 0 ? "there is no TCP socket beside it"
                                                            : "there is no UDP socket beside it");
    *ret_n = n_places;
    return r;
}

bool dns_socket_is_wildcard(const struct dns_socket *claimed)
{
    if (claimed->address.ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&claimed->address)->sin6_addr);
    return ((const struct sockaddr_in *)&claimed->address)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* Answers leave whole or not at all: fragments can be forged (RFC 9715). */
static int dns_socket_tune_udp(int fd, const struct dns_socket *claimed)
{
    bool v6 = claimed->address.ss_family == AF_INET6;
    int r = v6 ? dns_socket_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT)
               : dns_socket_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);

    dns_socket_set(fd, SOL_SOCKET, SO_RCVBUF, BUFFER); /* as much as the kernel allows */
    dns_socket_set(fd, SOL_SOCKET, SO_SNDBUF, BUFFER);
    if (r == 0 && dns_socket_is_wildcard(claimed))
        r = v6 ? dns_socket_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : dns_socket_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
    return r;
}

/* Another descriptor of a passed socket. Its flags and options are set whoever has it: they are the same for all. */
static int dns_socket_dup(const struct dns_socket *claimed, int type)
{
    struct timeval wait = { .tv_usec = PASSED_WAIT_US };
    int fd = fcntl(claimed->claims[type == SOCK_DGRAM], F_DUPFD_CLOEXEC, 3), flags, r = 0;

    if (fd < 0)
        return -errno;
    flags = fcntl(fd, F_GETFL);
    flags = type == SOCK_DGRAM ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    if (fcntl(fd, F_SETFL, flags))
        r = -errno;
    if (r == 0 && type == SOCK_STREAM)
        r = dns_socket_set(fd, SOL_SOCKET, SO_SNDBUF, TCP_BUFFER);
    if (r == 0 && type == SOCK_DGRAM)
        r = dns_socket_tune_udp(fd, claimed);
    if (r == 0 && type == SOCK_DGRAM && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)))
        r = -errno;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

int dns_socket_open(const struct dns_socket *claimed, int type)
{
    if (claimed->is_passed)
        return dns_socket_dup(claimed, type);

    int fd = dns_socket_bind(claimed, type == SOCK_STREAM ? SOCK_STREAM | SOCK_NONBLOCK : type, true), r = 0;

    if (fd < 0)
        return fd;
    if (type == SOCK_DGRAM)
        r = dns_socket_tune_udp(fd, claimed);
    else
        r = dns_socket_set(fd, SOL_SOCKET, SO_SNDBUF, TCP_BUFFER); /* its connections inherit it */
    if (r == 0 && type == SOCK_STREAM && listen(fd, BACKLOG))
        r = -errno;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}
