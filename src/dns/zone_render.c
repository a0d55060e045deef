/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of a name; see zone_render.h. */
#include "dns/zone_render.h"

#include "base/hash.h"
#include "dns/alias.h"
#include "dnswire/packet.h"

#define MAX_LINKS 8 /* from alias to alias, as in answers */

struct render {
    const struct zone_render_zone *zone;
    const struct owner *owner; /* whose name it is; aliases lead to others */
    struct str name;
    struct zone_render_choice *choice;
    struct buf *records;
    unsigned links;
    unsigned flags;
};

static const uint8_t wanted[SERVICE_RECORD_TYPE_COUNT] = { [SERVICE_A] = INSTANCE_IPV4 | INSTANCE_ALIAS,
                                                           [SERVICE_AAAA] = INSTANCE_IPV6 | INSTANCE_ALIAS,
                                                           [SERVICE_SRV] = INSTANCE_PORT,
                                                           [SERVICE_CNAME] = INSTANCE_CNAME };

static const struct hash_key public_key = { { 0, 0 } }; /* the same on every node and after every start */

static uint64_t render_hash(const struct instance *instance)
{
    struct str id = instance_id(instance);
    uint64_t hash = hash_sip(&public_key, id.p, id.n);

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

/* --- which instances ---------------------------------------------------------------------------------------------- */

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

static bool render_is_single(const struct owner *owner, enum service_record_type type)
{
    return owner->is_weighted || type == SERVICE_CNAME;
}

static void render_count(struct render_tally *tally, const struct instance *instance, uint64_t kept_hash, bool single)
{
    uint64_t hash;

    if (render_is_healthy(instance) && !tally->has_healthy)
        *tally = (struct render_tally){ .has_healthy = true }; /* those before count no more */
    if (!single || render_is_healthy(instance) != tally->has_healthy)
        return;
    hash = render_hash(instance);
    if (hash == kept_hash)
        tally->kept = instance;
    if (!tally->least || hash < tally->least_hash) {
        tally->least = instance;
        tally->least_hash = hash;
    }
}

static void render_tally(const struct owner *owner, enum service_record_type type, uint64_t kept_hash,
                         struct render_tally *ret_tally)
{
    const struct instance *instance;
    struct tree_iter iter;

    *ret_tally = (struct render_tally){ 0 };
    tree_iter_init(&iter, &owner->service->instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter)))
        if (instance->dns & wanted[type])
            render_count(ret_tally, instance, kept_hash, render_is_single(owner, type));
}

/* The one of last time while it may be, else the first by hash; NULL: there is none. */
static const struct instance *render_pick(const struct owner *owner, enum service_record_type type, uint64_t *kept_hash)
{
    struct render_tally tally;
    const struct instance *instance;

    render_tally(owner, type, *kept_hash, &tally);
    instance = tally.kept ? tally.kept : tally.least;
    *kept_hash = instance ? render_hash(instance) : 0;
    return instance;
}

static bool render_pick_cname(const struct owner *owner, uint64_t *kept_hash, struct dname *ret_target)
{
    const struct instance *instance = render_pick(owner, SERVICE_CNAME, kept_hash);

    dname_init(ret_target);
    return instance && dname_put_dotted(ret_target, instance_cname(instance)) == 0 && dname_put_root(ret_target) == 0;
}

/* --- at the service's name ---------------------------------------------------------------------------------------- */

static void render_type(struct render *render, const struct owner *owner, enum service_record_type type,
                        uint64_t *kept_hash);

static void render_put_address(struct render *render, struct str name, enum service_record_type type, uint32_t ttl,
                               const uint8_t *address)
{
    bool is_ipv4 = type == SERVICE_A;

    record_set_put(render->records, name, is_ipv4 ? PACKET_A : PACKET_AAAA, ttl,
                   (struct str){ (const char *)address, is_ipv4 ? 4 : 16 });
}

/* What the name had last time stays: who has too many aliases pushes those of others out of the table. */
static void render_keep_shown(struct render *render, unsigned type)
{
    const struct record_set *shown = render->choice->shown;

    for (uint32_t i = 0; shown && i < shown->n; i++) {
        struct record_view record;
        record_set_read(record_set_get(shown, i), &record);
        if (record.type == type && str_eq(record.name, render->name))
            record_set_put(render->records, record.name, type, record.ttl, record.data);
    }
}

