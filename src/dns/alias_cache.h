/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of the addresses that aliases stand for: a table of fixed size whose places point to immutable entries.
 * Readers take no lock: they look while they hold a snapshot, and an entry that was replaced is freed a grace period
 * later, as snapshots are. One thread writes. */
#pragma once

#include "dns/upstream.h"
#include "registry/snapshot.h"

#define ALIAS_CACHE_BUCKETS 1024
#define ALIAS_CACHE_WAYS 8

enum alias_kind {
    ALIAS_ADDRESSES,
    ALIAS_NOTHING, /* the name has no addresses of the type, or does not exist */
    ALIAS_FAILURE  /* nobody could be asked, and nothing older is left */
};

/* A name that something is known of; times are monotonic milliseconds. Nothing changes but `is_asked`. */
struct alias_entry {
    int64_t fresh_until_ms;  /* of a failure: do not ask again before */
    int64_t stale_until_ms;  /* may be used so long while resolvers fail */
    int64_t failed_until_ms; /* resolvers failed: use what is stale until then without asking */
    uint32_t ttl;
    uint8_t kind; /* enum alias_kind */
    uint8_t type; /* PACKET_A or PACKET_AAAA */
    uint8_t n, name_n;
    bool is_nxdomain;
    bool is_asked;  /* atomic: somebody has seen to it that it is asked again */
    uint8_t data[]; /* n addresses; then the name */
};

struct alias_cache {
    struct hash_key key;
    const struct snapshot_head *head;                                  /* what readers hold */
    unsigned n;                                                        /* the writer's */
    struct alias_entry *places[ALIAS_CACHE_BUCKETS][ALIAS_CACHE_WAYS]; /* atomic */
};

/* Empty; `head` outlives it. 0 or -errno. */
int alias_cache_init(struct alias_cache *cache, const struct snapshot_head *head);
/* When there are no readers any more. */
void alias_cache_fini(struct alias_cache *cache);

/* The entry of a folded name, or NULL; valid while the caller holds its snapshot. Any reader; the writer at any time.
 */
struct alias_entry *alias_cache_find(const struct alias_cache *cache, const struct dname *name, enum packet_type type);
/* A new entry for the name with room for n addresses. NULL when memory is out. */
struct alias_entry *alias_cache_new_entry(const struct dname *name, enum packet_type type, unsigned n);
/* Puts it in the place of the one of that name, else in a free place or that of the entry that goes stale first. The
 * writer. */
void alias_cache_put(struct alias_cache *cache, struct alias_entry *take_entry);

static inline unsigned alias_cache_address_size(enum packet_type type)
{
    return type == PACKET_A ? 4 : 16;
}
