/* SPDX-License-Identifier: Apache-2.0
 *
 * Draining instances, and what ends by itself: see tenure.h, apply.h. */
#include "registry/apply_priv.h"

#include "base/metric.h"
#include "model/cloudmap_attribute.h"
#include "registry/pairs.h"

#include <errno.h>

#define TENURE_ARENA (1u << 20) /* the attributes of one instance, as pairs */

/* --- tenures ------------------------------------------------------------------------------------------------------ */

static struct deadline apply_tenure_deadline(const struct service *config, const struct tenure *tenure)
{
    return (struct deadline){ .kind = DEADLINE_TENURE,
                              .due_mono_ms = tenure->deadline_mono_ms,
                              .account = config->account,
                              .region = config->region,
                              .target = config->id,
                              .instance_id = tenure_instance_id(tenure) };
}

void apply_drop_tenure(struct apply *apply, struct service_node *node, struct str instance_id)
{
    const struct tenure *old =
        tree_del(&apply->edit, &node->tenures, &state_tenures, &(struct tree_key){ .a = instance_id });

    if (old && old->deadline_mono_ms) {
        struct deadline deadline = apply_tenure_deadline(node->config, old);
        apply_del_deadline(apply, &deadline);
    }
    apply->next.n_held_leases -= old && old->held_wall_ms;
    edit_replace(&apply->edit, old);
}

void apply_put_tenure(struct apply *apply, struct service_node *node, struct str instance_id,
                      const struct tenure *draft)
{
    struct tenure *tenure;
    struct deadline deadline;

    apply_drop_tenure(apply, node, instance_id);
    if (!draft->lease_ms && !draft->drain_end_mono_ms)
        return;
    tenure = edit_adopt(&apply->edit, tenure_new(draft, instance_id));
    if (!tenure)
        return;
    tenure->deadline_mono_ms = tenure_next_mono_ms(tenure);
    tree_put(&apply->edit, &node->tenures, &state_tenures, tenure, 0);
    apply->next.n_held_leases += tenure->held_wall_ms != 0;
    if (!tenure->deadline_mono_ms)
        return;
    deadline = apply_tenure_deadline(node->config, tenure);
    apply_add_deadline(apply, &deadline);
}

/* The tenure as it is, to be changed. */
static struct tenure apply_tenure_of(const struct service_node *node, const struct instance *instance)
{
    const struct tenure *tenure = state_find_tenure(node, instance_id(instance));

    return tenure ? *tenure : (struct tenure){ 0 };
}

/* --- drain -------------------------------------------------------------------------------------------------------- */

/* The instance as a draft, its attributes in the arena. Not 0 when memory is out. */
static int apply_draft(struct apply *apply, const struct instance *instance, struct arena *arena,
                       struct instance_draft *ret_draft)
{
    struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, instance->n_attributes + 1u);

    if (!pairs) {
        apply->edit.failed = true;
        return -ENOMEM;
    }
    instance_draft(instance, pairs, ret_draft);
    return 0;
}

/* The draft in the place of the instance: what discovery sees has changed. */
static void apply_replace_instance(struct apply *apply, struct service_node *node, const struct instance *old,
                                   const struct instance_draft *draft)
{
    struct tenant *tenant = apply_own_tenant(apply, node->config->account, node->config->region);
    struct instance *instance = tenant ? edit_adopt(&apply->edit, instance_new(draft)) : NULL;

    if (!instance)
        return;
    apply_put_instance(apply, node, instance, old);
    node->revision = apply->next.instances_revision;
    apply_put_service(apply, tenant, node);
}

static void apply_begin_drain(struct apply *apply, const struct service_node *seen, const struct instance *old,
                              const struct change *change)
{
    struct service_node *node = apply_own_service(apply, seen);
    const struct str_pair reason = { CLOUDMAP_ATTRIBUTE_DRAINING, change->reason };
    struct tenure tenure = apply_tenure_of(seen, old);
    struct instance_draft draft;
    struct str_pair *pairs;

    if (!node || apply_draft(apply, old, change->arena, &draft))
        return;
    if (pairs_merge(change->arena, draft.attributes, draft.n_attributes, &reason, 1, &pairs, &draft.n_attributes)) {
        apply->edit.failed = true;
        return;
    }
    draft.attributes = pairs;
    draft.flags |= INSTANCE_DRAINING | INSTANCE_DRAINED;
    tenure.drain_end_mono_ms = change->drain_for_ms ? apply->mono_ms + change->drain_for_ms : 0;
    tenure.drain_end_wall_ms = change->drain_for_ms ? apply->wall_ms + change->drain_for_ms : 0;
    tenure.drain_then = change->drain_then;
    apply_put_tenure(apply, node, draft.id, &tenure);
    apply_replace_instance(apply, node, old, &draft);
    apply_tell(apply, LOG_INSTANCE_DRAINING, node->config, draft.id, change->reason);
}

