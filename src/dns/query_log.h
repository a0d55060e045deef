/* SPDX-License-Identifier: Apache-2.0
 *
 * The query log: one line a query, or for a share of them. A DNS thread copies what it saw into a ring of its own,
 * which costs no system call and no lock; one thread of the log makes lines of it. When the log is written more slowly
 * than queries come, the rings are full and queries go unlogged: they are counted, and nobody waits. */
#pragma once

#include "base/clock.h"
#include "dns/rate_limit.h"

#define QUERY_LOG_ALL 1000000 /* a share is in millionths */

struct query_log;

/* Starts the log's thread, with the share 0. 0 or -errno. */
int query_log_new(const struct clock *clock, struct query_log **ret_log);
/* Writes what waits, ends the thread and frees, the rings too; accepts NULL. */
void query_log_free(struct query_log *log);
/* Any thread: the share of the queries to log from now on. */
void query_log_set_share(struct query_log *log, unsigned millionths);
/* A ring for one DNS thread, which writes it until query_log_free; NULL when memory is out: it
 * goes unlogged. */
struct query_ring *query_log_add_ring(struct query_log *log);
/* Any thread: lines lost because a ring was full. */
uint64_t query_log_count_lost(const struct query_log *log);

/* What query_log_note puts in when the query is one of the share. */
void query_log_put(struct answer_worker *worker, const struct authority_client *client, bool is_tcp,
                   enum rate_limit_verdict verdict, const uint8_t *query, size_t n_query, const uint8_t *answer,
                   size_t n_answer);
bool query_log_is_on(const struct query_ring *ring);

/* The worker's own thread: what was asked at worker->start_ns, and the answer that it got. Without one (n_answer 0)
 * only what the rate limit dropped is logged: the rest was no query, or has no answer yet. */
static inline void query_log_note(struct answer_worker *worker, const struct authority_client *client, bool is_tcp,
                                  enum rate_limit_verdict verdict, const uint8_t *query, size_t n_query,
                                  const uint8_t *answer, size_t n_answer)
{
    if (worker->query_ring && (n_answer || verdict != RATE_LIMIT_PASSED) &&
        __builtin_expect(query_log_is_on(worker->query_ring), 0))
        query_log_put(worker, client, is_tcp, verdict, query, n_query, answer, n_answer);
}
