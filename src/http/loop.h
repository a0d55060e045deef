/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker of the server: a thread with a libuv loop and a library instance of its own. The loop watches the library's
 * epoll descriptor, accepts connections, keeps their deadlines with a coarse timer, and takes finished requests back.
 * The library never runs on any other thread. Private to src/http. */
#pragma once

#include "base/rand.h"
#include "http/connection.h"
#include "http/handshake.h"
#include "http/linger.h"
#include "http/peers.h"
#include "http/request.h"
#include "http/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

/* Newer libraries can be told to be strict; what an older one lets pass is found behind it, by head_is_unbroken. */
#define LOOP_LIBRARY_IS_STRICT (MHD_VERSION >= 0x00097701)

/* What is counted against limits.buffered_max, each for itself: bodies come from everybody, and must not keep answers
 * from those who may ask. */
enum loop_buffered { LOOP_BODIES, LOOP_ANSWERS, LOOP_BUFFERED_COUNT };

/* What the workers of one server have in common. */
struct loop_shared {
    struct http_limits limits;
    struct http_handler handler;
    const struct clock *clock;
    struct peers peers;
    struct tls *tls;                /* the owner's; NULL without */
    bool keeps_listening;           /* the sockets are also somebody else's: they are not shut down at the end */
    _Atomic unsigned n_connections; /* of all workers */
    _Atomic size_t buffered[LOOP_BUFFERED_COUNT]; /* bytes */
    _Atomic bool draining;
    _Atomic bool stopping;
};

/* The library takes connections with TLS or without, so there are two of them. */
enum loop_library_kind { LOOP_PLAIN, LOOP_TLS, LOOP_LIBRARY_COUNT };

struct loop_library {
    struct loop *loop;
    enum loop_library_kind kind;
    struct MHD_Daemon *mhd; /* NULL: not needed */
    uv_poll_t poll;
    uv_idle_t again;        /* it has more to do */
    uv_timer_t later;       /* it says so, but nothing comes of it */
    unsigned n_barren_runs; /* in a row, without progress */
};

struct loop_listener {
    int fd;
    bool is_tls;
};

struct loop {
    struct loop_shared *shared;
    void *context; /* of the owner */
    unsigned index;
    pthread_t thread;
    uv_sem_t started; /* the owner's worker_start has returned */
    bool has_failed;  /* then: with NULL */

    uv_loop_t uv;
    int wakeup_fd;      /* from other threads: finished requests, drain, stop */
    uv_poll_t wakeup;   /* of wakeup_fd */
    uv_timer_t tick;    /* deadlines */
    uv_timer_t resting; /* accepting rests: no descriptors left */
    struct loop_library libraries[LOOP_LIBRARY_COUNT];
    uint64_t progress; /* calls of the libraries into this wrapper */
    struct handshakes handshakes;

    const struct loop_listener *listeners; /* that it accepts from */
    uv_poll_t *polls;                      /* one for each */
    size_t n_listeners;
    int64_t rest_told_ms;        /* when the log last heard that accepting rests */
    struct connection *accepted; /* handed to the library, not opened by it yet */

    struct connection *connections; /* all that are open */
    unsigned n_connections;
    struct request_pool requests;
    struct linger_list lingering;
    struct rand rand;
    bool is_draining;  /* has closed its listeners */
    int64_t cut_at_ms; /* stopping: when those that are left are cut off; 0 = not stopping */

    pthread_mutex_t mutex; /* over `finished`, first in first out */
    struct http_request *finished, **finished_tail;
    atomic_uint n_finishing; /* threads inside loop_finish */
};

/* Prepares everything that can fail and starts the thread, which calls the owner's worker_start; the sockets stay the
 * caller's, as does their array until loop_fini. 0 or -errno. */
int loop_start(struct loop *loop, struct loop_shared *shared, unsigned index, const struct loop_listener *listeners,
               size_t n_listeners);
/* Any thread: shared->draining or ->stopping has changed. */
void loop_wake(struct loop *loop);
/* After stopping was set: waits for the thread's end. */
void loop_join(struct loop *loop);
/* Behind loop_join: frees what it had. */
void loop_fini(struct loop *loop);

/* Any thread. */
void loop_finish(struct loop *loop, struct http_request *request);

/* Lets the library do what there is to do. */
void loop_run(struct loop *loop, enum loop_library_kind kind);

/* Counts n bytes against limits.buffered_max, or not at all. */
bool loop_reserve_buffered(struct loop *loop, enum loop_buffered what, size_t n);
void loop_release_buffered(struct loop *loop, enum loop_buffered what, size_t n);

/* A random UUID. */
void loop_new_id(struct loop *loop, char ret_id[REQUEST_ID_LEN]);

static inline int64_t loop_now_ms(const struct loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}
