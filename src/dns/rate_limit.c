/* SPDX-License-Identifier: Apache-2.0
 *
 * Rate limiting; see rate_limit.h. A word of the table holds 32 bits of the hash of network and answer, and the time,
 * in microseconds modulo 2^32, at which what was sent will be paid for; each answer adds the time between two answers
 * at the full rate, and is one too many when that would lead more than a second ahead. An entry whose time has come
 * says nothing any more, so a set gives up the one that is furthest behind: a flood of other clients does not make the
 * table forget whom it limits. */
#include "dns/rate_limit.h"

#include "base/hash.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SETS 8192
#define WAYS 8 /* words of a cache line */
#define LINE (WAYS * sizeof(uint64_t))
#define AHEAD_US 1000000 /* a second's answers at once */
#define LATE_US 1000000  /* most between the clocks of two threads */
#define IPV4_OCTETS 3    /* of a network */
#define IPV6_OCTETS 7
#define POINTER 0xc0

struct rate_limit_network {
    uint16_t family;
    uint64_t address[2], mask[2]; /* in network order */
};

struct rate_limit {
    struct hash_key key;
    uint32_t interval_us;
    unsigned n_exempt;
    struct rate_limit_network exempt[RATE_LIMIT_NETWORKS];
    uint64_t *sets; /* atomic; SETS * WAYS, each set in one cache line */
    uint8_t memory[(SETS + 1) * LINE];
};

/* --- who is exempt -------------------------------------------------------------------------------------------------
 */

static void rate_limit_load(const struct authority_client *client, uint64_t ret_address[2])
{
    ret_address[0] = ret_address[1] = 0;
    memcpy(ret_address, client->address, client->family == AF_INET ? 4 : 16);
}

static int rate_limit_read_network(const char *text, struct rate_limit_network *ret_network)
{
    struct authority_client client = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
    const char *slash = strchr(text, '/');
    uint8_t mask[16] = { 0 };
    char host[INET6_ADDRSTRLEN];
    uint64_t bits;

    if (!slash || (size_t)(slash - text) >= sizeof(host) || str_parse_u64(str_of(slash + 1), &bits) ||
        bits > (client.family == AF_INET ? 32 : 128))
        return -EINVAL;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    if (inet_pton(client.family, host, client.address) != 1)
        return -EINVAL;
    for (size_t i = 0; i < bits; i++)
        mask[i / 8] |= (uint8_t)(0x80 >> (i % 8));
    ret_network->family = client.family;
    rate_limit_load(&client, ret_network->address);
    memcpy(ret_network->mask, mask, sizeof(mask));
    return 0;
}

static bool rate_limit_is_exempt(const struct rate_limit *limit, const struct authority_client *client)
{
    uint64_t address[2];

    rate_limit_load(client, address);
    for (unsigned i = 0; i < limit->n_exempt; i++) {
        const struct rate_limit_network *network = &limit->exempt[i];
        if (network->family == client->family && (address[0] & network->mask[0]) == network->address[0] &&
            (address[1] & network->mask[1]) == network->address[1])
            return true;
    }
    return false;
}

int rate_limit_new(unsigned per_second, const char *const *exempt, size_t n_exempt, struct rate_limit **ret_limit)
{
    struct rate_limit *limit;
    uintptr_t memory;
    int r;

    if (per_second > RATE_LIMIT_MAX || n_exempt > RATE_LIMIT_NETWORKS)
        return -EINVAL;
    if (per_second == 0) {
        *ret_limit = NULL;
        return 0;
    }
    limit = mem_zalloc(sizeof(*limit));
    if (!limit)
        return -ENOMEM;
    memory = (uintptr_t)limit->memory;
    limit->sets = (uint64_t *)(void *)(limit->memory + (LINE - memory % LINE) % LINE);
    limit->interval_us = AHEAD_US / per_second;
    r = rand_secret(&limit->key, sizeof(limit->key));
    for (; r == 0 && limit->n_exempt < n_exempt; limit->n_exempt++)
        r = rate_limit_read_network(exempt[limit->n_exempt], &limit->exempt[limit->n_exempt]);
    if (r) {
        rate_limit_free(limit);
        return r;
    }
    *ret_limit = limit;
    return 0;
}

