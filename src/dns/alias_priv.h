/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the alias thread share. Members without a word are the thread's own. */
#pragma once

#include "dns/alias.h"
#include "dns/alias_cache.h"
#include "dns/answer.h"

#include <pthread.h>

#define ALIAS_OUT_SIZE 4096

struct alias_waiter {
    struct alias_waiter *next;
    struct alias_target target;
    int64_t since_ms;
    unsigned rounds; /* targets it waited for */
    int wake;        /* an eventfd, or -1 */
    int fd;          /* of a UDP query, or -1 */
    bool is_refresh; /* asks although it is known */
    struct sockaddr_storage peer;
    socklen_t peer_n;
    struct authority_client client;
    size_t control_n, n;
    _Alignas(max_align_t) uint8_t control[ALIAS_CONTROL_MAX];
    uint8_t query[ALIAS_QUERY_MAX];
};

struct alias_queue {
    struct alias_waiter *first, *last;
};

/* One target that is asked for. */
struct alias_question {
    bool is_used;
    struct alias_target target;
    struct dname name; /* asked now: the target, or where its CNAME records lead */
    unsigned links;
    uint32_t ttl; /* least of the CNAME records so far */
    int64_t started_ms, due_ms;
    unsigned attempts, refusals, lies;
    size_t server;
    bool is_tcp, is_sent, is_plain;
    int fd;
    struct upstream_question asked;
    uint8_t *in; /* over TCP */
    size_t in_n;
    struct alias_queue waiters;
    unsigned n_waiters;
};

struct alias {
    struct alias_config config;
    struct alias_cache cache;
    pthread_t thread;
    bool is_started;
    int epoll, wake;
    bool stopping; /* atomic */

    pthread_mutex_t mutex; /* held for a few instructions; guards the next five */
    bool is_closed;
    struct alias_queue inbox;
    struct alias_waiter *unused, *waiters;
    unsigned n_touched; /* of `waiters`; those behind were never used, and take no memory yet */

    struct alias_question questions[ALIAS_QUESTIONS_MAX];
    unsigned n_questions, n_waiting; /* n_waiting: queries that wait for a question */
    size_t preferred;                /* the server that answered last */
    int64_t now_ms, servers_read_ms;
    struct alias_queue todo; /* to be answered, or to wait for something else */
    struct answer_worker worker;
    uint8_t in[PACKET_MAX], out[ALIAS_OUT_SIZE];
};

/* Puts the waiter, which is in no queue, at the end. */
void alias_enqueue(struct alias_queue *queue, struct alias_waiter *waiter);

/* --- alias_question.c ----------------------------------------------------------------------------------------------
 */

/* Asks the first time. It may end at once: its waiters are in todo then. */
void alias_question_start(struct alias *alias, struct alias_question *question);
/* Something happened on its socket. */
void alias_question_handle(struct alias *alias, struct alias_question *question);
/* Its time for an answer is over. */
void alias_question_expire(struct alias *alias, struct alias_question *question);
/* Ends it: the socket is closed, those that wait go to todo. */
void alias_question_end(struct alias *alias, struct alias_question *question);
