/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of services; see apply.h. */
#include "registry/apply_priv.h"
#include "registry/pairs.h"

#include <errno.h>

void apply_replace_config(struct apply *apply, const struct service_node *old, const struct service *draft)
{
    struct tenant *tenant = apply_own_tenant(apply, old->config->account, old->config->region);
    struct service_node *node = tenant ? apply_own_service(apply, old) : NULL;
    const struct service *config, *old_config = old->config;
    struct service derived = *draft;

    if (!node)
        return;
    derived.holds_unknown = rules_holds_unknown(apply->config, &derived);
    config = edit_adopt(&apply->edit, service_dup(&derived));
    if (!config)
        return;
    node->config = config;
    node->was_probed = node->was_probed || service_is_probed(config);
    edit_replace(&apply->edit, old_config);
    if (old_config->check != config->check || old_config->holds_unknown != config->holds_unknown)
        apply_review_instances(apply, node);
    apply_put_service(apply, tenant, node);
}

/* --- create ------------------------------------------------------------------------------------------------------ */

/* The same creation again, by the same account with the same token and parameters, is answered with what it made. */
static int apply_service_exists(const struct service_node *twin, struct change *change)
{
    const struct service *config = twin->config;

    if (str_eq(config->creator_request_id, change->service.creator_request_id) &&
        config->request_digest == change->service.request_digest && str_eq(config->created_by, change->caller)) {
        change->created = service_copy(change->arena, config);
        return change->created ? APPLY_REPEATED : -ENOMEM;
    }
    change->existing_id = arena_dup(change->arena, config->id);
    change->existing_token = arena_dup(change->arena, config->creator_request_id);
    return CHANGE_SERVICE_EXISTS;
}

static int apply_check_create_service(struct apply *apply, const struct tenant *tenant, struct change *change,
                                      const struct namespace **ret_ns)
{
    const struct namespace *ns = state_find_namespace(tenant, change->service.namespace_id);
    uint64_t limit = apply->config->limits.services_per_namespace;
    struct service *draft = &change->service;
    const struct service_node *twin;
    int r;

    if (!ns)
        return CHANGE_NAMESPACE_NOT_FOUND;
    if (!change->type_given)
        draft->type = draft->has_dns ? SERVICE_DNS_HTTP : SERVICE_HTTP;
    r = rules_check_service(apply->config, ns, draft, change);
    if (!r)
        r = rules_check_tags(draft->tags, draft->n_tags, change);
    if (!r)
        r = rules_check_health_tags(draft, change);
    if (r)
        return r;
    twin = state_find_service_name(tenant, ns, draft->name);
    if (twin)
        return apply_service_exists(twin, change);
    if (limit && state_count_services(tenant, ns->id).count >= limit)
        return rules_refuse(change, CHANGE_LIMIT, "The limit of %llu services in a namespace is reached",
                            (unsigned long long)limit);
    *ret_ns = ns;
    return 0;
}

int apply_create_service(struct apply *apply, struct change *change)
{
    const struct tenant *seen = state_find_tenant(&apply->next, change->account, change->region);
    const struct namespace *ns = NULL;
    struct service_node *node;
    char id[ID_SERVICE_SIZE];
    struct tenant *tenant;
    struct service draft;
    int r;

    r = apply_check_create_service(apply, seen, change, &ns);
    if (r)
        return r == APPLY_REPEATED ? 0 : r;
    tenant = apply_own_tenant(apply, change->account, change->region);
    if (!tenant)
        return -ENOMEM;
    draft = change->service;
    draft.account = tenant->account;
    draft.region = tenant->region;
    draft.created_by = change->caller;
    draft.namespace_id = ns->id;
    draft.http_name = ns->http_name;
    draft.fold_name = ns->kind != NAMESPACE_HTTP;
    draft.create_ms = apply->wall_ms;
    draft.holds_unknown = rules_holds_unknown(apply->config, &draft);
    id_of_service(tenant->account, tenant->region, ns->id, draft.name, id);
    draft.id = str_of(id);
    change->created = service_copy(change->arena, &draft);
    if (!change->created)
        return -ENOMEM;
    node = edit_alloc(&apply->edit, sizeof(*node));
    if (!node)
        return -ENOMEM;
    *node = (struct service_node){ .revision = apply->next.instances_revision,
                                   .epoch = apply->edit.epoch,
                                   .was_probed = service_is_probed(&draft) };
    node->config = edit_adopt(&apply->edit, service_dup(&draft));
    if (!node->config)
        return -ENOMEM;
    apply_put_service(apply, tenant, node);
    return 0;
}

/* --- delete ------------------------------------------------------------------------------------------------------ */

