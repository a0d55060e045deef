/* SPDX-License-Identifier: Apache-2.0
 *
 * The mass-loss guard: what it holds, and how that is released or cancelled; see guard.h, apply.h. */
#include "registry/apply_priv.h"

#include "base/mem.h"
#include "base/metric.h"
#include "base/units.h"

#include <errno.h>
#include <stdio.h>

/* --- losses ------------------------------------------------------------------------------------------------------- */

static bool apply_counts(const struct instance *instance)
{
    return instance && !(instance->flags & (INSTANCE_DRAINING | INSTANCE_EXPIRED));
}

void apply_note_presence(struct apply *apply, struct service_node *node, const struct instance *old,
                         const struct instance *fresh)
{
    struct str id = instance_id(fresh ? fresh : old);
    uint64_t hash;

    node->n_expired -= old && (old->flags & (INSTANCE_DRAINING | INSTANCE_EXPIRED)) == INSTANCE_EXPIRED;
    node->n_expired += fresh && (fresh->flags & (INSTANCE_DRAINING | INSTANCE_EXPIRED)) == INSTANCE_EXPIRED;
    if (apply->edit.solo || apply_counts(old) == apply_counts(fresh))
        return;
    hash = hash_sip(&apply->next.index_key, id.p, id.n);
    if (apply_counts(fresh))
        guard_note_return(node->losses, hash);
    else
        node->losses =
            guard_note_loss(&apply->edit, node->losses, hash, apply->mono_ms, apply->config->guard.window_ms);
}

bool apply_is_mass_loss(const struct apply *apply, const struct service_node *node, const struct instance *instance)
{
    const struct guard_config *guard = &apply->config->guard;

    return apply_counts(instance) && !apply->is_released &&
           guard_is_exceeded(guard, tree_size(&node->instances).count - node->n_expired,
                             guard_count(node->losses, apply->mono_ms, guard->window_ms));
}

int apply_refuse_loss(struct apply *apply, const struct service_node *node, struct change *change)
{
    const struct guard_config *guard = &apply->config->guard;
    uint32_t n_lost = guard_count(node->losses, apply->mono_ms, guard->window_ms);
    char window[24], share[16];

    window[units_format_duration(guard->window_ms, window)] = '\0';
    snprintf(share, sizeof(share), "%g", guard->max_loss / 1e6);
    log_event(LOG_GUARD_REFUSED, LOG_S("account", node->config->account), LOG_S("region", node->config->region),
              LOG_S("service", node->config->id), LOG_S("name", node->config->name),
              LOG_S("instance", change->instance_id));
    metric_add(METRIC_GUARD_REFUSED, 1);
    return rules_refuse(change, CHANGE_IN_USE,
                        "The service would lose %u of %u instances within %s, more than guard.max_loss = %s allows. "
                        "Register others first, wait until the window is over, or ask the operator.",
                        n_lost + 1, tree_size(&node->instances).count - node->n_expired + n_lost, window, share);
}

int apply_guard_change(struct apply *apply, const struct tenant *tenant, struct change *change)
{
    const struct service_node *node = state_find_service(tenant, change->service_id);
    const struct instance *instance = node ? state_find_registered(node, change->instance_id) : NULL;
    enum guard_mode mode = apply->config->guard.api;

    if (change->kind == CHANGE_REGISTER_INSTANCE) {
        if (!str_is_set(rules_read_attributes(apply->config, change->attributes, change->n_attributes).draining))
            return 0;
        mode = apply->config->guard.drain;
    } else if (change->kind != CHANGE_DEREGISTER_INSTANCE) {
        return 0;
    }
    if (mode == GUARD_OFF || !apply_is_mass_loss(apply, node, instance))
        return 0;
    return mode == GUARD_HOLD ? APPLY_HELD : apply_refuse_loss(apply, node, change);
}

void apply_hold(struct apply *apply, const struct tenant *tenant, const struct change *change,
                struct operation *operation)
{
    const struct service_node *node = state_find_service(tenant, change->service_id);

    buf_clear(&apply->text);
    change_encode(&apply->text, change);
    operation->status = OPERATION_PENDING;
    operation->request = buf_str(&apply->text);
    operation->due_mono_ms = operation->due_wall_ms = 0;
    if (apply->text.failed)
        apply->edit.failed = true;
    apply_tell(apply, LOG_GUARD_HELD, node->config, change->instance_id, STR("DeregisterInstance"));
}

/* --- what is held ------------------------------------------------------------------------------------------------- */

