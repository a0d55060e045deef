/* SPDX-License-Identifier: Apache-2.0
 *
 * The query log; see query_log.h. A ring has one writer and one reader; `written` and `read` count without end and are
 * published by release stores. The log's thread looks after the rings every few milliseconds while there is a share. */
#include "dns/query_log.h"

#include "base/log.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#define RING_SIZE 2048 /* a power of two */
#define RINGS_MAX 8192
#define PERIOD_NS 10000000
#define KEPT (PACKET_HEADER + DNAME_MAX + 4) /* of a query: up to the end of the longest question */

struct query_record {
    struct authority_client client;
    bool is_tcp;
    uint8_t verdict; /* enum rate_limit_verdict */
    uint16_t rcode, flags;
    uint32_t us;
    uint32_t size; /* of the answer; 0: none was sent */
    uint16_t n;
    uint8_t query[KEPT];
};

struct query_ring {
    const unsigned *share; /* atomic; of the log */
    const struct clock *clock;
    uint64_t lost; /* atomic */
    uint8_t apart[64];
    uint64_t written; /* atomic; the DNS thread's */
    uint8_t apart_too[64];
    uint64_t read; /* atomic; the log's */
    struct query_record records[RING_SIZE];
};

struct query_log {
    const struct clock *clock;
    unsigned share; /* atomic */
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t wakeup;
    bool stopping;
    unsigned n_rings; /* atomic: grows while the thread runs */
    struct query_ring *rings[RINGS_MAX];
};

/* --- a DNS thread's side -------------------------------------------------------------------------------------------
 */

bool query_log_is_on(const struct query_ring *ring)
{
    return __atomic_load_n(ring->share, __ATOMIC_RELAXED) > 0;
}

/* The whole response code: its upper bits stand in the OPT record, which follows the question when they are not 0. */
static unsigned query_log_rcode(const uint8_t *answer, size_t n)
{
    static const uint8_t only_opt[6] = { 0, 0, 0, 0, 0, 1 };
    unsigned rcode = answer[3] & 15;
    size_t at = PACKET_HEADER;

    if (memcmp(answer + 6, only_opt, sizeof(only_opt)))
        return rcode;
    if (packet_get_u16(answer + 4) && dname_skip(answer, n, at, &at) == 0)
        at += 4;
    return n - at >= EDNS_OPT_SIZE ? rcode | (unsigned)answer[at + 5] << 4 : rcode;
}

void query_log_put(struct answer_worker *worker, const struct authority_client *client, bool is_tcp,
                   enum rate_limit_verdict verdict, const uint8_t *query, size_t n_query, const uint8_t *answer,
                   size_t n_answer)
{
    struct query_ring *ring = worker->query_ring;
    uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_RELAXED);
    struct query_record *record = &ring->records[written % RING_SIZE];

    if (rand_below(&worker->rand, QUERY_LOG_ALL) >= __atomic_load_n(ring->share, __ATOMIC_RELAXED))
        return;
    if (written - __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE) == RING_SIZE) {
        __atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
        return;
    }
    record->client = *client;
    record->is_tcp = is_tcp;
    record->verdict = (uint8_t)verdict;
    record->us = (uint32_t)((clock_mono_ns(ring->clock) - worker->start_ns) / 1000);
    record->size = (uint32_t)n_answer;
    record->rcode = record->flags = 0;
    if (n_answer) {
        record->rcode = (uint16_t)query_log_rcode(answer, n_answer);
        record->flags = packet_get_u16(answer + 2);
    }
    record->n = (uint16_t)(n_query < KEPT ? n_query : KEPT);
    memcpy(record->query, query, record->n);
    __atomic_store_n(&ring->written, written + 1, __ATOMIC_RELEASE);
}

/* --- lines ---------------------------------------------------------------------------------------------------------
 */

#define WORD_MAX 16

struct query_word {
    unsigned number;
    const char *word;
};

