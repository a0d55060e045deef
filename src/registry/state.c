/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of each of the registry's trees, and lookups in them; see state.h. */
#include "registry/state.h"

#include "base/mem.h"
#include "registry/tenure.h"
#include "registry/zone.h"

static int cmp_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* --- tenants ----------------------------------------------------------------------------------------------------- */

static int tenants_compare(const struct tree_key *key, const struct tree_node *node)
{
    const struct tenant *tenant = node->item;
    int c = str_cmp(key->a, tenant->account);

    return c ? c : str_cmp(key->b, tenant->region);
}

static struct tree_key tenants_key(const void *item, uint32_t tag)
{
    const struct tenant *tenant = item;

    (void)tag;
    return (struct tree_key){ .a = tenant->account, .b = tenant->region };
}

const struct tree_type state_tenants = { .compare = tenants_compare, .key = tenants_key };

/* --- namespaces -------------------------------------------------------------------------------------------------- */

static int namespaces_compare(const struct tree_key *key, const struct tree_node *node)
{
    return str_cmp(key->a, ((const struct namespace *)node->item)->id);
}

static struct tree_key namespaces_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = ((const struct namespace *)item)->id };
}

const struct tree_type state_namespaces = { .compare = namespaces_compare, .key = namespaces_key };

static int namespaces_by_name_compare(const struct tree_key *key, const struct tree_node *node)
{
    const struct namespace *ns = node->item;
    int c = str_cmp_nocase(key->a, ns->name);

    return c ? c : str_cmp(key->b, ns->id);
}

static struct tree_key namespaces_by_name_key(const void *item, uint32_t tag)
{
    const struct namespace *ns = item;

    (void)tag;
    return (struct tree_key){ .a = ns->name, .b = ns->id };
}

const struct tree_type state_namespaces_by_name = { .compare = namespaces_by_name_compare,
                                                    .key = namespaces_by_name_key };

static int namespaces_by_http_name_compare(const struct tree_key *key, const struct tree_node *node)
{
    return str_cmp(key->a, ((const struct namespace *)node->item)->http_name);
}

static struct tree_key namespaces_by_http_name_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = ((const struct namespace *)item)->http_name };
}

const struct tree_type state_namespaces_by_http_name = { .compare = namespaces_by_http_name_compare,
                                                         .key = namespaces_by_http_name_key };

/* --- services ---------------------------------------------------------------------------------------------------- */

static int services_compare(const struct tree_key *key, const struct tree_node *node)
{
    return str_cmp(key->a, ((const struct service_node *)node->item)->config->id);
}

static struct tree_key services_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = ((const struct service_node *)item)->config->id };
}

const struct tree_type state_services = { .compare = services_compare, .key = services_key };

/* Names that differ in case only are neighbours, and equal where the namespace says so; that keeps one order for
 * both kinds of namespace. */
static int services_by_name_compare(const struct tree_key *key, const struct tree_node *node)
{
    const struct service *service = ((const struct service_node *)node->item)->config;
    int c = str_cmp(key->a, service->namespace_id);

    if (c == 0)
        c = str_cmp_nocase(key->b, service->name);
    if (c == 0 && !service->fold_name)
        c = str_cmp(key->b, service->name);
    return c;
}

static struct tree_key services_by_name_key(const void *item, uint32_t tag)
{
    const struct service *service = ((const struct service_node *)item)->config;

    (void)tag;
    return (struct tree_key){ .a = service->namespace_id, .b = service->name };
}

static uint32_t services_weigh(const void *item)
{
    return state_count_registered(item);
}

const struct tree_type state_services_by_name = { .compare = services_by_name_compare,
                                                  .key = services_by_name_key,
                                                  .weigh = services_weigh };

/* --- operations -------------------------------------------------------------------------------------------------- */

static struct str operation_target(const struct operation *operation)
{
    return (struct str){ (const char *)operation->id.target, ID_TARGET_LEN };
}

static int operations_compare(const struct tree_key *key, const struct tree_node *node)
{
    const struct operation *operation = node->item;
    int c = cmp_u64(key->n, (uint64_t)operation->id.create_ms);

    return c ? c : str_cmp(key->a, operation_target(operation));
}

