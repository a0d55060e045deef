/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for alias targets, and the thread; see alias.h. A query that waited is answered as if it had come just now:
 * by the newest snapshot. It may then choose another alias, and wait for that one, until its time is over. */
#include "dns/alias_priv.h"
#include "dns/query_log.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS 64
#define ROUNDS_MAX 8
#define SYSTEM_FILE "/etc/resolv.conf"
#define SYSTEM_READ_MS 10000

void alias_enqueue(struct alias_queue *queue, struct alias_waiter *waiter)
{
    waiter->next = NULL;
    if (queue->last)
        queue->last->next = waiter;
    else
        queue->first = waiter;
    queue->last = waiter;
}

static int64_t alias_now_ms(const struct alias *alias)
{
    return clock_mono_ns(alias->config.clock) / 1000000;
}

/* --- waiting -------------------------------------------------------------------------------------------------------
 */

static void alias_signal(int eventfd)
{
    uint64_t one = 1;

    if (write(eventfd, &one, sizeof(one)) < 0)
        ASSERT(errno == EAGAIN); /* the counter is full: it wakes all the same */
}

/* One that is free, or NULL. The mutex is held. */
static struct alias_waiter *alias_take_unused(struct alias *alias)
{
    struct alias_waiter *waiter = alias->unused;

    if (alias->is_closed)
        return NULL;
    if (waiter)
        alias->unused = waiter->next;
    else if (alias->n_touched < ALIAS_WAITING_MAX)
        waiter = &alias->waiters[alias->n_touched++];
    return waiter;
}

static bool alias_submit(struct alias *alias, const struct alias_target *target, const struct alias_query *query,
                         int wake)
{
    struct alias_waiter *waiter;
    bool was_empty;

    pthread_mutex_lock(&alias->mutex);
    waiter = alias_take_unused(alias);
    if (waiter) {
        waiter->target = *target;
        waiter->since_ms = alias_now_ms(alias);
        waiter->rounds = 0;
        waiter->wake = wake;
        waiter->fd = -1;
        waiter->is_refresh = !query && wake < 0;
        if (query) {
            waiter->fd = query->fd;
            waiter->peer = *query->peer;
            waiter->peer_n = query->peer_n;
            waiter->client = *query->client;
            waiter->control_n = query->control ? query->control_n : 0;
            if (waiter->control_n)
                memcpy(waiter->control, query->control, waiter->control_n);
            waiter->n = query->n;
            memcpy(waiter->query, query->p, query->n);
        }
        was_empty = !alias->inbox.first;
        alias_enqueue(&alias->inbox, waiter);
        if (was_empty)
            alias_signal(alias->wake);
    }
    pthread_mutex_unlock(&alias->mutex);
    return waiter != NULL;
}

bool alias_wait(struct alias *alias, const struct alias_target *target, const struct alias_query *query)
{
    if (query->n > ALIAS_QUERY_MAX || (query->control && query->control_n > ALIAS_CONTROL_MAX))
        return false;
    return alias_submit(alias, target, query, -1);
}

bool alias_wake(struct alias *alias, const struct alias_target *target, int eventfd)
{
    return alias_submit(alias, target, NULL, eventfd);
}

/* --- looking -------------------------------------------------------------------------------------------------------
 */

#define REFRESH_TTL 10 /* of shorter ones nothing is won */

/* In the last tenth of its time an answer is asked for again, so that nobody waits when it is over; not so soon when
 * that has failed. */
static void alias_refresh(struct alias *alias, struct alias_entry *entry, const struct alias_target *target,
                          int64_t now_ms)
{
    if (entry->ttl >= REFRESH_TTL && entry->fresh_until_ms - now_ms < entry->ttl * INT64_C(100) &&
        now_ms >= entry->failed_until_ms && !__atomic_exchange_n(&entry->is_asked, true, __ATOMIC_RELAXED))
        alias_submit(alias, target, NULL, -1);
}

enum alias_state alias_find(struct alias *alias, const struct alias_target *target, struct alias_view *ret_view)
{
    struct alias_entry *entry = alias_cache_find(&alias->cache, &target->name, target->type);
    int64_t now = alias_now_ms(alias), left;

