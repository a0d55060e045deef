/* SPDX-License-Identifier: Apache-2.0
 *
 * Zones and names; see authority.h. */
#include "dns/authority.h"

void authority_fold(const struct snapshot *snapshot, struct authority_name *name)
{
    dname_fold(&name->name);
    dname_hash(&snapshot->name_key, &name->name, name->hash);
}

/* The private zone of the name that the view has, or NULL; they stand before the public ones. */
static const struct zone *authority_pick_private(const struct zone_name *place, const struct dns_view *view)
{
    const struct zone *oldest = NULL;

    if (!view)
        return place->zones[0]->is_private ? place->zones[0] : NULL;
    for (uint32_t i = 0; i < place->n && place->zones[i]->is_private; i++) {
        const struct zone *zone = place->zones[i];
        if (!vpc_is_seen(view->seen, zone->vpc))
            continue;
        if (zone->vpc == view->vpc || view->vpc == DNS_VIEW_NO_VPC)
            return zone;
        if (!oldest)
            oldest = zone;
    }
    return oldest;
}

static const struct zone *authority_pick_public(const struct zone_name *place)
{
    uint32_t i = place->n;

    while (i > 0 && !place->zones[i - 1]->is_private)
        i--;
    return i < place->n ? place->zones[i] : NULL;
}

/* Does a private zone that the view has exist below the name? */
static bool authority_sees_below(const struct zone_name *place, const struct dns_view *view)
{
    const struct zone_below *below = zone_below(place);

    if (!view)
        return place->n_private_below > 0;
    for (uint32_t i = 0; i < place->n_vpcs_below; i++)
        if (vpc_is_seen(view->seen, below[i].vpc))
            return true;
    return false;
}

bool authority_find(const struct snapshot *snapshot, const struct authority_client *client,
                    const struct authority_name *name, struct authority *ret_authority)
{
    const struct dns_view *view = client->view;
    bool sees_private = snapshot->n_private_zones && (view ? view->seen != NULL : snapshot->vpcs == NULL);
    const struct zone *zone = NULL;
    bool has_public_below = false, has_private_below = false;

    for (unsigned i = 0; i < name->name.n_labels && (!zone || sees_private); i++) {
        const struct zone_name *place = zone_find(snapshot, name->hash[i], dname_suffix(&name->name, i));
        const struct zone *found = NULL;
        if (!place)
            continue;
        if (i == 0) {
            has_public_below = place->n_below > place->n_private_below;
            has_private_below = sees_private && authority_sees_below(place, view);
        }
        if (place->n == 0)
            continue;
        if (sees_private)
            found = authority_pick_private(place, view);
        if (!found && !zone)
            found = authority_pick_public(place);
        if (!found)
            continue;
        zone = found;
        ret_authority->apex = i;
        if (zone->is_private)
            break;
    }
    bool hides_public = zone && zone->is_private;
    ret_authority->zone = zone;
    ret_authority->has_zones_below = has_private_below || (!hides_public && has_public_below);
    return zone != NULL;
}

/* The first `n` labels as dotted text. False when one holds a dot itself: no id does. */
static bool authority_dotted(const struct authority_name *name, unsigned n, char text[DNAME_MAX], struct str *ret_text)
{
    unsigned end = n < name->name.n_labels ? name->name.at[n] : name->name.n - 1u;

    for (unsigned i = 0; i < n; i++) {
        unsigned at = name->name.at[i], length = name->name.wire[at];
        memcpy(text + at, name->name.wire + at + 1, length);
        text[at + length] = '.';
        if (memchr(text + at, '.', length))
            return false;
    }
    *ret_text = (struct str){ text, end - 1 };
    return true;
}

/* An instance of the service whose id is the name's first n labels, or stands below them. */
static enum authority_kind authority_look_instance(const struct service_node *node, const struct authority_name *name,
                                                   unsigned n, const struct instance **ret_instance)
{
    const struct instance *instance;
    char text[DNAME_MAX];
    struct str dotted;

    if (!authority_dotted(name, n, text, &dotted))
        return AUTHORITY_NONE;
    instance = n == 1 ? state_find_instance(node, dotted) : NULL;
    if (!instance)
        instance = state_find_odd_name(node, dotted);
    if (!instance)
        return AUTHORITY_NONE;
    *ret_instance = instance;
    return instance_id(instance).n == dotted.n ? AUTHORITY_INSTANCE : AUTHORITY_EMPTY;
}

void authority_look(const struct authority *authority, const struct authority_name *name,
                    struct authority_find *ret_find)
{
    const struct zone *zone = authority->zone;
    const struct owner *own = zone_find_owner(zone, name->hash[0], dname_suffix(&name->name, 0));

    *ret_find = (struct authority_find){ .kind = AUTHORITY_NONE, .owner = own };
    if (own && own->is_live) {
        ret_find->kind = AUTHORITY_SERVICE;
        return;
    }
    if (authority->apex == 0 || (own && own->n_below) || authority->has_zones_below)
        ret_find->kind = AUTHORITY_EMPTY;
    for (unsigned i = 1; i <= authority->apex; i++) {
        const struct owner *above = zone_find_owner(zone, name->hash[i], dname_suffix(&name->name, i));
        enum authority_kind kind;
        if (!above || !above->is_live || !above->sets[SERVICE_SRV].is_configured)
            continue;
        kind = authority_look_instance(above->service, name, i, &ret_find->instance);
        if (kind == AUTHORITY_NONE)
            continue;
        if (kind == AUTHORITY_INSTANCE) {
            ret_find->kind = kind;
            ret_find->owner = above;
            return;
        }
        ret_find->kind = AUTHORITY_EMPTY;
    }
}
