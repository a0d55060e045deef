/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of instances: registration, deregistration, custom health; see apply.h. */
#include "registry/apply_priv.h"

#include <errno.h>

/* --- one instance in its service's trees ------------------------------------------------------------------------- */

static struct record_key apply_instance_key(const struct service *service, struct str instance_id)
{
    return (struct record_key){ .kind = RECORD_INSTANCE,
                                .account = service->account,
                                .region = service->region,
                                .id = service->id,
                                .instance_id = instance_id };
}

/* Takes out of the index what `old` stands under and `fresh` (or nobody) does not. */
static void apply_unindex(struct apply *apply, struct service_node *node, const struct instance *old,
                          const struct instance *fresh)
{
    for (size_t i = 0; i < old->n_attributes; i++) {
        struct str_pair pair = instance_attribute_at(old, i);
        struct tree_key key = { .a = instance_id(old) };
        if (fresh && instance_has_attributes(fresh, &pair, 1))
            continue;
        key.n = state_index_tag(&apply->next.index_key, &pair);
        tree_del(&apply->edit, &node->index, &state_index, &key);
    }
}

/* Aliases are not probed; their target's health is not ours to know. */
static bool apply_is_served(const struct service *service, const struct instance *instance)
{
    if (instance->flags & INSTANCE_EXPIRED)
        return false;
    if (instance->health == HEALTH_UNKNOWN)
        return !service->holds_unknown || (instance->dns & INSTANCE_ALIAS);
    return instance->health == HEALTH_HEALTHY;
}

static enum health_status apply_shown_health(const struct service *service, const struct instance *instance)
{
    if (instance->flags & (INSTANCE_DRAINING | INSTANCE_EXPIRED))
        return HEALTH_UNHEALTHY;
    return service->check == SERVICE_CHECK_NONE ? HEALTH_UNKNOWN : (enum health_status)instance->health;
}

/* Takes an instance out of the trees. */
static void apply_displace(struct apply *apply, struct service_node *node, const struct instance *old)
{
    struct tree_key key = { .a = instance_id(old), .b = instance_id(old) };

    if (old->flags & INSTANCE_DRAINING) {
        tree_del(&apply->edit, &node->draining, &state_instances, &key);
        return;
    }
    apply_unindex(apply, node, old, NULL);
    tree_del(&apply->edit, &node->instances, &state_instances, &key);
    if (!(old->dns & INSTANCE_PLAIN_ID))
        tree_del(&apply->edit, &node->odd_names, &state_odd_names, &key);
}

void apply_place_instance(struct apply *apply, struct service_node *node, struct instance *instance)
{
    const struct instance *old = state_find_registered(node, instance_id(instance));

    apply_note_presence(apply, node, old, instance);
    instance->is_served = apply_is_served(node->config, instance);
    instance->shown_health = (uint8_t)apply_shown_health(node->config, instance);
    if (old && (old->flags ^ instance->flags) & INSTANCE_DRAINING) {
        apply_displace(apply, node, old);
        edit_replace(&apply->edit, old);
    }
    if (instance->flags & INSTANCE_DRAINING) {
        edit_replace(&apply->edit, tree_put(&apply->edit, &node->draining, &state_instances, instance, 0));
        return;
    }
    old = tree_put(&apply->edit, &node->instances, &state_instances, instance, 0);
    if (old)
        apply_unindex(apply, node, old, instance);
    if (!(instance->dns & INSTANCE_PLAIN_ID))
        tree_put(&apply->edit, &node->odd_names, &state_odd_names, instance, 0);
    for (size_t i = 0; i < instance->n_attributes; i++) {
        struct str_pair pair = instance_attribute_at(instance, i);
        tree_put(&apply->edit, &node->index, &state_index, instance, state_index_tag(&apply->next.index_key, &pair));
    }
    edit_replace(&apply->edit, old);
}

void apply_put_instance(struct apply *apply, struct service_node *node, struct instance *instance,
                        const struct instance *old)
{
    struct record_key key = apply_instance_key(node->config, instance_id(instance));

    buf_clear(&apply->text);
    record_encode_instance(&apply->text, instance, state_find_tenure(node, instance_id(instance)));
    instance->record_sum = apply_put_record(apply, &key, old ? old->record_sum : 0);
    apply_place_instance(apply, node, instance);
}

