/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS handshakes that are not over yet. libmicrohttpd tries one that waits for its client again and again, without
 * rest; so its connection is suspended, its socket watched here, and resumed for one step when there is something to be
 * read. How many may be open at a time is capped: beyond, the one that has been silent longest gives way. Private to
 * src/http; a worker's thread only. */
#pragma once

#include "base/metric.h"

#include <stdbool.h>
#include <uv.h>

struct connection;
struct loop;

#define HANDSHAKES_MAX 1024 /* of a worker */

struct handshake_queue {
    struct connection *first, *last;
};

struct handshakes {
    struct handshake_queue waiting; /* suspended and watched; silent longest first */
    struct handshake_queue running; /* the library is at them */
    unsigned n;                     /* of both */
    int epoll_fd;
    uv_poll_t poll;
};

/* How far one is, in the order of events. */
enum handshake_progress {
    HANDSHAKE_SILENT,  /* nothing has come */
    HANDSHAKE_GREETED, /* a byte has come, perhaps a ClientHello */
    HANDSHAKE_SHOWN,   /* the client was sent the certificate */
    HANDSHAKE_HALF,    /* one side has finished */
    HANDSHAKE_OVER,
};

/* 0 or -errno, with nothing left to undo but handshake_fini. */
int handshake_init(struct loop *loop);
/* Behind the end of the loop, or instead of its start. */
void handshake_fini(struct loop *loop);

/* Of a connection that the library has just taken. */
void handshake_begin(struct connection *connection);
/* Behind each run of the library: those that did not finish wait for their clients. */
void handshake_review(struct loop *loop);
/* Its time is over: it fails for that reason. */
void handshake_abandon(struct connection *connection, enum metric_id reason);
/* The connection is closed. */
void handshake_leave(struct connection *connection);
