/* SPDX-License-Identifier: Apache-2.0 */
#include "dump.h"
#include "zones_check.h"

#include "base/text.h"
#include "registry/record.h"
#include "registry/tenure.h"

#include <inttypes.h>
#include <stdlib.h>

/* --- text -------------------------------------------------------------------------------------------------------- */

static void dump_namespaces(struct buf *buf, const struct tenant *tenant)
{
    const struct namespace *ns;
    struct tree_iter iter;

    tree_iter_init(&iter, &tenant->namespaces, NULL, NULL);
    while ((ns = tree_iter_next(&iter))) {
        buf_put_str(buf, STR("  namespace "));
        record_encode_namespace(buf, ns);
        buf_printf(buf, " %08x\n", ns->record_sum);
    }
}

static void dump_instances(struct buf *buf, const struct service_node *node)
{
    const struct instance *instance;
    struct state_registered_iter iter;

    state_iter_registered(&iter, node, (struct str){ 0 });
    while ((instance = state_next_registered(&iter))) {
        buf_put_str(buf, instance->flags & INSTANCE_DRAINING ? STR("    draining ") : STR("    instance "));
        record_encode_instance(buf, instance, state_find_tenure(node, instance_id(instance)));
        buf_printf(buf, " %08x\n", instance->record_sum);
    }
}

static void dump_services(struct buf *buf, const struct tenant *tenant)
{
    const struct service_node *node;
    struct tree_iter iter;

    tree_iter_init(&iter, &tenant->services, NULL, NULL);
    while ((node = tree_iter_next(&iter))) {
        buf_put_str(buf, STR("  service "));
        record_encode_service(buf, node->config, node->revision);
        buf_printf(buf, " %08x %d", node->record_sum, node->config->fold_name);
        for (size_t i = 0; i < HEALTH_STATUS_COUNT; i++) {
            buf_put_char(buf, ' ');
            buf_put_str(buf, node->config->discover_tail[i]);
        }
        buf_put_char(buf, '\n');
        dump_instances(buf, node);
    }
}

static void dump_operations(struct buf *buf, const struct tenant *tenant)
{
    const struct operation *operation;
    struct tree_iter iter;

    tree_iter_init(&iter, &tenant->operations, NULL, NULL);
    while ((operation = tree_iter_next(&iter))) {
        buf_put_str(buf, STR("  "));
        record_encode_operations(buf, &operation, 1);
        buf_printf(buf, " %" PRIx64 " %08x\n", operation->group, operation->group_sum);
    }
}

static void dump_deadlines(struct buf *buf, const struct snapshot *snapshot)
{
    const struct deadline *deadline;
    struct tree_iter iter;

    tree_iter_init(&iter, &snapshot->deadlines, NULL, NULL);
    while ((deadline = tree_iter_next(&iter))) {
        char target[2 * ID_TARGET_LEN];
        buf_printf(buf, "deadline %" PRId64 " " STR_FMT "/" STR_FMT " ", deadline->due_mono_ms,
                   STR_ARG(deadline->account), STR_ARG(deadline->region));
        if (deadline->kind == DEADLINE_OPERATION)
            buf_put(buf, target, text_hex(deadline->target.p, deadline->target.n, target));
        else
            buf_printf(buf, STR_FMT " " STR_FMT " %d", STR_ARG(deadline->target), STR_ARG(deadline->instance_id),
                       deadline->kind);
        buf_put_char(buf, '\n');
    }
}

static void dump_access(struct buf *buf, const struct access_state *access)
{
    const struct identity_node *node;
    const struct access_key *key;
    const struct share *share;
    struct tree_iter iter;

    tree_iter_init(&iter, &access->keys, NULL, NULL);
    while ((key = tree_iter_next(&iter))) {
        buf_put_str(buf, STR("access key "));
        record_encode_access_key(buf, key);
        buf_printf(buf, " %08x\n", key->record_sum);
    }
    tree_iter_init(&iter, &access->identities, NULL, NULL);
    while ((node = tree_iter_next(&iter))) {
        record_encode_identity(buf, node->config);
        buf_printf(buf, " %08x " STR_FMT "\n", node->config->record_sum, STR_ARG(node->config->arn));
    }
    tree_iter_init(&iter, &access->shares, NULL, NULL);
    while ((share = tree_iter_next(&iter)))
        buf_printf(buf, "share " STR_FMT " " STR_FMT "\n", STR_ARG(share->text), STR_ARG(share->policy->document));
}

