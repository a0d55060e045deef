/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS server: sockets and threads over the registry's snapshots. Each worker has a UDP thread for every address and
 * one TCP thread. Used by the thread that starts and stops it; metrics from any thread. */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "dns/dns_socket.h"
#include "dns/transfer.h"
#include "registry/snapshot.h"

struct dns_config {
    const char *const *addresses; /* HOST:PORT */
    size_t n_addresses;
    unsigned workers;
    unsigned max_answers; /* 0: all */
    unsigned udp_size;
    unsigned tcp_connections;
    int64_t tcp_idle_ms;
    const char *const *name_servers; /* presentation form; at least one */
    size_t n_name_servers;
    const char *nsid; /* NULL: none */
    const struct transfer_zone_config *transfers;
    size_t n_transfers;
    const struct snapshot_head *head;
    const struct clock *clock;
};

struct dns_server;

/* Everything is copied but head and clock, which outlive the server. 0, -errno, or a condition of dns_socket.h with its
 * message. */
int dns_server_start(const struct dns_config *config, struct dns_server **ret_server, struct dns_message *ret_message);
/* Ends the threads; accepts NULL. */
void dns_server_stop(struct dns_server *server);
/* Address i with the port that it has, or NULL behind the last. */
const char *dns_server_address(const struct dns_server *server, size_t i);
void dns_server_write_metrics(const struct dns_server *server, struct buf *buf);
