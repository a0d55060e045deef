/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of namespaces; see apply.h. */
#include "registry/apply_priv.h"
#include "registry/pairs.h"

#include <errno.h>
#include <stdio.h>

/* A DNS name without the dot that may end it: with and without, it is the same zone. */
static struct str apply_zone_of(struct str name)
{
    if (name.n > 1 && name.p[name.n - 1] == '.')
        name.n--;
    return name;
}

/* Names of HTTP namespaces are told apart by case, DNS names are not. */
static bool apply_same_name(const struct namespace *a, const struct namespace *b)
{
    if (a->kind == NAMESPACE_HTTP)
        return str_eq(a->name, b->name);
    return str_eq_nocase(apply_zone_of(a->name), apply_zone_of(b->name)) &&
           (a->kind == NAMESPACE_DNS_PUBLIC || str_eq(a->vpc, b->vpc));
}

static const struct namespace *apply_find_twin_named(const struct tenant *tenant, const struct namespace *ns,
                                                     struct str name)
{
    const struct namespace *other;
    struct tree_iter iter;

    state_iter_name(&iter, tenant, name);
    while ((other = tree_iter_next(&iter)) && str_eq_nocase(other->name, name))
        if (other->kind == ns->kind && apply_same_name(ns, other))
            return other;
    return NULL;
}

/* The namespace of the same kind (and VPC) that has the name already, or NULL. */
static const struct namespace *apply_find_twin(const struct tenant *tenant, const struct namespace *ns)
{
    struct str zone = apply_zone_of(ns->name);
    const struct namespace *twin;
    char dotted[254];

    if (!tenant)
        return NULL;
    if (ns->kind != NAMESPACE_DNS_PRIVATE)
        return apply_find_twin_named(tenant, ns, ns->name);
    twin = apply_find_twin_named(tenant, ns, zone);
    if (twin || zone.n >= sizeof(dotted))
        return twin;
    memcpy(dotted, zone.p, zone.n);
    dotted[zone.n] = '.';
    return apply_find_twin_named(tenant, ns, (struct str){ dotted, zone.n + 1 });
}

int apply_check_create_namespace(struct apply *apply, const struct tenant *tenant, struct change *change)
{
    const struct namespace *twin = apply_find_twin(tenant, &change->ns);
    uint64_t limit = apply->config->limits.namespaces;
    bool same_token;
    int r = rules_check_tags(change->ns.tags, change->ns.n_tags, change);

    if (r)
        return r;
    same_token = twin && str_eq(twin->creator_request_id, change->ns.creator_request_id);
    if (same_token && twin->request_digest == change->ns.request_digest) {
        snprintf(change->operation_id, sizeof(change->operation_id), STR_FMT, STR_ARG(twin->create_operation));
        return APPLY_REPEATED;
    }
    /* A second private namespace of the name fails later, but a token that made another one is refused at once. */
    if (twin && (same_token || twin->kind != NAMESPACE_DNS_PRIVATE)) {
        change->existing_id = arena_dup(change->arena, twin->id);
        change->existing_token = arena_dup(change->arena, twin->creator_request_id);
        return CHANGE_NAMESPACE_EXISTS;
    }
    if (limit && tenant && tree_size(&tenant->namespaces).count >= limit)
        return rules_refuse(change, CHANGE_LIMIT, "The limit of %llu namespaces is reached", (unsigned long long)limit);
    return 0;
}

/* What Route 53 says of a name that is taken. */
static struct str apply_conflict_text(struct arena *arena, const struct tenant *tenant, const struct namespace *ns)
{
    if (ns->kind == NAMESPACE_DNS_PUBLIC)
        return arena_printf(arena,
                            "The domain name " STR_FMT " conflicts with the name of another hosted zone (Service: "
                            "AmazonRoute53; Status Code: 400; Error Code: ConflictingDomainExists)",
                            STR_ARG(ns->name));
    return arena_printf(arena,
                        "The VPC that you chose, " STR_FMT " in region " STR_FMT ", is already associated with another "
                        "private hosted zone that has an overlapping name space, " STR_FMT ".. (Service: "
                        "AmazonRoute53; Status Code: 400; Error Code: ConflictingDomainExists)",
                        STR_ARG(ns->vpc), STR_ARG(tenant->region), STR_ARG(ns->name));
}

/* Why the hosted zone of a DNS namespace cannot be made; Route 53 finds out after the call was accepted. */
static bool apply_zone_refused(struct apply *apply, const struct tenant *tenant, const struct change *change,
                               struct apply_outcome *outcome)
{
    const struct namespace *ns = &change->ns;

