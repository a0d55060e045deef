/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking connections from the listening sockets, or refusing them: caps of the server and of a peer address, the unix
 * socket's owners, descriptors that run out. Private to src/http; a worker's thread only. */
#pragma once

#include "http/loop.h"

/* Watches the worker's listening sockets. 0 or -errno. */
int accept_start(struct loop *loop);
/* Takes those that wait in the backlog, up to a burst, and lets the kernel refuse all others. */
void accept_last(struct loop *loop);
/* Watches no longer. */
void accept_stop(struct loop *loop);
/* The connection that the library opens now, of those handed to it. */
struct connection *accept_take(struct loop *loop, int fd);
/* A connection that was accepted is gone. */
void accept_leave(struct loop *loop, const struct sockaddr *address);