static struct tree_key operations_key(const void *item, uint32_t tag)
{
    const struct operation *operation = item;

    (void)tag;
    return (struct tree_key){ .n = (uint64_t)operation->id.create_ms, .a = operation_target(operation) };
}

const struct tree_type state_operations = { .compare = operations_compare, .key = operations_key };

static int operations_by_group_compare(const struct tree_key *key, const struct tree_node *node)
{
    const struct operation *operation = node->item;
    int c = cmp_u64(key->n, operation->group);

    if (c == 0)
        c = cmp_u64(key->m, (uint64_t)operation->id.create_ms);
    return c ? c : str_cmp(key->a, operation_target(operation));
}

static struct tree_key operations_by_group_key(const void *item, uint32_t tag)
{
    const struct operation *operation = item;

    (void)tag;
    return (struct tree_key){ .n = operation->group,
                              .m = (uint64_t)operation->id.create_ms,
                              .a = operation_target(operation) };
}

const struct tree_type state_operations_by_group = { .compare = operations_by_group_compare,
                                                     .key = operations_by_group_key };

static int unfinished_compare(const struct tree_key *key, const struct tree_node *node)
{
    return str_cmp(key->a, operation_target(node->item));
}

static struct tree_key unfinished_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = operation_target(item) };
}

const struct tree_type state_unfinished = { .compare = unfinished_compare, .key = unfinished_key };

/* --- instances --------------------------------------------------------------------------------------------------- */

static int instances_compare(const struct tree_key *key, const struct tree_node *node)
{
    return str_cmp(key->a, instance_id(node->item));
}

static struct tree_key instances_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = instance_id(item) };
}

static uint32_t instances_weigh(const void *item)
{
    return ((const struct instance *)item)->is_served;
}

const struct tree_type state_instances = { .compare = instances_compare,
                                           .key = instances_key,
                                           .weigh = instances_weigh };

static int index_compare(const struct tree_key *key, const struct tree_node *node)
{
    int c = cmp_u64(key->n, node->tag);

    return c ? c : str_cmp(key->a, instance_id(node->item));
}

static struct tree_key index_key(const void *item, uint32_t tag)
{
    return (struct tree_key){ .n = tag, .a = instance_id(item) };
}

const struct tree_type state_index = { .compare = index_compare, .key = index_key, .weigh = instances_weigh };

/* The last label of dotted text; what stands before it stays in *rest, absent when nothing does. */
static struct str state_cut_label(struct str *rest)
{
    size_t at = rest->n;
    struct str label;

    while (at > 0 && rest->p[at - 1] != '.')
        at--;
    label = str_skip(*rest, at);
    *rest = at ? (struct str){ rest->p, at - 1 } : (struct str){ 0 };
    return label;
}

/* Names in the order of their labels from the last one, without case: what is below a name follows it. */
static int state_cmp_dotted(struct str a, struct str b)
{
    int c = 0;

    while (c == 0 && str_is_set(a) && str_is_set(b)) {
        struct str x = state_cut_label(&a), y = state_cut_label(&b);
        c = str_cmp_nocase(x, y);
    }
    return c ? c : (int)str_is_set(a) - (int)str_is_set(b);
}

static int odd_names_compare(const struct tree_key *key, const struct tree_node *node)
{
    struct str id = instance_id(node->item);
    int c = state_cmp_dotted(key->a, id);

    return c ? c : str_cmp(key->b, id);
}

static struct tree_key odd_names_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = instance_id(item), .b = instance_id(item) };
}

const struct tree_type state_odd_names = { .compare = odd_names_compare, .key = odd_names_key };

const struct instance *state_find_odd_name(const struct service_node *node, struct str dotted)
{
    const struct instance *instance;
    struct tree_iter iter;
    struct str id;

    if (!node->odd_names.root)
        return NULL;
    tree_iter_init(&iter, &node->odd_names, &state_odd_names, &(struct tree_key){ .a = dotted });
    instance = tree_iter_next(&iter);
    if (!instance)
        return NULL;
    id = instance_id(instance);
    if (id.n < dotted.n || !str_eq_nocase(str_skip(id, id.n - dotted.n), dotted) ||
        (id.n > dotted.n && id.p[id.n - dotted.n - 1] != '.'))
        return NULL;
    return instance;
}