static void apply_cancel_pending(struct apply *apply, const struct service_node *node, const struct instance *instance)
{
    if (instance->pending_due_wall_ms)
        apply_del_deadline(apply, &(struct deadline){ .kind = DEADLINE_HEALTH,
                                                      .due_mono_ms = instance->pending_due_mono_ms,
                                                      .target = node->config->id,
                                                      .instance_id = instance_id(instance) });
}

/* --- register ---------------------------------------------------------------------------------------------------- */

bool apply_has_attributes(const struct instance *old, const struct change *change)
{
    size_t n_added = old->flags & INSTANCE_DRAINED ? 1 : 0;

    for (size_t i = 0; i < change->n_attributes; i++)
        if (n_added && str_eq(change->attributes[i].key, CLOUDMAP_ATTRIBUTE_DRAINING))
            return false;
    return old->n_attributes == change->n_attributes + n_added &&
           instance_has_attributes(old, change->attributes, change->n_attributes);
}

/* Does the change renew the lease of the instance? SDKs make a new token for each call, so tokens do not matter. */
static bool apply_is_renewal(const struct service_node *node, const struct instance *old, const struct change *change)
{
    const struct tenure *tenure = state_find_tenure(node, instance_id(old));

    return tenure && tenure->lease_ms && apply_has_attributes(old, change);
}

/* The same registration again while its operation is known is that operation. */
static bool apply_is_repeated(const struct tenant *tenant, const struct service_node *node, const struct instance *old,
                              struct change *change)
{
    bool is_same = str_eq(instance_creator_request_id(old), change->creator_request_id);
    struct id_operation id;

    if (!(is_same && apply_has_attributes(old, change)) && !apply_is_renewal(node, old, change))
        return false;
    state_target_id(tenant->account, tenant->region, change->service_id, change->instance_id, id.target);
    id.create_ms = old->operation_ms;
    if (!state_find_operation(tenant, &id))
        return false;
    id_format_operation(&id, change->operation_id);
    return true;
}

static int apply_check_room(struct apply *apply, const struct tenant *tenant, const struct service_node *node,
                            struct change *change)
{
    uint64_t per_service = apply->config->limits.instances_per_service;
    uint64_t per_namespace = apply->config->limits.instances_per_namespace;

    if (per_service && state_count_registered(node) >= per_service)
        return rules_refuse(change, CHANGE_LIMIT, "The limit of %llu instances in a service is reached",
                            (unsigned long long)per_service);
    if (per_namespace && state_count_services(tenant, node->config->namespace_id).weight >= per_namespace)
        return rules_refuse(change, CHANGE_LIMIT, "The limit of %llu instances in a namespace is reached",
                            (unsigned long long)per_namespace);
    return 0;
}

int apply_check_register(struct apply *apply, const struct tenant *tenant, struct change *change)
{
    const struct service_node *node = state_find_service(tenant, change->service_id);
    const struct instance *old;
    int r;

    if (!node)
        return CHANGE_SERVICE_NOT_FOUND;
    r = rules_check_instance(apply->config, state_find_namespace(tenant, node->config->namespace_id), node->config,
                             change);
    if (r)
        return r;
    old = state_find_registered(node, change->instance_id);
    if (!old)
        return apply_check_room(apply, tenant, node, change);
    r = apply_check_instance_creator(old, change);
    if (r)
        return r;
    return apply_is_repeated(tenant, node, old, change) ? APPLY_REPEATED : 0;
}

void apply_repeat_registration(struct apply *apply, const struct tenant *tenant, const struct change *change)
{
    const struct service_node *node = state_find_service(tenant, change->service_id);

    apply_renew(apply, node, state_find_registered(node, change->instance_id));
}

/* A renewal whose operation is not known any more: there is a new one, and nothing else is new. */
static void apply_reregister(struct apply *apply, struct tenant *tenant, struct service_node *node,
                             const struct instance *old, const struct id_operation *operation)
{
    struct instance *instance = edit_adopt(&apply->edit, instance_dup(old));

    if (!instance)
        return;
    instance->operation_ms = operation->create_ms;
    apply_put_instance(apply, node, instance, old);
    apply_keep_service(apply, tenant, node);
    apply_renew(apply, node, instance);
}

