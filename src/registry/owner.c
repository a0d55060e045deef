/* SPDX-License-Identifier: Apache-2.0
 *
 * Names with their prepared records; see owner.h. A block is measured and then filled by the same walk. */
#include "registry/owner.h"

#include "base/mem.h"

#include <endian.h>

#define OWNER_MAX_SIZE UINT16_MAX /* what the 16-bit places reach */

/* The instances of a service in the order of their records: healthy ones first. */
struct owner_members {
    const struct instance *items[OWNER_MAX];
    unsigned n, n_healthy;
};

int owner_name(const struct namespace *ns, const struct service *service, struct dname *ret_name)
{
    dname_init(ret_name);
    if (!str_eq(service->name, STR(".")) && dname_put_dotted(ret_name, service->name))
        return 1;
    if (dname_put_dotted(ret_name, ns->name) || dname_put_root(ret_name))
        return 1;
    dname_fold(ret_name);
    return 0;
}

/* False when the records cannot be prepared. */
static bool owner_list_members(const struct service_node *node, struct owner_members *members)
{
    const struct instance *instance;
    struct tree_iter iter;

    members->n = members->n_healthy = 0;
    if (tree_size(&node->instances).count > OWNER_MAX)
        return false;
    for (int healthy = 1; healthy >= 0; healthy--) {
        tree_iter_init(&iter, &node->instances, NULL, NULL);
        while ((instance = tree_iter_next(&iter))) {
            if (instance->dns & INSTANCE_ALIAS)
                return false;
            if (instance->is_served != healthy)
                continue;
            members->items[members->n++] = instance;
            members->n_healthy += (unsigned)healthy;
        }
    }
    return true;
}

/* --- what is written into a block --------------------------------------------------------------------------------- */

/* `p` NULL: only measures. */
struct owner_writer {
    uint8_t *p;
    size_t n;
};

static void owner_put(struct owner_writer *w, const void *p, size_t n)
{
    if (w->p)
        memcpy(w->p + w->n, p, n);
    w->n += n;
}

static void owner_align(struct owner_writer *w, size_t to)
{
    w->n = (w->n + to - 1) & ~(to - 1);
}

/* Has one of the addresses that were put already this value? An RRset has no record twice (RFC 2181 5). */
static bool owner_has(const struct owner_writer *w, size_t from, const uint8_t *address, size_t n)
{
    if (w->p)
        for (size_t at = from; at < w->n; at += n)
            if (memcmp(w->p + at, address, n) == 0)
                return true;
    return false;
}

/* A and AAAA. A weighted name answers with one record, for which each instance counts. */
static void owner_put_addresses(struct owner_writer *w, struct owner *owner, enum service_record_type type,
                                const struct owner_members *members)
{
    unsigned wanted = type == SERVICE_A ? INSTANCE_IPV4 : INSTANCE_IPV6, n = type == SERVICE_A ? 4 : 16;
    struct owner_set *set = &owner->sets[type];

    set->at = (uint16_t)w->n;
    set->n = set->n_healthy = 0;
    for (unsigned i = 0; i < members->n; i++) {
        const struct instance *instance = members->items[i];
        const uint8_t *address = type == SERVICE_A ? instance->ipv4 : instance_ipv6(instance);
        if (!(instance->dns & wanted) || (!owner->is_weighted && owner_has(w, set->at, address, n)))
            continue;
        owner_put(w, address, n);
        set->n++;
        set->n_healthy = (uint16_t)(set->n_healthy + (i < members->n_healthy));
    }
}

static void owner_put_u16(struct owner_writer *w, unsigned value)
{
    uint16_t be = htobe16((uint16_t)value);

    owner_put(w, &be, 2);
}

/* Is the record that ends the block there already? Instances whose ids differ in case only can have the same. */
static bool owner_has_srv(const struct owner_writer *w, const struct owner_set *set, size_t at)
{
    const struct owner_srv *table = (const void *)(w->p + set->at);

    for (unsigned i = 0; i < set->n; i++)
        if (table[i].n == w->n - at && memcmp(w->p + table[i].at, w->p + at, w->n - at) == 0)
            return true;
    return false;
}

/* The records stand behind the table of them. Of a name that several instances have, only a question for it gets all
 * addresses: they are in no entry. */
