/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS server's sockets: UDP and TCP on one port. An address is claimed first, without SO_REUSEPORT, so that a
 * second daemon is refused instead of taking half of the queries in silence; the claim is held until the sockets of all
 * threads are there. Used by the thread that starts the server. */
#pragma once

#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define DNS_SOCKET_MAX 64 /* addresses of a server, all names resolved */

/* Conditions of a start; each comes with a message. */
enum dns_socket_result { DNS_SOCKET_IN_USE = 1, DNS_SOCKET_BAD, DNS_SOCKET_FORBIDDEN };

struct dns_message {
    char text[512];
};

struct dns_socket {
    struct sockaddr_storage address; /* with the port that the kernel chose, when it was asked to */
    socklen_t n;
    char text[64];  /* 127.0.0.1:53, [::1]:53 */
    int claims[2];  /* TCP, UDP; -1: none */
    bool is_passed; /* the claims are sockets that somebody else opened, and keeps */
};

/* Claims the addresses of one HOST:PORT into ret_sockets, which has room for `room`. 0, -errno, or a condition. */
int dns_socket_claim(const char *address, struct dns_socket *ret_sockets, size_t room, size_t *ret_n,
                     struct dns_message *ret_message);
/* Claims passed sockets (systemd's, say), which stay the caller's: UDP and listening TCP ones in pairs of one address.
 * As dns_socket_claim. */
int dns_socket_adopt(const int *fds, size_t n, struct dns_socket *ret_sockets, size_t room, size_t *ret_n,
                     struct dns_message *ret_message);
/* Gives the claim up. */
void dns_socket_release(struct dns_socket *claimed);
/* Another socket at a claimed address. SOCK_DGRAM: blocking; a wildcard one tells which address was asked. SOCK_STREAM:
 * not blocking, listening. Of a passed one it is another descriptor, and a wait on SOCK_DGRAM ends now and then with
 * nothing. The descriptor, or -errno. */
int dns_socket_open(const struct dns_socket *claimed, int type);
bool dns_socket_is_wildcard(const struct dns_socket *claimed);
