/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of discovery. */
#include "api/named_service.h"

/* Addressed by HttpName; by ARN as callers of shared namespaces do; or by the Name of the namespace whose HttpName got
 * an ending, which some clients pass. */
const struct namespace *named_service_namespace(const struct tenant *tenant, struct str name)
{
    const struct namespace *ns = state_find_http_name(tenant, name);
    struct tree_iter iter;
    struct arn arn;

    if (ns || !tenant)
        return ns;
    if (arn_parse(name, &arn) == 0)
        return arn.kind == ARN_NAMESPACE && str_eq(arn.account, tenant->account) && str_eq(arn.region, tenant->region)
                   ? state_find_namespace(tenant, arn.id)
                   : NULL;
    state_iter_name(&iter, tenant, name);
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
    if (str_is_set(in->namespace_name) && (!str_is_set(in->owner_account) || str_eq(in->owner_account, call->owner)))
        named->ns = named_service_namespace(call->tenant, in->namespace_name);
    if (named->ns && str_is_set(in->service_name))
        named->node = state_find_service_name(call->tenant, named->ns, in->service_name);
    return named;
}
