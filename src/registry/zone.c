/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of DNS names; see zone.h. */
#include "registry/zone.h"

#include "base/mem.h"
#include "registry/vpc.h"

/* A name with its hashes. */
struct zone_key {
    struct dname name;
    uint64_t hash[DNAME_MAX_LABELS + 1];
};

static void zone_hash(const struct snapshot *snapshot, struct zone_key *key)
{
    dname_hash(&snapshot->name_key, &key->name, key->hash);
}

/* --- names of zones ----------------------------------------------------------------------------------------------- */

static struct zone_below *zone_below_of(struct zone_name *place)
{
    return (struct zone_below *)(uintptr_t)zone_below(place);
}

static struct zone_name *zone_alloc_name(struct edit *edit, uint64_t hash, struct str name, uint32_t n, uint32_t n_vpcs)
{
    size_t n_zones = n * sizeof(struct zone *), n_below = n_vpcs * sizeof(struct zone_below);
    struct zone_name *place = edit_alloc(edit, sizeof(*place) + n_zones + n_below + name.n);

    if (!place)
        return NULL;
    *place = (struct zone_name){ .item = { .hash = hash, .key_n = (uint32_t)name.n, .epoch = edit->epoch },
                                 .n_vpcs_below = n_vpcs,
                                 .n = n };
    place->item.key = (const uint8_t *)&zone_below(place)[n_vpcs];
    memcpy(&zone_below_of(place)[n_vpcs], name.p, name.n);
    return place;
}

/* The name with room for n zones and n_vpcs VPCs below, as a block of this edit that stands in the trie; made when it
 * is new. What was there is taken over as far as there is room. */
static struct zone_name *zone_own_name(struct edit *edit, struct snapshot *next, uint64_t hash, struct str name,
                                       uint32_t n, uint32_t n_vpcs)
{
    const struct zone_name *old = zone_find(next, hash, name);
    struct zone_name *place;

    if (old && old->item.epoch == edit->epoch && old->n == n && old->n_vpcs_below == n_vpcs)
        return (struct zone_name *)(uintptr_t)old;
    place = zone_alloc_name(edit, hash, name, n, n_vpcs);
    if (!place)
        return NULL;
    if (old) {
        uint32_t n_kept = n_vpcs < old->n_vpcs_below ? n_vpcs : old->n_vpcs_below;
        place->n_below = old->n_below;
        place->n_private_below = old->n_private_below;
        memcpy(place->zones, old->zones, (n < old->n ? n : old->n) * sizeof(place->zones[0]));
        memcpy(zone_below_of(place), zone_below(old), n_kept * sizeof(struct zone_below));
    }
    trie_put(edit, &next->zones, &place->item);
    edit_replace(edit, old);
    return edit->failed ? NULL : place;
}

/* The same with as many zones as there are, and as many VPCs. */
static struct zone_name *zone_own_name_as_is(struct edit *edit, struct snapshot *next, uint64_t hash, struct str name)
{
    const struct zone_name *old = zone_find(next, hash, name);

    return zone_own_name(edit, next, hash, name, old ? old->n : 0, old ? old->n_vpcs_below : 0);
}

static void zone_drop_name_if_empty(struct edit *edit, struct snapshot *next, struct zone_name *place)
{
    struct str key = { (const char *)place->item.key, place->item.key_n };

    if (place->n || place->n_below)
        return;
    trie_del(edit, &next->zones, place->item.hash, key);
    edit_replace(edit, place);
}

/* Counts a private zone of the VPC below the name; returns the name's block, which may be another one then. */
static struct zone_name *zone_count_vpc(struct edit *edit, struct snapshot *next, struct zone_name *place, unsigned vpc,
                                        int change)
{
    struct str name = { (const char *)place->item.key, place->item.key_n };
    struct zone_below *below = zone_below_of(place);
    uint32_t n = place->n_vpcs_below, i = 0;

    while (i < n && below[i].vpc != vpc)
        i++;
    if (i == n) {
        place = zone_own_name(edit, next, place->item.hash, name, place->n, n + 1);
        if (!place)
            return NULL;
        below = zone_below_of(place);
        below[i] = (struct zone_below){ .vpc = vpc };
    }
    below[i].n += (uint32_t)change;
    place->n_private_below += (uint32_t)change;
    if (below[i].n)
        return place;
    below[i] = below[n - 1];
    return zone_own_name(edit, next, place->item.hash, name, place->n, n - 1);
}

