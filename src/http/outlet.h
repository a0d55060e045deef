/* SPDX-License-Identifier: Apache-2.0
 *
 * What a TLS session sends. The library gives head and body of an answer to the session one after the other, and pushes
 * each out of the socket: two segments, and a client that wakes twice. Here the head waits for the body, and both
 * leave together. Private to src/http; the worker's thread only. */
#pragma once

#include "http/connection.h"

/* Behind the session's creation: from now on its records come here. */
void outlet_open(struct connection *connection);
/* An answer with a body was queued: the next record is its head, and another follows. */
void outlet_expect_head(struct connection *connection);
/* With the connection's end. */
void outlet_close(struct connection *connection);
