/* SPDX-License-Identifier: Apache-2.0
 *
 * A bucket is the time at which the calls so far are paid for; each call adds what one costs, and is one too many when
 * that would lead more than a burst ahead. A word holds 20 bits of the hash of who calls, and that time in ticks modulo
 * 2^44. A bucket whose time has come says nothing any more, so a set gives up the one that is furthest behind: a flood
 * of other principals does not make it forget whom it limits. */
#include "api/throttle.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"

#include <errno.h>

#define SETS 1024
#define WAYS 8
#define TICK_BITS 44 /* 12 days */
#define TICK_MASK ((UINT64_C(1) << TICK_BITS) - 1)
#define TICKS_PER_S UINT64_C(16000000)
#define NS_PER_16_TICKS 1000
#define BURST_TICKS (THROTTLE_BURST_S * TICKS_PER_S)
#define LATE_TICKS TICKS_PER_S /* most between the clocks of two threads */

struct throttle {
    struct hash_key key;
    uint64_t cost[THROTTLE_CLASS_COUNT]; /* of a call, in ticks; 0: no limit */
    uint64_t words[SETS][WAYS];          /* atomic */
};

int throttle_new(uint64_t discover_rate, uint64_t control_rate, struct throttle **ret_throttle)
{
    const uint64_t rates[] = { [THROTTLE_DISCOVER] = discover_rate,
                               [THROTTLE_REVISION] = THROTTLE_REVISIONS * discover_rate,
                               [THROTTLE_CONTROL] = control_rate };
    struct throttle *throttle = NULL;
    int r;

    *ret_throttle = NULL;
    if (discover_rate == 0 && control_rate == 0)
        return 0;
    throttle = mem_zalloc(sizeof(*throttle));
    if (!throttle)
        return -ENOMEM;
    r = rand_secret(&throttle->key, sizeof(throttle->key));
    if (r < 0) {
        mem_free(throttle);
        return r;
    }
    for (unsigned i = 0; i < THROTTLE_CLASS_COUNT; i++)
        throttle->cost[i] = rates[i] ? TICKS_PER_S / rates[i] : 0;
    *ret_throttle = throttle;
    return 0;
}

void throttle_free(struct throttle *throttle)
{
    mem_free(throttle);
}

/* How far ahead of now a bucket is; 0 when its time has come, however long ago. */
static uint64_t throttle_ahead(uint64_t word, uint64_t now)
{
    uint64_t ahead = (word - now) & TICK_MASK;

    return ahead <= BURST_TICKS + LATE_TICKS ? ahead : 0;
}

/* Counts one call in the word, in which `seen` stood a moment ago. A word that is another's by now is let alone. */
static bool throttle_count(uint64_t *word, uint64_t seen, uint64_t tag, uint64_t now, uint64_t cost)
{
    do {
        uint64_t ahead = throttle_ahead(seen, now);
        if (ahead + cost > BURST_TICKS)
            return true;
        if (__atomic_compare_exchange_n(word, &seen, tag | ((now + ahead + cost) & TICK_MASK), false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
            return false;
    } while ((seen & ~TICK_MASK) == tag);
    return false;
}

static uint64_t throttle_hash(const struct throttle *throttle, enum throttle_class class, struct str who,
                              struct str region)
{
    struct hash_sip hash;

    hash_sip_begin(&hash, &throttle->key);
    hash_sip13_put(&hash, hash_sip(&throttle->key, who.p, who.n));
    hash_sip13_put(&hash, hash_sip(&throttle->key, region.p, region.n));
    hash_sip13_put(&hash, class);
    return hash_sip13_end(&hash);
}

bool throttle_exceeds(struct throttle *throttle, enum throttle_class class, struct str who, struct str region,
                      int64_t now_ns)
{
    uint64_t now, hash, tag, *set, *least, least_ahead = UINT64_MAX;

    if (!throttle || throttle->cost[class] == 0)
        return false;
    now = (uint64_t)now_ns * 16 / NS_PER_16_TICKS & TICK_MASK;
    hash = throttle_hash(throttle, class, who, region);
    tag = hash & ~TICK_MASK;
    set = throttle->words[hash % SETS];
    least = set;
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t seen = __atomic_load_n(&set[i], __ATOMIC_RELAXED), ahead = throttle_ahead(seen, now);
        if ((seen & ~TICK_MASK) == tag)
            return throttle_count(&set[i], seen, tag, now, throttle->cost[class]);
        if (ahead < least_ahead) {
            least_ahead = ahead;
            least = &set[i];
        }
    }
    __atomic_store_n(least, tag | ((now + throttle->cost[class]) & TICK_MASK), __ATOMIC_RELAXED);
    return false;
}
