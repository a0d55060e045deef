/* SPDX-License-Identifier: Apache-2.0 */
#include "zones_check.h"

#include "../test.h"

#include "base/mem.h"

struct key {
    struct dname name;
    uint64_t hash[DNAME_MAX_LABELS + 1];
};

static void make_key(const struct snapshot *snapshot, struct key *key)
{
    dname_hash(&snapshot->name_key, &key->name, key->hash);
}

static void zone_key(const struct snapshot *snapshot, const struct namespace *ns, struct key *key)
{
    dname_init(&key->name);
    assert_int_equal(dname_put_dotted(&key->name, ns->name), 0);
    assert_int_equal(dname_put_root(&key->name), 0);
    dname_fold(&key->name);
    make_key(snapshot, key);
}

static void count_one(void *arg, const struct trie_item *item)
{
    (void)item;
    ++*(size_t *)arg;
}

static size_t count_items(const struct trie *trie)
{
    size_t n = 0;

    trie_each(trie, count_one, &n);
    return n;
}

static const struct zone *find_zone(const struct snapshot *snapshot, const struct namespace *ns)
{
    const struct zone_name *place;
    struct key key;

    zone_key(snapshot, ns, &key);
    place = zone_find(snapshot, key.hash[0], dname_suffix(&key.name, 0));
    for (uint32_t i = 0; place && i < place->n; i++)
        if (place->zones[i]->ns == ns)
            return place->zones[i];
    return NULL;
}

/* --- owners ------------------------------------------------------------------------------------------------------- */

/* The prepared records are those of a block made now. */
static void check_block(const struct owner *owner, const struct dname *name)
{
    struct owner *fresh = owner_new(owner->service, name, owner->item.hash);

    assert_non_null(fresh);
    assert_int_equal(owner->is_live, fresh->is_live);
    assert_int_equal(owner->is_prepared, fresh->is_prepared);
    assert_int_equal(owner->is_weighted, fresh->is_weighted);
    for (unsigned type = 0; type < SERVICE_RECORD_TYPE_COUNT; type++) {
        const struct owner_set *a = &owner->sets[type], *b = &fresh->sets[type];
        assert_int_equal(a->is_configured, b->is_configured);
        assert_int_equal(a->ttl, b->ttl);
        assert_int_equal(a->n, b->n);
        assert_int_equal(a->n_healthy, b->n_healthy);
        if (type == SERVICE_A && a->n)
            assert_memory_equal(owner_data(owner, SERVICE_A), owner_data(fresh, SERVICE_A), a->n * 4u);
        if (type == SERVICE_AAAA && a->n)
            assert_memory_equal(owner_data(owner, SERVICE_AAAA), owner_data(fresh, SERVICE_AAAA), a->n * 16u);
        if (type == SERVICE_SRV && a->n)
            assert_memory_equal(owner_data(owner, SERVICE_SRV), owner_data(fresh, SERVICE_SRV),
                                a->n * sizeof(struct owner_srv));
    }
    mem_free(fresh);
}

/* Live services of the namespace at names below this one. */
static uint32_t count_below(const struct tenant *tenant, const struct namespace *ns, struct str suffix)
{
    const struct service_node *node;
    struct tree_iter iter;
    uint32_t n = 0;

    tree_iter_init(&iter, &tenant->services, NULL, NULL);
    while ((node = tree_iter_next(&iter))) {
        struct dname name;
        if (!str_eq(node->config->namespace_id, ns->id) || !node->config->n_records || !node->instances.root ||
            owner_name(ns, node->config, &name))
            continue;
        for (unsigned i = 1; i < name.n_labels; i++)
            n += str_eq(dname_suffix(&name, i), suffix);
    }
    return n;
}

struct owner_check {
    const struct tenant *tenant;
    const struct zone *zone;
    size_t n_services;
};

static void check_owner(void *arg, const struct trie_item *item)
{
    const struct owner *owner = (const struct owner *)item;
    struct owner_check *check = arg;
    struct str key = { (const char *)item->key, item->key_n };
    struct key apex;

    check->n_services += owner->service != NULL;
    dname_init(&apex.name);
    assert_int_equal(dname_put_dotted(&apex.name, check->zone->ns->name), 0);
    assert_true(owner->service || owner->n_below);
    if (key.n > apex.name.n + 1u) /* what is below the apex itself is not counted */
        assert_int_equal(owner->n_below, count_below(check->tenant, check->zone->ns, key));
}

