/* SPDX-License-Identifier: Apache-2.0
 *
 * Zone transfer: configured zones are given to their secondaries whole (AXFR, RFC 5936) or as what changed (IXFR, RFC
 * 1995), and secondaries are told of changes (NOTIFY, RFC 1996). Who may ask is a matter of address, and of a key where
 * the zone has one (TSIG, RFC 8945).
 *
 * The serial is the registry's revision. Addresses of aliases change without one: then a revision of nothing is made,
 * so that serials go on as they do for everything else, over restarts too, and the SOA record of answers is the same
 * one.
 *
 * The TCP threads hand a connection that asks for a transfer over to a thread of this part, which may wait on the
 * client; what is sent are shared sets of records, so that no snapshot is held meanwhile. */
#pragma once

#include "base/clock.h"
#include "dns/authority.h"
#include "dns/dns_socket.h"
#include "dnswire/tsig.h"
#include "registry/registry.h"

#define TRANSFER_MAX_ZONES 256
#define TRANSFER_MAX_SECONDARIES 16
#define TRANSFER_MAX_RUNNING 8
#define TRANSFER_MESSAGE 16384 /* octets of a message: names behind cannot be pointed to */

struct transfer_zone_config {
    const char *zone;
    const char *const *secondaries; /* HOST:PORT */
    size_t n_secondaries;
    const char *key; /* NAME:BASE64, or a file that holds that; NULL: none */
    const char *vpc; /* NULL: the public zone */
};

struct transfer_config {
    const struct transfer_zone_config *zones;
    size_t n_zones;
    const struct dname *name_servers; /* borrowed */
    size_t n_name_servers;
    const struct dns_view_set *views; /* NULL: everybody sees everything */
    struct alias *alias;              /* who knows the names elsewhere that aliases stand for; NULL: nobody */
    struct registry *registry;        /* asked for a new revision when their addresses change */
    const struct clock *clock;
};

struct transfer;

/* 0, -errno, or a condition of dns_socket.h with its message. No zones: *ret_transfer is NULL. */
int transfer_start(const struct transfer_config *config, struct transfer **ret_transfer,
                   struct dns_message *ret_message);
/* Cuts running transfers off; accepts NULL. */
void transfer_stop(struct transfer *transfer);

/* The rest: any thread. */

/* Checks the signature of a query that has one, by the keys of all zones; see tsig_verify. */
enum tsig_error transfer_verify(const struct transfer *transfer, const uint8_t *query, size_t n, uint64_t now_s,
                                struct tsig_signer *ret_signer);
/* May the client, by the key of its query (NULL: unsigned), have the zone of that folded name? */
bool transfer_permits(const struct transfer *transfer, const struct authority_client *client, const struct dname *name,
                      const struct tsig_key *key);
/* Is the message a request for a transfer over TCP that is granted, and is there somebody to serve it? */
bool transfer_wants(struct transfer *transfer, const struct authority_client *client, const uint8_t *message, size_t n);
/* Takes a connection over, with what was read from it: 0, or 1 when nobody is free any more; the socket is the
 * caller's then. */
int transfer_take(struct transfer *transfer, int fd, const struct authority_client *client, const uint8_t *in,
                  size_t n);
