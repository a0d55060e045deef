/* SPDX-License-Identifier: Apache-2.0
 *
 * Which DNS namespaces may stand beside each other; see rules.h. */
#include "registry/rules.h"
#include "registry/vpc.h"
#include "registry/zone.h"

/* The zone that is to be. */
struct rules_zone {
    const struct snapshot *snapshot;
    struct str account;
    bool is_private;
    unsigned vpc;
    struct dname name;
    bool is_taken;
};

/* Does somebody see both, and is the other one somebody else's? Public zones are seen by all. */
static bool rules_zone_conflicts(const struct rules_zone *zone, const struct zone_name *place)
{
    for (uint32_t i = 0; i < place->n; i++) {
        const struct zone *other = place->zones[i];
        if (!str_eq(other->account, zone->account) &&
            (!zone->is_private || !other->is_private || vpc_share_view(zone->snapshot->vpcs, zone->vpc, other->vpc)))
            return true;
    }
    return false;
}

static void rules_zone_check_below(void *arg, const struct trie_item *item)
{
    struct rules_zone *zone = arg;
    struct str key = { (const char *)item->key, item->key_n };

    while (key.n > zone->name.n)
        key = str_skip(key, 1u + (uint8_t)key.p[0]);
    if (!zone->is_taken && str_eq(key, dname_suffix(&zone->name, 0)))
        zone->is_taken = rules_zone_conflicts(zone, (const struct zone_name *)item);
}

bool rules_zone_is_taken(const struct snapshot *snapshot, struct str account, struct str region,
                         const struct namespace *ns)
{
    struct rules_zone zone = { .snapshot = snapshot,
                               .account = account,
                               .is_private = ns->kind == NAMESPACE_DNS_PRIVATE,
                               .vpc = vpc_find(snapshot->vpcs, account, region, ns->vpc) };
    uint64_t hash[DNAME_MAX_LABELS + 1];
    const struct zone_name *own;

    dname_init(&zone.name);
    if (dname_put_dotted(&zone.name, ns->name) || dname_put_root(&zone.name))
        return false;
    dname_fold(&zone.name);
    dname_hash(&snapshot->name_key, &zone.name, hash);
    for (unsigned i = 0; i < zone.name.n_labels; i++) {
        const struct zone_name *place = zone_find(snapshot, hash[i], dname_suffix(&zone.name, i));
        if (place && rules_zone_conflicts(&zone, place))
            return true;
    }
    own = zone_find(snapshot, hash[0], dname_suffix(&zone.name, 0));
    if (own && own->n_below) /* seldom, and there is no order in which those below stand together */
        trie_each(&snapshot->zones, rules_zone_check_below, &zone);
    return zone.is_taken;
}