void rate_limit_free(struct rate_limit *limit)
{
    mem_free(limit);
}

/* --- what is the same answer ---------------------------------------------------------------------------------------
 */

/* Where the name begins that answers of the kind have in common. For a name that does not exist it is the zone, to
 * which the SOA record behind the question points: names at random do not get round the limit. */
static size_t rate_limit_name_at(const uint8_t *answer, size_t n, size_t question_end)
{
    size_t at;

    if (n - question_end < 2 || (answer[question_end] & POINTER) != POINTER)
        return PACKET_HEADER;
    at = packet_get_u16(answer + question_end) & 0x3fff;
    return at > PACKET_HEADER && at < question_end ? at : PACKET_HEADER;
}

/* Network and answer, hashed. Answers are the same when name and type are; those without records whatever the type was;
 * those that only refuse whatever the name was, too. */
static uint64_t rate_limit_hash(const struct rate_limit *limit, const struct authority_client *client,
                                const uint8_t *answer, size_t n)
{
    unsigned flags = packet_get_u16(answer + 2), rcode = flags & 15;
    bool has_records = packet_get_u16(answer + 6) || flags & PACKET_TC;
    size_t end = PACKET_HEADER, start, n_name = 0;
    _Alignas(8) uint8_t text[16 + DNAME_MAX + 8] = { 0 };

    text[0] = (uint8_t)client->family;
    memcpy(text + 1, client->address, client->family == AF_INET ? IPV4_OCTETS : IPV6_OCTETS);
    text[8] = (uint8_t)rcode;
    if (packet_get_u16(answer + 4) && (rcode == PACKET_NOERROR || rcode == PACKET_NXDOMAIN)) {
        while (answer[end])
            end += answer[end] + 1u; /* it is our own copy of a question that was read before */
        if (has_records)
            memcpy(text + 9, answer + end + 1, 2);
        text[11] = has_records;
        start = rcode == PACKET_NXDOMAIN && !has_records ? rate_limit_name_at(answer, n, end + 5) : PACKET_HEADER;
        n_name = end - start;
        for (size_t i = 0; i < n_name; i += 8) {
            uint64_t word;
            memcpy(&word, answer + start + i, 8); /* type and class of the question stand behind the name */
            word = dname_fold_word(word);
            memcpy(text + 12 + i, &word, 8);
        }
    }
    return hash_sip(&limit->key, text, 12 + n_name);
}

/* --- counting ------------------------------------------------------------------------------------------------------
 */

/* How far ahead of now the entry is, in microseconds; 0 when its time has come, however long ago. Threads look at the
 * clock once a batch, so another one's now may be later than this one's. */
static uint32_t rate_limit_ahead(uint64_t entry, uint32_t now)
{
    uint32_t ahead = (uint32_t)entry - now;

    return ahead <= AHEAD_US + LATE_US ? ahead : 0;
}