void state_name_iter_init(struct state_name_iter *iter, const struct service_node *node, const struct instance *found)
{
    *iter = (struct state_name_iter){ .found = found, .has_odd = node->odd_names.root != NULL };
    if (iter->has_odd)
        tree_iter_init(&iter->odd, &node->odd_names, &state_odd_names, &(struct tree_key){ .a = instance_id(found) });
}

const struct instance *state_name_iter_next(struct state_name_iter *iter)
{
    const struct instance *next = NULL;

    if (iter->n_told++ == 0)
        return iter->found;
    while (iter->has_odd && iter->n_told <= STATE_NAMESAKES_MAX) {
        next = tree_iter_next(&iter->odd);
        iter->has_odd = next && str_eq_nocase(instance_id(next), instance_id(iter->found));
        if (iter->has_odd && next != iter->found)
            return next;
    }
    return NULL;
}

bool state_shares_name(const struct service_node *node, const struct instance *instance)
{
    struct str id = instance_id(instance);
    struct state_name_iter iter;
    char lower[INSTANCE_MAX_ID];

    if (!node->odd_names.root)
        return false;
    state_name_iter_init(&iter, node, instance);
    state_name_iter_next(&iter);
    if (state_name_iter_next(&iter))
        return true;
    if (instance->dns & INSTANCE_PLAIN_ID)
        return false;
    for (size_t i = 0; i < id.n; i++)
        lower[i] = str_fold_char(id.p[i]);
    return !str_eq((struct str){ lower, id.n }, id) && state_find_instance(node, (struct str){ lower, id.n });
}

uint32_t state_index_tag(const struct hash_key *key, const struct str_pair *attribute)
{
    /* The key's hash seeds the value's, so that moving a character from one to the other gives another tag. */
    struct hash_key value_key = { { hash_sip(key, attribute->key.p, attribute->key.n), key->k[1] } };

    return (uint32_t)hash_sip(&value_key, attribute->value.p, attribute->value.n);
}

/* --- tenures ----------------------------------------------------------------------------------------------------- */

static int tenures_compare(const struct tree_key *key, const struct tree_node *node)
{
    return str_cmp(key->a, tenure_instance_id(node->item));
}

static struct tree_key tenures_key(const void *item, uint32_t tag)
{
    (void)tag;
    return (struct tree_key){ .a = tenure_instance_id(item) };
}

const struct tree_type state_tenures = { .compare = tenures_compare, .key = tenures_key };

/* --- deadlines --------------------------------------------------------------------------------------------------- */

static int deadlines_compare(const struct tree_key *key, const struct tree_node *node)
{
    const struct deadline *deadline = node->item;
    int c = cmp_u64(key->n, (uint64_t)deadline->due_mono_ms);

    if (c == 0)
        c = str_cmp(key->a, deadline->target);
    if (c == 0)
        c = str_cmp(key->b, deadline->instance_id);
    return c ? c : cmp_u64(key->m, deadline->kind);
}

static struct tree_key deadlines_key(const void *item, uint32_t tag)
{
    const struct deadline *deadline = item;

    (void)tag;
    return (struct tree_key){
        .n = (uint64_t)deadline->due_mono_ms, .m = deadline->kind, .a = deadline->target, .b = deadline->instance_id
    };
}

const struct tree_type state_deadlines = { .compare = deadlines_compare, .key = deadlines_key };

/* --- lookups ----------------------------------------------------------------------------------------------------- */

const struct tenant *state_find_tenant(const struct snapshot *snapshot, struct str account, struct str region)
{
    return tree_find(&snapshot->tenants, &state_tenants, &(struct tree_key){ .a = account, .b = region });
}

const struct namespace *state_find_namespace(const struct tenant *tenant, struct str id)
{
    return tenant ? tree_find(&tenant->namespaces, &state_namespaces, &(struct tree_key){ .a = id }) : NULL;
}

