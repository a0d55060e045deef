/* SPDX-License-Identifier: Apache-2.0
 *
 * DeleteServiceAttributes, GetServiceAttributes, UpdateServiceAttributes. */
#include "api/view.h"

#include <errno.h>

int op_get_service_attributes(struct api_call *call, const struct get_service_attributes_input *in,
                              struct get_service_attributes_output *out)
{
    struct wire_service_attributes *attributes = ARENA_NEW(&call->arena, struct wire_service_attributes);
    const struct service_node *node;
    int r = call_find_service(call, in->service_id, &node);

    if (r)
        return r;
    if (!attributes)
        return -ENOMEM;
    attributes->service_arn = view_arn(call, node->config->account, ARN_SERVICE, node->config->id);
    attributes->resource_owner = node->config->account;
    attributes->attributes = (struct str_map){ .items = (struct str_pair *)(uintptr_t)node->config->attributes,
                                               .n = node->config->n_attributes,
                                               .set = true };
    out->service_attributes = attributes;
    return str_is_set(attributes->service_arn) ? 0 : -ENOMEM;
}

int op_update_service_attributes(struct api_call *call, const struct update_service_attributes_input *in,
                                 struct empty_output *out)
{
    struct change *change = call_new_change(call, CHANGE_PUT_SERVICE_ATTRIBUTES);
    int r = call_resolve_id(call, in->service_id, ARN_SERVICE, &change->service_id);

    (void)out;
    change->pairs = in->attributes.items;
    change->n_pairs = in->attributes.n;
    return r ? r : call_submit(call);
}

int op_delete_service_attributes(struct api_call *call, const struct delete_service_attributes_input *in,
                                 struct empty_output *out)
{
    struct change *change = call_new_change(call, CHANGE_DEL_SERVICE_ATTRIBUTES);
    int r = call_resolve_id(call, in->service_id, ARN_SERVICE, &change->service_id);

    (void)out;
    change->keys = in->attributes.items;
    change->n_keys = in->attributes.n;
    return r ? r : call_submit(call);
}
