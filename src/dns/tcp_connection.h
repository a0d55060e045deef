/* SPDX-License-Identifier: Apache-2.0
 *
 * One DNS connection (RFC 7766): messages with their length in front, as many as the client likes to send, answered in
 * the order of their arrival. Knows of buffers and framing, not of sockets: what arrives is put in, what is to be sent
 * is taken out. A TCP thread only. */
#pragma once

#include "dns/answer.h"

#include <sys/socket.h>

#define TCP_QUERY_MAX 4096 /* longer messages are nobody's question: the connection is closed */

/* A zone transfer stands next, which is another thread's. */
#define TCP_CONNECTION_TRANSFER 3

struct tcp_connection {
    struct tcp_connection *before, *after; /* in the list of those that wait for the same */
    int fd;
    uint8_t wait;     /* enum tcp_wait of tcp.c */
    int64_t since_ms; /* when the wait began */
    int64_t asked_ms; /* since when the first message waits for an alias's target; 0: it does not */
    struct sockaddr_storage peer;
    struct authority_client client;
    uint8_t *pending; /* what the socket did not take yet */
    size_t pending_at, pending_n;
    size_t n;
    uint8_t in[2 + TCP_QUERY_MAX];
};

/* Where the octets of the next read go. */
uint8_t *tcp_connection_room(struct tcp_connection *connection, size_t *ret_n);

#define TCP_CONNECTION_WAITS 2

/* Answers complete messages into `out` (of `size` octets, of which at least 2 + PACKET_MAX are free at *n) while there
 * is room for the longest answer. Returns 1 when it stopped for lack of room, 0 when no whole message is left,
 * TCP_CONNECTION_WAITS when what worker->wanted says must be known first (worker->gives_up counts for one message), and
 * TCP_CONNECTION_TRANSFER when it did nothing but find one.
 * -1: the client sent what is no query at all, and is to be cut off. */
int tcp_connection_answer(struct tcp_connection *connection, struct answer_worker *worker,
                          const struct snapshot *snapshot, uint8_t *out, size_t size, size_t *n);
