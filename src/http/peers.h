/* SPDX-License-Identifier: Apache-2.0
 *
 * How many connections each peer address has: IPv4 addresses, IPv6 by their /64, which one customer owns. Shared by
 * the workers of a server under a mutex; touched only when connections open and close. Any thread. */
#pragma once

#include "base/hash.h"

#include <pthread.h>
#include <sys/socket.h>

#define PEERS_BUCKETS 1024

struct peers {
    pthread_mutex_t mutex;
    struct hash_key key;
    unsigned max; /* 0 = no cap */
    struct peers_entry *buckets[PEERS_BUCKETS];
};

/* 0 or -errno. */
int peers_init(struct peers *peers, unsigned max);
/* Nothing may be counted in any more. */
void peers_fini(struct peers *peers);

/* Counts a connection in. 0, or 1 when its address has as many as it may, or memory is out: it must not be opened.
 * Loopback and unix peers are not counted. */
int peers_enter(struct peers *peers, const struct sockaddr *address);
/* For each peers_enter that gave 0. */
void peers_leave(struct peers *peers, const struct sockaddr *address);

bool peers_is_loopback(const struct sockaddr *address); /* unix included */
