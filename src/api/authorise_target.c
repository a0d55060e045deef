/* SPDX-License-Identifier: Apache-2.0
 *
 * Resources and condition keys of each operation. */
#include "api/authorise_target.h"

#include "api/named_service.h"
#include "api/share.h"

#include <errno.h>

static const unsigned keys_of_ops[OP_COUNT] = {
#define AUTHORISE(op, keys) [OP_INDEX_##op] = (keys),
#include "api/authorise.def"
#undef AUTHORISE
};

/* --- resources --------------------------------------------------------------------------------------------------- */

static struct authorise_resource *add_resource(struct authorise_target *target, struct str arn, struct str account)
{
    struct authorise_resource *resource = &target->resources[target->n++];

    *resource = (struct authorise_resource){ .arn = arn, .account = account };
    return resource;
}

static struct str own_arn(struct api_call *call, enum arn_kind kind, struct str id)
{
    return arn_format(&call->arena,
                      &(struct arn){ .kind = kind, .region = call->region, .account = call->owner, .id = id });
}

/* The id of a thing of this tenant, absent when the text names none here. */
static struct authorise_resource *add_named(struct api_call *call, struct authorise_target *target, enum arn_kind kind,
                                            struct str text, struct str *ret_id)
{
    struct arn arn;
    bool is_nothing = text.n == 0 || text.n > AUTHORISE_MAX_ID;
    int r = is_nothing ? ARN_MALFORMED : arn_parse(text, &arn);

    *ret_id = (struct str){ 0 };
    if (r == 0 && arn.kind == kind) {
        if (str_eq(arn.account, call->owner) && str_eq(arn.region, call->region))
            *ret_id = arn.id;
        return add_resource(target, text, arn.account);
    }
    if (r == ARN_NOT_ARN)
        *ret_id = text;
    return add_resource(target, own_arn(call, kind, r == ARN_NOT_ARN ? text : STR("*")), call->owner);
}

/* The policy that a thing in the namespace (absent: in none that is known) has. What the owner alone may do with a
 * namespace no policy gives to others. */
static const struct policy *policy_of(struct api_call *call, struct str namespace_id)
{
    if (!call->share)
        return share_own_policy(call, namespace_id);
    return call->op->resource == OP_ON_NAMESPACE && call->op->flags & OP_WRITE ? NULL : call->share->policy;
}

static void add_namespace(struct api_call *call, struct authorise_target *target, struct str text)
{
    struct str id;
    struct authorise_resource *resource = add_named(call, target, ARN_NAMESPACE, text, &id);
    const struct namespace *ns = str_is_set(id) ? state_find_namespace(call->tenant, id) : NULL;

    if (ns) {
        resource->tags = ns->tags;
        resource->n_tags = ns->n_tags;
    }
    resource->policy = policy_of(call, id);
}

static void add_service(struct api_call *call, struct authorise_target *target, struct str text)
{
    struct str id;
    struct authorise_resource *resource = add_named(call, target, ARN_SERVICE, text, &id);
    const struct service_node *node = str_is_set(id) ? state_find_service(call->tenant, id) : NULL;

    if (node) {
        resource->tags = node->config->tags;
        resource->n_tags = node->config->n_tags;
    }
    /* Behind its namespace it has the same policy. */
    if (resource != target->resources)
        resource->policy = target->resources[0].policy;
    else if (node)
        resource->policy = policy_of(call, node->config->namespace_id);
    target->created_by = node ? service_creator(node->config) : resource->account;
}

/* Names, as the namespace and the service are spelled where they are found: policies that speak of names must mean the
 * same thing however a caller writes it. */
static void add_names(struct api_call *call, struct authorise_target *target, const struct discover_instances_input *in,
                      struct context *context)
{
    const struct named_service *named = named_service_find(call, in);

    add_namespace(call, target, named->ns ? named->ns->id : STR(""));
    add_service(call, target, named->node ? named->node->config->id : STR(""));
    context->values[CONDITION_KEY_NAMESPACE_NAME] = named->ns ? named->ns->http_name : in->namespace_name;
    context->values[CONDITION_KEY_SERVICE_NAME] = named->node ? named->node->config->name : in->service_name;
    target->is_hidden = true;
}

