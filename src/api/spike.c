/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls within the last window are estimated from two windows that lie side by side: those of the present one, and
 * of the one before as many as would still be within, had they come evenly. A burst is over when that is half of what
 * begins one. */
#include "api/spike.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/rand.h"
#include "model/service_event.h"
#include "registry/registry.h"

#include <errno.h>
#include <pthread.h>

#define EVENT_MAX 4096
#define TEXT_MAX 256 /* of longer ARNs the rest is not told */
#define ACCOUNT_MAX 16
#define REGION_MAX 64

struct text {
    size_t n;
    char p[TEXT_MAX];
};

/* What one principal does of one kind. */
struct tally {
    enum spike_kind kind;
    struct text who, account, region;
    int64_t begin_ms; /* of the present window */
    uint64_t n, n_before;
    bool is_burst;
    int64_t burst_ms;
    uint64_t burst_n;
};

struct spike {
    struct spike_config config;
    struct hash_key key;
    pthread_mutex_t mutex;
    /* under the mutex: */
    size_t n;
    uint64_t hashes[SPIKE_MAX];
    struct tally tallies[SPIKE_MAX];
};

static const struct {
    struct str event;
    const char *what;
    enum metric_id begun, going_on;
} kinds[SPIKE_KIND_COUNT] = {
    [SPIKE_REGISTRATIONS] = { { "RegistrationSpike", 17 },
                              "registrations",
                              METRIC_SPIKES_REGISTRATIONS,
                              METRIC_SPIKING_REGISTRATIONS },
    [SPIKE_REMOVALS] = { { "RemovalSpike", 12 }, "removals", METRIC_SPIKES_REMOVALS, METRIC_SPIKING_REMOVALS },
};

int spike_new(const struct spike_config *config, struct spike **ret_spike)
{
    struct spike *spike = config->most ? mem_zalloc(sizeof(*spike)) : NULL;
    int r;

    *ret_spike = NULL;
    if (!spike)
        return config->most ? -ENOMEM : 0;
    spike->config = *config;
    r = rand_secret(&spike->key, sizeof(spike->key));
    if (r < 0) {
        mem_free(spike);
        return r;
    }
    pthread_mutex_init(&spike->mutex, NULL);
    *ret_spike = spike;
    return 0;
}

