/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread of a worker: its loop, the library on it, and its end. */
#include "http/loop.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/accept.h"
#include "http/exchange.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_MS_MAX 500
#define TICK_MS_MIN 10
#define RUNS_MAX 8         /* of the library in a row, before the loop looks elsewhere */
#define BARREN_RUNS_MAX 64 /* as many small reads a head may take */

/* --- the library ------------------------------------------------------------------------------------------------- */

static void obey(struct loop *loop);

static void go_on(struct loop_library *library)
{
    loop_run(library->loop, library->kind);
    obey(library->loop);
}

static void on_again(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    go_on(idle->data);
}

static void on_later(uv_timer_t *timer)
{
    go_on(timer->data);
}

static void on_library(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    go_on(poll->data);
}

/* The library says that it has more to do when it has, but also while it waits for the end of a line that does not fit
 * into its buffer (chunk extensions): when many runs have brought nothing forward, the next comes a little later.
 * Otherwise it comes when the loop has looked at everything else once. A timer of no time would not do: libuv may call
 * those that are due until there are none, and a library that is never done would keep everyone else waiting. */
void loop_run(struct loop *loop, enum loop_library_kind kind)
{
    struct loop_library *library = &loop->libraries[kind];
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    for (int i = 0; i < RUNS_MAX; i++) {
        uint64_t progress = loop->progress;
        MHD_run(library->mhd);
        if (kind == LOOP_TLS)
            handshake_review(loop);
        library->n_barren_runs = progress == loop->progress ? library->n_barren_runs + 1 : 0;
        if (MHD_get_timeout(library->mhd, &timeout_ms) != MHD_YES || timeout_ms > 0)
            return;
    }
    if (library->n_barren_runs > BARREN_RUNS_MAX)
        uv_timer_start(&library->later, on_later, 1, 0);
    else
        uv_idle_start(&library->again, on_again);
}

/* Targets are wanted as they were sent: signatures cover them. */
static size_t unescape_nothing(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct loop *loop = cls;
    loop->progress++;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = accept_take(loop, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
        connection_open(*context, mhd);
    } else {
        accept_leave(loop, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
        connection_close(TAKE(*context));
    }
}

/* Every session gets its certificate before the library asks (handshake_begin). */
static int give_no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int n_names,
                               const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                               gnutls_pcert_st **ret_certificates, unsigned *ret_n, gnutls_privkey_t *ret_key)
{
    (void)session, (void)names, (void)n_names, (void)algorithms, (void)n_algorithms;
    (void)ret_certificates, (void)ret_n, (void)ret_key;
    return -1;
}