/* Counts a zone, and at the names above it. */
static void zone_count(struct edit *edit, struct snapshot *next, const struct zone_key *key, const struct zone *zone,
                       int change)
{
    next->n_private_zones += (uint32_t)(zone->is_private ? change : 0);
    for (unsigned i = 1; i < key->name.n_labels && !edit->failed; i++) {
        struct zone_name *place = zone_own_name_as_is(edit, next, key->hash[i], dname_suffix(&key->name, i));
        if (!place)
            return;
        place->n_below += (uint32_t)change;
        if (zone->is_private)
            place = zone_count_vpc(edit, next, place, zone->vpc, change);
        if (place)
            zone_drop_name_if_empty(edit, next, place);
    }
}

/* --- zones -------------------------------------------------------------------------------------------------------- */

static bool zone_key_of(const struct snapshot *snapshot, const struct namespace *ns, struct zone_key *ret_key)
{
    dname_init(&ret_key->name);
    if (dname_put_dotted(&ret_key->name, ns->name) || dname_put_root(&ret_key->name))
        return false;
    dname_fold(&ret_key->name);
    zone_hash(snapshot, ret_key);
    return true;
}

/* Does a stand before b under their name? */
static bool zone_is_before(const struct namespace *a, const struct namespace *b)
{
    if (a->kind != b->kind)
        return a->kind == NAMESPACE_DNS_PRIVATE;
    if (a->create_ms != b->create_ms)
        return a->create_ms < b->create_ms;
    return str_cmp(a->id, b->id) < 0;
}

static uint32_t zone_find_at(const struct zone_name *place, const struct namespace *ns)
{
    uint32_t i = 0;

    while (place && i < place->n && !str_eq(place->zones[i]->ns->id, ns->id))
        i++;
    return i;
}

static struct zone *zone_alloc(struct edit *edit, struct str account, struct str region, unsigned vpc,
                               const struct namespace *ns)
{
    struct zone *zone = edit_alloc(edit, sizeof(*zone) + account.n + region.n);
    char *text;

    if (!zone)
        return NULL;
    text = (char *)(zone + 1);
    memcpy(text, account.p, account.n);
    memcpy(text + account.n, region.p, region.n);
    *zone = (struct zone){ .ns = ns,
                           .account = { text, account.n },
                           .region = { text + account.n, region.n },
                           .is_private = ns->kind == NAMESPACE_DNS_PRIVATE,
                           .vpc = (uint16_t)vpc,
                           .epoch = edit->epoch };
    return zone;
}

/* A zone that this edit may change, in its place. */
static struct zone *zone_own(struct edit *edit, struct snapshot *next, const struct zone_key *key,
                             const struct namespace *ns)
{
    const struct zone_name *old_place = zone_find(next, key->hash[0], dname_suffix(&key->name, 0));
    uint32_t at = zone_find_at(old_place, ns);
    struct zone_name *place;
    struct zone *zone, *old;

    if (!old_place || at == old_place->n)
        return NULL;
    old = old_place->zones[at];
    if (old->epoch == edit->epoch)
        return old;
    place = zone_own_name_as_is(edit, next, key->hash[0], dname_suffix(&key->name, 0));
    zone = place ? zone_alloc(edit, old->account, old->region, old->vpc, old->ns) : NULL;
    if (!zone)
        return NULL;
    zone->owners = old->owners;
    place->zones[at] = zone;
    edit_replace(edit, old);
    return zone;
}