bool rate_limit_exceeds(struct rate_limit *limit, const struct authority_client *client, const uint8_t *answer,
                        size_t n, uint64_t now_us, uint8_t *ret_place)
{
    uint64_t hash, tag, *set, seen, *last = NULL;
    uint32_t now = (uint32_t)now_us, least = UINT32_MAX, ahead;

    if (rate_limit_is_exempt(limit, client))
        return false;
    hash = rate_limit_hash(limit, client, answer, n);
    tag = hash >> 32;
    set = limit->sets + hash % SETS * WAYS;
    for (unsigned i = 0; i < WAYS; i++) {
        seen = __atomic_load_n(&set[i], __ATOMIC_RELAXED);
        ahead = rate_limit_ahead(seen, now);
        while (seen >> 32 == tag) {
            if (ahead + limit->interval_us > AHEAD_US) {
                *ret_place = (uint8_t)tag;
                return true;
            }
            if (__atomic_compare_exchange_n(&set[i], &seen, tag << 32 | (uint32_t)(now + ahead + limit->interval_us),
                                            false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
                return false;
            ahead = rate_limit_ahead(seen, now); /* another thread was there */
        }
        if (ahead < least) {
            least = ahead;
            last = &set[i];
        }
    }
    __atomic_store_n(last, tag << 32 | (uint32_t)(now + limit->interval_us), __ATOMIC_RELAXED);
    return false;
}

/* --- what limited clients get --------------------------------------------------------------------------------------
 */

/* Nothing but the question and, when the client knows EDNS, an OPT record with a fresh cookie if it has any: with that
 * one, or over TCP, it shows that it is there. The client sent a cookie that is not good: BADCOOKIE says so (RFC 7873
 * 5.2.3, 5.2.4). An answer without a question is no larger than its query, and stays. */
static void rate_limit_slip(const struct answer_worker *worker, const struct authority_client *client,
                            const struct packet *query, uint8_t *answer, size_t *n)
{
    const struct answer_settings *settings = worker->settings;
    unsigned rcode = query->edns.has_cookie ? PACKET_BADCOOKIE : PACKET_NOERROR;
    unsigned flags = PACKET_QR | (query->flags & PACKET_RD) | (rcode ? 0 : PACKET_TC) | (rcode & 15);
    uint8_t *opt = answer + query->question_end, cookie[COOKIE_SIZE];
    size_t n_options = 0;

    if (!query->has_question || packet_get_u16(answer + 4) == 0)
        return;
    answer[2] = (uint8_t)(flags >> 8);
    answer[3] = (uint8_t)flags;
    memset(answer + 6, 0, PACKET_HEADER - 6);
    *n = query->question_end;
    if (!query->edns.present)
        return;
    if (query->edns.has_cookie) {
        cookie_make(settings->cookie_secret, client, (const uint8_t *)query->edns.cookie.p, worker->now_s, cookie);
        n_options =
            edns_put_option(opt + EDNS_OPT_SIZE, EDNS_COOKIE, (struct str){ (const char *)cookie, COOKIE_SIZE });
    }
    edns_put_opt(opt, settings->udp_size, rcode, query->edns.dnssec_ok, n_options);
    answer[11] = 1;
    *n += EDNS_OPT_SIZE + n_options;
}

enum rate_limit_verdict rate_limit_apply(struct answer_worker *worker, const struct authority_client *client,
                                         const uint8_t *query, size_t n_query, uint8_t *answer, size_t *n)
{
    const struct answer_settings *settings = worker->settings;
    size_t before = *n;
    struct packet packet;
    struct dname name;
    uint8_t place;

    if (!settings->rate_limit || before == 0 ||
        !rate_limit_exceeds(settings->rate_limit, client, answer, before, (uint64_t)worker->start_ns / 1000, &place))
        return RATE_LIMIT_PASSED;
    packet.has_question = packet.edns.has_cookie = false;
    if (packet_read(query, n_query, &packet, &name) == PACKET_OK && packet.edns.has_cookie &&
        cookie_is_good(settings->cookie_secret, client, packet.edns.cookie, worker->now_s))
        return RATE_LIMIT_PASSED;
    worker->limited[place] ^= 1;
    if (worker->limited[place]) {
        rate_limit_slip(worker, client, &packet, answer, n);
        dns_stats_add(&worker->stats.rate_limited[DNS_RATE_SLIPPED], 1);
    } else {
        *n = 0;
        dns_stats_add(&worker->stats.rate_limited[DNS_RATE_DROPPED], 1);
    }
    dns_stats_add(&worker->stats.bytes_out, *n - before); /* it was counted as composed */
    return *n ? RATE_LIMIT_SLIPPED : RATE_LIMIT_DROPPED;
}
