/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of a name; see zone_render.h. */
#include "dns/zone_render.h"

#include "base/hash.h"
#include "dnswire/packet.h"

struct render {
    const struct zone_render_zone *zone;
    const struct owner *owner;
    struct zone_render_choice *choice;
    struct buf *records;
    bool is_volatile;
};

static const uint8_t wanted[SERVICE_RECORD_TYPE_COUNT] = { [SERVICE_A] = INSTANCE_IPV4,
                                                           [SERVICE_AAAA] = INSTANCE_IPV6,
                                                           [SERVICE_SRV] = INSTANCE_PORT,
                                                           [SERVICE_CNAME] = INSTANCE_CNAME };

/* The same on every node and after every start. */
static uint64_t render_hash(const struct instance *instance)
{
    const struct hash_key key = { { 0, 0 } };
    struct str id = instance_id(instance);
    uint64_t hash = hash_sip(&key, id.p, id.n);

    return hash ? hash : 1;
}

/* The first name of an instance's own, below the service's. False when the id cannot stand in one. */
static bool render_name(const struct owner *owner, const struct instance *instance, struct dname *name)
{
    struct dname id;
    size_t end;
    uint8_t wire[2 * DNAME_MAX];

    dname_init(&id);
    if (dname_put_dotted(&id, instance_id(instance)) || id.n + owner->item.key_n > DNAME_MAX)
        return false;
    memcpy(wire, id.wire, id.n);
    memcpy(wire + id.n, owner->item.key, owner->item.key_n);
    if (dname_read(wire, id.n + owner->item.key_n, 0, name, &end))
        return false;
    dname_fold(name);
    return true;
}

/* --- at the service's name ---------------------------------------------------------------------------------------- */

static void render_put(struct render *render, const struct instance *instance, enum service_record_type type)
{
    const struct owner *owner = render->owner;
    struct str name = { (const char *)owner->item.key, owner->item.key_n };
    uint32_t ttl = owner->sets[type].ttl;
    struct dname target;
    uint8_t data[6 + DNAME_MAX];

    switch (type) {
    case SERVICE_A:
        record_set_put(render->records, name, PACKET_A, ttl, (struct str){ (const char *)instance->ipv4, 4 });
        break;
    case SERVICE_AAAA:
        record_set_put(render->records, name, PACKET_AAAA, ttl,
                       (struct str){ (const char *)instance_ipv6(instance), 16 });
        break;
    case SERVICE_SRV:
        if (!render_name(owner, instance, &target))
            break;
        memcpy(data, "\0\1\0\1", 4);
        data[4] = (uint8_t)(instance->port >> 8);
        data[5] = (uint8_t)instance->port;
        memcpy(data + 6, target.wire, target.n);
        record_set_put(render->records, name, PACKET_SRV, ttl, (struct str){ (const char *)data, 6u + target.n });
        break;
    default:
        dname_init(&target);
        if (dname_put_dotted(&target, instance_cname(instance)) == 0 && dname_put_root(&target) == 0)
            record_set_put(render->records, name, PACKET_CNAME, ttl, dname_suffix(&target, 0));
        break;
    }
}

/* Whom a type lets in: healthy ones when there are any. */
struct render_tally {
    bool has_healthy;
    const struct instance *kept, *least; /* WEIGHTED: the one of last time, and the one that hashes lowest */
    uint64_t least_hash;
};

static bool render_is_healthy(const struct instance *instance)
{
    return instance->is_served;
}

static void render_count(struct render_tally *tally, const struct instance *instance, uint64_t kept_hash, bool weighted)
{
    uint64_t hash;

    if (render_is_healthy(instance) && !tally->has_healthy)
        *tally = (struct render_tally){ .has_healthy = true }; /* those before count no more */
    if (!weighted || render_is_healthy(instance) != tally->has_healthy)
        return;
    hash = render_hash(instance);
    if (hash == kept_hash)
        tally->kept = instance;
    if (!tally->least || hash < tally->least_hash) {
        tally->least = instance;
        tally->least_hash = hash;
    }
}

static void render_type(struct render *render, enum service_record_type type)
{
    bool weighted = render->owner->is_weighted || type == SERVICE_CNAME;
    uint64_t *kept_hash = &render->choice->id_hash[type];
    const struct tree *instances = &render->owner->service->instances;
    struct render_tally tally = { 0 };
    const struct instance *instance;
    struct tree_iter iter;

    tree_iter_init(&iter, instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter)))
        if (instance->dns & wanted[type])
            render_count(&tally, instance, *kept_hash, weighted);
    if (weighted) {
        instance = tally.kept ? tally.kept : tally.least;
        *kept_hash = instance ? render_hash(instance) : 0;
        if (instance)
            render_put(render, instance, type);
        return;
    }
    tree_iter_init(&iter, instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter)))
        if ((instance->dns & wanted[type]) && render_is_healthy(instance) == tally.has_healthy)
            render_put(render, instance, type);
}

/* --- at the instances' own names ---------------------------------------------------------------------------------- */

/* Does the name lead to this instance, and to nothing nearer? */
static bool render_is_found(struct render *render, const struct instance *instance, const struct dname *dname)
{
    struct authority_name name = { .name = *dname };
    struct authority authority = { .zone = render->zone->zone,
                                   .apex = (unsigned)dname->n_labels - render->zone->name->n_labels };
    struct authority_find find;

    if (render->owner->n_below == 0 && (instance->dns & INSTANCE_PLAIN_ID))
        return true;
    if (render->owner->n_below)
        render->is_volatile = true;
    authority_fold(render->zone->snapshot, &name);
    authority_look(&authority, &name, &find);
    return find.kind == AUTHORITY_INSTANCE && find.instance == instance;
}

static void render_instance(struct render *render, const struct instance *instance)
{
    uint32_t ttl = render->owner->sets[SERVICE_SRV].ttl;
    struct dname name;
    struct str text;

    if (!(instance->dns & (INSTANCE_IPV4 | INSTANCE_IPV6)) || !render_name(render->owner, instance, &name) ||
        !render_is_found(render, instance, &name))
        return;
    text = dname_suffix(&name, 0);
    if (instance->dns & INSTANCE_IPV4)
        record_set_put(render->records, text, PACKET_A, ttl, (struct str){ (const char *)instance->ipv4, 4 });
    if (instance->dns & INSTANCE_IPV6)
        record_set_put(render->records, text, PACKET_AAAA, ttl,
                       (struct str){ (const char *)instance_ipv6(instance), 16 });
}

bool zone_render_owner(const struct zone_render_zone *zone, const struct owner *owner,
                       struct zone_render_choice *choice, struct buf *records)
{
    struct render render = { .zone = zone, .owner = owner, .choice = choice, .records = records };
    bool is_apex =
        str_eq((struct str){ (const char *)owner->item.key, owner->item.key_n }, dname_suffix(zone->name, 0));
    const struct instance *instance;
    struct tree_iter iter;

    if (owner->sets[SERVICE_CNAME].is_configured) {
        if (!is_apex) /* beside SOA and NS there is no CNAME (RFC 1034 3.6.2) */
            render_type(&render, SERVICE_CNAME);
        return false;
    }
    for (unsigned type = 0; type < SERVICE_CNAME; type++)
        if (owner->sets[type].is_configured)
            render_type(&render, (enum service_record_type)type);
    if (!owner->sets[SERVICE_SRV].is_configured)
        return render.is_volatile;
    tree_iter_init(&iter, &owner->service->instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter)))
        render_instance(&render, instance);
    return render.is_volatile;
}
