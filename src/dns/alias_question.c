/* SPDX-License-Identifier: Apache-2.0
 *
 * One question to the resolvers: tries one after another, each time from a new socket, and so port, with a new id and a
 * new mix of capitals; over TCP when the answer is cut, or when somebody lies. What comes of it goes into the table. */
#include "dns/alias_priv.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WHOLE_MS 1800 /* until old answers serve (RFC 8767 5) */
#define TRY_MS 300    /* of the first round; each further one takes that much longer */
#define TCP_MS 900
#define ATTEMPTS_MAX 16
#define LIES_MAX 16      /* messages that are no answers, before TCP is tried */
#define FAILURE_MS 5000  /* a failure is remembered (RFC 9520 3.2) */
#define RECHECK_MS 30000 /* old answers serve without asking again (RFC 8767 5) */
#define NEGATIVE_MAX_S 300
#define LENGTH 2

static void alias_question_try(struct alias *alias, struct alias_question *question);

/* --- ends ----------------------------------------------------------------------------------------------------------
 */

static void alias_question_close(struct alias_question *question)
{
    if (question->fd >= 0)
        close(question->fd);
    question->fd = -1;
    mem_free(TAKE(question->in));
    question->in_n = 0;
    question->is_sent = false;
}

void alias_question_end(struct alias *alias, struct alias_question *question)
{
    struct alias_waiter *waiter = question->waiters.first, *next;

    alias_question_close(question);
    for (; waiter; waiter = next) {
        next = waiter->next;
        alias_enqueue(&alias->todo, waiter);
    }
    alias->n_waiting -= question->n_waiters;
    question->waiters = (struct alias_queue){ 0 };
    question->n_waiters = 0;
    question->is_used = false;
    alias->n_questions--;
    metric_add(METRIC_ALIAS_PENDING, -1);
}

static void alias_question_put(struct alias *alias, struct alias_entry *entry)
{
    if (!entry)
        return; /* memory is out: those who wait ask again or give up */
    alias_cache_put(&alias->cache, entry);
    metric_set(METRIC_ALIAS_NAMES, alias->cache.n);
}

static void alias_question_succeed(struct alias *alias, struct alias_question *question,
                                   const struct upstream_answer *answer)
{
    struct alias_entry *entry = alias_cache_new_entry(&question->target.name, question->target.type, answer->n);
    uint32_t ttl = answer->ttl < question->ttl ? answer->ttl : question->ttl;
    unsigned size = alias_cache_address_size(question->target.type);

    if (answer->n == 0 && ttl > NEGATIVE_MAX_S)
        ttl = NEGATIVE_MAX_S;
    if (ttl > (uint64_t)alias->config.max_ttl_ms / 1000)
        ttl = (uint32_t)(alias->config.max_ttl_ms / 1000);
    if (entry) {
        entry->kind = answer->n ? ALIAS_ADDRESSES : ALIAS_NOTHING;
        entry->is_nxdomain = answer->rcode == PACKET_NXDOMAIN;
        entry->ttl = ttl;
        /* Those who wait for it are served in any case. */
        entry->fresh_until_ms = alias->now_ms + (ttl ? ttl : 1) * INT64_C(1000);
        entry->stale_until_ms = entry->fresh_until_ms + alias->config.stale_ms;
        for (unsigned i = 0; i < answer->n; i++)
            memcpy(entry->data + i * size, answer->addresses[i], size);
    }
    alias->preferred = question->server;
    alias_question_put(alias, entry);
    alias_question_end(alias, question);
}

/* Old answers live on for a while; without one the failure is remembered. */
static void alias_question_fail(struct alias *alias, struct alias_question *question)
{
    const struct alias_entry *old = alias_cache_find(&alias->cache, &question->target.name, question->target.type);
    struct alias_entry *entry;

    metric_add(METRIC_ALIAS_QUESTIONS_FAILED, 1);
    if (old && old->kind != ALIAS_FAILURE && alias->now_ms < old->stale_until_ms) {
        entry = alias_cache_new_entry(&question->target.name, question->target.type, old->n);
        if (entry) {
            memcpy(entry->data, old->data, old->n * alias_cache_address_size(question->target.type));
            entry->kind = old->kind;
            entry->is_nxdomain = old->is_nxdomain;
            entry->ttl = old->ttl;
            entry->fresh_until_ms = old->fresh_until_ms;
            entry->stale_until_ms = old->stale_until_ms;
            entry->failed_until_ms = alias->now_ms + RECHECK_MS;
        }
    } else {
        entry = alias_cache_new_entry(&question->target.name, question->target.type, 0);
        if (entry) {
            entry->kind = ALIAS_FAILURE;
            entry->fresh_until_ms = entry->stale_until_ms = alias->now_ms + FAILURE_MS;
        }
    }
    alias_question_put(alias, entry);
    alias_question_end(alias, question);
}