    if (ns->kind == NAMESPACE_HTTP)
        return false;
    if (!namespace_is_zone_name(ns->name)) {
        outcome->error_code = STR("CANNOT_CREATE_HOSTED_ZONE");
        outcome->error_message =
            arena_printf(change->arena,
                         "The domain name is invalid: " STR_FMT
                         " (Service: AmazonRoute53; Status Code: 400; Error Code: InvalidDomainName)",
                         STR_ARG(ns->name));
    } else if (apply_find_twin(tenant, ns) || rules_zone_is_taken(&apply->next, tenant->account, tenant->region, ns)) {
        outcome->error_code = STR("CANNOT_CREATE_HOSTED_ZONE");
        outcome->error_message = apply_conflict_text(change->arena, tenant, ns);
    } else {
        return false;
    }
    if (!str_is_set(outcome->error_message))
        apply->edit.failed = true;
    return true;
}

/* The name itself, or with a generated ending when another namespace has it as its HttpName. */
static struct str apply_http_name(struct apply *apply, const struct tenant *tenant, struct str name,
                                  struct arena *arena)
{
    char suffix[ID_RANDOM_LEN + 1];
    struct str http_name = name;

    while (str_is_set(http_name) && state_find_http_name(tenant, http_name)) {
        id_new_suffix(&apply->rand, suffix);
        http_name = arena_printf(arena, STR_FMT "-%s", STR_ARG(name), suffix);
    }
    if (!str_is_set(http_name))
        apply->edit.failed = true;
    return http_name;
}

static void apply_write_namespace(struct apply *apply, const struct tenant *tenant, struct namespace *ns,
                                  uint32_t old_sum)
{
    struct record_key key = {
        .kind = RECORD_NAMESPACE, .account = tenant->account, .region = tenant->region, .id = ns->id
    };

    buf_clear(&apply->text);
    record_encode_namespace(&apply->text, ns);
    ns->record_sum = apply_put_record(apply, &key, old_sum);
}

void apply_create_namespace(struct apply *apply, struct tenant *tenant, struct change *change,
                            const struct id_operation *operation, struct apply_outcome *outcome)
{
    char hosted_zone[ID_HOSTED_ZONE_SIZE], operation_id[ID_OPERATION_SIZE];
    struct namespace draft = change->ns, *ns;

    if (apply_zone_refused(apply, tenant, change, outcome))
        return;
    id_format_operation(operation, operation_id);
    draft.create_operation = str_of(operation_id);
    draft.create_ms = operation->create_ms;
    draft.http_name = apply_http_name(apply, tenant, draft.name, change->arena);
    if (draft.kind != NAMESPACE_HTTP) {
        id_new_hosted_zone(&apply->rand, hosted_zone);
        draft.hosted_zone_id = str_of(hosted_zone);
    }
    ns = apply->edit.failed ? NULL : edit_adopt(&apply->edit, namespace_dup(&draft));
    if (!ns)
        return;
    apply_write_namespace(apply, tenant, ns, 0);
    tree_put(&apply->edit, &tenant->namespaces, &state_namespaces, ns, 0);
    tree_put(&apply->edit, &tenant->namespaces_by_name, &state_namespaces_by_name, ns, 0);
    tree_put(&apply->edit, &tenant->namespaces_by_http_name, &state_namespaces_by_http_name, ns, 0);
    zone_put(&apply->edit, &apply->next, tenant, ns);
}

int apply_check_delete_namespace(struct apply *apply, const struct tenant *tenant, struct change *change)
{
    (void)apply;
    if (!state_find_namespace(tenant, change->namespace_id))
        return CHANGE_NAMESPACE_NOT_FOUND;
    if (state_count_services(tenant, change->namespace_id).count)
        return rules_refuse(change, CHANGE_IN_USE,
                            "Namespace has associated services; delete the services before deleting the namespace");
    return 0;
}

void apply_delete_namespace(struct apply *apply, struct tenant *tenant, struct change *change)
{
    const struct namespace *ns = state_find_namespace(tenant, change->namespace_id);
    struct record_key key = {
        .kind = RECORD_NAMESPACE, .account = tenant->account, .region = tenant->region, .id = ns->id
    };

    apply_del_record(apply, &key, ns->record_sum);
    tree_del(&apply->edit, &tenant->namespaces, &state_namespaces, &(struct tree_key){ .a = ns->id });
    tree_del(&apply->edit, &tenant->namespaces_by_name, &state_namespaces_by_name,
             &(struct tree_key){ .a = ns->name, .b = ns->id });
    tree_del(&apply->edit, &tenant->namespaces_by_http_name, &state_namespaces_by_http_name,
             &(struct tree_key){ .a = ns->http_name });
    zone_del(&apply->edit, &apply->next, ns);
    if (str_is_set(ns->policy))
        apply_drop_share(apply, tenant, ns->id, change->arena);
    edit_replace(&apply->edit, ns);
}