    if (!entry)
        return ALIAS_UNKNOWN;
    if (entry->kind == ALIAS_FAILURE)
        return now < entry->fresh_until_ms ? ALIAS_FAILED : ALIAS_UNKNOWN;
    *ret_view = (struct alias_view){ .addresses = entry->data, .n = entry->n, .is_nxdomain = entry->is_nxdomain };
    left = (entry->fresh_until_ms - now + 999) / 1000;
    if (left > 0) {
        alias_refresh(alias, entry, target, now);
        ret_view->ttl = left < entry->ttl ? (uint32_t)left : entry->ttl;
        return ALIAS_KNOWN;
    }
    ret_view->ttl = ALIAS_STALE_TTL;
    return now < entry->failed_until_ms && now < entry->stale_until_ms ? ALIAS_STALE : ALIAS_UNKNOWN;
}

enum alias_state alias_follow(struct alias *alias, const struct alias_target *target, struct alias_view *ret_view)
{
    struct alias_entry *entry = alias_cache_find(&alias->cache, &target->name, target->type);
    int64_t now = alias_now_ms(alias);

    if (!entry || (entry->kind == ALIAS_FAILURE && now >= entry->fresh_until_ms))
        alias_submit(alias, target, NULL, -1);
    if (!entry)
        return ALIAS_UNKNOWN;
    if (entry->kind == ALIAS_FAILURE)
        return ALIAS_FAILED;
    if (now < entry->fresh_until_ms)
        alias_refresh(alias, entry, target, now);
    else if (now >= entry->failed_until_ms || now >= entry->stale_until_ms)
        alias_submit(alias, target, NULL, -1); /* a failure takes the place of what is too old */
    *ret_view = (struct alias_view){
        .addresses = entry->data, .n = entry->n, .ttl = entry->ttl, .is_nxdomain = entry->is_nxdomain
    };
    return ALIAS_KNOWN;
}

bool alias_name(const struct instance *instance, struct dname *ret_name)
{
    struct str text = instance_find_attribute(instance, STR("AWS_ALIAS_DNS_NAME"));

    dname_init(ret_name);
    return str_is_set(text) && dname_put_dotted(ret_name, text) == 0 && dname_put_root(ret_name) == 0;
}

static void alias_release(struct alias *alias, struct alias_waiter *waiter)
{
    pthread_mutex_lock(&alias->mutex);
    waiter->next = alias->unused;
    alias->unused = waiter;
    pthread_mutex_unlock(&alias->mutex);
}

/* --- the thread ----------------------------------------------------------------------------------------------------
 */

/* Answers the query, or finds what else it waits for: false. With `gives_up` it is answered. */
static bool alias_answer(struct alias *alias, struct alias_waiter *waiter, bool gives_up)
{
    struct iovec out = { .iov_base = alias->out };
    struct msghdr message = { .msg_name = &waiter->peer,
                              .msg_namelen = waiter->peer_n,
                              .msg_iov = &out,
                              .msg_iovlen = 1,
                              .msg_control = waiter->control_n ? waiter->control : NULL,
                              .msg_controllen = waiter->control_n };

    if (waiter->wake >= 0)
        alias_signal(waiter->wake);
    if (waiter->fd < 0)
        return true;
    alias->worker.gives_up = gives_up;
    alias->worker.now_s = (uint32_t)(clock_wall_ms(alias->config.clock) / 1000);
    alias->worker.start_ns = clock_mono_ns(alias->config.clock);
    out.iov_len = answer_query(&alias->worker, snapshot_acquire(alias->config.head), &waiter->client, false,
                               waiter->query, waiter->n, alias->out, sizeof(alias->out));
    snapshot_release(alias->config.head);
    if (out.iov_len == 0 && alias->worker.is_wanted) {
        waiter->target = alias->worker.wanted;
        return false;
    }
    enum rate_limit_verdict verdict =
        rate_limit_apply(&alias->worker, &waiter->client, waiter->query, waiter->n, alias->out, &out.iov_len);
    query_log_note(&alias->worker, &waiter->client, false, verdict, waiter->query, waiter->n, alias->out, out.iov_len);
    if (out.iov_len) {
        sendmsg(waiter->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL); /* a full buffer drops it, as a full network does */
        dns_stats_observe(&alias->worker.stats, (alias->now_ms - waiter->since_ms) * 1000000, 1);
    }
    return true;
}

