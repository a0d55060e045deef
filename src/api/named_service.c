/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of discovery. */
#include "api/named_service.h"

/* Addressed by HttpName; by ARN as callers of shared namespaces do; or by the Name of the namespace whose HttpName got
 * an ending, which some clients pass. */
static const struct namespace *find_namespace(const struct api_call *call, struct str name)
{
    const struct namespace *ns = state_find_http_name(call->tenant, name);
    struct tree_iter iter;
    struct arn arn;

    if (ns || !call->tenant)
        return ns;
    if (arn_parse(name, &arn) == 0)
        return arn.kind == ARN_NAMESPACE && str_eq(arn.account, call->account) && str_eq(arn.region, call->region)
                   ? state_find_namespace(call->tenant, arn.id)
                   : NULL;
    state_iter_name(&iter, call->tenant, name);
    while ((ns = tree_iter_next(&iter)) && str_eq_nocase(ns->name, name))
        if (ns->kind != NAMESPACE_HTTP || str_eq(ns->name, name))
            return ns;
    return NULL;
}

const struct named_service *named_service_find(struct api_call *call, const struct discover_instances_input *in)
{
    struct named_service *named = &call->named;

    if (named->is_found)
        return named;
    *named = (struct named_service){ .is_found = true };
    if (str_is_set(in->namespace_name) && (!str_is_set(in->owner_account) || str_eq(in->owner_account, call->account)))
        named->ns = find_namespace(call, in->namespace_name);
    if (named->ns && str_is_set(in->service_name))
        named->node = state_find_service_name(call->tenant, named->ns, in->service_name);
    return named;
}