int apply_check_update_namespace(struct apply *apply, const struct tenant *tenant, struct change *change)
{
    const struct namespace *ns = state_find_namespace(tenant, change->namespace_id);

    (void)apply;
    if (!ns)
        return CHANGE_NAMESPACE_NOT_FOUND;
    if (ns->kind != change->ns.kind) {
        struct str is = namespace_kind_text(ns->kind), asked = namespace_kind_text(change->ns.kind);
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "The namespace is of type " STR_FMT " and cannot be updated as one of type " STR_FMT,
                            STR_ARG(is), STR_ARG(asked));
    }
    return 0;
}

void apply_replace_namespace(struct apply *apply, struct tenant *tenant, const struct namespace *old,
                             const struct namespace *draft)
{
    struct namespace *ns = edit_adopt(&apply->edit, namespace_dup(draft));

    if (!ns)
        return;
    apply_write_namespace(apply, tenant, ns, old->record_sum);
    tree_put(&apply->edit, &tenant->namespaces, &state_namespaces, ns, 0);
    tree_put(&apply->edit, &tenant->namespaces_by_name, &state_namespaces_by_name, ns, 0);
    tree_put(&apply->edit, &tenant->namespaces_by_http_name, &state_namespaces_by_http_name, ns, 0);
    zone_put(&apply->edit, &apply->next, tenant, ns);
    edit_replace(&apply->edit, old);
}

void apply_update_namespace(struct apply *apply, struct tenant *tenant, struct change *change)
{
    const struct namespace *old = state_find_namespace(tenant, change->namespace_id);
    struct namespace draft = *old;

    if (str_is_set(change->ns.description))
        draft.description = change->ns.description.n ? change->ns.description : (struct str){ 0 };
    if (change->ns.soa_ttl >= 0)
        draft.soa_ttl = change->ns.soa_ttl;
    apply_replace_namespace(apply, tenant, old, &draft);
}

/* --- tags, of both kinds of resource ----------------------------------------------------------------------------- */

/* The tags after the change, in the change's arena. */
static int apply_new_tags(struct change *change, const struct str_pair *old, size_t n_old, struct str_pair **ret_tags,
                          size_t *ret_n)
{
    struct str_pair *sorted;
    int r;

    if (change->kind == CHANGE_UNTAG)
        return pairs_without(change->arena, old, n_old, change->keys, change->n_keys, ret_tags, ret_n);
    r = pairs_sort(change->arena, change->pairs, change->n_pairs, &sorted);
    if (r == 1)
        return rules_refuse(change, CHANGE_INVALID_INPUT, "A tag key is given twice");
    if (!r)
        r = pairs_merge(change->arena, old, n_old, sorted, change->n_pairs, ret_tags, ret_n);
    return r ? r : rules_check_tags(*ret_tags, *ret_n, change);
}

static int apply_namespace_tags(struct apply *apply, const struct tenant *seen, struct change *change)
{
    const struct namespace *old = state_find_namespace(seen, change->namespace_id);
    struct namespace draft;
    struct tenant *tenant;
    struct str_pair *tags;
    int r;

    if (!old)
        return CHANGE_RESOURCE_NOT_FOUND;
    draft = *old;
    r = apply_new_tags(change, old->tags, old->n_tags, &tags, &draft.n_tags);
    if (r)
        return r;
    draft.tags = tags;
    tenant = apply_own_tenant(apply, change->account, change->region);
    if (tenant && !pairs_equal(old->tags, old->n_tags, draft.tags, draft.n_tags))
        apply_replace_namespace(apply, tenant, old, &draft);
    return 0;
}

int apply_tags(struct apply *apply, struct change *change)
{
    const struct tenant *seen = state_find_tenant(&apply->next, change->account, change->region);
    const struct service_node *node;
    struct service draft;
    struct str_pair *tags;
    int r;

    if (str_is_set(change->namespace_id))
        return apply_namespace_tags(apply, seen, change);
    node = state_find_service(seen, change->service_id);
    if (!node)
        return CHANGE_RESOURCE_NOT_FOUND;
    draft = *node->config;
    r = apply_new_tags(change, draft.tags, draft.n_tags, &tags, &draft.n_tags);
    if (r)
        return r;
    draft.tags = tags;
    if (change->kind == CHANGE_TAG)
        r = rules_check_health_tags(&draft, change);
    if (r)
        return r;
    if (!pairs_equal(node->config->tags, node->config->n_tags, draft.tags, draft.n_tags))
        apply_replace_config(apply, node, &draft);
    return 0;
}
