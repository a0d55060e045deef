/* SPDX-License-Identifier: Apache-2.0
 *
 * Owning what a change touches, dispatching changes, and the records that changes of one commit share; see apply.h. */
#include "registry/apply_priv.h"

#include <errno.h>
#include <stdio.h>

struct tenant *apply_own_tenant(struct apply *apply, struct str account, struct str region)
{
    const struct tenant *old = state_find_tenant(&apply->next, account, region);
    struct tenant *tenant;
    char *text;

    if (old && old->epoch == apply->edit.epoch)
        return (struct tenant *)(uintptr_t)old;
    tenant = edit_alloc(&apply->edit, sizeof(*tenant) + account.n + region.n);
    if (!tenant)
        return NULL;
    *tenant = old ? *old : (struct tenant){ 0 };
    text = (char *)(tenant + 1);
    memcpy(text, account.p, account.n);
    memcpy(text + account.n, region.p, region.n);
    tenant->account = (struct str){ text, account.n };
    tenant->region = (struct str){ text + account.n, region.n };
    tenant->epoch = apply->edit.epoch;
    tree_put(&apply->edit, &apply->next.tenants, &state_tenants, tenant, 0);
    edit_replace(&apply->edit, old);
    return tenant;
}

struct service_node *apply_own_service(struct apply *apply, const struct service_node *node)
{
    struct service_node *own;

    if (node->epoch == apply->edit.epoch)
        return (struct service_node *)(uintptr_t)node;
    own = edit_dup(&apply->edit, node, sizeof(*node));
    if (!own)
        return NULL;
    own->epoch = apply->edit.epoch;
    edit_replace(&apply->edit, node);
    return own;
}

static void apply_list_add(struct apply *apply, struct edit_list *list, void *item)
{
    if (list->n == list->size) {
        size_t size = list->size ? list->size * 2 : 64;
        void **items = mem_realloc(list->items, size * sizeof(*items));
        if (!items) {
            apply->edit.failed = true;
            return;
        }
        list->items = items;
        list->size = size;
    }
    list->items[list->n++] = item;
}

void apply_keep_service(struct apply *apply, struct tenant *tenant, struct service_node *node)
{
    tree_put(&apply->edit, &tenant->services, &state_services, node, 0);
    tree_put(&apply->edit, &tenant->services_by_name, &state_services_by_name, node, 0);
    apply_stale_owner(apply, node);
}

void apply_put_service(struct apply *apply, struct tenant *tenant, struct service_node *node)
{
    apply_keep_service(apply, tenant, node);
    for (size_t i = apply->stale_services.n; i > 0; i--)
        if (apply->stale_services.items[i - 1] == node)
            return;
    apply_list_add(apply, &apply->stale_services, node);
}

void apply_stale_owner(struct apply *apply, struct service_node *node)
{
    if (node->is_owner_stale || !node->config->fold_name)
        return;
    node->is_owner_stale = true;
    apply_list_add(apply, &apply->stale_owners, node);
}

void apply_renew_owner(struct apply *apply, const struct service_node *node)
{
    const struct service *config = node->config;
    const struct tenant *tenant = state_find_tenant(&apply->next, config->account, config->region);

    zone_put_service(&apply->edit, &apply->next, state_find_namespace(tenant, config->namespace_id), node);
}

static void apply_renew_owners(struct apply *apply)
{
    for (size_t i = 0; i < apply->stale_owners.n && !apply->edit.failed; i++) {
        struct service_node *node = apply->stale_owners.items[i];
        node->is_owner_stale = false;
        if (!node->is_deleted)
            apply_renew_owner(apply, node);
    }
}

void apply_add_new_operation(struct apply *apply, struct operation *operation, const struct operation *old)
{
    for (size_t i = 0; old && i < apply->new_operations.n; i++)
        if (apply->new_operations.items[i] == old) {
            apply->new_operations.items[i] = operation;
            return;
        }
    apply_list_add(apply, &apply->new_operations, operation);
}

