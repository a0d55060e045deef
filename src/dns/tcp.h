/* SPDX-License-Identifier: Apache-2.0
 *
 * A TCP thread: its listening sockets and their connections. A client has some seconds for its first message and less
 * between the octets of one; connections that say nothing are closed, sooner when most places are taken. */
#pragma once

#include "base/clock.h"
#include "dns/answer.h"
#include "http/peers.h"
#include "registry/snapshot.h"

struct tcp_limits {
    unsigned connections; /* of this thread */
    int64_t idle_ms;
};

struct tcp;

/* Starts the thread over n listening sockets, which are its own from now on, also when this fails. `peers` counts over
 * all threads. `ring` is the thread's in the query log, or NULL. What the pointers name outlives the thread. 0 or
 * -errno. */
int tcp_start(const int *take_fds, size_t n, const struct tcp_limits *limits, struct peers *peers,
              const struct answer_settings *settings, const struct snapshot_head *head, const struct clock *clock,
              struct query_ring *ring, struct tcp **ret_tcp);
/* Closes everything, ends the thread and frees; accepts NULL. */
void tcp_stop(struct tcp *tcp);
const struct dns_stats *tcp_stats(const struct tcp *tcp);