/* An operation is its namespace's; who may look at its service may look at it too. */
static void add_operation(struct api_call *call, struct authorise_target *target, struct str text)
{
    struct id_operation id;
    const struct operation *operation = NULL;

    if (text.n <= AUTHORISE_MAX_ID && id_parse_operation(text, &id) == 0)
        operation = state_find_operation(call->tenant, &id);
    add_namespace(call, target, operation ? operation->namespace_id : STR(""));
    if (operation && operation->service_id.n)
        add_service(call, target, operation->service_id);
    target->one_is_enough = true;
    target->is_hidden = true;
}

static void add_new_service(struct api_call *call, struct authorise_target *target,
                            const struct create_service_input *in)
{
    struct str nested = in->dns_config ? in->dns_config->namespace_id : (struct str){ 0 };

    add_namespace(call, target, in->namespace_id.n ? in->namespace_id : nested);
    add_resource(target, own_arn(call, ARN_SERVICE, STR("*")), call->owner)->policy = target->resources[0].policy;
}

static void find_resources(struct api_call *call, const void *in, struct context *context,
                           struct authorise_target *target)
{
    const struct str *named =
        call->op->resource_member ? op_find_member(call->op, in, str_of(call->op->resource_member)) : NULL;

    switch (call->op->resource) {
    case OP_ON_NAMESPACE:
        add_namespace(call, target, *named);
        break;
    case OP_ON_NEW_SERVICE:
        add_new_service(call, target, in);
        break;
    case OP_ON_SERVICE:
        add_service(call, target, *named);
        break;
    case OP_ON_NAMES:
        add_names(call, target, in, context);
        break;
    case OP_ON_OPERATION:
        add_operation(call, target, *named);
        break;
    default:
        add_resource(target, STR("*"), call->account);
        break;
    }
}

/* --- condition keys ---------------------------------------------------------------------------------------------- */

static int find_tags(struct api_call *call, const void *in, struct context *context)
{
    const struct wire_tag_list *tags = op_find_member(call->op, in, STR("Tags"));
    const struct str_list *tag_keys = op_find_member(call->op, in, STR("TagKeys"));
    struct str_pair *pairs;
    struct str *keys;

    if (tag_keys && tag_keys->n) {
        context->tag_keys = tag_keys->items;
        context->n_tag_keys = tag_keys->n;
        context->has_tag_keys = true;
    }
    if (!tags || !tags->n)
        return 0;
    pairs = ARENA_ARRAY(&call->arena, struct str_pair, tags->n);
    keys = ARENA_ARRAY(&call->arena, struct str, tags->n);
    if (!pairs || !keys)
        return -ENOMEM;
    for (size_t i = 0; i < tags->n; i++) {
        pairs[i] = (struct str_pair){ tags->items[i].key, tags->items[i].value };
        keys[i] = tags->items[i].key;
    }
    context->request_tags = pairs;
    context->tag_keys = keys;
    context->n_request_tags = context->n_tag_keys = tags->n;
    context->has_tag_keys = true;
    return 0;
}

static void find_keys(const struct api_call *call, const struct authorise_target *target, struct context *context)
{
    unsigned keys = keys_of_ops[call->op->index];

    if (keys & AUTHORISE_NAMESPACE_ARN)
        context->values[CONDITION_KEY_NAMESPACE_ARN] = target->resources[0].arn;
    if (keys & AUTHORISE_SERVICE_ARN)
        context->values[CONDITION_KEY_SERVICE_ARN] = target->resources[0].arn;
    if (keys & AUTHORISE_CREATED_BY)
        context->values[CONDITION_KEY_SERVICE_CREATED_BY] = target->created_by;
}

int authorise_target_find(struct api_call *call, const void *in, struct context *context,
                          struct authorise_target *ret_target)
{
    *ret_target = (struct authorise_target){ 0 };
    find_resources(call, in, context, ret_target);
    find_keys(call, ret_target, context);
    return call->arena.failed ? -ENOMEM : find_tags(call, in, context);
}
