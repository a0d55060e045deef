/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets. A TCP address is first bound without SO_REUSEPORT, so that a second daemon is refused instead of
 * taking half of the clients in silence; only then does it become one socket for each worker, among which the kernel
 * shares connections out. Used by the thread that starts and stops the server. */
#pragma once

#include "http/server.h"

#include <sys/socket.h>

#define LISTENERS_MAX 64 /* addresses of a server, all names resolved */

struct listener {
    char address[64]; /* 127.0.0.1:8650, [::1]:8650 */
    unsigned n;       /* sockets, non-blocking and listening */
    int *fds;
};

/* The addresses of one HOST:PORT, with n_sockets sockets each, into ret_listeners, which has room for `room`. A name's
 * address that this machine does not have is passed over as long as another one works. 0 or a condition of server.h,
 * with a message. */
int listener_open_tcp(const char *address, unsigned n_sockets, struct listener *ret_listeners, size_t room,
                      size_t *ret_n, struct http_message *ret_message);

/* A listening TCP socket that somebody else opened, which stays the caller's: n_sockets descriptors of it. 0 or a
 * condition of server.h, with a message. */
int listener_adopt(int fd, unsigned n_sockets, struct listener *ret_listener, struct http_message *ret_message);

/* One socket at `path`, mode 0600. What an earlier process left there is removed, unless somebody still listens. */
int listener_open_unix(const char *path, int *ret_fd, struct http_message *ret_message);

/* Closes its sockets; it is empty then. */
void listener_close(struct listener *listener);
