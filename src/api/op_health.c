/* SPDX-License-Identifier: Apache-2.0
 *
 * GetInstancesHealthStatus, UpdateInstanceCustomHealthStatus. */
#include "api/view.h"

#include <errno.h>
#include <stdlib.h>

int op_update_instance_custom_health_status(struct api_call *call,
                                            const struct update_instance_custom_health_status_input *in,
                                            struct empty_output *out)
{
    struct change *change = call_new_change(call, CHANGE_CUSTOM_HEALTH);
    int r = call_resolve_id(call, in->service_id, ARN_SERVICE, &change->service_id);

    (void)out;
    change->instance_id = in->instance_id;
    service_parse_health(in->status, &change->health);
    return r ? r : call_submit(call);
}

static int health_cmp_ids(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void health_add(const struct instance *instance, struct str_map *status)
{
    struct str text = service_health_text((enum health_status)instance->shown_health);

    status->items[status->n++] = (struct str_pair){ instance_id(instance), text };
}

/* The named instances, each once, in the order of their ids. */
static int health_of_named(struct api_call *call, const struct get_instances_health_status_input *in,
                           const struct service_node *node, struct str cursor, size_t max,
                           struct get_instances_health_status_output *out)
{
    size_t n = in->instances.n;
    struct str *ids = ARENA_ARRAY(&call->arena, struct str, n);

    if (!ids)
        return -ENOMEM;
    memcpy(ids, in->instances.items, n * sizeof(*ids));
    qsort(ids, n, sizeof(*ids), health_cmp_ids);
    for (size_t i = 0; i < n; i++)
        if (!state_find_registered(node, ids[i]))
            return call_refuse_text(call, ERROR_INSTANCE_NOT_FOUND, "Instance not found: " STR_FMT, STR_ARG(ids[i]));
    for (size_t i = 0; i < n; i++) {
        if ((i && str_eq(ids[i], ids[i - 1])) || (str_is_set(cursor) && str_cmp(ids[i], cursor) <= 0))
            continue;
        if (out->status.n == max)
            return call_page_end(call, in, out->status.items[max - 1].key, &out->next_token);
        health_add(state_find_registered(node, ids[i]), &out->status);
    }
    return 0;
}

static int health_of_all(struct api_call *call, const struct get_instances_health_status_input *in,
                         const struct service_node *node, struct str cursor, size_t max,
                         struct get_instances_health_status_output *out)
{
    const struct instance *instance;
    struct state_registered_iter iter;

    state_iter_registered(&iter, node, cursor);
    while ((instance = state_next_registered(&iter))) {
        if (str_is_set(cursor) && str_eq(instance_id(instance), cursor))
            continue;
        if (out->status.n == max)
            return call_page_end(call, in, out->status.items[max - 1].key, &out->next_token);
        health_add(instance, &out->status);
    }
    return 0;
}

int op_get_instances_health_status(struct api_call *call, const struct get_instances_health_status_input *in,
                                   struct get_instances_health_status_output *out)
{
    size_t max = call_page_size(in->max_results);
    const struct service_node *node;
    struct str cursor;
    int r = call_find_service(call, in->service_id, &node);

    if (!r)
        r = call_page_start(call, in, in->next_token, &cursor);
    if (r)
        return r;
    out->status = (struct str_map){ .items = ARENA_ARRAY(&call->arena, struct str_pair, max), .set = true };
    if (!out->status.items)
        return -ENOMEM;
    return in->instances.set ? health_of_named(call, in, node, cursor, max, out)
                             : health_of_all(call, in, node, cursor, max, out);
}