int apply_delete_service(struct apply *apply, struct change *change)
{
    const struct tenant *seen = state_find_tenant(&apply->next, change->account, change->region);
    const struct service_node *old = state_find_service(seen, change->service_id);
    const struct service *config;
    struct service_node *node;
    struct tenant *tenant;
    struct record_key key;
    int r;

    if (!old)
        return CHANGE_SERVICE_NOT_FOUND;
    r = apply_check_service_creator(old->config, change);
    if (r)
        return r;
    if (state_count_registered(old))
        return rules_refuse(change, CHANGE_IN_USE,
                            "Service contains registered instances; delete the instances before deleting the service");
    tenant = apply_own_tenant(apply, change->account, change->region);
    node = tenant ? apply_own_service(apply, old) : NULL;
    if (!node)
        return -ENOMEM;
    config = node->config;
    key = (struct record_key){
        .kind = RECORD_SERVICE, .account = tenant->account, .region = tenant->region, .id = config->id
    };
    /* Made in this very commit: nothing is stored yet. */
    if (node->record_sum)
        apply_del_record(apply, &key, node->record_sum);
    tree_del(&apply->edit, &tenant->services, &state_services, &(struct tree_key){ .a = config->id });
    tree_del(&apply->edit, &tenant->services_by_name, &state_services_by_name,
             &(struct tree_key){ .a = config->namespace_id, .b = config->name });
    zone_del_service(&apply->edit, &apply->next, state_find_namespace(tenant, config->namespace_id), config);
    edit_replace(&apply->edit, node->losses);
    node->losses = NULL;
    node->is_deleted = true; /* apply_write_services must not bring it back */
    edit_replace(&apply->edit, config);
    edit_replace(&apply->edit, node);
    return 0;
}

/* --- update ------------------------------------------------------------------------------------------------------ */

/* The configuration after an update: records and probe are replaced, a custom check stays. */
static struct service apply_updated_service(const struct apply *apply, const struct service *old,
                                            const struct change *change)
{
    const struct service *asked = &change->service;
    struct service draft = *old;

    if (str_is_set(asked->description))
        draft.description = asked->description.n ? asked->description : (struct str){ 0 };
    if (asked->has_dns || !apply->config->keep_records) {
        draft.n_records = asked->n_records;
        memcpy(draft.records, asked->records, sizeof(draft.records));
    }
    if (asked->has_dns)
        draft.has_dns = true;
    if (old->check != SERVICE_CHECK_CUSTOM) {
        draft.check = asked->check;
        draft.check_path = asked->check_path;
        draft.check_threshold = asked->check_threshold;
        if (!service_is_probed(old) && service_is_probed(&draft))
            draft.check_ms = apply->wall_ms + 1; /* verdicts of an earlier check do not count; they are older */
    }
    return draft;
}

int apply_check_update_service(struct apply *apply, const struct tenant *tenant, struct change *change)
{
    const struct service_node *node = state_find_service(tenant, change->service_id);
    const struct namespace *ns;
    struct service draft;
    int r;

    if (!node)
        return CHANGE_SERVICE_NOT_FOUND;
    ns = state_find_namespace(tenant, node->config->namespace_id);
    draft = apply_updated_service(apply, node->config, change);
    r = apply_check_service_creator(node->config, change);
    if (!r)
        r = rules_check_service(apply->config, ns, &draft, change);
    if (!r)
        r = apply_check_instance_creators(ns, node, change);
    if (!r)
        r = rules_check_service_update(node->config, &draft, change);
    return r ? r : rules_check_health_tags(&draft, change);
}

void apply_update_service(struct apply *apply, struct tenant *tenant, struct change *change)
{
    const struct service_node *node = state_find_service(tenant, change->service_id);
    struct service draft = apply_updated_service(apply, node->config, change);

    apply_replace_config(apply, node, &draft);
}

/* --- attributes -------------------------------------------------------------------------------------------------- */

int apply_service_attributes(struct apply *apply, struct change *change)
{
    const struct tenant *tenant = state_find_tenant(&apply->next, change->account, change->region);
    const struct service_node *node = state_find_service(tenant, change->service_id);
    struct str_pair *sorted, *attributes;
    struct service draft;
    int r;

    if (!node)
        return CHANGE_SERVICE_NOT_FOUND;
    r = apply_check_service_creator(node->config, change);
    if (r)
        return r;
    draft = *node->config;
    if (change->kind == CHANGE_DEL_SERVICE_ATTRIBUTES) {
        r = pairs_without(change->arena, draft.attributes, draft.n_attributes, change->keys, change->n_keys,
                          &attributes, &draft.n_attributes);
    } else {
        r = pairs_sort(change->arena, change->pairs, change->n_pairs, &sorted);
        if (r == 1)
            return rules_refuse(change, CHANGE_INVALID_INPUT, "An attribute key is given twice");
        if (!r)
            r = pairs_merge(change->arena, draft.attributes, draft.n_attributes, sorted, change->n_pairs, &attributes,
                            &draft.n_attributes);
    }
    if (r)
        return r;
    if (draft.n_attributes > SERVICE_MAX_ATTRIBUTES)
        return rules_refuse(change, CHANGE_TOO_MANY_ATTRIBUTES,
                            "A service can have at most %d attributes; it would have %zu", SERVICE_MAX_ATTRIBUTES,
                            draft.n_attributes);
    draft.attributes = attributes;
    if (!pairs_equal(node->config->attributes, node->config->n_attributes, attributes, draft.n_attributes))
        apply_replace_config(apply, node, &draft);
    return 0;
}