/* The TTL that the addresses came with first: what is asked again often comes with another one. */
static uint32_t render_keep_ttl(struct render *render, enum service_record_type type, const struct alias_view *view)
{
    uint64_t hash = render->choice->addresses[type].target_hash;
    unsigned size = type == SERVICE_A ? 4 : 16;

    for (unsigned i = 0; i < view->n; i++)
        hash += hash_sip(&public_key, view->addresses + (size_t)i * size, size); /* in any order */
    if (hash != render->choice->addresses[type].hash) {
        render->choice->addresses[type].hash = hash;
        render->choice->addresses[type].ttl = view->ttl;
    }
    return render->choice->addresses[type].ttl;
}

static void render_foreign(struct render *render, const struct dname *name, enum service_record_type type)
{
    struct alias_target target = { .name = *name, .type = type == SERVICE_A ? PACKET_A : PACKET_AAAA };
    uint64_t target_hash = hash_sip(&public_key, name->wire, name->n);
    struct alias_view view;
    uint32_t ttl;

    if (!render->zone->alias)
        return;
    render->flags |= ZONE_RENDER_FOREIGN;
    switch (alias_follow(render->zone->alias, &target, &view)) {
    case ALIAS_UNKNOWN:
        render->flags |= ZONE_RENDER_UNKNOWN;
        if (render->choice->addresses[type].target_hash == target_hash)
            render_keep_shown(render, target.type);
        return;
    case ALIAS_FAILED:
        return;
    default:
        break;
    }
    render->choice->addresses[type].target_hash = target_hash;
    ttl = render_keep_ttl(render, type, &view);
    for (unsigned i = 0; i < view.n; i++)
        render_put_address(render, render->name, type, ttl, view.addresses + (size_t)i * (type == SERVICE_A ? 4 : 16));
}

/* Those of an instance's own name, which it may share. */
static void render_instance_addresses(struct render *render, struct str name, const struct authority_find *find,
                                      enum service_record_type type)
{
    uint32_t ttl = find->owner->sets[SERVICE_SRV].ttl;
    const struct instance *instance;
    struct state_name_iter iter;

    state_name_iter_init(&iter, find->owner->service, find->instance);
    while ((instance = state_name_iter_next(&iter)))
        if (instance->dns & (type == SERVICE_A ? INSTANCE_IPV4 : INSTANCE_IPV6))
            render_put_address(render, name, type, ttl, type == SERVICE_A ? instance->ipv4 : instance_ipv6(instance));
}

/* The addresses that stand at another name, as the view has it. */
static void render_target(struct render *render, struct authority_name *name, enum service_record_type type)
{
    const struct zone_render_zone *zone = render->zone;

    while (render->links++ < MAX_LINKS) {
        struct authority authority;
        struct authority_find find;
        uint64_t none_kept = 0;
        authority_fold(zone->snapshot, name);
        if (!authority_find(zone->snapshot, zone->client, name, &authority)) {
            render_foreign(render, &name->name, type);
            return;
        }
        authority_look(&authority, name, &find);
        if (find.kind == AUTHORITY_SERVICE && find.owner->sets[SERVICE_CNAME].is_configured) {
            if (render_pick_cname(find.owner, &none_kept, &name->name))
                continue;
        } else if (find.kind == AUTHORITY_SERVICE && find.owner->sets[type].is_configured) {
            render_type(render, find.owner, type, &none_kept);
        } else if (find.kind == AUTHORITY_INSTANCE) {
            render_instance_addresses(render, render->name, &find, type);
        }
        return;
    }
}

static void render_address(struct render *render, const struct owner *owner, const struct instance *instance,
                           enum service_record_type type)
{
    struct authority_name target;

    if (!(instance->dns & INSTANCE_ALIAS)) {
        render_put_address(render, render->name, type, owner->sets[type].ttl,
                           type == SERVICE_A ? instance->ipv4 : instance_ipv6(instance));
        return;
    }
    render->flags |= ZONE_RENDER_VOLATILE;
    if (alias_name(instance, &target.name))
        render_target(render, &target, type);
}