void spike_free(struct spike *spike)
{
    if (!spike)
        return;
    pthread_mutex_destroy(&spike->mutex);
    mem_free(spike);
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

static struct str text_of(const struct text *text)
{
    return (struct str){ text->p, text->n };
}

static void note(const struct spike *spike, const struct tally *tally, int64_t ms)
{
    struct json_writer writer;
    struct buf text;

    buf_init(&text, EVENT_MAX);
    json_writer_init(&writer, &text);
    service_event_begin(&writer, kinds[tally->kind].event, text_of(&tally->account), text_of(&tally->region),
                        clock_wall_ms(spike->config.clock));
    json_field_string(&writer, STR("state"), tally->is_burst ? STR("Start") : STR("End"));
    json_field_string(&writer, STR("principal"), text_of(&tally->who));
    json_field_int(&writer, STR("calls"), (int64_t)tally->burst_n);
    json_field_int(&writer, STR("seconds"), ms / 1000);
    service_event_end(&writer);
    if (text.failed)
        metric_add(METRIC_AUDIT_DROPPED, 1);
    else
        registry_note(spike->config.registry, buf_str(&text));
    buf_fini(&text);
}

static void tell(const struct spike *spike, const struct tally *tally, int64_t now_ms)
{
    int64_t ms = tally->is_burst ? spike->config.window_ms : now_ms - tally->burst_ms;

    if (tally->is_burst)
        metric_add(kinds[tally->kind].begun, 1);
    metric_add(kinds[tally->kind].going_on, tally->is_burst ? 1 : -1);
    log_event(tally->is_burst ? LOG_AUDIT_SPIKE : LOG_AUDIT_SPIKE_OVER, LOG_S("principal", text_of(&tally->who)),
              LOG_C("what", kinds[tally->kind].what), LOG_I("calls", tally->burst_n), LOG_I("seconds", ms / 1000));
    if (spike->config.registry)
        note(spike, tally, ms);
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

/* The calls within the last window; moves the windows on. */
static uint64_t estimate(const struct spike *spike, struct tally *tally, int64_t now_ms)
{
    int64_t window_ms = spike->config.window_ms, into_ms = now_ms - tally->begin_ms;

    if (into_ms >= window_ms) {
        tally->n_before = into_ms < 2 * window_ms ? tally->n : 0;
        tally->n = 0;
        tally->begin_ms += into_ms / window_ms * window_ms;
        into_ms %= window_ms;
    }
    return tally->n + tally->n_before * (uint64_t)(window_ms - into_ms) / (uint64_t)window_ms;
}

/* Whether it changed from one to the other. */
static bool judge(const struct spike *spike, struct tally *tally, int64_t now_ms)
{
    uint64_t calls = estimate(spike, tally, now_ms);
    bool was_burst = tally->is_burst;

    tally->is_burst = was_burst ? calls > spike->config.most / 2 : calls > spike->config.most;
    if (tally->is_burst && !was_burst) {
        tally->burst_ms = now_ms - spike->config.window_ms;
        tally->burst_n = calls;
    }
    return tally->is_burst != was_burst;
}

static void copy_text(struct text *text, struct str from, size_t max)
{
    text->n = from.n < max ? from.n : max;
    memcpy(text->p, from.p, text->n);
}

/* A place for another principal: a new one, else the least busy one that is in no burst. NULL: all are. */
static struct tally *take_place(struct spike *spike, uint64_t hash, int64_t now_ms)
{
    size_t place = SPIKE_MAX;
    uint64_t least = UINT64_MAX;

    if (spike->n < SPIKE_MAX) {
        place = spike->n++;
    } else {
        for (size_t i = 0; i < SPIKE_MAX; i++) {
            uint64_t calls = spike->tallies[i].is_burst ? UINT64_MAX : estimate(spike, &spike->tallies[i], now_ms);
            if (calls < least) {
                least = calls;
                place = i;
            }
        }
    }
    if (place == SPIKE_MAX)
        return NULL;
    spike->hashes[place] = hash;
    spike->tallies[place] = (struct tally){ .begin_ms = now_ms };
    return &spike->tallies[place];
}

static struct tally *find_tally(struct spike *spike, enum spike_kind kind, struct str who, int64_t now_ms)
{
    uint64_t hash = hash_sip(&spike->key, who.p, who.n) + kind;
    struct tally *tally;

    for (size_t i = 0; i < spike->n; i++)
        if (spike->hashes[i] == hash && spike->tallies[i].kind == kind)
            return &spike->tallies[i];
    tally = take_place(spike, hash, now_ms);
    if (tally) {
        tally->kind = kind;
        copy_text(&tally->who, who, sizeof(tally->who.p));
    }
    return tally;
}

void spike_count(struct spike *spike, enum spike_kind kind, const struct principal *principal, struct str region)
{
    struct tally *tally, told = { .is_burst = false };
    bool is_told = false;
    int64_t now_ms;

    if (!spike)
        return;
    now_ms = clock_mono_ns(spike->config.clock) / 1000000;
    pthread_mutex_lock(&spike->mutex);
    tally = find_tally(spike, kind, principal_lasting_arn(principal), now_ms);
    if (tally) {
        estimate(spike, tally, now_ms);
        tally->n++;
        tally->burst_n++;
        copy_text(&tally->account, principal->account, ACCOUNT_MAX);
        copy_text(&tally->region, region, REGION_MAX);
        is_told = judge(spike, tally, now_ms);
        told = *tally;
    }
    pthread_mutex_unlock(&spike->mutex);
    if (is_told)
        tell(spike, &told, now_ms);
}

void spike_sweep(struct spike *spike)
{
    int64_t now_ms = spike ? clock_mono_ns(spike->config.clock) / 1000000 : 0;

    for (size_t i = 0; spike && i < SPIKE_MAX; i++) {
        struct tally *tally = &spike->tallies[i], told;
        bool is_told;
        pthread_mutex_lock(&spike->mutex);
        is_told = tally->is_burst && judge(spike, tally, now_ms);
        told = *tally;
        pthread_mutex_unlock(&spike->mutex);
        if (is_told)
            tell(spike, &told, now_ms);
    }
}