static struct alias_question *alias_find_question(struct alias *alias, const struct alias_target *target)
{
    struct alias_question *unused = NULL;

    for (unsigned i = 0; i < ALIAS_QUESTIONS_MAX; i++) {
        struct alias_question *question = &alias->questions[i];
        if (!question->is_used)
            unused = question;
        else if (question->target.type == target->type && dname_equal(&question->target.name, &target->name))
            return question;
    }
    return unused;
}

/* True: the waiter is with a question. */
static bool alias_ask(struct alias *alias, struct alias_waiter *waiter)
{
    struct alias_question *question = alias_find_question(alias, &waiter->target);
    unsigned most = alias->n_waiting < ALIAS_WAITING_MAX / 2 ? ALIAS_WAITING_NAME : ALIAS_WAITING_CROWD;

    if (!question || (question->is_used && question->n_waiters >= most))
        return false;
    alias->n_waiting++;
    if (question->is_used) {
        question->n_waiters++;
        alias_enqueue(&question->waiters, waiter);
        return true;
    }
    question->is_used = true;
    question->target = waiter->target;
    question->waiters = (struct alias_queue){ 0 };
    question->n_waiters = 1;
    alias_enqueue(&question->waiters, waiter);
    alias->n_questions++;
    metric_add(METRIC_ALIAS_PENDING, 1);
    alias_question_start(alias, question);
    return true;
}

static struct alias_waiter *alias_dequeue(struct alias_queue *queue)
{
    struct alias_waiter *waiter = queue->first;

    if (waiter) {
        queue->first = waiter->next;
        if (!queue->first)
            queue->last = NULL;
    }
    return waiter;
}

/* Everybody in todo is answered, or waits for something. */
static void alias_serve(struct alias *alias, bool gives_up)
{
    struct alias_waiter *waiter;

    while ((waiter = alias_dequeue(&alias->todo))) {
        bool is_late = gives_up || waiter->rounds >= ROUNDS_MAX || alias->now_ms - waiter->since_ms >= ALIAS_WAIT_MS;
        struct alias_view view;
        if (!is_late && (waiter->is_refresh || alias_find(alias, &waiter->target, &view) == ALIAS_UNKNOWN)) {
            waiter->rounds++;
            waiter->is_refresh = false;
            if (alias_ask(alias, waiter))
                continue;
            is_late = true;
        }
        if (alias_answer(alias, waiter, is_late)) {
            alias_release(alias, waiter);
        } else {
            waiter->rounds++;
            alias_enqueue(&alias->todo, waiter);
        }
    }
}

static void alias_take_inbox(struct alias *alias, bool close)
{
    struct alias_queue inbox;
    struct alias_waiter *waiter;

    pthread_mutex_lock(&alias->mutex);
    inbox = alias->inbox;
    alias->inbox = (struct alias_queue){ 0 };
    alias->is_closed = close;
    pthread_mutex_unlock(&alias->mutex);
    while ((waiter = alias_dequeue(&inbox)))
        alias_enqueue(&alias->todo, waiter);
}

static void alias_expire(struct alias *alias)
{
    for (unsigned i = 0; i < ALIAS_QUESTIONS_MAX && alias->n_questions; i++)
        if (alias->questions[i].is_used && alias->questions[i].due_ms <= alias->now_ms)
            alias_question_expire(alias, &alias->questions[i]);
}

/* Milliseconds until a question is late, or -1. */
static int alias_patience_ms(const struct alias *alias)
{
    int64_t next = -1;

    for (unsigned i = 0; i < ALIAS_QUESTIONS_MAX && alias->n_questions; i++) {
        int64_t left = alias->questions[i].due_ms - alias->now_ms;
        if (alias->questions[i].is_used && (next < 0 || left < next))
            next = left < 0 ? 0 : left;
    }
    return (int)next;
}

