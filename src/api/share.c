/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose things a call is about; see share.h. */
#include "api/share.h"

#include "api/authorise.h"
#include "api/named_service.h"
#include "auth/evaluate.h"

/* --- one call ---------------------------------------------------------------------------------------------------- */

static bool is_foreign(const struct api_call *call, struct str account)
{
    return str_is_set(account) && !str_eq(account, call->account);
}

static const struct share *find_share(struct api_call *call, const struct tenant *tenant, struct str namespace_id)
{
    struct arn arn = {
        .kind = ARN_NAMESPACE, .region = tenant->region, .account = tenant->account, .id = namespace_id
    };

    return access_state_find_share(&call->snapshot->access, arn_format(&call->arena, &arn));
}

/* The call is about that namespace (NULL: none), if it is shared with the caller. */
static void enter(struct api_call *call, const struct tenant *tenant, const struct namespace *ns)
{
    const struct share *share = ns && str_is_set(ns->policy) ? find_share(call, tenant, ns->id) : NULL;
    struct str owner;

    if (!share || !evaluate_names(share->policy, call->principal))
        return;
    owner = arena_dup(&call->arena, share->arn.account); /* it goes into a change, which outlives the snapshot */
    if (!str_is_set(owner))
        return;
    call->share = share;
    call->tenant = tenant;
    call->owner = owner;
}

static void enter_by_arn(struct api_call *call, struct str text)
{
    const struct service_node *node;
    const struct tenant *tenant;
    struct arn arn;

    if (arn_parse(text, &arn) || !is_foreign(call, arn.account) || !str_eq(arn.region, call->region))
        return;
    tenant = state_find_tenant(call->snapshot, arn.account, arn.region);
    if (arn.kind == ARN_NAMESPACE) {
        enter(call, tenant, state_find_namespace(tenant, arn.id));
        return;
    }
    node = state_find_service(tenant, arn.id);
    enter(call, tenant, node ? state_find_namespace(tenant, node->config->namespace_id) : NULL);
}

static void enter_by_names(struct api_call *call, const struct discover_instances_input *in)
{
    const struct tenant *tenant;

    if (!is_foreign(call, in->owner_account) || !str_is_set(in->namespace_name))
        return;
    tenant = state_find_tenant(call->snapshot, in->owner_account, call->region);
    enter(call, tenant, named_service_namespace(tenant, in->namespace_name));
}

static void enter_by_operation(struct api_call *call, const struct get_operation_input *in)
{
    const struct operation *operation;
    const struct tenant *tenant;
    struct id_operation id;

    if (!is_foreign(call, in->owner_account) || id_parse_operation(in->operation_id, &id))
        return;
    tenant = state_find_tenant(call->snapshot, in->owner_account, call->region);
    operation = state_find_operation(tenant, &id);
    enter(call, tenant, operation ? state_find_namespace(tenant, operation->namespace_id) : NULL);
}

void share_find(struct api_call *call, const void *in)
{
    call->owner = call->account;
    call->tenant = state_find_tenant(call->snapshot, call->account, call->region);
    if (!call->principal)
        return; /* in open mode there is one account */
    switch (call->op->resource) {
    case OP_ON_NAMESPACE:
    case OP_ON_SERVICE:
    case OP_ON_NEW_SERVICE: /* DnsConfig's NamespaceId has no room for an ARN */
        enter_by_arn(call, *(const struct str *)op_find_member(call->op, in, str_of(call->op->resource_member)));
        break;
    case OP_ON_NAMES:
        enter_by_names(call, in);
        break;
    case OP_ON_OPERATION:
        enter_by_operation(call, in);
        break;
    default:
        break;
    }
}

const struct policy *share_own_policy(struct api_call *call, struct str namespace_id)
{
    bool has_shares = tree_size(&call->snapshot->access.shares).count > 0;
    const struct namespace *ns = has_shares ? state_find_namespace(call->tenant, namespace_id) : NULL;
    const struct share *share = ns && str_is_set(ns->policy) ? find_share(call, call->tenant, ns->id) : NULL;

    return share ? share->policy : NULL;
}

/* --- lists ------------------------------------------------------------------------------------------------------- */

void share_iter_init(struct share_iter *iter, const struct api_call *call, struct str from)
{
    *iter = (struct share_iter){ 0 };
    tree_iter_init(&iter->tree, &call->snapshot->access.shares, &access_state_shares, &(struct tree_key){ .a = from });
}

int share_iter_next(struct share_iter *iter, struct api_call *call)
{
    while (call->principal && (iter->share = tree_iter_next(&iter->tree))) {
        const struct arn *arn = &iter->share->arn;
        int r;
        if (!is_foreign(call, arn->account) || !str_eq(arn->region, call->region) ||
            !evaluate_names(iter->share->policy, call->principal))
            continue;
        iter->tenant = state_find_tenant(call->snapshot, arn->account, arn->region);
        iter->ns = state_find_namespace(iter->tenant, arn->id);
        r = authorise_listing(call, iter->share, iter->ns);
        if (r)
            return r;
    }
    return 0;
}
