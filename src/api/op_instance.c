/* SPDX-License-Identifier: Apache-2.0
 *
 * DeregisterInstance, GetInstance, ListInstances, RegisterInstance. */
#include "api/view.h"
#include "json/writer.h"

#include <errno.h>

#define INSTANCE_MAX_PAGE (16u << 20)

int op_register_instance(struct api_call *call, const struct register_instance_input *in,
                         struct operation_id_output *out)
{
    struct change *change = call_new_change(call, CHANGE_REGISTER_INSTANCE);
    int r = call_resolve_id(call, in->service_id, ARN_SERVICE, &change->service_id);

    (void)out;
    if (r)
        return r;
    change->instance_id = in->instance_id;
    change->attributes = ARENA_ARRAY(&call->arena, struct str_pair, in->attributes.n + 1);
    change->creator_request_id = call_token(call, in->creator_request_id);
    if (!change->attributes || !str_is_set(change->creator_request_id))
        return -ENOMEM;
    if (in->attributes.n)
        memcpy(change->attributes, in->attributes.items, in->attributes.n * sizeof(*in->attributes.items));
    change->n_attributes = in->attributes.n;
    return call_submit(call);
}

int op_deregister_instance(struct api_call *call, const struct instance_input *in, struct operation_id_output *out)
{
    struct change *change = call_new_change(call, CHANGE_DEREGISTER_INSTANCE);
    int r = call_resolve_id(call, in->service_id, ARN_SERVICE, &change->service_id);

    (void)out;
    change->instance_id = in->instance_id;
    return r ? r : call_submit(call);
}

/* `{"Id":"x","Attributes":{...},"CreatedByAccount":"..."` from the rendered element; the caller closes it. */
static void instance_put(struct buf *buf, const struct api_call *call, const struct instance *instance)
{
    struct str created_by = instance_created_by(instance);

    buf_put_str(buf, STR("{\""));
    buf_put_str(buf, str_skip(instance_element(instance), INSTANCE_ELEMENT_ID));
    buf_put_str(buf, STR(",\"CreatedByAccount\":"));
    json_escape(buf, str_is_set(created_by) ? created_by : call->owner);
}

int op_get_instance(struct api_call *call, const struct instance_input *in, struct get_instance_output *out)
{
    const struct service_node *node;
    const struct instance *instance;
    struct buf text;
    int r = call_find_service(call, in->service_id, &node);

    if (r)
        return r;
    instance = state_find_registered(node, in->instance_id);
    if (!instance)
        return call_refuse(call, ERROR_INSTANCE_NOT_FOUND);
    buf_init(&text, INSTANCE_MAX_PAGE);
    instance_put(&text, call, instance);
    if (instance_creator_request_id(instance).n) {
        buf_put_str(&text, STR(",\"CreatorRequestId\":"));
        json_escape(&text, instance_creator_request_id(instance));
    }
    buf_put_char(&text, '}');
    out->instance = text.failed ? (struct str){ 0 } : arena_dup(&call->arena, buf_str(&text));
    out->resource_owner = call->owner;
    buf_fini(&text);
    return str_is_set(out->instance) ? 0 : -ENOMEM;
}

int op_list_instances(struct api_call *call, const struct list_instances_input *in, struct list_instances_output *out)
{
    size_t max = call_page_size(in->max_results), n = 0;
    const struct instance *instance, *last = NULL;
    const struct service_node *node;
    struct state_registered_iter iter;
    struct str cursor;
    struct buf text;
    int r = call_find_service(call, in->service_id, &node);

    if (!r)
        r = call_page_start(call, in, in->next_token, &cursor);
    if (r)
        return r;
    buf_init(&text, INSTANCE_MAX_PAGE);
    buf_put_char(&text, '[');
    state_iter_registered(&iter, node, cursor);
    while (!r && (instance = state_next_registered(&iter))) {
        if (str_is_set(cursor) && str_eq(instance_id(instance), cursor))
            continue;
        if (n == max) {
            r = call_page_end(call, in, instance_id(last), &out->next_token);
            break;
        }
        if (n++)
            buf_put_char(&text, ',');
        instance_put(&text, call, instance);
        buf_put_char(&text, '}');
        last = instance;
    }
    buf_put_char(&text, ']');
    out->instances = text.failed ? (struct str){ 0 } : arena_dup(&call->arena, buf_str(&text));
    out->resource_owner = call->owner;
    buf_fini(&text);
    return r ? r : str_is_set(out->instances) ? 0 : -ENOMEM;
}
