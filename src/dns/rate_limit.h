/* SPDX-License-Identifier: Apache-2.0
 *
 * Response rate limiting: a network (IPv4 /24, IPv6 /56) that seems to ask over UDP for the same answer again and again
 * may be the victim of queries with a forged source, so it gets that answer only so many times a second. All threads
 * share one table of fixed size, in which an answer to a network is one word that is changed by compare-and-swap: the
 * rate holds for the server as a whole, whatever threads the kernel spreads the queries over, and nobody waits. */
#pragma once

#include "dns/answer.h"

#define RATE_LIMIT_MAX 1000000 /* a second */
#define RATE_LIMIT_NETWORKS 64 /* exempt */

/* 0, and *ret_limit NULL when `per_second` is 0: no limit. `exempt` are ADDRESS/BITS; of more than RATE_LIMIT_NETWORKS,
 * and of what is no network, nothing comes but -EINVAL. Else -errno. */
int rate_limit_new(unsigned per_second, const char *const *exempt, size_t n_exempt, struct rate_limit **ret_limit);
void rate_limit_free(struct rate_limit *limit); /* accepts NULL */

/* Any thread. Counts the answer (of n octets in a buffer of 512 or more) to the client; true: it has had too many like
 * it. `now_us` is monotonic. *ret_place tells answers apart, for whoever deals with the limited ones. */
bool rate_limit_exceeds(struct rate_limit *limit, const struct authority_client *client, const uint8_t *answer,
                        size_t n, uint64_t now_us, uint8_t *ret_place);

enum rate_limit_verdict {
    RATE_LIMIT_PASSED,
    RATE_LIMIT_SLIPPED, /* the answer was put in place of another: truncated, or BADCOOKIE */
    RATE_LIMIT_DROPPED  /* nothing is to be sent */
};
/* The same for a worker that has composed an answer to the query, at worker->start_ns: a limited answer gives way to a
 * small one every second time, and is dropped otherwise; *n is its size then. Clients with a good cookie, and
 * secondaries that sign, are who they say they are and are never limited. */
enum rate_limit_verdict rate_limit_apply(struct answer_worker *worker, const struct authority_client *client,
                                         const uint8_t *query, size_t n_query, uint8_t *answer, size_t *n);