static void render_srv(struct render *render, const struct instance *instance)
{
    struct dname target;
    uint8_t data[6 + DNAME_MAX] = "\0\1\0\1";

    if (!render_name(render->owner, instance, &target))
        return;
    data[4] = (uint8_t)(instance->port >> 8);
    data[5] = (uint8_t)instance->port;
    memcpy(data + 6, target.wire, target.n);
    record_set_put(render->records, render->name, PACKET_SRV, render->owner->sets[SERVICE_SRV].ttl,
                   (struct str){ (const char *)data, 6u + target.n });
}

static void render_put(struct render *render, const struct owner *owner, const struct instance *instance,
                       enum service_record_type type)
{
    if (type == SERVICE_SRV)
        render_srv(render, instance);
    else
        render_address(render, owner, instance, type);
}

/* What the owner has of a type that is not CNAME; not the render's owner at the end of an alias. */
static void render_type(struct render *render, const struct owner *owner, enum service_record_type type,
                        uint64_t *kept_hash)
{
    const struct instance *instance;
    struct render_tally tally;
    struct tree_iter iter;

    if (render_is_single(owner, type)) {
        instance = render_pick(owner, type, kept_hash);
        if (instance)
            render_put(render, owner, instance, type);
        return;
    }
    render_tally(owner, type, 0, &tally);
    tree_iter_init(&iter, &owner->service->instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter)))
        if ((instance->dns & wanted[type]) && render_is_healthy(instance) == tally.has_healthy)
            render_put(render, owner, instance, type);
}

static void render_cname(struct render *render)
{
    struct dname target;

    if (render_pick_cname(render->owner, &render->choice->id_hash[SERVICE_CNAME], &target))
        record_set_put(render->records, render->name, PACKET_CNAME, render->owner->sets[SERVICE_CNAME].ttl,
                       dname_suffix(&target, 0));
}

/* --- at the instances' own names ---------------------------------------------------------------------------------- */

/* Does the name lead to this service's instance, and to nothing nearer? */
static bool render_is_found(struct render *render, const struct instance *instance, const struct dname *dname)
{
    struct authority_name name = { .name = *dname };
    struct authority authority = { .zone = render->zone->zone,
                                   .apex = (unsigned)dname->n_labels - render->zone->name->n_labels };
    struct authority_find find;

    if (render->owner->n_below == 0 && (instance->dns & INSTANCE_PLAIN_ID))
        return true;
    if (render->owner->n_below)
        render->flags |= ZONE_RENDER_VOLATILE;
    authority_fold(render->zone->snapshot, &name);
    authority_look(&authority, &name, &find);
    return find.kind == AUTHORITY_INSTANCE && find.owner == render->owner;
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
        render_put_address(render, text, SERVICE_A, ttl, instance->ipv4);
    if (instance->dns & INSTANCE_IPV6)
        render_put_address(render, text, SERVICE_AAAA, ttl, instance_ipv6(instance));
}

unsigned zone_render_owner(const struct zone_render_zone *zone, const struct owner *owner,
                           struct zone_render_choice *choice, struct buf *records)
{
    struct render render = { .zone = zone, .owner = owner, .choice = choice, .records = records };
    const struct instance *instance;
    struct tree_iter iter;

    render.name = (struct str){ (const char *)owner->item.key, owner->item.key_n };
    if (owner->sets[SERVICE_CNAME].is_configured) {
        if (!str_eq(render.name,
                    dname_suffix(zone->name, 0))) /* beside SOA and NS there is no CNAME (RFC 1034 3.6.2) */
            render_cname(&render);
        return 0;
    }
    for (unsigned type = 0; type < SERVICE_CNAME; type++) {
        render.links = 0;
        if (owner->sets[type].is_configured)
            render_type(&render, owner, (enum service_record_type)type, &choice->id_hash[type]);
    }
    if (!owner->sets[SERVICE_SRV].is_configured)
        return render.flags;
    tree_iter_init(&iter, &owner->service->instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter)))
        render_instance(&render, instance);
    return render.flags;
}