uint32_t apply_put_record(struct apply *apply, const struct record_key *key, uint32_t old_sum)
{
    char text[RECORD_MAX_KEY];
    size_t n = record_format_key(key, text);

    if (apply->text.failed) {
        apply->edit.failed = true;
        return 0;
    }
    return store_put(apply->batch, (struct str){ text, n }, buf_str(&apply->text), old_sum);
}

void apply_del_record(struct apply *apply, const struct record_key *key, uint32_t old_sum)
{
    char text[RECORD_MAX_KEY];
    size_t n = record_format_key(key, text);

    store_del(apply->batch, (struct str){ text, n }, old_sum);
}

/* --- notices ----------------------------------------------------------------------------------------------------- */

void apply_tell(struct apply *apply, enum log_id event, const struct service *service, struct str instance_id,
                struct str why)
{
    struct apply_notice *notice;

    if (apply->n_notices == apply->max_notices) {
        size_t max = apply->max_notices ? apply->max_notices * 2 : 64;
        struct apply_notice *wider = mem_realloc(apply->notices, max * sizeof(*wider));
        if (!wider)
            return; /* a line of the log less, no change less */
        apply->notices = wider;
        apply->max_notices = max;
    }
    notice = &apply->notices[apply->n_notices++];
    *notice = (struct apply_notice){ .event = event, .service = service, .why = why, .id_len = (uint8_t)instance_id.n };
    memcpy(notice->id, instance_id.p, instance_id.n);
}

void apply_log(struct apply *apply)
{
    for (size_t i = 0; i < apply->n_notices; i++) {
        const struct apply_notice *notice = &apply->notices[i];
        log_event(notice->event, LOG_S("account", notice->service->account), LOG_S("region", notice->service->region),
                  LOG_S("service", notice->service->id), LOG_S("name", notice->service->name),
                  LOG_S("instance", ((struct str){ notice->id, notice->id_len })), LOG_S("why", notice->why));
    }
}

/* --- asynchronous changes ---------------------------------------------------------------------------------------- */

static int apply_check(struct apply *apply, const struct tenant *tenant, struct change *change)
{
    switch (change->kind) {
    case CHANGE_CREATE_NAMESPACE:
        return apply_check_create_namespace(apply, tenant, change);
    case CHANGE_DELETE_NAMESPACE:
        return apply_check_delete_namespace(apply, tenant, change);
    case CHANGE_UPDATE_NAMESPACE:
        return apply_check_update_namespace(apply, tenant, change);
    case CHANGE_UPDATE_SERVICE:
        return apply_check_update_service(apply, tenant, change);
    case CHANGE_REGISTER_INSTANCE:
        return apply_check_register(apply, tenant, change);
    case CHANGE_DEREGISTER_INSTANCE:
        return apply_check_deregister(apply, tenant, change);
    default:
        return -EINVAL;
    }
}

static void apply_effect(struct apply *apply, struct tenant *tenant, struct change *change,
                         const struct id_operation *operation, struct apply_outcome *outcome)
{
    switch (change->kind) {
    case CHANGE_CREATE_NAMESPACE:
        apply_create_namespace(apply, tenant, change, operation, outcome);
        break;
    case CHANGE_DELETE_NAMESPACE:
        apply_delete_namespace(apply, tenant, change);
        break;
    case CHANGE_UPDATE_NAMESPACE:
        apply_update_namespace(apply, tenant, change);
        break;
    case CHANGE_UPDATE_SERVICE:
        apply_update_service(apply, tenant, change);
        break;
    case CHANGE_REGISTER_INSTANCE:
        apply_register(apply, tenant, change, operation);
        break;
    default:
        apply_deregister(apply, tenant, change);
        break;
    }
}

/* What the operation locks: nothing else may run on it meanwhile. */
static void apply_target(const struct change *change, uint8_t ret_target[ID_TARGET_LEN])
{
    switch (change->kind) {
    case CHANGE_CREATE_NAMESPACE:
        state_target_name(change->account, change->region, change->ns.name, ret_target);
        break;
    case CHANGE_DELETE_NAMESPACE:
    case CHANGE_UPDATE_NAMESPACE:
        state_target_id(change->account, change->region, change->namespace_id, (struct str){ 0 }, ret_target);
        break;
    default:
        state_target_id(change->account, change->region, change->service_id, change->instance_id, ret_target);
        break;
    }
}

