/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the server share: a server in this process on a port of the kernel's choice, whose handler tells
 * back what it was asked, and raw client sockets, since no library would send what is to be refused. Every helper fails
 * the test when it cannot do its work; nothing waits longer than FIXTURE_PATIENCE_S. */
#pragma once

#include "../test.h"

#include "base/buf.h"
#include "http/server.h"

#include <pthread.h>
#include <stdatomic.h>

#define FIXTURE_PATIENCE_S 20

/* The handler of the tests, by path:
 *   /suspend   suspends; another thread finishes
 *   /hold      suspends until fixture_release
 *   /large     answers with `large` bytes
 *   /starve    answers; from then on, this worker gets no memory
 *   /peer      answers with the peer, a blank, and whether it is loopback (1 or 0)
 *   /certificate   answers with `tls` or `plain`, and what the client's certificate says
 *   all else   answers with `method path query host n_headers body`, absent slices as `-` */
struct fixture {
    struct http_server *server;
    struct http_server_config config;
    const char *addresses[4];
    struct http_message message;
    unsigned port; /* of the first address */
    size_t large;

    _Atomic unsigned n_handled, n_finished, n_cancelled, n_started, n_stopped;

    pthread_t finisher; /* the thread that finishes what was suspended */
    pthread_mutex_t mutex;
    pthread_cond_t wakeup;
    struct http_request *suspended[4096];
    size_t n_suspended;
    bool holds, ends;
};

/* Defaults: one worker on 127.0.0.1:0; change what the test is about, then start. */
void fixture_init(struct fixture *fixture);
void fixture_start(struct fixture *fixture);
/* The result of http_server_start, which is expected to fail. */
int fixture_try_start(struct fixture *fixture);
void fixture_stop(struct fixture *fixture);
/* /hold: lets everything that is held be finished. */
void fixture_release(struct fixture *fixture);
/* Waits until so many requests are suspended and held. */
void fixture_wait_held(struct fixture *fixture, size_t n);

/* --- clients ----------------------------------------------------------------------------------------------------- */

int client_connect(const struct fixture *fixture);
/* All of it; a connection that was reset meanwhile is no failure. */
void client_send(int fd, struct str bytes);
void client_send_text(int fd, const char *text);
/* Whether the peer has closed, or reset, with nothing more to read; waits for it. */
bool client_is_closed(int fd);
/* Closes. */
void client_end(int fd);

/* An answer; its bytes follow one another in `bytes`. */
struct client_answer {
    unsigned status;
    struct str head, body; /* head: lines with their CR LF, status line included */
    struct buf bytes;
};
/* Reads one answer, and not a byte more. Answers to HEAD have no body. */
void client_read(int fd, bool is_head, struct client_answer *ret_answer);
/* The value of a header, absent when there is none. */
struct str client_header(const struct client_answer *answer, const char *name);
void client_answer_free(struct client_answer *answer);

/* Sends, reads one answer, checks its status; the answer's body in ret_body (FIXTURE_TEXT_MAX) unless NULL. */
#define FIXTURE_TEXT_MAX 4096
void client_expect(int fd, struct str request, unsigned status, char *ret_body);