static const struct query_word type_words[] = {
    { PACKET_A, "A" },
    { PACKET_NS, "NS" },
    { PACKET_CNAME, "CNAME" },
    { PACKET_SOA, "SOA" },
    { 12, "PTR" },
    { 15, "MX" },
    { PACKET_TXT, "TXT" },
    { PACKET_AAAA, "AAAA" },
    { PACKET_SRV, "SRV" },
    { 35, "NAPTR" },
    { 43, "DS" },
    { 48, "DNSKEY" },
    { 64, "SVCB" },
    { 65, "HTTPS" },
    { PACKET_IXFR, "IXFR" },
    { PACKET_AXFR, "AXFR" },
    { PACKET_ANY, "ANY" },
    { 257, "CAA" },
};
static const struct query_word rcode_words[] = {
    { PACKET_NOERROR, "NOERROR" },   { PACKET_FORMERR, "FORMERR" }, { PACKET_SERVFAIL, "SERVFAIL" },
    { PACKET_NXDOMAIN, "NXDOMAIN" }, { PACKET_NOTIMP, "NOTIMP" },   { PACKET_REFUSED, "REFUSED" },
    { PACKET_NOTAUTH, "NOTAUTH" },   { PACKET_BADVERS, "BADVERS" }, { PACKET_BADCOOKIE, "BADCOOKIE" },
};

static struct str query_log_word(const struct query_word *words, size_t n, const char *prefix, unsigned number,
                                 char room[WORD_MAX])
{
    for (size_t i = 0; i < n; i++)
        if (words[i].number == number)
            return str_of(words[i].word);
    snprintf(room, WORD_MAX, "%s%u", prefix, number & 0xffff);
    return str_of(room);
}

#define QUERY_WORD(words, prefix, number, room) \
    query_log_word(words, sizeof(words) / sizeof((words)[0]), prefix, number, room)

/* Appends a word to a list with blanks between. */
static void query_log_add_word(char *list, size_t size, const char *word)
{
    size_t n = strlen(list);

    snprintf(list + n, size - n, "%s%s", n ? " " : "", word);
}

static void query_log_write(const struct query_record *record)
{
    char client[INET6_ADDRSTRLEN], name_text[DNAME_TEXT_MAX], type_room[WORD_MAX], rcode_room[WORD_MAX];
    char flags[64] = "";
    struct str name = { 0 }, type = { 0 }, rcode = { 0 };
    struct dname read;
    size_t end;

    inet_ntop(record->client.family, record->client.address, client, sizeof(client));
    if (record->n > PACKET_HEADER && packet_get_u16(record->query + 4) == 1 &&
        dname_read(record->query, record->n, PACKET_HEADER, &read, &end) == 0 && record->n - end >= 4u) {
        name = (struct str){ name_text, dname_text(&read, name_text) };
        type = QUERY_WORD(type_words, "TYPE", packet_get_u16(record->query + end), type_room);
    }
    if (record->size)
        rcode = QUERY_WORD(rcode_words, "RCODE", record->rcode, rcode_room);
    if (record->is_tcp)
        query_log_add_word(flags, sizeof(flags), "tcp");
    if (record->flags & PACKET_TC)
        query_log_add_word(flags, sizeof(flags), "truncated");
    if (record->verdict != RATE_LIMIT_PASSED)
        query_log_add_word(flags, sizeof(flags), "limited");
    log_event(LOG_DNS_QUERY, LOG_C("client", client), LOG_S("name", name), LOG_S("type", type), LOG_S("rcode", rcode),
              LOG_C("flags", flags), LOG_I("size", record->size), LOG_I("us", record->us));
}

/* Writes what waits in the rings; whether there was anything. */
static bool query_log_drain(struct query_log *log)
{
    unsigned n = __atomic_load_n(&log->n_rings, __ATOMIC_ACQUIRE);
    bool any = false;

    for (unsigned i = 0; i < n; i++) {
        struct query_ring *ring = log->rings[i];
        uint64_t read = __atomic_load_n(&ring->read, __ATOMIC_RELAXED);
        uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);
        for (; read < written; read++) {
            query_log_write(&ring->records[read % RING_SIZE]);
            __atomic_store_n(&ring->read, read + 1, __ATOMIC_RELEASE);
            any = true;
        }
    }
    return any;
}

