/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations in the state: putting and dropping them, their shared records, and deadlines; see apply.h. */
#include "registry/apply_priv.h"

#include "model/pack.h"

#include <stdio.h>

/* --- deadlines --------------------------------------------------------------------------------------------------- */

static void deadline_pack(struct pack *pack, struct deadline *deadline)
{
    pack_str(pack, &deadline->account);
    pack_str(pack, &deadline->region);
    pack_str(pack, &deadline->target);
    pack_str(pack, &deadline->instance_id);
}

void apply_add_deadline(struct apply *apply, const struct deadline *draft)
{
    struct deadline measured = *draft, *deadline;
    struct pack pack = { .n = sizeof(*deadline) };

    deadline_pack(&pack, &measured);
    deadline = edit_alloc(&apply->edit, pack.n);
    if (!deadline)
        return;
    *deadline = *draft;
    pack = (struct pack){ .at = (char *)deadline, .n = sizeof(*deadline) };
    deadline_pack(&pack, deadline);
    edit_replace(&apply->edit, tree_put(&apply->edit, &apply->next.deadlines, &state_deadlines, deadline, 0));
}

void apply_del_deadline(struct apply *apply, const struct deadline *named)
{
    struct tree_key key = {
        .n = (uint64_t)named->due_mono_ms, .m = named->kind, .a = named->target, .b = named->instance_id
    };

    edit_replace(&apply->edit, tree_del(&apply->edit, &apply->next.deadlines, &state_deadlines, &key));
}

/* --- groups ------------------------------------------------------------------------------------------------------ */

static struct str operation_target(const struct operation *operation)
{
    return (struct str){ (const char *)operation->id.target, ID_TARGET_LEN };
}

/* Takes the operation out of its group; the record of an empty group is deleted. */
static void apply_leave_group(struct apply *apply, struct tenant *tenant, const struct operation *operation)
{
    struct tree_key key = { .n = operation->group,
                            .m = (uint64_t)operation->id.create_ms,
                            .a = operation_target(operation) };
    struct tree_key from = { .n = operation->group }, to = { .n = operation->group + 1 };
    struct record_key record;
    char number[17];

    tree_del(&apply->edit, &tenant->operations_by_group, &state_operations_by_group, &key);
    if (operation->group == apply->revision || apply->edit.solo || apply->edit.failed)
        return;
    if (tree_rank(&tenant->operations_by_group, &state_operations_by_group, &to).count >
        tree_rank(&tenant->operations_by_group, &state_operations_by_group, &from).count)
        return;
    snprintf(number, sizeof(number), "%016llx", (unsigned long long)operation->group);
    record = (struct record_key){
        .kind = RECORD_OPERATIONS, .account = tenant->account, .region = tenant->region, .id = { number, 16 }
    };
    apply_del_record(apply, &record, operation->group_sum);
}

void apply_put_operation(struct apply *apply, struct tenant *tenant, const struct operation *draft)
{
    struct operation fresh = *draft, *operation;
    const struct operation *old;

    if (!apply->edit.solo) {
        fresh.group = apply->revision;
        fresh.group_sum = 0;
        apply->waiting_bytes += fresh.request.n;
    }
    operation = edit_adopt(&apply->edit, operation_dup(&fresh));
    if (!operation)
        return;
    old = tree_put(&apply->edit, &tenant->operations, &state_operations, operation, 0);
    if (old)
        apply_leave_group(apply, tenant, old);
    apply->next.n_held_operations += operation_is_held(operation);
    apply->next.n_held_operations -= old && operation_is_held(old);
    if (old && !operation_is_finished(old))
        apply_del_deadline(apply,
                           &(struct deadline){ .due_mono_ms = old->due_mono_ms, .target = operation_target(old) });
    tree_put(&apply->edit, &tenant->operations_by_group, &state_operations_by_group, operation, 0);
    if (!operation_is_finished(operation)) {
        tree_put(&apply->edit, &tenant->unfinished, &state_unfinished, operation, 0);
        if (!operation_is_held(operation))
            apply_add_deadline(apply, &(struct deadline){ .kind = DEADLINE_OPERATION,
                                                          .due_mono_ms = operation->due_mono_ms,
                                                          .account = tenant->account,
                                                          .region = tenant->region,
                                                          .target = operation_target(operation) });
    } else if (old && !operation_is_finished(old)) {
        tree_del(&apply->edit, &tenant->unfinished, &state_unfinished,
                 &(struct tree_key){ .a = operation_target(operation) });
    }
    if (!apply->edit.solo)
        apply_add_new_operation(apply, operation, old);
    edit_replace(&apply->edit, old);
}

/* --- expiry ------------------------------------------------------------------------------------------------------ */

/* The oldest operation, when it is finished (or held) and too many or too old; else NULL. Oldest in the order of
 * records: a record that others still share may hold an earlier status of an operation, and must never be the last to
 * tell of it.
 */
static const struct operation *apply_expired(const struct apply *apply, const struct tenant *tenant)
{
    uint32_t n = tree_size(&tenant->operations_by_group).count;
    const struct operation *oldest = n ? tree_select(&tenant->operations_by_group, TREE_BY_COUNT, 0) : NULL;

    if (!oldest || !(operation_is_finished(oldest) || operation_is_held(oldest)) || oldest->group == apply->revision)
        return NULL;
    if (n > apply->config->operations_max || oldest->update_ms < apply->wall_ms - apply->config->operations_keep_ms)
        return oldest;
    return NULL;
}

static void apply_drop_operation(struct apply *apply, struct tenant *tenant, const struct operation *operation)
{
    tree_del(&apply->edit, &tenant->operations, &state_operations,
             &(struct tree_key){ .n = (uint64_t)operation->id.create_ms, .a = operation_target(operation) });
    apply_leave_group(apply, tenant, operation);
    edit_replace(&apply->edit, operation);
}

static void apply_expire_tenant(struct apply *apply, const struct tenant *seen)
{
    struct tenant *tenant;

    if (!apply_expired(apply, seen))
        return;
    tenant = apply_own_tenant(apply, seen->account, seen->region);
    for (unsigned i = 0; tenant && i < APPLY_MAX_DUE && !apply->edit.failed; i++) {
        const struct operation *operation = apply_expired(apply, tenant);
        if (!operation)
            return;
        /* What is held may be held for long: it moves on, so that the others can go. */
        if (operation_is_held(operation))
            apply_put_operation(apply, tenant, operation);
        else
            apply_drop_operation(apply, tenant, operation);
    }
}

void apply_expire_operations(struct apply *apply)
{
    uint32_t n = tree_size(&apply->next.tenants).count;
    const struct operation *last = NULL;

    if (apply->mono_ms >= apply->sweep_mono_ms) {
        for (uint32_t i = 0; i < n && !apply->edit.failed; i++)
            apply_expire_tenant(apply, tree_select(&apply->next.tenants, TREE_BY_COUNT, i));
        apply->sweep_mono_ms = apply->mono_ms + APPLY_SWEEP_MS;
        return;
    }
    for (size_t i = 0; i < apply->new_operations.n && !apply->edit.failed; i++) {
        const struct operation *operation = apply->new_operations.items[i];
        if (!last || !str_eq(last->account, operation->account) || !str_eq(last->region, operation->region))
            apply_expire_tenant(apply, state_find_tenant(&apply->next, operation->account, operation->region));
        last = operation;
    }
}