const struct namespace *state_find_http_name(const struct tenant *tenant, struct str http_name)
{
    if (!tenant)
        return NULL;
    return tree_find(&tenant->namespaces_by_http_name, &state_namespaces_by_http_name,
                     &(struct tree_key){ .a = http_name });
}

void state_iter_name(struct tree_iter *iter, const struct tenant *tenant, struct str name)
{
    tree_iter_init(iter, &tenant->namespaces_by_name, &state_namespaces_by_name, &(struct tree_key){ .a = name });
}

const struct service_node *state_find_service(const struct tenant *tenant, struct str id)
{
    return tenant ? tree_find(&tenant->services, &state_services, &(struct tree_key){ .a = id }) : NULL;
}

const struct service_node *state_find_service_name(const struct tenant *tenant, const struct namespace *ns,
                                                   struct str name)
{
    return tree_find(&tenant->services_by_name, &state_services_by_name, &(struct tree_key){ .a = ns->id, .b = name });
}

const struct instance *state_find_instance(const struct service_node *node, struct str id)
{
    return tree_find(&node->instances, &state_instances, &(struct tree_key){ .a = id });
}

const struct instance *state_find_registered(const struct service_node *node, struct str id)
{
    const struct instance *instance = state_find_instance(node, id);

    return instance ? instance : tree_find(&node->draining, &state_instances, &(struct tree_key){ .a = id });
}

uint32_t state_count_registered(const struct service_node *node)
{
    return tree_size(&node->instances).count + tree_size(&node->draining).count;
}

void state_iter_registered(struct state_registered_iter *iter, const struct service_node *node, struct str from)
{
    const struct tree_key key = { .a = from };

    tree_iter_init(&iter->serving, &node->instances, &state_instances, &key);
    tree_iter_init(&iter->draining, &node->draining, &state_instances, &key);
    iter->next[0] = tree_iter_next(&iter->serving);
    iter->next[1] = tree_iter_next(&iter->draining);
}

const struct instance *state_next_registered(struct state_registered_iter *iter)
{
    const struct instance *serving = iter->next[0], *draining = iter->next[1];

    if (serving && (!draining || str_cmp(instance_id(serving), instance_id(draining)) < 0)) {
        iter->next[0] = tree_iter_next(&iter->serving);
        return serving;
    }
    if (draining)
        iter->next[1] = tree_iter_next(&iter->draining);
    return draining;
}

const struct tenure *state_find_tenure(const struct service_node *node, struct str instance_id)
{
    return tree_find(&node->tenures, &state_tenures, &(struct tree_key){ .a = instance_id });
}

const struct operation *state_find_operation(const struct tenant *tenant, const struct id_operation *id)
{
    struct tree_key key = { .n = (uint64_t)id->create_ms, .a = { (const char *)id->target, ID_TARGET_LEN } };

    return tenant ? tree_find(&tenant->operations, &state_operations, &key) : NULL;
}

const struct operation *state_find_unfinished(const struct tenant *tenant, const uint8_t target[ID_TARGET_LEN])
{
    struct tree_key key = { .a = { (const char *)target, ID_TARGET_LEN } };

    return tenant ? tree_find(&tenant->unfinished, &state_unfinished, &key) : NULL;
}

struct tree_rank state_count_services(const struct tenant *tenant, struct str namespace_id)
{
    /* The byte 0xff stands in no name, nor in any UTF-8. */
    const struct tree_key first = { .a = namespace_id }, past = { .a = namespace_id, .b = STR("\xff") };
    struct tree_rank from, to;

    if (!tenant)
        return (struct tree_rank){ 0 };
    from = tree_rank(&tenant->services_by_name, &state_services_by_name, &first);
    to = tree_rank(&tenant->services_by_name, &state_services_by_name, &past);
    return (struct tree_rank){ to.count - from.count, to.weight - from.weight };
}

/* --- lock keys --------------------------------------------------------------------------------------------------- */