static void zone_add(struct edit *edit, struct snapshot *next, const struct zone_key *key, const struct tenant *tenant,
                     const struct namespace *ns)
{
    const struct zone_name *old = zone_find(next, key->hash[0], dname_suffix(&key->name, 0));
    uint32_t n = old ? old->n : 0, at = 0;
    unsigned vpc = vpc_find(next->vpcs, tenant->account, tenant->region, ns->vpc);
    struct zone *zone = zone_alloc(edit, tenant->account, tenant->region, vpc, ns);
    struct zone_name *place;

    while (at < n && zone_is_before(old->zones[at]->ns, ns))
        at++;
    place =
        zone ? zone_own_name(edit, next, key->hash[0], dname_suffix(&key->name, 0), n + 1, old ? old->n_vpcs_below : 0)
             : NULL;
    if (!place)
        return;
    memmove(&place->zones[at + 1], &place->zones[at], (n - at) * sizeof(place->zones[0]));
    place->zones[at] = zone;
    zone_count(edit, next, key, zone, 1);
}

void zone_put(struct edit *edit, struct snapshot *next, const struct tenant *tenant, const struct namespace *ns)
{
    struct zone_key key;
    struct zone *zone;

    if (ns->kind == NAMESPACE_HTTP || edit->failed || !zone_key_of(next, ns, &key))
        return;
    zone = zone_own(edit, next, &key, ns);
    if (zone)
        zone->ns = ns;
    else if (!edit->failed)
        zone_add(edit, next, &key, tenant, ns);
}

void zone_del(struct edit *edit, struct snapshot *next, const struct namespace *ns)
{
    struct zone_key key;
    struct zone_name *place;
    struct zone *zone;
    uint32_t at;

    if (ns->kind == NAMESPACE_HTTP || edit->failed || !zone_key_of(next, ns, &key))
        return;
    zone = zone_own(edit, next, &key, ns);
    if (!zone)
        return;
    place = (struct zone_name *)(uintptr_t)zone_find(next, key.hash[0], dname_suffix(&key.name, 0));
    at = zone_find_at(place, ns);
    memmove(&place->zones[at], &place->zones[at + 1], (place->n - at - 1) * sizeof(place->zones[0]));
    /* The key stands behind the zones: the block is made again for one less. */
    place = zone_own_name(edit, next, key.hash[0], dname_suffix(&key.name, 0), place->n - 1, place->n_vpcs_below);
    if (!place)
        return;
    zone_drop_name_if_empty(edit, next, place);
    zone_count(edit, next, &key, zone, -1);
    edit_replace(edit, zone);
}

/* --- names in a zone ---------------------------------------------------------------------------------------------- */

/* Puts the owner in the place of `old`, whose count of names below it takes over. */
static void zone_swap_owner(struct edit *edit, struct zone *zone, struct owner *owner, const struct owner *old)
{
    if (!edit_adopt(edit, owner))
        return;
    owner->item.epoch = edit->epoch;
    owner->n_below = old ? old->n_below : 0;
    trie_put(edit, &zone->owners, &owner->item);
    edit_replace(edit, old);
}

static void zone_drop_owner(struct edit *edit, struct zone *zone, const struct owner *old)
{
    struct str key = { (const char *)old->item.key, old->item.key_n };

    if (old->n_below) {
        zone_swap_owner(edit, zone, owner_new_empty(key, old->item.hash), old);
        return;
    }
    trie_del(edit, &zone->owners, old->item.hash, key);
    edit_replace(edit, old);
}

/* An owner of this edit at the name; made when there is none. */
static struct owner *zone_own_owner(struct edit *edit, struct zone *zone, uint64_t hash, struct str name)
{
    const struct owner *old = zone_find_owner(zone, hash, name);
    struct owner *owner;

    if (old && old->item.epoch == edit->epoch)
        return (struct owner *)(uintptr_t)old;
    if (old && old->service) {
        struct dname wire = { .n = (uint8_t)name.n };
        memcpy(wire.wire, name.p, name.n);
        owner = owner_new(old->service, &wire, hash);
    } else {
        owner = owner_new_empty(name, hash);
    }
    zone_swap_owner(edit, zone, owner, old);
    return edit->failed ? NULL : owner;
}

/* Counts a live service at the names between it and the apex. */
static void zone_count_between(struct edit *edit, struct zone *zone, const struct zone_key *key, unsigned apex,
                               int change)
{
    for (unsigned i = 1; i < apex && !edit->failed; i++) {
        struct owner *owner = zone_own_owner(edit, zone, key->hash[i], dname_suffix(&key->name, i));
        if (!owner)
            return;
        owner->n_below += (uint32_t)change;
        if (!owner->service && !owner->n_below)
            zone_drop_owner(edit, zone, owner);
    }
}