/* Is the change the request that runs already? Only creations and registrations carry their token and can be told from
 * others. */
static bool apply_is_running(struct apply *apply, const struct operation *running, struct change *change)
{
    if (change->kind != CHANGE_CREATE_NAMESPACE && change->kind != CHANGE_REGISTER_INSTANCE)
        return false;
    if (change->kind == CHANGE_CREATE_NAMESPACE)
        change->ns.id = running->namespace_id; /* it was drawn when the operation was accepted */
    buf_clear(&apply->text);
    change_encode(&apply->text, change);
    change->ns.id = (struct str){ 0 };
    return !apply->text.failed && str_eq(buf_str(&apply->text), running->request);
}

/* 0, or why the running operation on the same target keeps the change out. */
static int apply_check_unfinished(struct apply *apply, const struct operation *running, struct change *change)
{
    if (!running)
        return 0;
    id_format_operation(&running->id, change->operation_id);
    if (apply_is_running(apply, running, change))
        return APPLY_REPEATED;
    return rules_refuse(change, CHANGE_DUPLICATE_REQUEST,
                        "Another operation of type " STR_FMT " and id %s is in progress", STR_ARG(running->action),
                        change->operation_id);
}

/* One target has at most one operation a millisecond. */
static void apply_new_operation_id(struct apply *apply, const struct tenant *tenant, struct id_operation *id)
{
    id->create_ms = apply->wall_ms;
    while (state_find_operation(tenant, id))
        id->create_ms++;
}

/* The namespace that an operation on a service or its instance belongs to. */
static struct str apply_namespace_of(const struct tenant *tenant, const struct change *change)
{
    const struct service_node *node;

    if (change->kind == CHANGE_CREATE_NAMESPACE)
        return change->ns.id;
    if (str_is_set(change->namespace_id))
        return change->namespace_id;
    node = state_find_service(tenant, change->service_id);
    return node ? node->config->namespace_id : (struct str){ 0 };
}

/* The operation that an accepted change becomes, not yet with its outcome. */
static void apply_draft_operation(struct apply *apply, struct tenant *tenant, struct change *change,
                                  struct operation *operation)
{
    apply_new_operation_id(apply, tenant, &operation->id);
    operation->type = (enum operation_type)change_operation_type(change->kind);
    operation->status = OPERATION_SUCCESS;
    operation->update_ms = operation->id.create_ms;
    operation->account = tenant->account;
    operation->region = tenant->region;
    operation->action = change->action;
    operation->namespace_id = apply_namespace_of(tenant, change);
    operation->service_id = change->service_id;
    operation->instance_id = change->instance_id;
}

/* When the service that a change names was made; 0 without one. */
static int64_t apply_service_create_ms(const struct tenant *tenant, const struct change *change)
{
    const struct service_node *node =
        str_is_set(change->service_id) ? state_find_service(tenant, change->service_id) : NULL;

    return node ? node->config->create_ms : 0;
}

/* Leaves the change to its time. */
static void apply_postpone(struct apply *apply, const struct change *change, struct operation *operation)
{
    int64_t delay = apply->config->operations_delay_ms / 2;

    buf_clear(&apply->text);
    change_encode(&apply->text, change);
    operation->status = OPERATION_SUBMITTED;
    operation->request = buf_str(&apply->text);
    operation->due_mono_ms = apply->mono_ms + delay;
    operation->due_wall_ms = apply->wall_ms + delay;
    if (apply->text.failed)
        apply->edit.failed = true;
}

/* The instance is registered again while its removal is held: it will not be removed. */
static void apply_take_back(struct apply *apply, const struct operation *held)
{
    struct tenant *tenant = apply_own_tenant(apply, held->account, held->region);

    if (tenant)
        apply_end_held(apply, tenant, held,
                       STR("The instance was registered again while the guard (guard.max_loss) held its removal"));
}

