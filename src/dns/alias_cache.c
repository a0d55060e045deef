/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of alias targets; see alias_cache.h. */
#include "dns/alias_cache.h"

#include "base/hash.h"

int alias_cache_init(struct alias_cache *cache, const struct snapshot_head *head)
{
    memset(cache, 0, sizeof(*cache));
    cache->head = head;
    return rand_secret(&cache->key, sizeof(cache->key)); /* nobody can aim at a bucket */
}

void alias_cache_fini(struct alias_cache *cache)
{
    for (unsigned i = 0; i < ALIAS_CACHE_BUCKETS; i++)
        for (unsigned k = 0; k < ALIAS_CACHE_WAYS; k++)
            snapshot_block_free(cache->places[i][k]);
}

static unsigned alias_cache_bucket(const struct alias_cache *cache, const uint8_t *name, size_t n)
{
    return (unsigned)(hash_sip(&cache->key, name, n) % ALIAS_CACHE_BUCKETS);
}

static const uint8_t *alias_cache_name(const struct alias_entry *entry)
{
    return entry->data + entry->n * alias_cache_address_size((enum packet_type)entry->type);
}

static bool alias_cache_is(const struct alias_entry *entry, const uint8_t *name, size_t n, unsigned type)
{
    return entry && entry->type == type && entry->name_n == n && memcmp(alias_cache_name(entry), name, n) == 0;
}

struct alias_entry *alias_cache_find(const struct alias_cache *cache, const struct dname *name, enum packet_type type)
{
    struct alias_entry *const *places = cache->places[alias_cache_bucket(cache, name->wire, name->n)];

    for (unsigned i = 0; i < ALIAS_CACHE_WAYS; i++) {
        struct alias_entry *entry = __atomic_load_n(&places[i], __ATOMIC_ACQUIRE);
        if (alias_cache_is(entry, name->wire, name->n, type))
            return entry;
    }
    return NULL;
}

struct alias_entry *alias_cache_new_entry(const struct dname *name, enum packet_type type, unsigned n)
{
    size_t size = (size_t)n * alias_cache_address_size(type);
    struct alias_entry *entry = snapshot_block_new(sizeof(*entry) + size + name->n);

    if (!entry)
        return NULL;
    entry->type = (uint8_t)type;
    entry->n = (uint8_t)n;
    entry->name_n = name->n;
    memcpy(entry->data + size, name->wire, name->n);
    return entry;
}

void alias_cache_put(struct alias_cache *cache, struct alias_entry *take_entry)
{
    const uint8_t *name = alias_cache_name(take_entry);
    struct alias_entry **places = cache->places[alias_cache_bucket(cache, name, take_entry->name_n)], *old;
    unsigned at = 0;

    for (unsigned i = 0; i < ALIAS_CACHE_WAYS; i++) {
        if (alias_cache_is(places[i], name, take_entry->name_n, take_entry->type)) {
            at = i;
            break;
        }
        if (!places[i] || (places[at] && places[i]->stale_until_ms < places[at]->stale_until_ms))
            at = i;
    }
    old = places[at];
    __atomic_store_n(&places[at], take_entry, __ATOMIC_RELEASE);
    cache->n += old == NULL;
    snapshot_block_give_up(cache->head, old);
}
