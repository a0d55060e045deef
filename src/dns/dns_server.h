/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS server: sockets and threads over the registry's snapshots. Each worker has a UDP thread for every address and
 * one TCP thread. Used by the thread that starts and stops it; metrics from any thread. */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "dns/answer.h"
#include "dns/dns_socket.h"
#include "dns/transfer.h"

struct dns_config {
    const char *const *addresses; /* HOST:PORT */
    size_t n_addresses;
    const int *fds; /* passed sockets, used instead of the addresses when there are any; see dns_socket_adopt */
    size_t n_fds;
    unsigned workers;
    unsigned max_answers; /* 0: all */
    unsigned udp_size;
    unsigned tcp_connections;
    int64_t tcp_idle_ms;
    const char *const *name_servers; /* presentation form; at least one */
    size_t n_name_servers;
    const char *nsid;                     /* NULL: none */
    unsigned rate_limit;                  /* answers a second to a network, of each; 0: no limit */
    const char *const *rate_limit_exempt; /* ADDRESS/BITS */
    size_t n_rate_limit_exempt;
    unsigned query_log;               /* share of the queries to log, in millionths */
    const struct dns_view_set *views; /* NULL: everybody sees everything */
    const char *const *api_names;     /* answered with and without data- in front; see own_zone.h */
    size_t n_api_names;
    const char *const *api_addresses;
    size_t n_api_addresses;
    const char *const *resolvers; /* of alias targets: HOST:PORT of each, or `system`, or `none` */
    size_t n_resolvers;
    int64_t alias_max_ttl_ms, alias_stale_ms;
    const struct transfer_zone_config *transfers;
    size_t n_transfers;
    struct registry *registry;
    const struct clock *clock;
};

struct dns_server;

/* Everything is copied but views, registry and clock, which outlive the server. 0, -errno, or a condition of
 * dns_socket.h with its message. */
int dns_server_start(const struct dns_config *config, struct dns_server **ret_server, struct dns_message *ret_message);
/* Ends the threads; accepts NULL. */
void dns_server_stop(struct dns_server *server);
/* Address i with the port that it has, or NULL behind the last. */
const char *dns_server_address(const struct dns_server *server, size_t i);
/* Any thread. */
void dns_server_set_query_log(struct dns_server *server, unsigned millionths);
/* What its answers are made by; until dns_server_stop. */
const struct answer_settings *dns_server_settings(const struct dns_server *server);
void dns_server_write_metrics(const struct dns_server *server, struct buf *buf);
