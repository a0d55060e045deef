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
#include "dns/transfer.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <sys/socket.h>

#define SETS 16384
#define WAYS 4
#define SET (WAYS * sizeof(uint64_t))
#define LINE 64                         /* of the cache */
#define AHEAD_US 1000000                /* a second's answers at once */
#define LATE_US 1000000                 /* most between the clocks of two threads */
#define IPV4_NETWORK 0xffffff0000000000 /* of the first octets of an address */
#define IPV6_NETWORK 0xffffffffffffff00
#define POINTER 0xc0

struct rate_limit_ipv4 {
    uint32_t address, mask; /* in network order, as all of these */
};

struct rate_limit_ipv6 {
    uint64_t address[2], mask[2];
};

struct rate_limit {
    struct hash_key key;
    uint32_t interval_us;
    unsigned n_ipv4, n_ipv6;
    struct rate_limit_ipv4 ipv4[RATE_LIMIT_NETWORKS]; /* exempt */
    struct rate_limit_ipv6 ipv6[RATE_LIMIT_NETWORKS];
    uint64_t *sets; /* atomic; SETS * WAYS, no set in two cache lines */
    uint8_t memory[SETS * SET + LINE];
};

/* --- who is exempt -------------------------------------------------------------------------------------------------
 */

static int rate_limit_add_exempt(struct rate_limit *limit, const char *text)
{
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    const char *slash = strchr(text, '/');
    uint8_t address[16], mask[16] = { 0 };
    char host[INET6_ADDRSTRLEN];
    uint64_t bits;

    if (!slash || (size_t)(slash - text) >= sizeof(host) || str_parse_u64(str_of(slash + 1), &bits) ||
        bits > (family == AF_INET ? 32 : 128))
        return -EINVAL;
    memcpy(host, text, (size_t)(slash - text));
    host[slash - text] = '\0';
    if (inet_pton(family, host, address) != 1)
        return -EINVAL;
    for (size_t i = 0; i < bits; i++)
        mask[i / 8] |= (uint8_t)(0x80 >> (i % 8));
    if (family == AF_INET) {
        struct rate_limit_ipv4 *network = &limit->ipv4[limit->n_ipv4++];
        memcpy(&network->address, address, sizeof(network->address));
        memcpy(&network->mask, mask, sizeof(network->mask));
    } else {
        struct rate_limit_ipv6 *network = &limit->ipv6[limit->n_ipv6++];
        memcpy(network->address, address, sizeof(network->address));
        memcpy(network->mask, mask, sizeof(network->mask));
    }
    return 0;
}

static bool rate_limit_is_exempt_ipv4(const struct rate_limit *limit, const uint8_t client[4])
{
    uint32_t address;

    memcpy(&address, client, sizeof(address));
    for (unsigned i = 0; i < limit->n_ipv4; i++)
        if ((address & limit->ipv4[i].mask) == limit->ipv4[i].address)
            return true;
    return false;
}

