/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking ahead; see scout.h. */
#include "dns/scout.h"

#include "dnswire/packet.h"

#define MANY_NAMES 16384 /* fewer fit into the caches */
#define LEVELS 6         /* 32^6 names; deeper ones are found without help */
#define CACHE_LINE 64
#define BLOCK_MAX 1024 /* eight SRV records */

/* The lookup of what a query asks for begins. */
static void scout_start(const struct snapshot *snapshot, const struct scout_query *query, struct trie_probe *probe)
{
    struct authority_client client = { .view = query->view };
    struct authority_name name;
    struct authority authority;
    size_t end;

    *probe = (struct trie_probe){ .node = NULL };
    if (query->n <= PACKET_HEADER || dname_read(query->p, query->n, PACKET_HEADER, &name.name, &end))
        return;
    authority_fold(snapshot, &name);
    if (authority_find(snapshot, &client, &name, &authority))
        trie_probe_start(probe, &authority.zone->owners, name.hash[0]);
}

/* All of the block, whose head is there. */
static void scout_fetch_block(const struct trie_item *item)
{
    size_t n = ((const struct owner *)item)->size;

    for (size_t at = CACHE_LINE; at < n && at < BLOCK_MAX; at += CACHE_LINE)
        __builtin_prefetch((const char *)item + at);
}

bool scout_pays(const struct snapshot *snapshot, unsigned n)
{
    return snapshot->n_owners >= MANY_NAMES && n >= 2;
}

void scout_fetch(const struct snapshot *snapshot, const struct scout_query *queries, unsigned n)
{
    struct trie_probe probes[SCOUT_MAX];

    for (unsigned i = 0; i < n; i++)
        scout_start(snapshot, &queries[i], &probes[i]);
    for (unsigned level = 0; level < LEVELS; level++)
        for (unsigned i = 0; i < n; i++)
            trie_probe_step(&probes[i]);
    for (unsigned i = 0; i < n; i++)
        if (probes[i].item)
            scout_fetch_block(probes[i].item);
}