static void state_target(const struct str *parts, size_t n_parts, bool fold, uint8_t ret_target[ID_TARGET_LEN])
{
    char text[1536]; /* a name has at most 1,024 characters, ids and accounts at most 64 */
    size_t n = 0;

    for (size_t i = 0; i < n_parts; i++) {
        for (size_t k = 0; k < parts[i].n && n < sizeof(text) - 1; k++)
            text[n++] = fold ? str_fold_char(parts[i].p[k]) : parts[i].p[k];
        if (n < sizeof(text))
            text[n++] = '\n';
    }
    id_target((struct str){ text, n }, ret_target);
}

void state_target_name(struct str account, struct str region, struct str name, uint8_t ret_target[ID_TARGET_LEN])
{
    const struct str parts[] = { STR("name"), account, region, name };

    state_target(parts, 4, true, ret_target);
}

void state_target_id(struct str account, struct str region, struct str id, struct str instance_id,
                     uint8_t ret_target[ID_TARGET_LEN])
{
    const struct str parts[] = { STR("id"), account, region, id, instance_id };

    state_target(parts, 5, false, ret_target);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static void state_free_items(struct tree *tree)
{
    struct tree_iter iter;
    const void *item;

    tree_iter_init(&iter, tree, NULL, NULL);
    while ((item = tree_iter_next(&iter)))
        mem_free((void *)(uintptr_t)item);
    tree_free(tree);
}

static void state_free_service(struct service_node *node)
{
    tree_free(&node->index);
    tree_free(&node->odd_names);
    state_free_items(&node->instances);
    state_free_items(&node->draining);
    state_free_items(&node->tenures);
    mem_free(node->losses);
    mem_free((void *)(uintptr_t)node->config);
    mem_free(node);
}

static void state_free_tenant(struct tenant *tenant)
{
    struct service_node *node;
    struct tree_iter iter;

    tree_iter_init(&iter, &tenant->services, NULL, NULL);
    while ((node = (struct service_node *)(uintptr_t)tree_iter_next(&iter)))
        state_free_service(node);
    tree_free(&tenant->services);
    tree_free(&tenant->services_by_name);
    tree_free(&tenant->namespaces_by_name);
    tree_free(&tenant->namespaces_by_http_name);
    state_free_items(&tenant->namespaces);
    tree_free(&tenant->operations_by_group);
    tree_free(&tenant->unfinished);
    state_free_items(&tenant->operations);
    mem_free(tenant);
}

void state_free(struct snapshot *snapshot)
{
    struct tenant *tenant;
    struct tree_iter iter;

    tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
    while ((tenant = (struct tenant *)(uintptr_t)tree_iter_next(&iter)))
        state_free_tenant(tenant);
    tree_free(&snapshot->tenants);
    state_free_items(&snapshot->deadlines);
    access_state_free(&snapshot->access);
    zone_free_all(snapshot);
}

static void state_forget_tenant_epochs(struct tenant *tenant)
{
    struct tree *trees[] = {
        &tenant->namespaces,       &tenant->namespaces_by_name, &tenant->namespaces_by_http_name, &tenant->services,
        &tenant->services_by_name, &tenant->operations,         &tenant->operations_by_group,     &tenant->unfinished
    };
    struct service_node *node;
    struct tree_iter iter;

    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
        tree_forget_epochs(trees[i]);
    tree_iter_init(&iter, &tenant->services, NULL, NULL);
    while ((node = (struct service_node *)(uintptr_t)tree_iter_next(&iter))) {
        tree_forget_epochs(&node->instances);
        tree_forget_epochs(&node->index);
        tree_forget_epochs(&node->odd_names);
        tree_forget_epochs(&node->draining);
        tree_forget_epochs(&node->tenures);
        node->epoch = 0;
    }
    tenant->epoch = 0;
}

void state_forget_epochs(struct snapshot *snapshot)
{
    struct tenant *tenant;
    struct tree_iter iter;

    tree_forget_epochs(&snapshot->tenants);
    tree_forget_epochs(&snapshot->deadlines);
    access_state_forget_epochs(&snapshot->access);
    zone_forget_epochs(snapshot);
    tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
    while ((tenant = (struct tenant *)(uintptr_t)tree_iter_next(&iter)))
        state_forget_tenant_epochs(tenant);
}
