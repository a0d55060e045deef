/* SPDX-License-Identifier: Apache-2.0
 *
 * From the octets of a query to the octets of its answer, over one snapshot. Nothing here takes memory, locks or waits.
 * What a query can ask for and what it gets: RFC 1034, 1035, 2181, 2308, 2782, 6604, 6891, 8020, 8482, 8906, 8914. */
#pragma once

#include "base/rand.h"
#include "dns/alias.h"
#include "dns/authority.h"
#include "dns/cookie.h"
#include "dns/dns_stats.h"
#include "dns/own_zone.h"
#include "dnswire/composer.h"

#define ANSWER_MAX_PICKED 4096 /* records of 16 octets that fill the longest message */
#define ANSWER_MAX_NAME_SERVERS 13
#define ANSWER_MAX_NSID 64

/* What Route 53 gives its zones, but for its refresh and retry (7200 and 900), which checkers of zones find too short:
 * secondaries go by notices. Cloud Map's SOA property is the record's TTL, and so the negative one. */
#define ANSWER_SOA_REFRESH 14400
#define ANSWER_SOA_RETRY 3600
#define ANSWER_SOA_EXPIRE 1209600
#define ANSWER_SOA_MINIMUM 86400
#define ANSWER_NS_TTL 172800

struct rate_limit;
struct query_ring;
struct transfer;

/* What all answers of a server share. */
struct answer_settings {
    unsigned max_answers;  /* 0: all */
    uint16_t udp_size;     /* most octets of a UDP answer */
    unsigned keepalive_ds; /* what TCP clients are told, in tenths of a second */
    struct str nsid;       /* absent: none */
    struct dname name_servers[ANSWER_MAX_NAME_SERVERS];
    size_t n_name_servers;       /* at least 1; the first one is the primary of every SOA record */
    const struct own_zones *own; /* names of the server's own; NULL: none */
    uint8_t cookie_secret[COOKIE_SECRET];
    struct rate_limit *rate_limit;    /* NULL: none */
    const struct dns_view_set *views; /* NULL: everybody sees everything */
    struct alias *alias;              /* who knows the names outside that aliases stand for; NULL: nobody */
    struct transfer *transfer;        /* NULL: none */
};

/* A thread's own. */
struct answer_worker {
    const struct answer_settings *settings;
    struct dns_stats stats;
    struct rand rand;
    uint32_t now_s;                /* wall clock; its owner keeps it fresh to a few seconds */
    int64_t start_ns;              /* monotonic; when what is answered now arrived */
    struct query_ring *query_ring; /* NULL: no query log */
    uint8_t limited[256];          /* rate_limit.c: whose turn it is to be dropped */
    const struct instance *picked[ANSWER_MAX_PICKED];
    uint16_t seen[4 * ANSWER_MAX_PICKED]; /* addresses of one answer by hash */
    bool gives_up;                        /* set: nothing is waited for */
    bool is_wanted;                       /* after an answer of size 0: it waits for what is wanted, see alias.h */
    struct alias_target wanted;
};

/* Before the first answer; `settings` is borrowed. */
void answer_init(struct answer_worker *worker, const struct answer_settings *settings);

/* Writes the answer and counts it. `room` is at least 512. The size, or 0 when nothing is to be
 * sent, now or (`is_wanted`) at all. */
size_t answer_query(struct answer_worker *worker, const struct snapshot *snapshot,
                    const struct authority_client *client, bool is_tcp, const uint8_t *query, size_t n, uint8_t *out,
                    size_t room);