void apply_register(struct apply *apply, struct tenant *tenant, struct change *change,
                    const struct id_operation *operation)
{
    struct service_node *node = apply_own_service(apply, state_find_service(tenant, change->service_id));
    struct cloudmap_attributes own = rules_read_attributes(apply->config, change->attributes, change->n_attributes);
    const struct instance *old;
    struct instance *instance;
    struct instance_draft draft = { .id = change->instance_id,
                                    .creator_request_id = change->creator_request_id,
                                    .created_by = change->caller,
                                    .attributes = change->attributes,
                                    .n_attributes = change->n_attributes,
                                    .create_ms = operation->create_ms,
                                    .operation_ms = operation->create_ms };

    if (!node)
        return;
    old = state_find_registered(node, change->instance_id);
    if (old && apply_is_renewal(node, old, change)) {
        apply_reregister(apply, tenant, node, old, operation);
        return;
    }
    draft.flags = str_is_set(own.draining) ? INSTANCE_DRAINING : 0;
    draft.health = rules_initial_health(node->config, change->attributes, change->n_attributes);
    instance = edit_adopt(&apply->edit, instance_new(&draft));
    if (!instance)
        return;
    if (old)
        apply_cancel_pending(apply, node, old);
    apply_put_tenure(apply, node, change->instance_id,
                     &(struct tenure){ .lease_ms = own.lease_ms,
                                       .remove_ms = own.lease_remove_ms,
                                       .lease_end_mono_ms = own.lease_ms ? apply->mono_ms + own.lease_ms : 0 });
    apply_put_instance(apply, node, instance, old);
    node->revision = apply->next.instances_revision;
    node->n_registered++;
    apply_put_service(apply, tenant, node);
}

/* --- deregister -------------------------------------------------------------------------------------------------- */

int apply_check_deregister(struct apply *apply, const struct tenant *tenant, struct change *change)
{
    const struct service_node *node = state_find_service(tenant, change->service_id);
    const struct instance *instance;

    (void)apply;
    if (!node)
        return CHANGE_SERVICE_NOT_FOUND;
    instance = state_find_registered(node, change->instance_id);
    return instance ? apply_check_instance_creator(instance, change) : CHANGE_INSTANCE_NOT_FOUND;
}

void apply_deregister(struct apply *apply, struct tenant *tenant, struct change *change)
{
    struct service_node *node = apply_own_service(apply, state_find_service(tenant, change->service_id));
    const struct instance *old = node ? state_find_registered(node, change->instance_id) : NULL;
    struct record_key key;

    if (!old)
        return;
    key = apply_instance_key(node->config, instance_id(old));
    apply_del_record(apply, &key, old->record_sum);
    apply_cancel_pending(apply, node, old);
    apply_drop_tenure(apply, node, instance_id(old));
    apply_note_presence(apply, node, old, NULL);
    apply_displace(apply, node, old);
    edit_replace(&apply->edit, old);
    node->revision = apply->next.instances_revision;
    node->n_deregistered++;
    apply_put_service(apply, tenant, node);
}

/* --- health ----------------------------------------------------------------------------------------------- */

/* Replaces the instance by one with this health and this pending status. The revision stays: membership is the same. */
static void apply_set_health(struct apply *apply, const struct service_node *old_node, const struct instance *old,
                             enum health_status health, enum health_status pending, int64_t delay_ms)
{
    struct tenant *tenant = apply_own_tenant(apply, old_node->config->account, old_node->config->region);
    struct service_node *node = tenant ? apply_own_service(apply, old_node) : NULL;
    struct instance *instance = node ? edit_adopt(&apply->edit, instance_dup(old)) : NULL;

    if (!instance)
        return;
    apply_cancel_pending(apply, node, old);
    if (health != (enum health_status)instance->health)
        instance->health_since_ms = apply->wall_ms > node->config->check_ms ? apply->wall_ms : node->config->check_ms;
    instance->health = (uint8_t)health;
    instance->pending_health = (uint8_t)pending;
    instance->pending_due_wall_ms = delay_ms ? apply->wall_ms + delay_ms : 0;
    instance->pending_due_mono_ms = delay_ms ? apply->mono_ms + delay_ms : 0;
    apply_put_instance(apply, node, instance, old);
    apply_keep_service(apply, tenant, node);
    if (delay_ms)
        apply_add_deadline(apply, &(struct deadline){ .kind = DEADLINE_HEALTH,
                                                      .due_mono_ms = instance->pending_due_mono_ms,
                                                      .account = tenant->account,
                                                      .region = tenant->region,
                                                      .target = node->config->id,
                                                      .instance_id = instance_id(instance) });
}