static int apply_operation(struct apply *apply, struct change *change)
{
    const struct tenant *seen = state_find_tenant(&apply->next, change->account, change->region);
    struct apply_outcome outcome = { 0 };
    struct operation operation = { 0 };
    const struct operation *running, *held = NULL;
    bool is_held;
    char namespace_id[ID_NAMESPACE_SIZE];
    struct tenant *tenant;
    int r;

    if (change->n_attributes && instance_sort_attributes(change->attributes, change->n_attributes))
        return rules_refuse(change, CHANGE_INVALID_INPUT, "An attribute is given twice");
    apply_target(change, operation.id.target);
    change->service_create_ms = apply_service_create_ms(seen, change);
    running = state_find_unfinished(seen, operation.id.target);
    if (running && operation_is_held(running) && change->kind == CHANGE_REGISTER_INSTANCE)
        held = running; /* a removal that the guard holds is no reason to refuse its opposite */
    r = held ? 0 : apply_check_unfinished(apply, running, change);
    if (!r) {
        r = apply_check(apply, seen, change);
        if (r == APPLY_REPEATED && change->kind == CHANGE_REGISTER_INSTANCE) {
            change->is_repeated = true;
            apply_repeat_registration(apply, seen, change);
        }
    }
    if (!r)
        r = apply_guard_change(apply, seen, change);
    is_held = r == APPLY_HELD;
    if ((!r || is_held) && apply->config->operations_delay_ms && apply->waiting_bytes > APPLY_MAX_WAITING)
        return CHANGE_OVERLOADED;
    if (held && (!r || r == APPLY_REPEATED))
        apply_take_back(apply, held);
    if (r && !is_held)
        return r == APPLY_REPEATED ? 0 : r;

    tenant = apply_own_tenant(apply, change->account, change->region);
    if (!tenant)
        return -ENOMEM;
    if (change->kind == CHANGE_CREATE_NAMESPACE) {
        id_new_namespace(&apply->rand, namespace_id);
        change->ns.id = str_of(namespace_id);
    }
    apply_draft_operation(apply, tenant, change, &operation);
    if (apply->config->operations_delay_ms) {
        apply_postpone(apply, change, &operation);
    } else if (is_held) {
        apply_hold(apply, tenant, change, &operation);
    } else {
        apply_effect(apply, tenant, change, &operation.id, &outcome);
        operation.error_code = outcome.error_code;
        operation.error_message = outcome.error_message;
        if (str_is_set(outcome.error_code))
            operation.status = OPERATION_FAIL;
    }
    apply_put_operation(apply, tenant, &operation);
    id_format_operation(&operation.id, change->operation_id);
    change->ns.id = (struct str){ 0 }; /* it pointed into this frame */
    return 0;
}

/* --- deadlines --------------------------------------------------------------------------------------------------- */

/* The error code of an operation whose change was refused when its time came. */
static void apply_refused(struct change *change, int result, struct apply_outcome *outcome)
{
    outcome->error_code = result == CHANGE_NOT_YOURS ? STR("ACCESS_DENIED") : STR("INTERNAL_FAILURE");
    if (str_is_set(change->message)) {
        outcome->error_message = change->message;
        return;
    }
    switch (result) {
    case CHANGE_NAMESPACE_NOT_FOUND:
        outcome->error_message = STR("Namespace not found");
        break;
    case CHANGE_SERVICE_NOT_FOUND:
        outcome->error_message = STR("Service not found");
        break;
    case CHANGE_INSTANCE_NOT_FOUND:
        outcome->error_message = STR("Instance not found");
        break;
    case CHANGE_NAMESPACE_EXISTS:
        outcome->error_message = STR("Namespace already exists");
        break;
    default:
        outcome->error_message = STR("The operation could not be carried out");
        break;
    }
}

