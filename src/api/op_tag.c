/* SPDX-License-Identifier: Apache-2.0
 *
 * ListTagsForResource, TagResource, UntagResource. */
#include "api/view.h"

#include <errno.h>

/* What the ARN names, here. 0 or CALL_ERROR. */
static int tag_read_arn(struct api_call *call, struct str text, struct arn *ret_arn)
{
    switch (arn_parse(text, ret_arn)) {
    case 0:
        break;
    case ARN_NOT_ARN:
        return call_refuse_text(call, ERROR_INVALID_INPUT, "ResourceARN is not an ARN: " STR_FMT, STR_ARG(text));
    default:
        return call_refuse(call, ERROR_RESOURCE_NOT_FOUND);
    }
    if (!str_eq(ret_arn->account, call->account) || !str_eq(ret_arn->region, call->region))
        return call_refuse(call, ERROR_RESOURCE_NOT_FOUND);
    return 0;
}

static int tag_show(struct api_call *call, const struct str_pair *tags, size_t n,
                    struct list_tags_for_resource_output *out)
{
    struct wire_tag *items = ARENA_ARRAY(&call->arena, struct wire_tag, n + 1);

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        items[i] = (struct wire_tag){ tags[i].key, tags[i].value };
    out->tags = (struct wire_tag_list){ .items = items, .n = n, .set = true };
    return 0;
}

int op_list_tags_for_resource(struct api_call *call, const struct list_tags_for_resource_input *in,
                              struct list_tags_for_resource_output *out)
{
    const struct service_node *node;
    const struct namespace *ns;
    struct arn arn;
    int r = tag_read_arn(call, in->resource_arn, &arn);

    if (r)
        return r;
    if (arn.kind == ARN_NAMESPACE) {
        ns = state_find_namespace(call->tenant, arn.id);
        return ns ? tag_show(call, ns->tags, ns->n_tags, out) : call_refuse(call, ERROR_RESOURCE_NOT_FOUND);
    }
    node = state_find_service(call->tenant, arn.id);
    return node ? tag_show(call, node->config->tags, node->config->n_tags, out)
                : call_refuse(call, ERROR_RESOURCE_NOT_FOUND);
}

/* A change of the tags of what the ARN names. */
static int tag_new_change(struct api_call *call, enum change_kind kind, struct str text, struct change **ret_change)
{
    struct change *change = call_new_change(call, kind);
    struct arn arn;
    int r = tag_read_arn(call, text, &arn);

    if (r)
        return r;
    if (arn.kind == ARN_NAMESPACE)
        change->namespace_id = arn.id;
    else
        change->service_id = arn.id;
    call->error.resource_name = text; /* what TooManyTagsException names */
    *ret_change = change;
    return 0;
}

int op_tag_resource(struct api_call *call, const struct tag_resource_input *in, struct empty_output *out)
{
    struct change *change;
    int r = tag_new_change(call, CHANGE_TAG, in->resource_arn, &change);

    (void)out;
    if (!r)
        r = call_read_tags(call, &in->tags, &change->pairs, &change->n_pairs);
    return r ? r : call_submit(call);
}

int op_untag_resource(struct api_call *call, const struct untag_resource_input *in, struct empty_output *out)
{
    struct change *change;
    int r = tag_new_change(call, CHANGE_UNTAG, in->resource_arn, &change);

    (void)out;
    if (r)
        return r;
    change->keys = in->tag_keys.items;
    change->n_keys = in->tag_keys.n;
    return call_submit(call);
}
