/* SPDX-License-Identifier: Apache-2.0
 *
 * Restart; see load.h. Records come in key order: access keys, users and roles, namespaces, operations, then each
 * service directly before its instances. */
#include "registry/load.h"

#include "base/mem.h"
#include "base/text.h"
#include "registry/apply_priv.h"

#include <errno.h>
#include <stdio.h>

struct load {
    struct apply *apply;
    struct arena arena;
    struct service_node *node; /* whose instances are coming in */
    struct tenant *tenant;
};

/* An instant of the wall clock as one of the monotonic clock; the past is now, and no wait grows by a clock that
 * jumped. */
static int64_t load_due(const struct apply *apply, int64_t due_wall_ms, int64_t longest_ms)
{
    int64_t rest = due_wall_ms - apply->wall_ms;

    if (rest > longest_ms)
        rest = longest_ms;
    return apply->mono_ms + (rest > 0 ? rest : 0);
}

static int load_namespace(struct load *load, const struct record_key *key, char *value, size_t n, uint32_t sum)
{
    struct apply *apply = load->apply;
    struct namespace draft, *ns;
    int r;

    if (record_decode_namespace(value, n, &load->arena, &draft) || !str_eq(draft.id, key->id))
        return STORE_DAMAGED;
    draft.record_sum = sum;
    ns = edit_adopt(&apply->edit, namespace_dup(&draft));
    if (!ns)
        return -ENOMEM;
    tree_put(&apply->edit, &load->tenant->namespaces, &state_namespaces, ns, 0);
    tree_put(&apply->edit, &load->tenant->namespaces_by_name, &state_namespaces_by_name, ns, 0);
    tree_put(&apply->edit, &load->tenant->namespaces_by_http_name, &state_namespaces_by_http_name, ns, 0);
    zone_put(&apply->edit, &apply->next, load->tenant, ns);
    r = str_is_set(ns->policy) ? apply_place_share(apply, load->tenant, ns->id, ns->policy, &load->arena) : 0;
    return r == POLICY_INVALID ? STORE_DAMAGED : r;
}

/* A later record of the same operation is its newer status: records come in the order of their commits. */
static int load_operations(struct load *load, const struct record_key *key, char *value, size_t n, uint32_t sum)
{
    struct apply *apply = load->apply;
    struct operation *operations;
    uint8_t group[8];
    size_t n_operations;
    uint64_t number = 0;

    if (key->id.n != 16 || text_parse_hex(key->id, group) ||
        record_decode_operations(value, n, &load->arena, &operations, &n_operations))
        return STORE_DAMAGED;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | group[i];
    for (size_t i = 0; i < n_operations; i++) {
        struct operation *operation = &operations[i];
        operation->account = key->account;
        operation->region = key->region;
        operation->group = number;
        operation->group_sum = sum;
        if (operation->due_wall_ms)
            operation->due_mono_ms =
                load_due(apply, operation->due_wall_ms, operation->due_wall_ms - operation->update_ms);
        apply_put_operation(apply, load->tenant, operation);
    }
    return 0;
}

/* The service's weight in the tree of names, and its DNS records, are known when its instances are in. */
static void load_end_service(struct load *load)
{
    if (load->node) {
        tree_put(&load->apply->edit, &load->tenant->services_by_name, &state_services_by_name, load->node, 0);
        if (load->node->config->fold_name)
            apply_renew_owner(load->apply, load->node);
    }
    load->node = NULL;
}