/* The service's place: its zone, its name, and how many labels of it stand before the apex. */
struct zone_place {
    struct zone *zone;
    struct zone_key key, apex_key;
    unsigned apex;
    const struct owner *old;
};

/* Looks only; the zone is not there to be changed yet. */
static bool zone_find_place(const struct snapshot *next, const struct namespace *ns, const struct service *service,
                            struct zone_place *place)
{
    const struct zone_name *zones;
    uint32_t at;

    if (!ns || !zone_key_of(next, ns, &place->apex_key) || owner_name(ns, service, &place->key.name))
        return false;
    zones = zone_find(next, place->apex_key.hash[0], dname_suffix(&place->apex_key.name, 0));
    at = zone_find_at(zones, ns);
    if (!zones || at == zones->n)
        return false;
    zone_hash(next, &place->key);
    place->apex = (unsigned)place->key.name.n_labels - place->apex_key.name.n_labels;
    place->old = zone_find_owner(zones->zones[at], place->key.hash[0], dname_suffix(&place->key.name, 0));
    return true;
}

void zone_put_service(struct edit *edit, struct snapshot *next, const struct namespace *ns,
                      const struct service_node *node)
{
    struct zone_place place;
    struct owner *owner;
    bool was_live, is_live = node->instances.root != NULL;

    if (node->config->n_records == 0) {
        zone_del_service(edit, next, ns, node->config);
        return;
    }
    if (edit->failed || !zone_find_place(next, ns, node->config, &place))
        return;
    was_live = place.old && place.old->is_live;
    place.zone = zone_own(edit, next, &place.apex_key, ns);
    if (!place.zone)
        return;
    next->n_owners += !place.old || !place.old->service;
    owner = owner_new(node, &place.key.name, place.key.hash[0]);
    zone_swap_owner(edit, place.zone, owner, place.old);
    if (is_live != was_live)
        zone_count_between(edit, place.zone, &place.key, place.apex, is_live ? 1 : -1);
}

void zone_del_service(struct edit *edit, struct snapshot *next, const struct namespace *ns,
                      const struct service *service)
{
    struct zone_place place;
    bool was_live;

    if (edit->failed || !zone_find_place(next, ns, service, &place) || !place.old || !place.old->service)
        return;
    was_live = place.old->is_live;
    place.zone = zone_own(edit, next, &place.apex_key, ns);
    if (!place.zone)
        return;
    next->n_owners--;
    zone_drop_owner(edit, place.zone, place.old);
    if (was_live)
        zone_count_between(edit, place.zone, &place.key, place.apex, -1);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void zone_free_item(void *arg, const struct trie_item *item)
{
    (void)arg;
    mem_free((void *)(uintptr_t)item);
}

static void zone_free_name(void *arg, const struct trie_item *item)
{
    struct zone_name *place = (struct zone_name *)(uintptr_t)item;

    (void)arg;
    for (uint32_t i = 0; i < place->n; i++) {
        trie_each(&place->zones[i]->owners, zone_free_item, NULL);
        trie_free(&place->zones[i]->owners);
        mem_free(place->zones[i]);
    }
    mem_free(place);
}

void zone_free_all(struct snapshot *snapshot)
{
    trie_each(&snapshot->zones, zone_free_name, NULL);
    trie_free(&snapshot->zones);
}

static void zone_forget_owner(void *arg, const struct trie_item *item)
{
    (void)arg;
    ((struct trie_item *)(uintptr_t)item)->epoch = 0;
}

static void zone_forget_name(void *arg, const struct trie_item *item)
{
    struct zone_name *place = (struct zone_name *)(uintptr_t)item;

    (void)arg;
    place->item.epoch = 0;
    for (uint32_t i = 0; i < place->n; i++) {
        place->zones[i]->epoch = 0;
        trie_each(&place->zones[i]->owners, zone_forget_owner, NULL);
        trie_forget_epochs(&place->zones[i]->owners);
    }
}

void zone_forget_epochs(struct snapshot *snapshot)
{
    trie_each(&snapshot->zones, zone_forget_name, NULL);
    trie_forget_epochs(&snapshot->zones);
}
