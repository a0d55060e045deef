/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS server's metrics; see dns_stats.h. */
#include "dns/dns_stats.h"

#include "dnswire/packet.h"

static const char *const type_words[DNS_TYPE_COUNT] = {
    [DNS_TYPE_A] = "A",     [DNS_TYPE_AAAA] = "AAAA", [DNS_TYPE_SRV] = "SRV", [DNS_TYPE_CNAME] = "CNAME",
    [DNS_TYPE_SOA] = "SOA", [DNS_TYPE_NS] = "NS",     [DNS_TYPE_ANY] = "ANY", [DNS_TYPE_OTHER] = "other"
};
static const char *const rcode_words[DNS_RCODE_COUNT] = {
    [DNS_RCODE_NOERROR] = "NOERROR",   [DNS_RCODE_FORMERR] = "FORMERR", [DNS_RCODE_SERVFAIL] = "SERVFAIL",
    [DNS_RCODE_NXDOMAIN] = "NXDOMAIN", [DNS_RCODE_NOTIMP] = "NOTIMP",   [DNS_RCODE_REFUSED] = "REFUSED",
    [DNS_RCODE_OTHER] = "other"
};

static const char *const rate_words[DNS_RATE_COUNT] = {
    [DNS_RATE_SLIPPED] = "slipped", [DNS_RATE_DROPPED] = "dropped"
};
static const char *const alias_words[DNS_ALIAS_COUNT] = {
    [DNS_ALIAS_HIT] = "hit", [DNS_ALIAS_STALE] = "stale", [DNS_ALIAS_MISS] = "miss", [DNS_ALIAS_FAILURE] = "failure"
};

void dns_stats_observe(struct dns_stats *stats, int64_t ns, uint64_t n)
{
    metric_histogram_observe_n(&stats->latency, METRIC_SECONDS, ns, n);
}

enum dns_stats_type dns_stats_type_of(unsigned type)
{
    switch (type) {
    case PACKET_A:
        return DNS_TYPE_A;
    case PACKET_AAAA:
        return DNS_TYPE_AAAA;
    case PACKET_SRV:
        return DNS_TYPE_SRV;
    case PACKET_CNAME:
        return DNS_TYPE_CNAME;
    case PACKET_SOA:
        return DNS_TYPE_SOA;
    case PACKET_NS:
        return DNS_TYPE_NS;
    case PACKET_ANY:
        return DNS_TYPE_ANY;
    default:
        return DNS_TYPE_OTHER;
    }
}

enum dns_stats_rcode dns_stats_rcode_of(unsigned rcode)
{
    return rcode < DNS_RCODE_OTHER ? (enum dns_stats_rcode)rcode : DNS_RCODE_OTHER;
}

/* The sum over the blocks of the counter that stands at `offset`; only of one transport when it matters. */
enum dns_stats_transport { DNS_UDP, DNS_TCP, DNS_BOTH };

static int64_t dns_stats_sum(const struct dns_stats_source *sources, size_t n, size_t offset,
                             enum dns_stats_transport transport)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        const uint64_t *counter = (const uint64_t *)(const void *)((const char *)sources[i].stats + offset);
        if (transport == DNS_BOTH || sources[i].is_tcp == (transport == DNS_TCP))
            sum += __atomic_load_n(counter, __ATOMIC_RELAXED);
    }
    return (int64_t)sum;
}

/* A family with a series for each of `words`, or for the two transports. */
static void dns_stats_write_words(struct buf *buf, const struct dns_stats_source *sources, size_t n, const char *name,
                                  const char *help, const char *label, const char *const *words, size_t n_words,
                                  size_t offset)
{
    metric_write_header(buf, name, help, METRIC_COUNTER);
    for (size_t i = 0; i < n_words; i++) {
        struct str_pair pair = { str_of(label), str_of(words[i]) };
        metric_write_sample(buf, name, &pair, 1, METRIC_COUNT,
                            dns_stats_sum(sources, n, offset + i * sizeof(uint64_t), DNS_BOTH));
    }
}

static void dns_stats_write_transports(struct buf *buf, const struct dns_stats_source *sources, size_t n,
                                       const char *name, const char *help, size_t offset)
{
    struct str_pair udp = { STR("transport"), STR("udp") }, tcp = { STR("transport"), STR("tcp") };

    metric_write_header(buf, name, help, METRIC_COUNTER);
    metric_write_sample(buf, name, &udp, 1, METRIC_COUNT, dns_stats_sum(sources, n, offset, DNS_UDP));
    metric_write_sample(buf, name, &tcp, 1, METRIC_COUNT, dns_stats_sum(sources, n, offset, DNS_TCP));
}

