/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces that are shared with other accounts, and what those may touch there; see apply.h. The policy of a
 * namespace stands in its record; the snapshot has it compiled, for all accounts together (access_state.h). */
#include "registry/apply_priv.h"

#include <errno.h>

#define APPLY_SHARES 1000 /* lists look at each of them */

static struct str apply_namespace_arn(struct arena *arena, const struct tenant *tenant, struct str namespace_id)
{
    return arn_format(
        arena, &(struct arn){
                   .kind = ARN_NAMESPACE, .region = tenant->region, .account = tenant->account, .id = namespace_id });
}

static void apply_replace_share(struct apply *apply, const struct share *share)
{
    if (share)
        edit_replace(&apply->edit, share->policy);
    edit_replace(&apply->edit, share);
}

int apply_place_share(struct apply *apply, const struct tenant *tenant, struct str namespace_id, struct str document,
                      struct arena *arena)
{
    struct str text = apply_namespace_arn(arena, tenant, namespace_id);
    struct share *share = str_is_set(text) ? edit_alloc(&apply->edit, sizeof(*share) + text.n) : NULL;
    int r;

    if (!share)
        return -ENOMEM;
    *share = (struct share){ .text = { (char *)(share + 1), text.n } };
    memcpy(share + 1, text.p, text.n);
    r = arn_parse(share->text, &share->arn) ? POLICY_INVALID : 0;
    if (!r)
        r = apply_compile(apply, document, POLICY_RESOURCE, &share->policy);
    if (r) {
        edit_replace(&apply->edit, share);
        return r;
    }
    apply_replace_share(apply, tree_put(&apply->edit, &apply->next.access.shares, &access_state_shares, share, 0));
    return 0;
}

void apply_drop_share(struct apply *apply, const struct tenant *tenant, struct str namespace_id, struct arena *arena)
{
    struct str text = apply_namespace_arn(arena, tenant, namespace_id);

    if (str_is_set(text))
        apply_replace_share(apply, tree_del(&apply->edit, &apply->next.access.shares, &access_state_shares,
                                            &(struct tree_key){ .a = text }));
    else
        apply->edit.failed = true;
}

/* --- changes ----------------------------------------------------------------------------------------------------- */

static int apply_check_share(struct apply *apply, const struct namespace *ns, struct change *change)
{
    int r = apply_check_document(change, "the policy", change->document, POLICY_RESOURCE);

    if (!r && !str_is_set(ns->policy) && tree_size(&apply->next.access.shares).count >= APPLY_SHARES)
        r = rules_refuse(change, CHANGE_LIMIT, "%d namespaces are shared already, which is the most", APPLY_SHARES);
    return r;
}

int apply_share(struct apply *apply, struct change *change)
{
    bool ends = change->kind == CHANGE_UNSHARE;
    struct tenant *tenant;
    const struct namespace *ns =
        state_find_namespace(state_find_tenant(&apply->next, change->account, change->region), change->namespace_id);
    struct namespace draft;
    int r;

    if (!ns || (ends && !str_is_set(ns->policy)))
        return rules_refuse(change, CHANGE_RESOURCE_NOT_FOUND,
                            ns ? "namespace " STR_FMT " of account " STR_FMT " is not shared"
                               : "there is no namespace " STR_FMT " in account " STR_FMT " and that region",
                            STR_ARG(change->namespace_id), STR_ARG(change->account));
    r = ends ? 0 : apply_check_share(apply, ns, change);
    if (r)
        return r;
    tenant = apply_own_tenant(apply, change->account, change->region);
    if (!tenant)
        return -ENOMEM;
    draft = *ns;
    draft.policy = ends ? (struct str){ 0 } : change->document;
    if (ends)
        apply_drop_share(apply, tenant, ns->id, change->arena);
    else
        r = apply_place_share(apply, tenant, ns->id, draft.policy, change->arena);
    ASSERT(r <= 0);
    if (!r)
        apply_replace_namespace(apply, tenant, ns, &draft);
    return r;
}

/* --- whose things they are --------------------------------------------------------------------------------------- */

int apply_check_still_shared(const struct namespace *ns, struct change *change)
{
    if (!ns || str_is_set(ns->policy) || !str_is_set(change->caller))
        return 0;
    return rules_refuse(change, CHANGE_NOT_YOURS,
                        "Namespace " STR_FMT " is not shared with account " STR_FMT " any more", STR_ARG(ns->id),
                        STR_ARG(change->caller));
}

static bool apply_is_yours(const struct change *change, struct str created_by)
{
    return !str_is_set(change->caller) || str_eq(change->caller, created_by);
}

int apply_check_service_creator(const struct service *service, struct change *change)
{
    if (apply_is_yours(change, service->created_by))
        return 0;
    return rules_refuse(change, CHANGE_NOT_YOURS,
                        "Service " STR_FMT " was created by another account; only that account and the owner of the "
                        "namespace can change or delete it",
                        STR_ARG(service->id));
}

int apply_check_instance_creator(const struct instance *instance, struct change *change)
{
    if (apply_is_yours(change, instance_created_by(instance)))
        return 0;
    return rules_refuse(change, CHANGE_NOT_YOURS,
                        "Instance " STR_FMT " was registered by another account; only that account and the owner of "
                        "the namespace can change or deregister it",
                        STR_ARG(instance_id(instance)));
}

int apply_check_instance_creators(const struct namespace *ns, const struct service_node *node, struct change *change)
{
    struct state_registered_iter iter;
    const struct instance *instance;

    if (!str_is_set(ns->policy))
        return 0;
    state_iter_registered(&iter, node, (struct str){ 0 });
    while ((instance = state_next_registered(&iter)))
        if (!str_eq(instance_created_by(instance), change->caller))
            return rules_refuse(change, CHANGE_INVALID_INPUT,
                                "The service has instances of other accounts, such as " STR_FMT
                                ", and cannot be updated before they are deregistered",
                                STR_ARG(instance_id(instance)));
    return 0;
}