static int load_service(struct load *load, const struct record_key *key, char *value, size_t n, uint32_t sum)
{
    struct apply *apply = load->apply;
    const struct namespace *ns;
    struct service_node *node;
    struct service draft;
    uint64_t revision;

    if (record_decode_service(value, n, &load->arena, &draft, &revision) || !str_eq(draft.id, key->id))
        return STORE_DAMAGED;
    ns = state_find_namespace(load->tenant, draft.namespace_id);
    if (!ns)
        return STORE_DAMAGED;
    draft.account = key->account;
    draft.region = key->region;
    draft.http_name = ns->http_name;
    draft.fold_name = ns->kind != NAMESPACE_HTTP;
    draft.holds_unknown = rules_holds_unknown(apply->config, &draft);
    node = edit_alloc(&apply->edit, sizeof(*node));
    if (!node)
        return -ENOMEM;
    *node = (struct service_node){
        .revision = revision, .record_sum = sum, .epoch = apply->edit.epoch, .was_probed = service_is_probed(&draft)
    };
    node->config = edit_adopt(&apply->edit, service_dup(&draft));
    if (!node->config) {
        mem_free(node);
        return -ENOMEM;
    }
    tree_put(&apply->edit, &load->tenant->services, &state_services, node, 0);
    if (apply->next.instances_revision < revision)
        apply->next.instances_revision = revision;
    load->node = node;
    return 0;
}

/* A verdict stands as long as the check that found it. */
static void load_health(const struct service *service, struct instance_draft *draft)
{
    int64_t since_ms = draft->health_since_ms ? draft->health_since_ms : draft->create_ms;

    if (service->check == SERVICE_CHECK_CUSTOM || draft->health == HEALTH_UNKNOWN ||
        (service_is_probed(service) && since_ms >= service->check_ms))
        return;
    draft->health = HEALTH_UNKNOWN;
    draft->health_since_ms = 0;
}

/* Whoever has a lease could not renew it while nobody ran, and gets a whole one of grace. */
static void load_lease(const struct load *load, const struct cloudmap_attributes *own, struct tenure *tenure)
{
    int64_t grace_end = load->apply->mono_ms + own->lease_ms;

    tenure->lease_ms = own->lease_ms;
    tenure->remove_ms = own->lease_remove_ms;
    if (!own->lease_ms) {
        tenure->expired_wall_ms = tenure->held_wall_ms = 0;
    } else if (!tenure->expired_wall_ms) {
        tenure->lease_end_mono_ms = grace_end;
    } else if (own->lease_remove_ms >= 0) {
        tenure->remove_mono_ms =
            load_due(load->apply, tenure->expired_wall_ms + own->lease_remove_ms, own->lease_remove_ms);
        if (tenure->remove_mono_ms < grace_end)
            tenure->remove_mono_ms = grace_end;
    }
}

/* The end of a drain that came while nobody looked comes now. */
static void load_tenure(struct load *load, struct str instance_id, const struct cloudmap_attributes *own,
                        struct tenure *tenure)
{
    load_lease(load, own, tenure);
    if (tenure->drain_end_wall_ms)
        tenure->drain_end_mono_ms = load_due(load->apply, tenure->drain_end_wall_ms, TENURE_MAX_DRAIN_MS);
    apply_put_tenure(load->apply, load->node, instance_id, tenure);
}

static int load_instance(struct load *load, const struct record_key *key, char *value, size_t n, uint32_t sum)
{
    struct apply *apply = load->apply;
    struct cloudmap_attributes own;
    struct instance_draft draft;
    struct instance *instance;
    struct tenure tenure;

    if (!load->node || !str_eq(load->node->config->id, key->id) ||
        record_decode_instance(value, n, &load->arena, &draft, &tenure) || !str_eq(draft.id, key->instance_id))
        return STORE_DAMAGED;
    if (draft.pending_due_wall_ms)
        draft.pending_due_mono_ms = load_due(apply, draft.pending_due_wall_ms, apply->config->custom_health_delay_ms);
    load_health(load->node->config, &draft);
    own = rules_read_attributes(apply->config, draft.attributes, draft.n_attributes);
    if (str_is_set(own.draining))
        draft.flags |= INSTANCE_DRAINING;
    if (own.lease_ms && tenure.expired_wall_ms)
        draft.flags |= INSTANCE_EXPIRED;
    instance = edit_adopt(&apply->edit, instance_new(&draft));
    if (!instance)
        return -ENOMEM;
    instance->record_sum = sum;
    load_tenure(load, instance_id(instance), &own, &tenure);
    apply_place_instance(apply, load->node, instance);
    if (instance->pending_due_wall_ms)
        apply_add_deadline(apply, &(struct deadline){ .kind = DEADLINE_HEALTH,
                                                      .due_mono_ms = instance->pending_due_mono_ms,
                                                      .account = load->tenant->account,
                                                      .region = load->tenant->region,
                                                      .target = load->node->config->id,
                                                      .instance_id = instance_id(instance) });
    return 0;
}