/* Does the waiting change of an operation, or finds out that it cannot be done any more. */
static void apply_waiting(struct apply *apply, struct tenant *tenant, struct operation *operation, struct arena *arena)
{
    struct str request = arena_dup(arena, operation->request);
    struct apply_outcome outcome = { 0 };
    struct change change;
    int r;

    r = str_is_set(request) ? change_decode((char *)(uintptr_t)request.p, request.n, arena, &change) : 1;
    if (arena->failed) {
        apply->edit.failed = true;
        return;
    }
    if (r) {
        outcome.error_code = STR("INTERNAL_FAILURE");
        outcome.error_message = STR("The waiting request could not be read back");
    } else {
        change.account = operation->account;
        change.region = operation->region;
        if (change.service_create_ms && apply_service_create_ms(tenant, &change) != change.service_create_ms)
            r = CHANGE_SERVICE_NOT_FOUND; /* deleted, and perhaps made again */
        else
            r = apply_check_still_shared(state_find_namespace(tenant, operation->namespace_id), &change);
        if (!r)
            r = apply_check(apply, tenant, &change);
        if (!r)
            r = apply_guard_change(apply, tenant, &change);
        if (r == APPLY_HELD) {
            apply_hold(apply, tenant, &change, operation);
            return;
        }
        if (r == -ENOMEM)
            apply->edit.failed = true;
        else if (r == APPLY_REPEATED && change.kind == CHANGE_REGISTER_INSTANCE)
            apply_repeat_registration(apply, tenant, &change);
        else if (r && r != APPLY_REPEATED)
            apply_refused(&change, r, &outcome);
        else if (!r)
            apply_effect(apply, tenant, &change, &operation->id, &outcome);
    }
    operation->status = str_is_set(outcome.error_code) ? OPERATION_FAIL : OPERATION_SUCCESS;
    operation->error_code = outcome.error_code;
    operation->error_message = outcome.error_message;
    operation->request = (struct str){ 0 };
}

void apply_release_operation(struct apply *apply, struct tenant *tenant, const struct operation *held)
{
    struct operation next = *held;
    struct arena arena;

    arena_init(&arena, 64 << 20);
    next.update_ms = apply->wall_ms > held->update_ms ? apply->wall_ms : held->update_ms;
    apply_waiting(apply, tenant, &next, &arena);
    apply_put_operation(apply, tenant, &next);
    arena_fini(&arena);
}

static void apply_due_operation(struct apply *apply, const struct deadline *deadline)
{
    struct tenant *tenant = apply_own_tenant(apply, deadline->account, deadline->region);
    const struct operation *old = tenant ? state_find_unfinished(tenant, (const uint8_t *)deadline->target.p) : NULL;
    struct operation next;
    struct arena arena;

    if (!old)
        return;
    arena_init(&arena, 64 << 20);
    next = *old;
    next.update_ms = apply->wall_ms > old->update_ms ? apply->wall_ms : old->update_ms;
    if (old->status == OPERATION_SUBMITTED) {
        int64_t rest = apply->config->operations_delay_ms - apply->config->operations_delay_ms / 2;
        next.status = OPERATION_PENDING;
        next.due_mono_ms = apply->mono_ms + rest;
        next.due_wall_ms = apply->wall_ms + rest;
    } else {
        apply_waiting(apply, tenant, &next, &arena);
    }
    apply_put_operation(apply, tenant, &next);
    arena_fini(&arena);
}