/* --- tries ---------------------------------------------------------------------------------------------------------
 */

/* This server is not the one; the next one is asked at once, until all have refused. */
static void alias_question_refuse(struct alias *alias, struct alias_question *question)
{
    alias_question_close(question);
    question->is_tcp = false;
    question->server = (question->server + 1) % alias->config.servers.n;
    if (++question->refusals >= alias->config.servers.n)
        alias_question_fail(alias, question);
    else
        alias_question_try(alias, question);
}

static int alias_question_open(struct alias *alias, struct alias_question *question)
{
    const struct sockaddr_storage *server = &alias->config.servers.list[question->server];
    struct epoll_event event = { .events = question->is_tcp ? EPOLLOUT : EPOLLIN, .data.ptr = question };
    int type = question->is_tcp ? SOCK_STREAM : SOCK_DGRAM;

    question->fd = socket(server->ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (question->fd < 0)
        return -errno;
    if (connect(question->fd, (const struct sockaddr *)server, alias->config.servers.sizes[question->server]) &&
        errno != EINPROGRESS)
        return -errno;
    return epoll_ctl(alias->epoll, EPOLL_CTL_ADD, question->fd, &event) ? -errno : 0;
}

/* 0, or -errno: the server is not there. */
static int alias_question_send(struct alias_question *question)
{
    uint8_t message[LENGTH + UPSTREAM_QUERY_MAX];
    size_t n = upstream_write(&question->asked, question->is_plain, message + LENGTH);
    size_t from = question->is_tcp ? 0 : LENGTH, whole = LENGTH + n - from;
    ssize_t sent;

    message[0] = (uint8_t)(n >> 8);
    message[1] = (uint8_t)n;
    sent = send(question->fd, message + from, whole, MSG_NOSIGNAL);
    if (sent != (ssize_t)whole)
        return sent < 0 ? -errno : -EIO;
    question->is_sent = true;
    return 0;
}

static void alias_question_try(struct alias *alias, struct alias_question *question)
{
    int64_t left = question->started_ms + WHOLE_MS - alias->now_ms, patience;
    struct rand rand;
    int r;

    if (left <= 0 || question->attempts++ == ATTEMPTS_MAX) {
        alias_question_fail(alias, question);
        return;
    }
    metric_add(METRIC_ALIAS_QUESTIONS, 1);
    patience = question->is_tcp ? TCP_MS : TRY_MS * (int64_t)(1 + (question->attempts - 1) / alias->config.servers.n);
    question->due_ms = alias->now_ms + (patience < left ? patience : left);
    rand_init(&rand); /* from the kernel, each time: nobody who sees one question can tell the next */
    upstream_ask(&rand, &question->name, question->target.type, &question->asked);
    r = alias_question_open(alias, question);
    if (r == 0 && !question->is_tcp)
        r = alias_question_send(question);
    if (r)
        alias_question_refuse(alias, question);
}

static void alias_question_go_tcp(struct alias *alias, struct alias_question *question)
{
    alias_question_close(question);
    question->is_tcp = true;
    alias_question_try(alias, question);
}

void alias_question_start(struct alias *alias, struct alias_question *question)
{
    question->name = question->target.name;
    question->ttl = INT32_MAX;
    question->links = question->attempts = question->refusals = question->lies = 0;
    question->is_tcp = question->is_plain = question->is_sent = false;
    question->fd = -1;
    question->in = NULL;
    question->in_n = 0;
    question->started_ms = alias->now_ms;
    question->server = alias->preferred % alias->config.servers.n;
    alias_question_try(alias, question);
}

void alias_question_expire(struct alias *alias, struct alias_question *question)
{
    alias_question_close(question);
    question->is_tcp = false;
    question->server = (question->server + 1) % alias->config.servers.n;
    alias_question_try(alias, question);
}

/* --- answers -------------------------------------------------------------------------------------------------------
 */

/* The chain of CNAME records leads to a name that the answer says nothing of. */
static void alias_question_go_on(struct alias *alias, struct alias_question *question,
                                 const struct upstream_answer *answer)
{
    question->links += answer->n_links;
    question->name = answer->next;
    if (answer->ttl < question->ttl)
        question->ttl = answer->ttl;
    question->refusals = 0;
    alias_question_close(question);
    question->is_tcp = false;
    alias_question_try(alias, question);
}

/* False: nothing came of the message, and more may arrive. */
static bool alias_question_read(struct alias *alias, struct alias_question *question, const uint8_t *message, size_t n)
{
    struct upstream_answer answer;

    switch (upstream_read(&question->asked, question->is_tcp, UPSTREAM_LINKS - question->links, message, n, &answer)) {
    case UPSTREAM_FOREIGN:
        if (question->is_tcp) {
            alias_question_refuse(alias, question);
            return true;
        }
        if (++question->lies < LIES_MAX)
            return false;
        alias_question_go_tcp(alias, question);
        return true;
    case UPSTREAM_RECASED:
    case UPSTREAM_TRUNCATED:
        alias_question_go_tcp(alias, question);
        return true;
    case UPSTREAM_FAILED:
        if ((answer.rcode == PACKET_FORMERR || answer.rcode == PACKET_NOTIMP) && !question->is_plain) {
            question->is_plain = true; /* perhaps it does not know EDNS */
            alias_question_close(question);
            alias_question_try(alias, question);
            return true;
        }
        alias_question_refuse(alias, question);
        return true;
    case UPSTREAM_NEXT:
        alias_question_go_on(alias, question, &answer);
        return true;
    case UPSTREAM_NONE:
    case UPSTREAM_FOUND:
        alias_question_succeed(alias, question, &answer);
        return true;
    }
    return true;
}

static void alias_question_handle_udp(struct alias *alias, struct alias_question *question)
{
    for (unsigned i = 0; i < LIES_MAX; i++) {
        ssize_t n = recv(question->fd, alias->in, sizeof(alias->in), 0);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return;
        if (n < 0) { /* nobody listens there */
            alias_question_refuse(alias, question);
            return;
        }
        if (alias_question_read(alias, question, alias->in, (size_t)n))
            return;
    }
}

/* Connected: sends. 0, -EAGAIN when it is not yet, or another -errno. */
static int alias_question_connected(struct alias *alias, struct alias_question *question)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = question };

    int r;

    if (!question->in)
        question->in = mem_alloc(LENGTH + PACKET_MAX);
    if (!question->in)
        return -ENOMEM;
    r = alias_question_send(question);
    if (r == 0 && epoll_ctl(alias->epoll, EPOLL_CTL_MOD, question->fd, &event))
        r = -errno;
    return r;
}

static void alias_question_handle_tcp(struct alias *alias, struct alias_question *question)
{
    size_t whole;
    ssize_t n;

    if (!question->is_sent) {
        int r = alias_question_connected(alias, question);
        if (r && r != -EAGAIN)
            alias_question_refuse(alias, question);
        return;
    }
    n = recv(question->fd, question->in + question->in_n, LENGTH + PACKET_MAX - question->in_n, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        alias_question_refuse(alias, question);
        return;
    }
    question->in_n += (size_t)n;
    if (question->in_n < LENGTH)
        return;
    whole = LENGTH + packet_get_u16(question->in);
    if (question->in_n >= whole) {
        memcpy(alias->in, question->in + LENGTH, whole - LENGTH);
        alias_question_read(alias, question, alias->in, whole - LENGTH);
    }
}

void alias_question_handle(struct alias *alias, struct alias_question *question)
{
    if (!question->is_used || question->fd < 0)
        return;
    if (question->is_tcp)
        alias_question_handle_tcp(alias, question);
    else
        alias_question_handle_udp(alias, question);
}