void dump_snapshot(struct buf *buf, const struct snapshot *snapshot)
{
    const struct tenant *tenant;
    struct tree_iter iter;

    tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
    while ((tenant = tree_iter_next(&iter))) {
        size_t start = buf->n, n;
        buf_printf(buf, STR_FMT "/" STR_FMT "\n", STR_ARG(tenant->account), STR_ARG(tenant->region));
        n = buf->n;
        dump_namespaces(buf, tenant);
        dump_services(buf, tenant);
        dump_operations(buf, tenant);
        if (buf->n == n)
            buf_truncate(buf, start);
    }
    dump_deadlines(buf, snapshot);
    dump_access(buf, &snapshot->access);
    assert_false(buf->failed);
}

/* --- checks ------------------------------------------------------------------------------------------------------ */

static int cmp_tags(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Every attribute is in the index, under this very instance. Returns how many places that takes. */
static size_t check_indexed(const struct snapshot *snapshot, const struct service_node *node,
                            const struct instance *instance)
{
    uint32_t tags[INSTANCE_MAX_ATTRIBUTES];
    size_t n = 0;

    for (size_t i = 0; i < instance->n_attributes; i++) {
        struct str_pair pair = instance_attribute_at(instance, i);
        tags[i] = state_index_tag(&snapshot->index_key, &pair);
        assert_ptr_equal(
            tree_find(&node->index, &state_index, &(struct tree_key){ .n = tags[i], .a = instance_id(instance) }),
            instance);
    }
    qsort(tags, instance->n_attributes, sizeof(tags[0]), cmp_tags);
    for (size_t i = 0; i < instance->n_attributes; i++)
        n += i == 0 || tags[i] != tags[i - 1];
    return n;
}

/* Returns how many instances wait for a health status. */
static size_t check_pending(const struct snapshot *snapshot, const struct service_node *node,
                            const struct instance *instance)
{
    if (!instance->pending_due_wall_ms)
        return 0;
    assert_non_null(tree_find(&snapshot->deadlines, &state_deadlines,
                              &(struct tree_key){ .n = (uint64_t)instance->pending_due_mono_ms,
                                                  .m = DEADLINE_HEALTH,
                                                  .a = node->config->id,
                                                  .b = instance_id(instance) }));
    return 1;
}

/* Returns how many tenures have a deadline. */
static size_t check_tenures(const struct snapshot *snapshot, const struct service_node *node)
{
    const struct tenure *tenure;
    struct tree_iter iter;
    size_t n = 0;

    assert_true(tree_is_sound(&node->tenures, &state_tenures));
    tree_iter_init(&iter, &node->tenures, NULL, NULL);
    while ((tenure = tree_iter_next(&iter))) {
        assert_non_null(state_find_registered(node, tenure_instance_id(tenure)));
        if (!tenure->deadline_mono_ms)
            continue;
        n++;
        assert_non_null(tree_find(&snapshot->deadlines, &state_deadlines,
                                  &(struct tree_key){ .n = (uint64_t)tenure->deadline_mono_ms,
                                                      .m = DEADLINE_TENURE,
                                                      .a = node->config->id,
                                                      .b = tenure_instance_id(tenure) }));
    }
    return n;
}

/* Returns how many deadlines its instances have. */
static size_t check_service(const struct snapshot *snapshot, const struct service_node *node)
{
    const struct instance *instance;
    size_t n_indexed = 0, n_pending = 0;
    uint32_t weight = 0, n_expired = 0;
    struct tree_iter iter;

    assert_true(tree_is_sound(&node->instances, &state_instances));
    assert_true(tree_is_sound(&node->index, &state_index));
    tree_iter_init(&iter, &node->instances, NULL, NULL);
    while ((instance = tree_iter_next(&iter))) {
        n_indexed += check_indexed(snapshot, node, instance);
        weight += instance->is_served;
        n_expired += (instance->flags & INSTANCE_EXPIRED) != 0;
        assert_false(instance->flags & INSTANCE_DRAINING);
        n_pending += check_pending(snapshot, node, instance);
    }
    assert_int_equal(node->n_expired, n_expired);
    assert_true(tree_is_sound(&node->draining, &state_instances));
    tree_iter_init(&iter, &node->draining, NULL, NULL);
    while ((instance = tree_iter_next(&iter))) {
        assert_true(instance->flags & INSTANCE_DRAINING);
        assert_null(state_find_instance(node, instance_id(instance)));
        n_pending += check_pending(snapshot, node, instance);
    }
    assert_int_equal(tree_size(&node->index).count, n_indexed);
    assert_int_equal(tree_size(&node->instances).weight, weight);
    return n_pending + check_tenures(snapshot, node);
}

static void check_namespaces(const struct tenant *tenant)
{
    const struct namespace *ns;
    struct tree_iter iter;

    assert_true(tree_is_sound(&tenant->namespaces, &state_namespaces));
    assert_true(tree_is_sound(&tenant->namespaces_by_name, &state_namespaces_by_name));
    assert_true(tree_is_sound(&tenant->namespaces_by_http_name, &state_namespaces_by_http_name));
    assert_int_equal(tree_size(&tenant->namespaces).count, tree_size(&tenant->namespaces_by_name).count);
    assert_int_equal(tree_size(&tenant->namespaces).count, tree_size(&tenant->namespaces_by_http_name).count);
    tree_iter_init(&iter, &tenant->namespaces, NULL, NULL);
    while ((ns = tree_iter_next(&iter))) {
        assert_ptr_equal(tree_find(&tenant->namespaces_by_name, &state_namespaces_by_name,
                                   &(struct tree_key){ .a = ns->name, .b = ns->id }),
                         ns);
        assert_ptr_equal(state_find_http_name(tenant, ns->http_name), ns);
    }
}

static size_t check_services(const struct snapshot *snapshot, const struct tenant *tenant)
{
    const struct service_node *node;
    size_t n_pending = 0, n_instances = 0;
    struct tree_iter iter;

    assert_true(tree_is_sound(&tenant->services, &state_services));
    assert_true(tree_is_sound(&tenant->services_by_name, &state_services_by_name));
    assert_int_equal(tree_size(&tenant->services).count, tree_size(&tenant->services_by_name).count);
    tree_iter_init(&iter, &tenant->services, NULL, NULL);
    while ((node = tree_iter_next(&iter))) {
        const struct namespace *ns = state_find_namespace(tenant, node->config->namespace_id);
        assert_non_null(ns);
        assert_true(str_eq(ns->http_name, node->config->http_name));
        assert_true(str_eq(tenant->account, node->config->account));
        assert_true(str_eq(tenant->region, node->config->region));
        assert_ptr_equal(state_find_service_name(tenant, ns, node->config->name), node);
        assert_true(node->revision > 0);
        n_pending += check_service(snapshot, node);
        n_instances += state_count_registered(node);
    }
    assert_int_equal(tree_size(&tenant->services_by_name).weight, n_instances);
    return n_pending;
}

/* Returns how many operations are not finished and have a deadline. */
static size_t check_operations(const struct snapshot *snapshot, const struct tenant *tenant, size_t *n_all_held)
{
    const struct operation *operation;
    size_t n_unfinished = 0, n_held = 0;
    struct tree_iter iter;

    assert_true(tree_is_sound(&tenant->operations, &state_operations));
    assert_true(tree_is_sound(&tenant->operations_by_group, &state_operations_by_group));
    assert_true(tree_is_sound(&tenant->unfinished, &state_unfinished));
    assert_int_equal(tree_size(&tenant->operations).count, tree_size(&tenant->operations_by_group).count);
    tree_iter_init(&iter, &tenant->operations, NULL, NULL);
    while ((operation = tree_iter_next(&iter))) {
        struct str target = { (const char *)operation->id.target, ID_TARGET_LEN };
        assert_ptr_equal(
            tree_find(&tenant->operations_by_group, &state_operations_by_group,
                      &(struct tree_key){ .n = operation->group, .m = (uint64_t)operation->id.create_ms, .a = target }),
            operation);
        assert_int_not_equal(operation->group_sum, 0);
        if (operation_is_finished(operation))
            continue;
        n_unfinished++;
        assert_ptr_equal(state_find_unfinished(tenant, operation->id.target), operation);
        n_held += operation_is_held(operation);
        if (!operation_is_held(operation))
            assert_non_null(tree_find(&snapshot->deadlines, &state_deadlines,
                                      &(struct tree_key){ .n = (uint64_t)operation->due_mono_ms, .a = target }));
    }
    assert_int_equal(tree_size(&tenant->unfinished).count, n_unfinished);
    *n_all_held += n_held;
    return n_unfinished - n_held;
}

void dump_check(const struct snapshot *snapshot)
{
    const struct tenant *tenant;
    size_t n_deadlines = 0, n_held = 0;
    struct tree_iter iter;

    assert_true(tree_is_sound(&snapshot->tenants, &state_tenants));
    assert_true(tree_is_sound(&snapshot->deadlines, &state_deadlines));
    assert_true(tree_is_sound(&snapshot->access.keys, &access_state_keys));
    assert_true(tree_is_sound(&snapshot->access.identities, &access_state_identities));
    tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
    while ((tenant = tree_iter_next(&iter))) {
        check_namespaces(tenant);
        n_deadlines += check_services(snapshot, tenant);
        n_deadlines += check_operations(snapshot, tenant, &n_held);
    }
    assert_int_equal(tree_size(&snapshot->deadlines).count, n_deadlines);
    assert_int_equal(snapshot->n_held_operations, n_held);
    zones_check(snapshot);
}
