/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking connections from the listening sockets, or refusing them: caps of the server and of a peer address, the unix
 * socket's owners, descriptors that run out. Private to src/http; a worker's thread only. */
#pragma once

#include "http/worker.h"

/* Watches the worker's listening sockets. 0 or -errno. */
int accept_start(struct worker *worker);
/* Takes those that wait in the backlog, up to a burst, and lets the kernel refuse all others. */
void accept_last(struct worker *worker);
/* Watches no longer. */
void accept_stop(struct worker *worker);
/* A connection that was accepted is gone. */
void accept_leave(struct worker *worker, const struct sockaddr *address);