void apply_review_instances(struct apply *apply, struct service_node *node)
{
    const struct service *service = node->config;
    struct state_registered_iter iter;
    const struct instance *old;
    size_t n = 0;
    const struct instance **list = mem_alloc((state_count_registered(node) + 1) * sizeof(*list));

    if (!list) {
        apply->edit.failed = true;
        return;
    }
    /* Placing changes the tree under a walk. */
    state_iter_registered(&iter, node, (struct str){ 0 });
    while ((old = state_next_registered(&iter)))
        if (!service_is_probed(service) || old->is_served != apply_is_served(service, old))
            list[n++] = old;
    for (size_t i = 0; i < n && !apply->edit.failed; i++) {
        struct instance *instance = edit_adopt(&apply->edit, instance_dup(list[i]));
        if (!instance)
            break;
        /* Its record stays: load_health knows that the verdict of a check that is gone does not count. */
        if (service->check == SERVICE_CHECK_NONE && instance->health != HEALTH_UNKNOWN) {
            instance->health = HEALTH_UNKNOWN;
            instance->health_since_ms = instance->create_ms;
        }
        apply_place_instance(apply, node, instance);
    }
    mem_free(list);
}

int apply_probe_health(struct apply *apply, struct change *change)
{
    for (size_t i = 0; i < change->n_verdicts && !apply->edit.failed; i++) {
        const struct change_verdict *verdict = &change->verdicts[i];
        const struct tenant *tenant = state_find_tenant(&apply->next, verdict->account, verdict->region);
        const struct service_node *node = state_find_service(tenant, verdict->service_id);
        const struct instance *instance = node ? state_find_registered(node, verdict->instance_id) : NULL;
        if (instance && service_is_probed(node->config) && instance->create_ms == verdict->create_ms &&
            instance->health != verdict->health)
            apply_set_health(apply, node, instance, verdict->health, HEALTH_UNKNOWN, 0);
    }
    return 0;
}

int apply_custom_health(struct apply *apply, struct change *change)
{
    const struct tenant *tenant = state_find_tenant(&apply->next, change->account, change->region);
    const struct service_node *node = state_find_service(tenant, change->service_id);
    const struct instance *instance = node ? state_find_registered(node, change->instance_id) : NULL;
    int64_t delay = apply->config->custom_health_delay_ms;
    bool pending;
    int r;

    if (!node)
        return CHANGE_SERVICE_NOT_FOUND;
    if (!instance)
        return CHANGE_INSTANCE_NOT_FOUND;
    r = apply_check_instance_creator(instance, change);
    if (r)
        return r;
    if (node->config->check != SERVICE_CHECK_CUSTOM)
        return CHANGE_CUSTOM_HEALTH_NOT_FOUND;
    if (apply_renew(apply, node, instance)) {
        node = state_find_service(state_find_tenant(&apply->next, change->account, change->region), change->service_id);
        instance = state_find_registered(node, change->instance_id);
    }
    pending = instance->pending_due_wall_ms != 0;
    if (change->health == instance->health) {
        /* The status in effect takes back a change that still waits. */
        if (pending)
            apply_set_health(apply, node, instance, change->health, HEALTH_UNKNOWN, 0);
    } else if (delay == 0) {
        apply_set_health(apply, node, instance, change->health, HEALTH_UNKNOWN, 0);
    } else if (!pending) {
        /* Repetitions do not start the wait again: only two statuses exist, so what waits is what is asked. */
        apply_set_health(apply, node, instance, instance->health, change->health, delay);
    }
    return 0;
}

void apply_due_health(struct apply *apply, const struct deadline *deadline)
{
    const struct tenant *tenant = state_find_tenant(&apply->next, deadline->account, deadline->region);
    const struct service_node *node = state_find_service(tenant, deadline->target);
    const struct instance *instance = node ? state_find_registered(node, deadline->instance_id) : NULL;

    if (instance && instance->pending_due_mono_ms == deadline->due_mono_ms)
        apply_set_health(apply, node, instance, instance->pending_health, HEALTH_UNKNOWN, 0);
}