static void dns_stats_write_one(struct buf *buf, const struct dns_stats_source *sources, size_t n, const char *name,
                                const char *help, enum metric_kind kind, size_t offset)
{
    metric_write_header(buf, name, help, kind);
    metric_write_sample(buf, name, NULL, 0, METRIC_COUNT, dns_stats_sum(sources, n, offset, DNS_BOTH));
}

static void dns_stats_write_latency(struct buf *buf, const struct dns_stats_source *sources, size_t n)
{
    struct metric_histogram sum = { 0 };
    size_t buckets = offsetof(struct dns_stats, latency.bucket);

    for (size_t i = 0; i < METRIC_BUCKETS; i++)
        sum.bucket[i] = (uint64_t)dns_stats_sum(sources, n, buckets + i * sizeof(uint64_t), DNS_BOTH);
    sum.sum = (uint64_t)dns_stats_sum(sources, n, offsetof(struct dns_stats, latency.sum), DNS_BOTH);
    metric_write_header(buf, "cloudmap_dns_duration_seconds",
                        "Time from the arrival of a batch of DNS queries to the sending of its answers.",
                        METRIC_HISTOGRAM);
    metric_write_histogram(buf, "cloudmap_dns_duration_seconds", NULL, 0, METRIC_SECONDS, &sum);
}

void dns_stats_write_views(struct buf *buf, const struct dns_stats_source *sources, size_t n,
                           const struct dns_view_set *views)
{
    const char *names[DNS_STATS_VIEWS + 1];
    const struct dns_view *view;
    size_t n_names = 0;

    while (n_names < DNS_STATS_VIEWS && (view = dns_view_at(views, n_names)))
        names[n_names++] = view->name;
    if (n_names == DNS_STATS_VIEWS && dns_view_at(views, n_names))
        names[n_names++] = "other";
    dns_stats_write_words(buf, sources, n, "cloudmap_dns_view_queries_total",
                          "DNS queries by the VPC in whose networks the client is.", "view", names, n_names,
                          offsetof(struct dns_stats, views));
}

void dns_stats_write(struct buf *buf, const struct dns_stats_source *sources, size_t n)
{
    dns_stats_write_words(buf, sources, n, "cloudmap_dns_queries_total", "DNS queries by the type asked for.", "type",
                          type_words, DNS_TYPE_COUNT, offsetof(struct dns_stats, queries));
    dns_stats_write_words(buf, sources, n, "cloudmap_dns_answers_total", "DNS answers by response code.", "rcode",
                          rcode_words, DNS_RCODE_COUNT, offsetof(struct dns_stats, answers));
    dns_stats_write_words(buf, sources, n, "cloudmap_dns_alias_lookups_total",
                          "Alias targets outside that answers needed, by what was known of them.", "result",
                          alias_words, DNS_ALIAS_COUNT, offsetof(struct dns_stats, aliases));
    dns_stats_write_one(buf, sources, n, "cloudmap_dns_truncated_total",
                        "DNS answers that did not fit and told the client to use TCP.", METRIC_COUNTER,
                        offsetof(struct dns_stats, truncated));
    dns_stats_write_one(buf, sources, n, "cloudmap_dns_dropped_total",
                        "DNS messages that got no answer: too short, or answers themselves.", METRIC_COUNTER,
                        offsetof(struct dns_stats, dropped));
    dns_stats_write_words(buf, sources, n, "cloudmap_dns_rate_limited_total",
                          "DNS answers held back by the rate limit: dropped, or sent truncated or with BADCOOKIE.",
                          "outcome", rate_words, DNS_RATE_COUNT, offsetof(struct dns_stats, rate_limited));
    dns_stats_write_transports(buf, sources, n, "cloudmap_dns_received_bytes_total", "DNS messages received, bytes.",
                               offsetof(struct dns_stats, bytes_in));
    dns_stats_write_transports(buf, sources, n, "cloudmap_dns_sent_bytes_total", "DNS messages sent, bytes.",
                               offsetof(struct dns_stats, bytes_out));
    dns_stats_write_one(buf, sources, n, "cloudmap_dns_tcp_connections", "DNS connections that are open.", METRIC_GAUGE,
                        offsetof(struct dns_stats, tcp_open));
    dns_stats_write_one(buf, sources, n, "cloudmap_dns_tcp_accepted_total", "DNS connections accepted.", METRIC_COUNTER,
                        offsetof(struct dns_stats, tcp_accepted));
    dns_stats_write_one(buf, sources, n, "cloudmap_dns_tcp_refused_total",
                        "DNS connections closed at once because there were too many.", METRIC_COUNTER,
                        offsetof(struct dns_stats, tcp_refused));
    dns_stats_write_latency(buf, sources, n);
}
