/* SPDX-License-Identifier: Apache-2.0
 *
 * DiscoverInstances, DiscoverInstancesRevision: the data plane, and the hot path. */
#include "api/named_service.h"
#include "api/view.h"
#include "registry/pick.h"

#include <errno.h>

static int discover_find_service(struct api_call *call, const struct discover_instances_input *in,
                                 const struct service_node **ret_node)
{
    const struct named_service *named = named_service_find(call, in);

    *ret_node = named->node;
    if (!named->ns)
        return call_refuse(call, ERROR_NAMESPACE_NOT_FOUND);
    return named->node ? 0 : call_refuse(call, ERROR_SERVICE_NOT_FOUND);
}

static enum pick_health discover_health(struct str filter)
{
    if (str_eq(filter, STR("UNHEALTHY")))
        return PICK_UNHEALTHY;
    if (str_eq(filter, STR("ALL")))
        return PICK_ALL;
    if (str_eq(filter, STR("HEALTHY_OR_ELSE_ALL")))
        return PICK_HEALTHY_OR_ELSE_ALL;
    return PICK_HEALTHY;
}

struct discover_found {
    const struct service_node *node;
    const struct instance **instances;
    size_t n;
    size_t size; /* of the array in JSON, at most */
};

/* Each element is the instance's own rendered part and the service's rendered rest. */
static void discover_write(struct buf *buf, const void *arg)
{
    const struct discover_found *found = arg;
    const struct str *tails = found->node->config->discover_tail;
    char *at = buf_reserve(buf, found->size) ? buf->p + buf->n : NULL;

    if (!at)
        return;
    *at++ = '[';
    for (size_t i = 0; i < found->n; i++) {
        const struct instance *instance = found->instances[i];
        struct str element = instance_element(instance), tail = tails[instance->shown_health];
        at = mempcpy(at, element.p, element.n);
        at = mempcpy(at, tail.p, tail.n);
        *at++ = ',';
    }
    at -= found->n > 0;
    *at++ = ']';
    buf->n = (size_t)(at - buf->p);
}

static struct wire_part discover_part(struct discover_found *found)
{
    size_t tail_max = found->node->config->discover_tail[HEALTH_UNHEALTHY].n;

    found->size = 2 + found->n * (tail_max + 1);
    for (size_t i = 0; i < found->n; i++)
        found->size += found->instances[i]->element_len;
    return (struct wire_part){ .write = discover_write, .arg = found, .size = found->size };
}

/* As large as AWS's, and yet exact for clients that read numbers as doubles: a revision has at most 53 bits. */
static struct opt_int discover_revision(const struct service_node *node)
{
    return OPT_INT((int64_t)(node->revision * 32));
}

int op_discover_instances(struct api_call *call, const struct discover_instances_input *in,
                          struct discover_instances_output *out)
{
    struct pick_query query = { .required = in->query_parameters.items,
                                .n_required = in->query_parameters.n,
                                .optional = in->optional_parameters.items,
                                .n_optional = in->optional_parameters.n,
                                .health = discover_health(in->health_status),
                                .max = call_page_size(in->max_results) };
    struct discover_found *found = arena_alloc(&call->arena, sizeof(*found));
    int r = found ? discover_find_service(call, in, &found->node) : -ENOMEM;

    if (!r)
        r = pick_instances(call->snapshot, found->node, &query, call_rand(call), &call->arena, &found->instances,
                           &found->n);
    if (r)
        return r;
    out->instances = discover_part(found);
    out->instances_revision = discover_revision(found->node);
    return 0;
}

int op_discover_instances_revision(struct api_call *call, const struct discover_instances_input *in,
                                   struct discover_instances_revision_output *out)
{
    const struct service_node *node;
    int r = discover_find_service(call, in, &node);

    if (!r)
        out->instances_revision = discover_revision(node);
    return r;
}