static int load_access_key(struct load *load, const struct record_key *key, char *value, size_t n, uint32_t sum)
{
    struct access_key draft;

    if (record_decode_access_key(value, n, &load->arena, &draft) || !str_eq(draft.id, key->id))
        return STORE_DAMAGED;
    draft.record_sum = sum;
    apply_place_key(load->apply, &draft);
    return 0;
}

static int load_identity(struct load *load, const struct record_key *key, char *value, size_t n, uint32_t sum)
{
    struct identity draft;
    int r;

    if (record_decode_identity(value, n, &load->arena, &draft) || draft.kind != key->identity_kind ||
        !str_eq(draft.account, key->account) || !str_eq(draft.name, key->id))
        return STORE_DAMAGED;
    draft.record_sum = sum;
    /* Without one of its policies, a Deny perhaps, a user might do too much. */
    r = apply_place_identity(load->apply, &draft);
    return r == POLICY_INVALID ? STORE_DAMAGED : r;
}

/* Keys come before the users that they name. */
static int load_check_access(const struct access_state *access)
{
    const struct access_key *key;
    struct tree_iter iter;

    tree_iter_init(&iter, &access->keys, NULL, NULL);
    while ((key = tree_iter_next(&iter)))
        if (str_is_set(key->user) && !access_state_find_identity(access, key->account, IDENTITY_USER, key->user))
            return STORE_DAMAGED;
    return 0;
}

static int load_record(void *arg, struct str key_text, char *value, size_t n, uint32_t sum)
{
    struct load *load = arg;
    struct record_key key;
    int r;

    if (record_parse_key(key_text, &key))
        return STORE_DAMAGED;
    arena_reset(&load->arena);
    if (key.kind != RECORD_INSTANCE)
        load_end_service(load);
    if (key.kind == RECORD_NAMESPACE || key.kind == RECORD_OPERATIONS || key.kind == RECORD_SERVICE) {
        load->tenant = apply_own_tenant(load->apply, key.account, key.region);
        if (!load->tenant)
            return -ENOMEM;
    }
    switch (key.kind) {
    case RECORD_NAMESPACE:
        r = load_namespace(load, &key, value, n, sum);
        break;
    case RECORD_OPERATIONS:
        r = load_operations(load, &key, value, n, sum);
        break;
    case RECORD_SERVICE:
        r = load_service(load, &key, value, n, sum);
        break;
    case RECORD_ACCESS_KEY:
        r = load_access_key(load, &key, value, n, sum);
        break;
    case RECORD_IDENTITY:
        r = load_identity(load, &key, value, n, sum);
        break;
    default:
        r = load_instance(load, &key, value, n, sum);
        break;
    }
    return load->apply->edit.failed || load->arena.failed ? -ENOMEM : r;
}

int load_records(struct apply *apply, struct store *store, struct store_message *ret_message)
{
    struct load load = { .apply = apply };
    int r;

    arena_init(&load.arena, 64 << 20);
    ret_message->text[0] = '\0';
    r = store_load(store, load_record, &load, ret_message);
    if (r == 0) {
        load_end_service(&load);
        r = load_check_access(&apply->next.access);
    }
    if (r == 0 && apply->edit.failed)
        r = -ENOMEM;
    if (r == STORE_DAMAGED && !ret_message->text[0])
        snprintf(ret_message->text, sizeof(ret_message->text),
                 "The store holds a record that the registry did not write; restore a backup with `cloudmapctl restore "
                 "FILE`.");
    arena_fini(&load.arena);
    return r;
}