/* Waits for the next round; false: the log ends. */
static bool query_log_wait(struct query_log *log)
{
    struct timespec until;
    bool stopping;

    pthread_mutex_lock(&log->mutex);
    if (!log->stopping && __atomic_load_n(&log->share, __ATOMIC_RELAXED)) {
        clock_gettime(CLOCK_MONOTONIC, &until); /* for the condition: the server's clock may be a held one */
        until.tv_nsec += PERIOD_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&log->wakeup, &log->mutex, &until);
    } else if (!log->stopping) {
        pthread_cond_wait(&log->wakeup, &log->mutex);
    }
    stopping = log->stopping;
    pthread_mutex_unlock(&log->mutex);
    return !stopping;
}

static void *query_log_run(void *arg)
{
    struct query_log *log = arg;

    pthread_setname_np(pthread_self(), "dns-log");
    while (query_log_wait(log))
        query_log_drain(log);
    query_log_drain(log); /* the DNS threads have ended */
    return NULL;
}

/* --- the log -------------------------------------------------------------------------------------------------------
 */

static int query_log_init_wakeup(struct query_log *log)
{
    pthread_condattr_t attributes;
    int r = -pthread_condattr_init(&attributes);

    if (r)
        return r;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    r = -pthread_cond_init(&log->wakeup, &attributes);
    pthread_condattr_destroy(&attributes);
    return r;
}

int query_log_new(const struct clock *clock, struct query_log **ret_log)
{
    struct query_log *log = mem_zalloc(sizeof(*log));
    int r;

    if (!log)
        return -ENOMEM;
    log->clock = clock;
    r = -pthread_mutex_init(&log->mutex, NULL);
    if (r)
        goto out_free;
    r = query_log_init_wakeup(log);
    if (r)
        goto out_mutex;
    r = -pthread_create(&log->thread, NULL, query_log_run, log);
    if (r)
        goto out_wakeup;
    *ret_log = log;
    return 0;

out_wakeup:
    pthread_cond_destroy(&log->wakeup);
out_mutex:
    pthread_mutex_destroy(&log->mutex);
out_free:
    mem_free(log);
    return r;
}

void query_log_free(struct query_log *log)
{
    if (!log)
        return;
    pthread_mutex_lock(&log->mutex);
    log->stopping = true;
    pthread_cond_signal(&log->wakeup);
    pthread_mutex_unlock(&log->mutex);
    pthread_join(log->thread, NULL);
    pthread_cond_destroy(&log->wakeup);
    pthread_mutex_destroy(&log->mutex);
    for (unsigned i = 0; i < log->n_rings; i++)
        mem_free(log->rings[i]);
    mem_free(log);
}

void query_log_set_share(struct query_log *log, unsigned millionths)
{
    pthread_mutex_lock(&log->mutex);
    __atomic_store_n(&log->share, millionths, __ATOMIC_RELAXED);
    pthread_cond_signal(&log->wakeup);
    pthread_mutex_unlock(&log->mutex);
}

struct query_ring *query_log_add_ring(struct query_log *log)
{
    struct query_ring *ring = NULL;

    pthread_mutex_lock(&log->mutex);
    if (log->n_rings < RINGS_MAX)
        ring = mem_zalloc(sizeof(*ring)); /* untouched pages cost nothing */
    if (ring) {
        ring->share = &log->share;
        ring->clock = log->clock;
        log->rings[log->n_rings] = ring;
        __atomic_store_n(&log->n_rings, log->n_rings + 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&log->mutex);
    return ring;
}

uint64_t query_log_count_lost(const struct query_log *log)
{
    unsigned n = __atomic_load_n(&log->n_rings, __ATOMIC_ACQUIRE);
    uint64_t lost = 0;

    for (unsigned i = 0; i < n; i++)
        lost += __atomic_load_n(&log->rings[i]->lost, __ATOMIC_RELAXED);
    return lost;
}