static int start_library(struct loop *loop, enum loop_library_kind kind)
{
    struct loop_library *library = &loop->libraries[kind];
    struct MHD_OptionItem tls[] = { { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)give_no_certificate },
                                    { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
                                    { MHD_OPTION_END, 0, NULL } };
    struct MHD_OptionItem options[] = {
#if LOOP_LIBRARY_IS_STRICT
        { MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL },
#endif
        { MHD_OPTION_ARRAY, 0, kind == LOOP_TLS ? tls : &tls[2] },
        { MHD_OPTION_END, 0, NULL },
    };
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;
    library->mhd = MHD_start_daemon(
        flags | (kind == LOOP_TLS ? MHD_USE_TLS : 0), 0, NULL, NULL, exchange_on_request, loop,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, loop, MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, loop,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, loop, MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, loop->shared->limits.head_max, MHD_OPTION_CONNECTION_LIMIT,
        loop->shared->limits.connections_max, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    return library->mhd ? 0 : errno == EMFILE ? -EMFILE : -ENOMEM;
}

static int watch_library(struct loop *loop, enum loop_library_kind kind)
{
    struct loop_library *library = &loop->libraries[kind];
    int fd = MHD_get_daemon_info(library->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    library->loop = loop;
    library->kind = kind;
    library->poll.data = library->again.data = library->later.data = library;
    uv_idle_init(&loop->uv, &library->again);
    uv_timer_init(&loop->uv, &library->later);
    int r = uv_poll_init(&loop->uv, &library->poll, fd);
    return r < 0 ? r : uv_poll_start(&library->poll, UV_READABLE, on_library);
}

static bool has_library(const struct loop *loop, enum loop_library_kind kind)
{
    return kind == LOOP_PLAIN || loop->shared->tls;
}

/* --- other threads ----------------------------------------------------------------------------------------------- */

static struct http_request *take_finished(struct loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    struct http_request *list = loop->finished;
    loop->finished = NULL;
    loop->finished_tail = &loop->finished;
    pthread_mutex_unlock(&loop->mutex);
    return list;
}

/* Not uv_async: a worker that wakes before the sender has left its call would spin until it has, and where both share
 * a processor it cannot. */
void loop_wake(struct loop *loop)
{
    ASSERT(eventfd_write(loop->wakeup_fd, 1) == 0);
}

void loop_finish(struct loop *loop, struct http_request *request)
{
    request->next = NULL;
    /* Counted: the worker may see the last request and end before it is woken for it. */
    atomic_fetch_add_explicit(&loop->n_finishing, 1, memory_order_relaxed);
    pthread_mutex_lock(&loop->mutex);
    bool is_first = !loop->finished;
    *loop->finished_tail = request;
    loop->finished_tail = &request->next;
    pthread_mutex_unlock(&loop->mutex);
    /* Behind the unlock: a worker that wakes at once would only wait for the mutex. */
    if (is_first)
        loop_wake(loop);
    atomic_fetch_sub_explicit(&loop->n_finishing, 1, memory_order_release);
}

static void drain(struct loop *loop)
{
    loop->is_draining = true;
    accept_last(loop);
    accept_stop(loop);
    for (struct connection *one = loop->connections; one; one = one->next)
        connection_drain(one);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void end_loop(struct loop *loop)
{
    linger_expire(&loop->lingering, 0, true);
    uv_walk(&loop->uv, close_handle, NULL);
}

/* Takes up what the owner of the server asked for; ends the loop when nothing is left to be done. */
static void obey(struct loop *loop)
{
    struct loop_shared *shared = loop->shared;
    if (!atomic_load_explicit(&shared->draining, memory_order_relaxed))
        return;
    if (!loop->is_draining)
        drain(loop);
    if (!atomic_load_explicit(&shared->stopping, memory_order_relaxed))
        return;
    int64_t now_ms = loop_now_ms(loop);
    if (!loop->cut_at_ms)
        loop->cut_at_ms = now_ms + shared->limits.stop_ms;
    if (loop->n_connections == 0 && atomic_load_explicit(&loop->n_finishing, memory_order_acquire) == 0 &&
        !uv_is_closing((uv_handle_t *)&loop->wakeup))
        end_loop(loop);
    if (now_ms < loop->cut_at_ms)
        return;
    for (struct connection *one = loop->connections; one; one = one->next)
        connection_cut(one);
}

static void on_wakeup(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct loop *loop = poll->data;
    bool has_work[LOOP_LIBRARY_COUNT] = { false };
    struct http_request *next;
    eventfd_t n;
    eventfd_read(loop->wakeup_fd, &n); /* before the list: what comes later wakes again */
    for (struct http_request *request = take_finished(loop); request; request = next) {
        next = request->next;
        has_work[request->connection->is_tls ? LOOP_TLS : LOOP_PLAIN] = true;
        exchange_finish(request);
    }
    for (int kind = 0; kind < LOOP_LIBRARY_COUNT; kind++)
        if (has_work[kind])
            loop_run(loop, kind);
    obey(loop);
}

static void on_tick(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    for (struct connection *one = loop->connections; one; one = one->next)
        connection_check(one);
    linger_expire(&loop->lingering, loop_now_ms(loop), false);
    obey(loop);
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void stop_libraries(struct loop *loop)
{
    for (int kind = 0; kind < LOOP_LIBRARY_COUNT; kind++)
        if (loop->libraries[kind].mhd)
            MHD_stop_daemon(TAKE(loop->libraries[kind].mhd));
}

static void *thread_main(void *arg)
{
    struct loop *loop = arg;
    const struct http_handler *handler = &loop->shared->handler;
    loop->context = handler->worker_start ? handler->worker_start(handler->arg, loop->index) : handler->arg;
    loop->has_failed = handler->worker_start && !loop->context;
    uv_sem_post(&loop->started);
    if (loop->has_failed)
        return NULL;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    stop_libraries(loop);
    if (handler->worker_stop)
        handler->worker_stop(loop->context);
    return NULL;
}

/* Often enough that a deadline is met by a quarter of the shortest. */
static uint64_t tick_ms(const struct http_limits *limits)
{
    const int64_t deadlines[] = { limits->head_ms, limits->body_grace_ms, limits->idle_ms };
    int64_t ms = TICK_MS_MAX;
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++)
        ms = deadlines[i] / 4 < ms ? deadlines[i] / 4 : ms;
    return ms < TICK_MS_MIN ? TICK_MS_MIN : (uint64_t)ms;
}

static int start_handles(struct loop *loop)
{
    uint64_t ms = tick_ms(&loop->shared->limits);
    uv_timer_init(&loop->uv, &loop->tick);
    uv_timer_init(&loop->uv, &loop->resting);
    loop->tick.data = loop->resting.data = loop->wakeup.data = loop;
    uv_timer_start(&loop->tick, on_tick, ms, ms);
    loop->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wakeup_fd < 0)
        return -errno;
    int r = uv_poll_init(&loop->uv, &loop->wakeup, loop->wakeup_fd);
    if (r == 0)
        r = uv_poll_start(&loop->wakeup, UV_READABLE, on_wakeup);
    for (int kind = 0; r == 0 && kind < LOOP_LIBRARY_COUNT; kind++)
        if (has_library(loop, kind))
            r = watch_library(loop, kind);
    if (r == 0)
        r = handshake_init(loop);
    if (r == 0)
        r = linger_init(&loop->lingering, &loop->uv);
    return r < 0 ? r : accept_start(loop);
}

void loop_fini(struct loop *loop)
{
    uv_loop_close(&loop->uv);
    linger_fini(&loop->lingering);
    handshake_fini(loop);
    if (loop->wakeup_fd >= 0)
        close(loop->wakeup_fd);
    request_pool_fini(&loop->requests);
    mem_free(loop->polls);
    uv_sem_destroy(&loop->started);
    pthread_mutex_destroy(&loop->mutex);
}

/* Signals are for the thread that owns the server, but for those that a fault of the worker raises. */
static int start_thread(struct loop *loop)
{
    sigset_t all, old;
    char name[16];
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = -pthread_create(&loop->thread, NULL, thread_main, loop);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r < 0)
        return r;
    snprintf(name, sizeof(name), "http-%u", loop->index);
    pthread_setname_np(loop->thread, name);
    uv_sem_wait(&loop->started);
    if (!loop->has_failed)
        return 0;
    pthread_join(loop->thread, NULL);
    return -ENOMEM;
}

int loop_start(struct loop *loop, struct loop_shared *shared, unsigned index, const struct loop_listener *listeners,
               size_t n_listeners)
{
    *loop = (struct loop){ .shared = shared, .index = index, .listeners = listeners, .n_listeners = n_listeners };
    loop->finished_tail = &loop->finished;
    loop->wakeup_fd = loop->lingering.epoll_fd = loop->handshakes.epoll_fd = -1;
    rand_init(&loop->rand);
    int r = uv_loop_init(&loop->uv);
    if (r < 0)
        return r;
    ASSERT(pthread_mutex_init(&loop->mutex, NULL) == 0 && uv_sem_init(&loop->started, 0) == 0);
    for (int kind = 0; r == 0 && kind < LOOP_LIBRARY_COUNT; kind++)
        if (has_library(loop, kind))
            r = start_library(loop, kind);
    if (r == 0)
        r = start_handles(loop);
    if (r == 0)
        r = start_thread(loop);
    if (r == 0)
        return 0;
    uv_walk(&loop->uv, close_handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    stop_libraries(loop);
    loop_fini(loop);
    return r;
}

void loop_join(struct loop *loop)
{
    pthread_join(loop->thread, NULL);
}

/* --- shared ------------------------------------------------------------------------------------------------------ */

bool loop_reserve_buffered(struct loop *loop, enum loop_buffered what, size_t n)
{
    struct loop_shared *shared = loop->shared;
    if (n == 0)
        return true;
    if (atomic_fetch_add_explicit(&shared->buffered[what], n, memory_order_relaxed) + n <= shared->limits.buffered_max)
        return true;
    atomic_fetch_sub_explicit(&shared->buffered[what], n, memory_order_relaxed);
    return false;
}

void loop_release_buffered(struct loop *loop, enum loop_buffered what, size_t n)
{
    if (n > 0)
        atomic_fetch_sub_explicit(&loop->shared->buffered[what], n, memory_order_relaxed);
}

void loop_new_id(struct loop *loop, char ret_id[36])
{
    uint8_t random[16];
    rand_id(&loop->rand, random);
    text_uuid(random, ret_id);
}
