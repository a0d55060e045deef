/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_guard.h. */
#include "admin/admin_guard.h"

#include "registry/tenure.h"
#include "json/writer.h"

static void put_place(struct json_writer *writer, const struct tenant *tenant, struct str service_id,
                      struct str instance_id, const char *cause, int64_t since_ms)
{
    const struct service_node *node = state_find_service(tenant, service_id);
    const struct namespace *ns = node ? state_find_namespace(tenant, node->config->namespace_id) : NULL;

    json_field_string(writer, STR("account"), tenant->account);
    json_field_string(writer, STR("region"), tenant->region);
    json_field_string(writer, STR("service"), service_id);
    if (ns) {
        json_field_string(writer, STR("namespace"), ns->name);
        json_field_string(writer, STR("name"), node->config->name);
    }
    json_field_string(writer, STR("instance"), instance_id);
    json_field_string(writer, STR("cause"), str_of(cause));
    json_field_int(writer, STR("since_ms"), since_ms);
}

static void put_operations(struct json_writer *writer, const struct tenant *tenant, unsigned *room)
{
    char id[ID_OPERATION_SIZE];
    const struct operation *operation;
    struct tree_iter iter;

    tree_iter_init(&iter, &tenant->unfinished, NULL, NULL);
    while (*room && (operation = tree_iter_next(&iter))) {
        if (!operation_is_held(operation))
            continue;
        (*room)--;
        json_open_object(writer);
        put_place(writer, tenant, operation->service_id, operation->instance_id, "api", operation->id.create_ms);
        id_format_operation(&operation->id, id);
        json_field_string(writer, STR("operation"), str_of(id));
        json_close_object(writer);
    }
}

static void put_leases(struct json_writer *writer, const struct tenant *tenant, unsigned *room)
{
    const struct service_node *node;
    const struct tenure *tenure;
    struct tree_iter services, tenures;

    tree_iter_init(&services, &tenant->services, NULL, NULL);
    while (*room && (node = tree_iter_next(&services))) {
        if (!node->tenures.root)
            continue;
        tree_iter_init(&tenures, &node->tenures, NULL, NULL);
        while (*room && (tenure = tree_iter_next(&tenures))) {
            if (!tenure->held_wall_ms)
                continue;
            (*room)--;
            json_open_object(writer);
            put_place(writer, tenant, node->config->id, tenure_instance_id(tenure), "lease", tenure->held_wall_ms);
            json_close_object(writer);
        }
    }
}

void admin_guard_write(struct buf *buf, struct health *health, const struct snapshot_head *head)
{
    const struct snapshot *snapshot = snapshot_acquire(head);
    const struct tenant *tenant;
    unsigned room = ADMIN_GUARD_MAX;
    struct json_writer writer;
    struct tree_iter iter;

    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_int(&writer, STR("held"), (int64_t)snapshot->n_held_operations + snapshot->n_held_leases);
    json_field_int(&writer, STR("verdicts"), (int64_t)health_held(health));
    json_key(&writer, STR("listed"));
    json_open_array(&writer);
    tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
    while (room && (tenant = tree_iter_next(&iter))) {
        put_operations(&writer, tenant, &room);
        put_leases(&writer, tenant, &room);
    }
    json_close_array(&writer);
    json_close_object(&writer);
    snapshot_release(head);
}