static void apply_end_drain(struct apply *apply, const struct service_node *seen, const struct instance *old,
                            struct arena *arena, struct str why)
{
    struct service_node *node = apply_own_service(apply, seen);
    const struct str key = CLOUDMAP_ATTRIBUTE_DRAINING;
    struct tenure tenure = apply_tenure_of(seen, old);
    struct instance_draft draft;
    struct str_pair *pairs;

    if (!node || apply_draft(apply, old, arena, &draft))
        return;
    if (pairs_without(arena, draft.attributes, draft.n_attributes, &key, 1, &pairs, &draft.n_attributes)) {
        apply->edit.failed = true;
        return;
    }
    draft.attributes = pairs;
    draft.flags &= (uint8_t) ~(INSTANCE_DRAINING | INSTANCE_DRAINED);
    tenure.drain_end_mono_ms = tenure.drain_end_wall_ms = 0;
    apply_put_tenure(apply, node, draft.id, &tenure);
    apply_replace_instance(apply, node, old, &draft);
    apply_tell(apply, LOG_INSTANCE_UNDRAINED, node->config, draft.id, why);
}

/* The instance that an operator's change names. 0 or why there is none. */
static int apply_find_named(const struct apply *apply, const struct change *change,
                            const struct service_node **ret_node, const struct instance **ret_instance)
{
    const struct tenant *tenant = state_find_tenant(&apply->next, change->account, change->region);

    *ret_node = state_find_service(tenant, change->service_id);
    if (!*ret_node)
        return CHANGE_SERVICE_NOT_FOUND;
    *ret_instance = state_find_registered(*ret_node, change->instance_id);
    return *ret_instance ? 0 : CHANGE_INSTANCE_NOT_FOUND;
}

int apply_drain(struct apply *apply, struct change *change)
{
    const struct service_node *node;
    const struct instance *instance;
    int r;

    if (!cloudmap_attribute_is_reason(change->reason))
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "The reason is 1 to %d printable ASCII characters, and not `false`",
                            CLOUDMAP_ATTRIBUTE_MAX_REASON);
    if (change->drain_for_ms < 0 || change->drain_for_ms > TENURE_MAX_DRAIN_MS)
        return rules_refuse(change, CHANGE_INVALID_INPUT, "A drain that ends by itself lasts at most 7d");
    r = apply_find_named(apply, change, &node, &instance);
    if (!r && apply->config->guard.drain != GUARD_OFF && !change->force && apply_is_mass_loss(apply, node, instance))
        r = apply_refuse_loss(apply, node, change);
    if (!r)
        apply_begin_drain(apply, node, instance, change);
    return r;
}

int apply_undrain(struct apply *apply, struct change *change)
{
    const struct service_node *node;
    const struct instance *instance;
    int r = apply_find_named(apply, change, &node, &instance);

    if (!r && instance->flags & INSTANCE_DRAINING)
        apply_end_drain(apply, node, instance, change->arena, STR("undrained"));
    return r;
}

/* --- leases ------------------------------------------------------------------------------------------------------- */

/* Another tenure for the instance, and other flags; `stored`: its record tells of them. */
static void apply_set_tenure(struct apply *apply, const struct service_node *seen, const struct instance *old,
                             const struct tenure *draft, unsigned flags, bool stored)
{
    struct tenant *tenant = apply_own_tenant(apply, seen->config->account, seen->config->region);
    struct service_node *node = tenant ? apply_own_service(apply, seen) : NULL;
    struct instance *instance;

    if (!node)
        return;
    apply_put_tenure(apply, node, instance_id(old), draft);
    apply->has_moved = true;
    if (stored) {
        instance = edit_adopt(&apply->edit, instance_dup(old));
        if (!instance)
            return;
        instance->flags = (uint8_t)flags;
        apply_put_instance(apply, node, instance, old);
    }
    apply_keep_service(apply, tenant, node);
}