static void owner_put_srv(struct owner_writer *w, struct owner *owner, const struct dname *name,
                          const struct owner_members *members)
{
    struct owner_set *set = &owner->sets[SERVICE_SRV];
    uint32_t ttl = htobe32(set->ttl);
    struct owner_srv *table;

    owner_align(w, _Alignof(struct owner_srv));
    set->at = (uint16_t)w->n;
    set->n = set->n_healthy = 0;
    w->n += members->n * sizeof(*table);
    for (unsigned i = 0; i < members->n; i++) {
        const struct instance *instance = members->items[i];
        bool is_shared = state_shares_name(owner->service, instance);
        struct dname id;
        size_t at = w->n;
        dname_init(&id);
        if (!(instance->dns & INSTANCE_PORT) || dname_put_dotted(&id, instance_id(instance)) ||
            id.n + name->n > DNAME_MAX)
            continue;
        dname_fold(&id);
        owner_put_u16(w, 0xc00c); /* the name of the question */
        owner_put_u16(w, 33);
        owner_put_u16(w, 1);
        owner_put(w, &ttl, 4);
        owner_put_u16(w, 6u + id.n + name->n);
        owner_put_u16(w, 1);
        owner_put_u16(w, 1);
        owner_put_u16(w, instance->port);
        owner_put(w, id.wire, id.n);
        owner_put(w, name->wire, name->n);
        if (w->p && is_shared && !owner->is_weighted && owner_has_srv(w, set, at)) {
            w->n = at;
            continue;
        }
        if (w->p) {
            table = (struct owner_srv *)(void *)(w->p + set->at) + set->n;
            *table = (struct owner_srv){ .at = (uint16_t)at,
                                         .n = (uint16_t)(w->n - at),
                                         .dns = is_shared ? 0 : instance->dns };
            memcpy(table->ipv4, instance->ipv4, 4);
            if (instance->dns & INSTANCE_IPV6)
                memcpy(table->ipv6, instance_ipv6(instance), 16);
        }
        set->n++;
        set->n_healthy = (uint16_t)(set->n_healthy + (i < members->n_healthy));
    }
}

static void owner_put_cname(struct owner_writer *w, struct owner *owner, const struct owner_members *members)
{
    struct owner_set *set = &owner->sets[SERVICE_CNAME];

    owner_align(w, _Alignof(uint16_t));
    set->at = (uint16_t)w->n;
    set->n = set->n_healthy = 0;
    w->n += members->n * sizeof(uint16_t);
    for (unsigned i = 0; i < members->n; i++) {
        struct str text = instance_cname(members->items[i]);
        struct dname target;
        dname_init(&target);
        if (!str_is_set(text) || dname_put_dotted(&target, text) || dname_put_root(&target))
            continue;
        owner_put(w, &target.n, 1);
        if (w->p) {
            uint16_t at = (uint16_t)w->n;
            memcpy(w->p + set->at + set->n * sizeof(at), &at, sizeof(at));
        }
        owner_put(w, target.wire, target.n);
        set->n++;
        set->n_healthy = (uint16_t)(set->n_healthy + (i < members->n_healthy));
    }
}

static void owner_put_all(struct owner_writer *w, struct owner *owner, const struct dname *name,
                          const struct owner_members *members)
{
    w->n = sizeof(*owner);
    owner_put(w, name->wire, name->n);
    for (unsigned type = 0; owner->is_prepared && type < SERVICE_RECORD_TYPE_COUNT; type++) {
        if (!owner->sets[type].is_configured)
            continue;
        if (type == SERVICE_SRV)
            owner_put_srv(w, owner, name, members);
        else if (type == SERVICE_CNAME)
            owner_put_cname(w, owner, members);
        else
            owner_put_addresses(w, owner, (enum service_record_type)type, members);
    }
}

/* --- blocks ------------------------------------------------------------------------------------------------------- */

struct owner *owner_new(const struct service_node *node, const struct dname *name, uint64_t hash)
{
    struct owner draft = { .item = { .hash = hash, .key_n = name->n },
                           .service = node,
                           .is_live = node->instances.root != NULL,
                           .is_weighted = node->config->routing == SERVICE_WEIGHTED };
    struct owner_writer w = { 0 };
    struct owner_members members;
    struct owner *owner;

    for (size_t i = 0; i < node->config->n_records; i++) {
        struct owner_set *set = &draft.sets[node->config->records[i].type];
        set->is_configured = true;
        set->ttl = (uint32_t)node->config->records[i].ttl;
    }
    draft.is_prepared = owner_list_members(node, &members);
    owner_put_all(&w, &draft, name, &members);
    if (w.n > OWNER_MAX_SIZE) {
        draft.is_prepared = false;
        owner_put_all(&w, &draft, name, &members);
    }
    owner = mem_alloc(w.n);
    if (!owner)
        return NULL;
    *owner = draft;
    w.p = (uint8_t *)owner;
    owner_put_all(&w, owner, name, &members);
    owner->item.key = (const uint8_t *)(owner + 1);
    owner->size = (uint16_t)w.n;
    return owner;
}

struct owner *owner_new_empty(struct str name, uint64_t hash)
{
    struct owner *owner = mem_alloc(sizeof(*owner) + name.n);

    if (!owner)
        return NULL;
    *owner = (struct owner){ .item = { .hash = hash, .key_n = (uint32_t)name.n, .key = (const uint8_t *)(owner + 1) } };
    memcpy(owner + 1, name.p, name.n);
    return owner;
}
