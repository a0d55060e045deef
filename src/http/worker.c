/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread of a worker: its loop, the library on it, and its end. */
#include "http/worker.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/accept.h"
#include "http/exchange.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define TICK_MS_MAX 500
#define TICK_MS_MIN 10
#define RUNS_MAX 8 /* of the library in a row, before the loop looks elsewhere */

/* --- the library ------------------------------------------------------------------------------------------------- */

static void run(struct worker *worker);
static void obey(struct worker *worker);

static void on_again(uv_timer_t *timer)
{
    run(timer->data);
    obey(timer->data);
}

static void on_library(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
    obey(poll->data);
}

/* The library says that it has more to do when it has, but also while it waits for the end of a line that does not fit
 * into its buffer (chunk extensions): a run that brought nothing forward is repeated a little later only. */
static void run(struct worker *worker)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    uint64_t delay_ms = 0;
    for (int i = 0; i < RUNS_MAX; i++) {
        uint64_t progress = worker->progress;
        MHD_run(worker->mhd);
        if (MHD_get_timeout(worker->mhd, &timeout_ms) != MHD_YES || timeout_ms > 0)
            return;
        if (progress == worker->progress) {
            delay_ms = 1;
            break;
        }
    }
    uv_timer_start(&worker->again, on_again, delay_ms, 0);
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
    struct worker *worker = cls;
    worker->progress++;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = TAKE(worker->accepted);
        connection_open(*context, mhd);
    } else {
        accept_leave(worker, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
        connection_close(TAKE(*context));
    }
}

static int start_library(struct worker *worker)
{
    worker->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, exchange_on_request, worker,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, worker, MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed,
        worker, MHD_OPTION_NOTIFY_CONNECTION, on_connection, worker, MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing,
        NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, worker->shared->limits.head_max, MHD_OPTION_CONNECTION_LIMIT,
        worker->shared->limits.connections_max, MHD_OPTION_END);
    return worker->mhd ? 0 : errno == EMFILE ? -EMFILE : -ENOMEM;
}

/* --- other threads ----------------------------------------------------------------------------------------------- */

static struct http_request *take_finished(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    struct http_request *list = worker->finished;
    worker->finished = NULL;
    worker->finished_tail = &worker->finished;
    pthread_mutex_unlock(&worker->mutex);
    return list;
}

void worker_finish(struct worker *worker, struct http_request *request)
{
    request->next = NULL;
    pthread_mutex_lock(&worker->mutex);
    bool is_first = !worker->finished;
    *worker->finished_tail = request;
    worker->finished_tail = &request->next;
    /* Under the mutex: the worker may end as soon as it has seen the last request. */
    if (is_first)
        uv_async_send(&worker->wakeup);
    pthread_mutex_unlock(&worker->mutex);
}

void worker_wake(struct worker *worker)
{
    uv_async_send(&worker->wakeup);
}

static void drain(struct worker *worker)
{
    worker->is_draining = true;
    accept_last(worker);
    accept_stop(worker);
    for (struct connection *one = worker->connections; one; one = one->next)
        connection_drain(one);
}

static void end_loop(struct worker *worker)
{
    uv_handle_t *handles[] = { (uv_handle_t *)&worker->wakeup, (uv_handle_t *)&worker->tick,
                               (uv_handle_t *)&worker->again, (uv_handle_t *)&worker->resting,
                               (uv_handle_t *)&worker->library };
    linger_expire(&worker->lingering, 0, true);
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
        uv_close(handles[i], NULL);
}

/* Takes up what the owner of the server asked for; ends the loop when nothing is left to be done. */
static void obey(struct worker *worker)
{
    struct worker_shared *shared = worker->shared;
    if (!atomic_load_explicit(&shared->draining, memory_order_relaxed))
        return;
    if (!worker->is_draining)
        drain(worker);
    if (!atomic_load_explicit(&shared->stopping, memory_order_relaxed))
        return;
    int64_t now_ms = worker_now_ms(worker);
    if (!worker->cut_at_ms)
        worker->cut_at_ms = now_ms + shared->limits.stop_ms;
    if (worker->n_connections == 0 && !uv_is_closing((uv_handle_t *)&worker->wakeup))
        end_loop(worker);
    if (now_ms < worker->cut_at_ms)
        return;
    for (struct connection *one = worker->connections; one; one = one->next)
        connection_cut(one);
}

static void on_wakeup(uv_async_t *async)
{
    struct worker *worker = async->data;
    struct http_request *next;
    for (struct http_request *request = take_finished(worker); request; request = next) {
        next = request->next;
        exchange_finish(request);
    }
    run(worker);
    obey(worker);
}