bool apply_renew(struct apply *apply, const struct service_node *node, const struct instance *instance)
{
    const struct tenure *tenure = state_find_tenure(node, instance_id(instance));
    struct tenure next;

    if (!tenure || !tenure->lease_ms)
        return false;
    if (!tenure->expired_wall_ms && !tenure->held_wall_ms) {
        tenure_renew((struct tenure *)(uintptr_t)tenure, apply->mono_ms + tenure->lease_ms);
        return true;
    }
    next = *tenure;
    next.expired_wall_ms = next.remove_mono_ms = next.held_wall_ms = 0;
    next.lease_end_mono_ms = apply->mono_ms + next.lease_ms;
    apply_tell(apply, LOG_LEASE_RENEWED, node->config, instance_id(instance), STR("renewed after its end"));
    apply_set_tenure(apply, node, instance, &next, instance->flags & ~(unsigned)INSTANCE_EXPIRED, true);
    return true;
}

void apply_expire_lease(struct apply *apply, const struct service_node *seen, const struct instance *instance)
{
    struct tenure next = apply_tenure_of(seen, instance);

    next.held_wall_ms = 0;
    next.expired_wall_ms = apply->wall_ms;
    next.remove_mono_ms = next.remove_ms < 0 ? 0 : apply->mono_ms + next.remove_ms;
    metric_add(METRIC_LEASES_EXPIRED, 1);
    apply_tell(apply, LOG_LEASE_EXPIRED, seen->config, instance_id(instance), STR("not renewed in time"));
    apply_set_tenure(apply, seen, instance, &next, instance->flags | INSTANCE_EXPIRED, true);
}

int apply_renew_named(struct apply *apply, struct change *change)
{
    const struct service_node *node;
    const struct instance *instance;
    int r = apply_find_named(apply, change, &node, &instance);

    if (!r && !apply_renew(apply, node, instance))
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "The instance has no lease: cloudmap:lease is not among its attributes");
    return r;
}

/* --- what is due -------------------------------------------------------------------------------------------------- */

static void apply_remove(struct apply *apply, const struct service_node *node, const struct instance *instance,
                         struct str why)
{
    struct tenant *tenant = apply_own_tenant(apply, node->config->account, node->config->region);
    struct change change = { .service_id = node->config->id, .instance_id = instance_id(instance) };

    if (!tenant)
        return;
    apply_tell(apply, LOG_INSTANCE_REMOVED, node->config, change.instance_id, why);
    apply_deregister(apply, tenant, &change);
}

/* The lease has run out, or was renewed since its deadline was set; or an instance whose lease ran out goes. */
static void apply_due_lease(struct apply *apply, const struct service_node *node, const struct instance *instance,
                            const struct tenure *tenure)
{
    struct tenure next = *tenure;

    if (tenure->expired_wall_ms) {
        apply_remove(apply, node, instance, STR("its lease ran out"));
        return;
    }
    if (tenure_lease_end(tenure) > apply->mono_ms) {
        apply_set_tenure(apply, node, instance, &next, instance->flags, false);
        return;
    }
    if (apply->config->guard.lease == GUARD_HOLD && apply_is_mass_loss(apply, node, instance)) {
        next.held_wall_ms = apply->wall_ms;
        apply_tell(apply, LOG_GUARD_HELD, node->config, instance_id(instance), STR("its lease ran out"));
        apply_set_tenure(apply, node, instance, &next, instance->flags, true);
        return;
    }
    apply_expire_lease(apply, node, instance);
}

void apply_due_tenure(struct apply *apply, const struct deadline *deadline)
{
    const struct tenant *tenant = state_find_tenant(&apply->next, deadline->account, deadline->region);
    const struct service_node *node = state_find_service(tenant, deadline->target);
    const struct instance *instance = node ? state_find_registered(node, deadline->instance_id) : NULL;
    const struct tenure *tenure = instance ? state_find_tenure(node, deadline->instance_id) : NULL;
    struct arena arena;

    if (!tenure || tenure->deadline_mono_ms != deadline->due_mono_ms)
        return;
    if (tenure->drain_end_mono_ms != deadline->due_mono_ms) {
        apply_due_lease(apply, node, instance, tenure);
    } else if (tenure->drain_then == TENURE_DEREGISTER) {
        apply_remove(apply, node, instance, STR("the drain is over"));
    } else {
        arena_init(&arena, TENURE_ARENA);
        apply_end_drain(apply, node, instance, &arena, STR("the drain is over"));
        arena_fini(&arena);
    }
}