void apply_due(struct apply *apply)
{
    for (unsigned i = 0; i < APPLY_MAX_DUE && apply->waiting_bytes <= APPLY_MAX_WAITING && !apply->edit.failed; i++) {
        const struct deadline *first;
        struct deadline due;
        if (tree_size(&apply->next.deadlines).count == 0)
            return;
        first = tree_select(&apply->next.deadlines, TREE_BY_COUNT, 0);
        if (first->due_mono_ms > apply->mono_ms)
            return;
        due = *first;
        apply_del_deadline(apply, &due);
        if (due.kind == DEADLINE_OPERATION)
            apply_due_operation(apply, &due);
        else if (due.kind == DEADLINE_HEALTH)
            apply_due_health(apply, &due);
        else
            apply_due_tenure(apply, &due);
    }
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

int apply_change(struct apply *apply, struct change *change)
{
    int r;

    switch (change->kind) {
    case CHANGE_CREATE_SERVICE:
        r = apply_create_service(apply, change);
        break;
    case CHANGE_DELETE_SERVICE:
        r = apply_delete_service(apply, change);
        break;
    case CHANGE_PUT_SERVICE_ATTRIBUTES:
    case CHANGE_DEL_SERVICE_ATTRIBUTES:
        r = apply_service_attributes(apply, change);
        break;
    case CHANGE_CUSTOM_HEALTH:
        r = apply_custom_health(apply, change);
        break;
    case CHANGE_PROBE_HEALTH:
        r = apply_probe_health(apply, change);
        break;
    case CHANGE_RENEW:
        r = apply_renew_named(apply, change);
        break;
    case CHANGE_DRAIN:
        r = apply_drain(apply, change);
        break;
    case CHANGE_UNDRAIN:
        r = apply_undrain(apply, change);
        break;
    case CHANGE_GUARD_RELEASE:
    case CHANGE_GUARD_CANCEL:
        r = apply_guard_release(apply, change, change->kind == CHANGE_GUARD_RELEASE);
        break;
    case CHANGE_TAG:
    case CHANGE_UNTAG:
        r = apply_tags(apply, change);
        break;
    case CHANGE_SHARE:
    case CHANGE_UNSHARE:
        r = apply_share(apply, change);
        break;
    case CHANGE_REVISION:
        store_touch(apply->batch);
        r = 0;
        break;
    case CHANGE_CREATE_KEY:
    case CHANGE_UPDATE_KEY:
    case CHANGE_DELETE_KEY:
    case CHANGE_RESEAL_KEYS:
    case CHANGE_CREATE_IDENTITY:
    case CHANGE_DELETE_IDENTITY:
    case CHANGE_ATTACH_POLICY:
    case CHANGE_DETACH_POLICY:
        r = apply_access(apply, change);
        break;
    default:
        r = apply_operation(apply, change);
        break;
    }
    return apply->edit.failed ? -ENOMEM : r;
}

/* A service's record holds its revision: one record a commit, however many instances came and went. */
static void apply_write_services(struct apply *apply)
{
    for (size_t i = 0; i < apply->stale_services.n; i++) {
        struct service_node *node = apply->stale_services.items[i];
        const struct service *config = node->config;
        struct record_key key;
        if (node->is_deleted)
            continue;
        key = (struct record_key){
            .kind = RECORD_SERVICE, .account = config->account, .region = config->region, .id = config->id
        };
        buf_clear(&apply->text);
        record_encode_service(&apply->text, config, node->revision);
        node->record_sum = apply_put_record(apply, &key, node->record_sum);
    }
}

/* All operations of a tenant that this commit made, from `first` on, into one record. */
static void apply_write_operations(struct apply *apply, size_t first)
{
    struct operation **operations = (struct operation **)apply->new_operations.items;
    struct operation **group = operations + first;
    const struct tenant *tenant = state_find_tenant(&apply->next, group[0]->account, group[0]->region);
    size_t n = 0, n_all = apply->new_operations.n - first;
    char number[17];
    struct record_key key;
    uint32_t sum;

    /* Gathers the tenant's at the front, the others behind. */
    for (size_t i = 0; i < n_all; i++) {
        struct operation *operation = group[i];
        if (str_eq(operation->account, tenant->account) && str_eq(operation->region, tenant->region)) {
            group[i] = group[n];
            group[n++] = operation;
        }
    }
    buf_clear(&apply->text);
    record_encode_operations(&apply->text, (const struct operation *const *)group, n);
    snprintf(number, sizeof(number), "%016llx", (unsigned long long)apply->revision);
    key = (struct record_key){
        .kind = RECORD_OPERATIONS, .account = tenant->account, .region = tenant->region, .id = { number, 16 }
    };
    sum = apply_put_record(apply, &key, 0);
    for (size_t i = 0; i < n; i++)
        group[i]->group_sum = sum;
    if (n < n_all)
        apply_write_operations(apply, first + n);
}

void apply_finish(struct apply *apply)
{
    if (apply->edit.failed)
        return;
    apply_renew_owners(apply);
    apply_write_services(apply);
    if (apply->new_operations.n)
        apply_write_operations(apply, 0);
}