void apply_end_held(struct apply *apply, struct tenant *tenant, const struct operation *held, struct str why)
{
    const struct service_node *node = state_find_service(tenant, held->service_id);
    struct operation next = *held;

    next.status = OPERATION_FAIL;
    next.error_code = STR("ACCESS_DENIED");
    next.error_message = why;
    next.request = (struct str){ 0 };
    next.update_ms = apply->wall_ms > held->update_ms ? apply->wall_ms : held->update_ms;
    if (node)
        apply_tell(apply, LOG_GUARD_CANCELLED, node->config, held->instance_id, why);
    apply_put_operation(apply, tenant, &next);
}

static bool apply_is_named(const struct change *change, struct str service_id, struct str instance_id)
{
    return (!str_is_set(change->service_id) || str_eq(change->service_id, service_id)) &&
           (!str_is_set(change->instance_id) || str_eq(change->instance_id, instance_id));
}

/* What one change of the guard collects before it touches anything: walks do not outlive changes. */
struct apply_held {
    const struct operation *operations[APPLY_MAX_RELEASED];
    struct {
        const struct service_node *node;
        struct str instance_id;
    } leases[APPLY_MAX_RELEASED];
    size_t n_operations, n_leases, n_left;
};

static void apply_collect_operations(const struct change *change, const struct tenant *tenant, struct apply_held *held)
{
    const struct operation *operation;
    struct tree_iter iter;

    tree_iter_init(&iter, &tenant->unfinished, NULL, NULL);
    while ((operation = tree_iter_next(&iter))) {
        if (!operation_is_held(operation) || !apply_is_named(change, operation->service_id, operation->instance_id))
            continue;
        if (held->n_operations + held->n_leases == APPLY_MAX_RELEASED)
            held->n_left++;
        else
            held->operations[held->n_operations++] = operation;
    }
}

static void apply_collect_leases(const struct change *change, const struct tenant *tenant, struct apply_held *held)
{
    const struct service_node *node;
    const struct tenure *tenure;
    struct tree_iter services, tenures;

    tree_iter_init(&services, &tenant->services, NULL, NULL);
    while ((node = tree_iter_next(&services))) {
        if (!node->tenures.root || !apply_is_named(change, node->config->id, change->instance_id))
            continue;
        tree_iter_init(&tenures, &node->tenures, NULL, NULL);
        while ((tenure = tree_iter_next(&tenures))) {
            if (!tenure->held_wall_ms || !apply_is_named(change, node->config->id, tenure_instance_id(tenure)))
                continue;
            if (held->n_operations + held->n_leases == APPLY_MAX_RELEASED) {
                held->n_left++;
                continue;
            }
            held->leases[held->n_leases].node = node;
            held->leases[held->n_leases++].instance_id = tenure_instance_id(tenure);
        }
    }
}

static void apply_handle_held(struct apply *apply, const struct apply_held *held, bool release)
{
    for (size_t i = 0; i < held->n_operations && !apply->edit.failed; i++) {
        const struct operation *operation = held->operations[i];
        struct tenant *tenant = apply_own_tenant(apply, operation->account, operation->region);
        if (!tenant)
            return;
        if (release)
            apply_release_operation(apply, tenant, operation);
        else
            apply_end_held(apply, tenant, operation,
                           STR("An operator cancelled the removal, which the guard (guard.max_loss) had held"));
    }
    for (size_t i = 0; i < held->n_leases && !apply->edit.failed; i++) {
        const struct service *config = held->leases[i].node->config;
        const struct tenant *tenant = state_find_tenant(&apply->next, config->account, config->region);
        const struct service_node *node = state_find_service(tenant, config->id);
        const struct instance *instance = node ? state_find_registered(node, held->leases[i].instance_id) : NULL;
        if (instance && release)
            apply_expire_lease(apply, node, instance);
        else if (instance)
            apply_renew(apply, node, instance);
    }
}

int apply_guard_release(struct apply *apply, struct change *change, bool release)
{
    struct apply_held *held = mem_zalloc(sizeof(*held));
    const struct tenant *tenant;
    struct tree_iter iter;

    if (!held)
        return -ENOMEM;
    tree_iter_init(&iter, &apply->next.tenants, NULL, NULL);
    while ((tenant = tree_iter_next(&iter))) {
        if (str_is_set(change->account) &&
            !(str_eq(change->account, tenant->account) && str_eq(change->region, tenant->region)))
            continue;
        apply_collect_operations(change, tenant, held);
        apply_collect_leases(change, tenant, held);
    }
    apply->is_released = true;
    apply_handle_held(apply, held, release);
    apply->is_released = false;
    change->n_done = held->n_operations + held->n_leases;
    change->n_left = held->n_left;
    mem_free(held);
    return 0;
}