static void check_odd_names(const struct service_node *node)
{
    const struct instance *instance;
    struct tree_iter iter;
    size_t n = 0;

    assert_true(tree_is_sound(&node->odd_names, &state_odd_names));
    tree_iter_init(&iter, &node->instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter))) {
        struct str id = instance_id(instance);
        if (instance->dns & INSTANCE_PLAIN_ID)
            continue;
        n++;
        assert_ptr_equal(tree_find(&node->odd_names, &state_odd_names, &(struct tree_key){ .a = id, .b = id }),
                         instance);
    }
    assert_int_equal(tree_size(&node->odd_names).count, n);
}

static size_t check_services(const struct snapshot *snapshot, const struct tenant *tenant, const struct namespace *ns,
                             const struct zone *zone)
{
    struct owner_check check = { .tenant = tenant, .zone = zone };
    const struct service_node *node;
    struct tree_iter iter;
    size_t n = 0;

    tree_iter_init(&iter, &tenant->services, NULL, NULL);
    while ((node = tree_iter_next(&iter))) {
        const struct owner *owner;
        struct key key;
        assert_false(node->is_owner_stale);
        check_odd_names(node);
        if (!str_eq(node->config->namespace_id, ns->id) || !node->config->n_records ||
            owner_name(ns, node->config, &key.name))
            continue;
        make_key(snapshot, &key);
        owner = zone_find_owner(zone, key.hash[0], dname_suffix(&key.name, 0));
        assert_non_null(owner);
        assert_ptr_equal(owner->service, node);
        check_block(owner, &key.name);
        n++;
    }
    trie_each(&zone->owners, check_owner, &check);
    assert_int_equal(check.n_services, n);
    return n;
}

/* --- zones -------------------------------------------------------------------------------------------------------- */

struct name_check {
    const struct snapshot *snapshot;
    size_t n_zones, n_private;
};

static void count_zones_below(void *arg, const struct trie_item *item)
{
    const struct zone_name *place = (const struct zone_name *)item;
    struct name_check *check = arg;
    struct dname name;
    uint32_t n_private_below = 0;
    size_t end;

    assert_true(place->n || place->n_below);
    assert_in_range(place->n_private_below, 0, place->n_below);
    for (uint32_t i = 0; i < place->n_vpcs_below; i++) {
        assert_true(zone_below(place)[i].n > 0);
        n_private_below += zone_below(place)[i].n;
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(zone_below(place)[i].vpc, zone_below(place)[k].vpc);
    }
    assert_int_equal(place->n_private_below, n_private_below);
    check->n_zones += place->n;
    for (uint32_t i = 0; i < place->n; i++) {
        assert_int_equal(place->zones[i]->is_private, place->zones[i]->ns->kind == NAMESPACE_DNS_PRIVATE);
        check->n_private += place->zones[i]->is_private;
    }
    assert_int_equal(dname_read(item->key, item->key_n, 0, &name, &end), 0);
    for (uint32_t i = 1; i < place->n; i++) {
        const struct namespace *a = place->zones[i - 1]->ns, *b = place->zones[i]->ns;
        assert_true(a->kind <= b->kind);
        assert_true(a->kind < b->kind || a->create_ms <= b->create_ms);
    }
    if (place->n)
        for (unsigned i = 1; i < name.n_labels; i++) {
            struct key key = { .name = name };
            const struct zone_name *above;
            make_key(check->snapshot, &key);
            above = zone_find(check->snapshot, key.hash[i], dname_suffix(&name, i));
            assert_non_null(above);
            assert_in_range(above->n_below, place->n, UINT32_MAX);
            assert_in_range(above->n_private_below, place->n && place->zones[0]->is_private, UINT32_MAX);
        }
}

void zones_check(const struct snapshot *snapshot)
{
    struct name_check check = { .snapshot = snapshot };
    const struct tenant *tenant;
    struct tree_iter tenants;
    size_t n = 0, n_owners = 0;

    tree_iter_init(&tenants, &snapshot->tenants, NULL, NULL);
    while ((tenant = tree_iter_next(&tenants))) {
        const struct namespace *ns;
        struct tree_iter namespaces;
        tree_iter_init(&namespaces, &tenant->namespaces, NULL, NULL);
        while ((ns = tree_iter_next(&namespaces))) {
            const struct zone *zone = ns->kind == NAMESPACE_HTTP ? NULL : find_zone(snapshot, ns);
            if (ns->kind == NAMESPACE_HTTP)
                continue;
            assert_non_null(zone);
            assert_true(str_eq(zone->account, tenant->account) && str_eq(zone->region, tenant->region));
            n_owners += check_services(snapshot, tenant, ns, zone);
            n++;
        }
    }
    trie_each(&snapshot->zones, count_zones_below, &check);
    assert_int_equal(check.n_zones, n);
    assert_int_equal(check.n_private, snapshot->n_private_zones);
    assert_int_equal(snapshot->n_owners, n_owners);
    if (n == 0)
        assert_int_equal(count_items(&snapshot->zones), 0);
}