static void on_tick(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    for (struct connection *one = worker->connections; one; one = one->next)
        connection_check(one);
    linger_expire(&worker->lingering, worker_now_ms(worker), false);
    obey(worker);
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

static void *thread_main(void *arg)
{
    struct worker *worker = arg;
    const struct http_handler *handler = &worker->shared->handler;
    worker->context = handler->worker_start ? handler->worker_start(handler->arg, worker->index) : handler->arg;
    worker->has_failed = handler->worker_start && !worker->context;
    if (worker->has_failed) {
        accept_stop(worker);
        end_loop(worker);
    }
    uv_sem_post(&worker->started);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    MHD_stop_daemon(worker->mhd);
    if (handler->worker_stop && !worker->has_failed)
        handler->worker_stop(worker->context);
    return NULL;
}

/* Often enough that a deadline is met by a quarter of the shortest. */
static uint64_t tick_ms(const struct http_limits *limits)
{
    const int64_t deadlines[] = { limits->head_ms, limits->body_grace_ms, limits->idle_ms, limits->stop_ms };
    int64_t ms = TICK_MS_MAX;
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++)
        ms = deadlines[i] / 4 < ms ? deadlines[i] / 4 : ms;
    return ms < TICK_MS_MIN ? TICK_MS_MIN : (uint64_t)ms;
}

/* The handles that a loop without a library has to close. */
static int start_handles(struct worker *worker)
{
    uint64_t ms = tick_ms(&worker->shared->limits);
    uv_timer_init(&worker->loop, &worker->tick);
    uv_timer_init(&worker->loop, &worker->again);
    uv_timer_init(&worker->loop, &worker->resting);
    worker->tick.data = worker->again.data = worker->resting.data = worker->library.data = worker->wakeup.data = worker;
    uv_timer_start(&worker->tick, on_tick, ms, ms);
    int r = uv_async_init(&worker->loop, &worker->wakeup, on_wakeup);
    if (r == 0) {
        int fd = MHD_get_daemon_info(worker->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
        r = uv_poll_init(&worker->loop, &worker->library, fd);
    }
    if (r == 0)
        r = uv_poll_start(&worker->library, UV_READABLE, on_library);
    return r < 0 ? r : accept_start(worker);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void fini(struct worker *worker)
{
    uv_loop_close(&worker->loop);
    request_pool_fini(&worker->requests);
    mem_free(worker->listeners);
    uv_sem_destroy(&worker->started);
    pthread_mutex_destroy(&worker->mutex);
}

/* Signals are for the thread that owns the server. */
static int start_thread(struct worker *worker)
{
    sigset_t all, old;
    char name[16];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = -pthread_create(&worker->thread, NULL, thread_main, worker);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r < 0)
        return r;
    snprintf(name, sizeof(name), "http-%u", worker->index);
    pthread_setname_np(worker->thread, name);
    uv_sem_wait(&worker->started);
    if (!worker->has_failed)
        return 0;
    pthread_join(worker->thread, NULL);
    return -ENOMEM;
}

int worker_start(struct worker *worker, struct worker_shared *shared, unsigned index, const int *listener_fds,
                 size_t n_listeners)
{
    *worker =
        (struct worker){ .shared = shared, .index = index, .listener_fds = listener_fds, .n_listeners = n_listeners };
    worker->finished_tail = &worker->finished;
    rand_init(&worker->rand);
    int r = uv_loop_init(&worker->loop);
    if (r < 0)
        return r;
    ASSERT(pthread_mutex_init(&worker->mutex, NULL) == 0 && uv_sem_init(&worker->started, 0) == 0);
    r = start_library(worker);
    if (r == 0) {
        r = start_handles(worker);
        if (r == 0)
            r = start_thread(worker);
        else
            MHD_stop_daemon(worker->mhd);
    }
    if (r < 0) {
        uv_walk(&worker->loop, close_handle, NULL);
        uv_run(&worker->loop, UV_RUN_DEFAULT);
        fini(worker);
    }
    return r;
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    fini(worker);
}

/* --- shared ------------------------------------------------------------------------------------------------------ */

bool worker_reserve_buffered(struct worker *worker, size_t n)
{
    struct worker_shared *shared = worker->shared;
    if (n == 0)
        return true;
    if (atomic_fetch_add_explicit(&shared->buffered, n, memory_order_relaxed) + n <= shared->limits.buffered_max)
        return true;
    atomic_fetch_sub_explicit(&shared->buffered, n, memory_order_relaxed);
    return false;
}

void worker_release_buffered(struct worker *worker, size_t n)
{
    if (n > 0)
        atomic_fetch_sub_explicit(&worker->shared->buffered, n, memory_order_relaxed);
}

void worker_new_id(struct worker *worker, char ret_id[36])
{
    uint64_t random[2] = { rand_u64(&worker->rand), rand_u64(&worker->rand) };
    text_uuid((const uint8_t *)random, ret_id);
}
