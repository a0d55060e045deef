/* SPDX-License-Identifier: Apache-2.0
 *
 * What a DNS thread counts. Each thread has its own block and is the only one that writes it, so counting is a load and
 * a store; whoever renders metrics reads all blocks and may see one a little older than another. */
#pragma once

#include "base/metric.h"
#include "dns/dns_view.h"

enum dns_stats_type {
    DNS_TYPE_A,
    DNS_TYPE_AAAA,
    DNS_TYPE_SRV,
    DNS_TYPE_CNAME,
    DNS_TYPE_SOA,
    DNS_TYPE_NS,
    DNS_TYPE_ANY,
    DNS_TYPE_OTHER,
    DNS_TYPE_COUNT
};
enum dns_stats_rcode {
    DNS_RCODE_NOERROR,
    DNS_RCODE_FORMERR,
    DNS_RCODE_SERVFAIL,
    DNS_RCODE_NXDOMAIN,
    DNS_RCODE_NOTIMP,
    DNS_RCODE_REFUSED,
    DNS_RCODE_OTHER,
    DNS_RCODE_COUNT
};

enum dns_stats_rate { DNS_RATE_SLIPPED, DNS_RATE_DROPPED, DNS_RATE_COUNT };

#define DNS_STATS_VIEWS 100 /* with series of their own; the queries of the others are counted together */

/* What came of looking for an alias's target outside. */
enum dns_stats_alias {
    DNS_ALIAS_HIT,
    DNS_ALIAS_STALE,
    DNS_ALIAS_MISS, /* the query waits */
    DNS_ALIAS_FAILURE,
    DNS_ALIAS_COUNT
};

struct dns_stats {
    uint64_t views[DNS_STATS_VIEWS + 1];
    uint64_t queries[DNS_TYPE_COUNT], answers[DNS_RCODE_COUNT];
    uint64_t truncated, dropped;
    uint64_t rate_limited[DNS_RATE_COUNT];
    uint64_t aliases[DNS_ALIAS_COUNT];
    uint64_t bytes_in, bytes_out;
    uint64_t tcp_accepted, tcp_refused;
    int64_t tcp_open;
    struct metric_histogram latency;
};

static inline void dns_stats_add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* A query of the view with this index. */
static inline void dns_stats_count_view(struct dns_stats *stats, unsigned index)
{
    dns_stats_add(&stats->views[index < DNS_STATS_VIEWS ? index : DNS_STATS_VIEWS], 1);
}

/* n answers took so long, from the arrival of the batch that they were in. */
void dns_stats_observe(struct dns_stats *stats, int64_t ns, uint64_t n);
enum dns_stats_type dns_stats_type_of(unsigned type);
enum dns_stats_rcode dns_stats_rcode_of(unsigned rcode);

/* A thread's block. */
struct dns_stats_source {
    const struct dns_stats *stats;
    bool is_tcp;
};
/* The series of the DNS server, summed over its threads. */
void dns_stats_write_views(struct buf *buf, const struct dns_stats_source *sources, size_t n,
                           const struct dns_view_set *views);
void dns_stats_write(struct buf *buf, const struct dns_stats_source *sources, size_t n);
