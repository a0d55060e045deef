/* SPDX-License-Identifier: Apache-2.0
 *
 * The DNS side of the state: which zones exist, and in each one which names. Zones are found by their name's hash;
 * under one name stand those of all tenants, private before public, the oldest first. A commit renews what it touched:
 * a name costs one path in its zone's trie and one in the trie of zones.
 *
 * zone_put* and zone_del*: writer thread, inside an edit; failures show in edit->failed. */
#pragma once

#include "registry/owner.h"

struct zone {
    const struct namespace *ns;
    struct str account, region; /* behind the structure */
    bool is_private;
    uint16_t vpc;       /* its number in the snapshot's map; of public zones VPC_DEFAULT */
    struct trie owners; /* of struct owner; by the hash of the whole name */
    uint32_t epoch;
};

/* Private zones of one VPC at names below another one. */
struct zone_below {
    uint32_t vpc;
    uint32_t n;
};

struct zone_name {
    struct trie_item item; /* the folded name */
    uint32_t n_below;      /* zones at names below this one */
    uint32_t n_private_below;
    uint32_t n_vpcs_below; /* that have the private ones: struct zone_below behind the zones */
    uint32_t n;
    struct zone *zones[];
};

static inline const struct zone_below *zone_below(const struct zone_name *place)
{
    return (const struct zone_below *)&place->zones[place->n];
}

/* The namespace is new, or changed; one that is no DNS namespace is passed over. */
void zone_put(struct edit *edit, struct snapshot *next, const struct tenant *tenant, const struct namespace *ns);
/* It is gone; no service has a name in it any more. */
void zone_del(struct edit *edit, struct snapshot *next, const struct namespace *ns);
/* The service is new or changed: its name with its records is made again, or taken out when it has none. */
void zone_put_service(struct edit *edit, struct snapshot *next, const struct namespace *ns,
                      const struct service_node *node);
void zone_del_service(struct edit *edit, struct snapshot *next, const struct namespace *ns,
                      const struct service *service);

/* Parts of state_free and state_forget_epochs. */
void zone_free_all(struct snapshot *snapshot);
void zone_forget_epochs(struct snapshot *snapshot);

/* Reading: NULL when there is none. The key is a folded name, the hash its dname_hash under the snapshot's key. */
static inline const struct zone_name *zone_find(const struct snapshot *snapshot, uint64_t hash, struct str key)
{
    return (const struct zone_name *)trie_find(&snapshot->zones, hash, key);
}

static inline const struct owner *zone_find_owner(const struct zone *zone, uint64_t hash, struct str key)
{
    return (const struct owner *)trie_find(&zone->owners, hash, key);
}
