/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_service.h. */
#include "admin/admin_service.h"

#include "model/arn.h"

struct search {
    const struct service_node *found;
    unsigned n;
};

static void note(struct search *search, const struct service_node *node)
{
    if (node) {
        search->found = node;
        search->n++;
    }
}

/* Services of that name in the tenant's namespaces of that name. */
static void search_names(struct search *search, const struct tenant *tenant, struct str ns_name, struct str name)
{
    const struct namespace *ns;
    struct tree_iter iter;

    state_iter_name(&iter, tenant, ns_name);
    while ((ns = tree_iter_next(&iter)) && str_eq_nocase(ns->name, ns_name))
        if (ns->kind != NAMESPACE_HTTP || str_eq(ns->name, ns_name))
            note(search, state_find_service_name(tenant, ns, name));
}

int admin_service_find(const struct snapshot *snapshot, struct str name, const struct service_node **ret_node)
{
    size_t slash = str_find_char(name, '/');
    struct search search = { .n = 0 };
    const struct tenant *tenant;
    struct tree_iter iter;
    struct arn arn;

    if (arn_parse(name, &arn) == 0) {
        if (arn.kind == ARN_SERVICE)
            note(&search, state_find_service(state_find_tenant(snapshot, arn.account, arn.region), arn.id));
    } else {
        tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
        while ((tenant = tree_iter_next(&iter)))
            if (slash < name.n)
                search_names(&search, tenant, (struct str){ name.p, slash }, str_skip(name, slash + 1));
            else
                note(&search, state_find_service(tenant, name));
    }
    *ret_node = search.found;
    return search.n == 1 ? 0 : search.n ? ADMIN_SERVICE_AMBIGUOUS : ADMIN_SERVICE_UNKNOWN;
}

const char *admin_service_text(enum admin_service_result result)
{
    return result == ADMIN_SERVICE_AMBIGUOUS ? "several services have that name: name the one by its id or ARN"
                                             : "there is no such service: name it by id, by ARN, or as NAMESPACE/NAME";
}
