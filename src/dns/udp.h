/* SPDX-License-Identifier: Apache-2.0
 *
 * A UDP thread: takes what waits on one socket, up to a batch, answers it over one snapshot, sends. */
#pragma once

#include "base/clock.h"
#include "dns/answer.h"
#include "registry/snapshot.h"

struct udp;

/* Starts the thread; the socket is blocking and the thread's from now on, also when this fails. `with_address`: the
 * socket tells which of its addresses was asked. `ring` is the thread's in the query log, or NULL. What the pointers
 * name outlives the thread. 0 or -errno. */
int udp_start(int take_fd, bool with_address, const struct answer_settings *settings, const struct snapshot_head *head,
              const struct clock *clock, struct query_ring *ring, struct udp **ret_udp);
/* The socket is also somebody else's: at the end it is left as it is, and a wait on it ends by itself now and then. */
void udp_share(struct udp *udp);
/* Ends the thread and frees; accepts NULL. */
void udp_stop(struct udp *udp);
const struct dns_stats *udp_stats(const struct udp *udp);