/* The machine's resolvers change with its networks. */
static void alias_read_system(struct alias *alias)
{
    if (!alias->config.is_system || alias->n_questions || alias->now_ms - alias->servers_read_ms < SYSTEM_READ_MS)
        return;
    alias->servers_read_ms = alias->now_ms;
    alias_servers_read_system(&alias->config.servers, SYSTEM_FILE);
}

static void alias_handle(struct alias *alias, const struct epoll_event *event)
{
    uint64_t count;

    if (event->data.ptr != &alias->wake)
        alias_question_handle(alias, event->data.ptr);
    else if (read(alias->wake, &count, sizeof(count)) < 0)
        ASSERT(errno == EAGAIN || errno == EINTR);
}

static void alias_finish(struct alias *alias)
{
    for (unsigned i = 0; i < ALIAS_QUESTIONS_MAX; i++)
        if (alias->questions[i].is_used)
            alias_question_end(alias, &alias->questions[i]);
    alias_take_inbox(alias, true);
    alias_serve(alias, true);
}

static void *alias_run(void *arg)
{
    struct alias *alias = arg;
    struct epoll_event events[EVENTS];

    pthread_setname_np(pthread_self(), "dns-alias");
    snapshot_reader_start();
    alias->now_ms = alias->servers_read_ms = alias_now_ms(alias);
    while (!__atomic_load_n(&alias->stopping, __ATOMIC_RELAXED)) {
        int n = epoll_wait(alias->epoll, events, EVENTS, alias_patience_ms(alias));
        alias->now_ms = alias_now_ms(alias);
        alias_read_system(alias);
        for (int i = 0; i < n; i++)
            alias_handle(alias, &events[i]);
        alias_expire(alias);
        alias_take_inbox(alias, false);
        alias_serve(alias, false);
    }
    alias_finish(alias);
    snapshot_reader_stop();
    return NULL;
}

/* --- start and stop ------------------------------------------------------------------------------------------------
 */

int alias_new(const struct alias_config *config, struct alias **ret_alias)
{
    struct alias *alias = mem_zalloc(sizeof(*alias));
    struct epoll_event event = { .events = EPOLLIN };
    int r;

    if (!alias)
        return -ENOMEM;
    ASSERT(config->servers.n >= 1);
    alias->config = *config;
    pthread_mutex_init(&alias->mutex, NULL);
    r = alias_cache_init(&alias->cache, config->head);
    alias->epoll = epoll_create1(EPOLL_CLOEXEC);
    alias->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    alias->waiters = mem_zalloc(ALIAS_WAITING_MAX * sizeof(*alias->waiters));
    event.data.ptr = &alias->wake;
    if (r == 0 && !alias->waiters)
        r = -ENOMEM;
    if (r == 0 && (alias->epoll < 0 || alias->wake < 0 || epoll_ctl(alias->epoll, EPOLL_CTL_ADD, alias->wake, &event)))
        r = -errno;
    if (r) {
        alias_free(alias);
        return r;
    }
    *ret_alias = alias;
    return 0;
}

int alias_start(struct alias *alias)
{
    int r;

    answer_init(&alias->worker, alias->config.settings);
    alias->worker.query_ring = alias->config.ring;
    r = -pthread_create(&alias->thread, NULL, alias_run, alias);
    alias->is_started = r == 0;
    return r;
}

void alias_stop(struct alias *alias)
{
    if (!alias || !alias->is_started)
        return;
    __atomic_store_n(&alias->stopping, true, __ATOMIC_RELAXED);
    alias_signal(alias->wake);
    pthread_join(alias->thread, NULL);
    alias->is_started = false;
}

void alias_free(struct alias *alias)
{
    if (!alias)
        return;
    ASSERT(!alias->is_started);
    alias_cache_fini(&alias->cache);
    if (alias->epoll >= 0)
        close(alias->epoll);
    if (alias->wake >= 0)
        close(alias->wake);
    pthread_mutex_destroy(&alias->mutex);
    mem_free(alias->waiters);
    mem_free(alias);
}

const struct dns_stats *alias_stats(const struct alias *alias)
{
    return &alias->worker.stats;
}