static bool rate_limit_is_exempt_ipv6(const struct rate_limit *limit, const uint8_t client[16])
{
    uint64_t address[2];

    memcpy(address, client, sizeof(address));
    for (unsigned i = 0; i < limit->n_ipv6; i++)
        if ((address[0] & limit->ipv6[i].mask[0]) == limit->ipv6[i].address[0] &&
            (address[1] & limit->ipv6[i].mask[1]) == limit->ipv6[i].address[1])
            return true;
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
    for (size_t i = 0; r == 0 && i < n_exempt; i++)
        r = rate_limit_add_exempt(limit, exempt[i]);
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

/* n octets, small letters for capitals. */
static void rate_limit_put_name(struct hash_sip *hash, const uint8_t *p, size_t n)
{
    uint64_t word;

    for (; n > 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        hash_sip13_put(hash, dname_fold_word(word));
    }
    word = 0;
    memcpy(&word, p, 8); /* type and class of the question stand behind the name, and the answer's room goes on */
    word = le64toh(word) & (UINT64_MAX >> (64 - 8 * n));
    hash_sip13_put(hash, dname_fold_word(word));
}

/* Network and answer, hashed. Answers are the same when name and type are; those without records whatever the type was;
 * those that only refuse whatever the name was, too. */
static uint64_t rate_limit_hash(const struct rate_limit *limit, uint64_t network, const uint8_t *answer, size_t n)
{
    unsigned flags = packet_get_u16(answer + 2), rcode = flags & 15;
    bool has_records = packet_get_u16(answer + 6) || flags & PACKET_TC;
    uint64_t kind = rcode | (uint64_t)has_records << 8;
    size_t end = PACKET_HEADER, start = PACKET_HEADER;
    struct hash_sip hash;

    hash_sip_begin(&hash, &limit->key);
    hash_sip13_put(&hash, network);
    if (packet_get_u16(answer + 4) == 0 || (rcode != PACKET_NOERROR && rcode != PACKET_NXDOMAIN)) {
        hash_sip13_put(&hash, kind);
        return hash_sip13_end(&hash);
    }
    while (answer[end])
        end += answer[end] + 1u; /* it is our own copy of a question that was read before */
    if (has_records)
        kind |= (uint64_t)packet_get_u16(answer + end + 1) << 16;
    else if (rcode == PACKET_NXDOMAIN)
        start = rate_limit_name_at(answer, n, end + 5);
    hash_sip13_put(&hash, kind | (uint64_t)(end + 1 - start) << 32);
    rate_limit_put_name(&hash, answer + start, end + 1 - start); /* the root is a part, so that there is at least one */
    return hash_sip13_end(&hash);
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

/* Counts one more in the word, in which `seen` stood a moment ago; true: it was one too many. A word that is another
 * answer's by now is let alone. */
static bool rate_limit_count(const struct rate_limit *limit, uint64_t *word, uint64_t seen, uint64_t tag, uint32_t now)
{
    do {
        uint32_t ahead = rate_limit_ahead(seen, now);
        if (ahead + limit->interval_us > AHEAD_US)
            return true;
        if (__atomic_compare_exchange_n(word, &seen, tag << 32 | (uint32_t)(now + ahead + limit->interval_us), false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return false;
    } while (seen >> 32 == tag);
    return false;
}

/* The word that is least ahead. */
static uint64_t *rate_limit_find_least(uint64_t *set, uint32_t now)
{
    uint32_t least = UINT32_MAX;
    uint64_t *found = set;

    for (unsigned i = 0; i < WAYS; i++) {
        uint32_t ahead = rate_limit_ahead(__atomic_load_n(&set[i], __ATOMIC_RELAXED), now);
        if (ahead < least) {
            least = ahead;
            found = &set[i];
        }
    }
    return found;
}

bool rate_limit_exceeds(struct rate_limit *limit, const struct authority_client *client, const uint8_t *answer,
                        size_t n, uint64_t now_us, uint8_t *ret_place)
{
    uint64_t network = 0, hash, tag, *set;
    bool is_ipv4 = client->family == AF_INET;
    uint32_t now = (uint32_t)now_us;

    if (is_ipv4 ? rate_limit_is_exempt_ipv4(limit, client->address) : rate_limit_is_exempt_ipv6(limit, client->address))
        return false;
    memcpy(&network, client->address, 8);
    network = be64toh(network) & (is_ipv4 ? IPV4_NETWORK : IPV6_NETWORK);
    hash = rate_limit_hash(limit, network | is_ipv4, answer, n);
    tag = hash >> 32;
    set = limit->sets + hash % SETS * WAYS;
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t seen = __atomic_load_n(&set[i], __ATOMIC_RELAXED);
        if (seen >> 32 == tag) {
            *ret_place = (uint8_t)tag;
            return rate_limit_count(limit, &set[i], seen, tag, now);
        }
    }
    __atomic_store_n(rate_limit_find_least(set, now), tag << 32 | (uint32_t)(now + limit->interval_us),
                     __ATOMIC_RELAXED);
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

/* Has the client shown that it is who it says it is, by a cookie or by a key? */
static bool rate_limit_is_known(const struct answer_worker *worker, const struct authority_client *client,
                                const struct packet *packet, const uint8_t *query, size_t n)
{
    const struct answer_settings *settings = worker->settings;
    struct tsig_signer signer;

    if (packet->edns.has_cookie && cookie_is_good(settings->cookie_secret, client, packet->edns.cookie, worker->now_s))
        return true;
    return packet->has_tsig && settings->transfer &&
           transfer_verify(settings->transfer, query, n, worker->now_s, &signer) == TSIG_OK;
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
    if (packet_read(query, n_query, &packet, &name) == PACKET_OK &&
        rate_limit_is_known(worker, client, &packet, query, n_query))
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
