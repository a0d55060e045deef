/* SPDX-License-Identifier: Apache-2.0
 *
 * CreateService, DeleteService, GetService, ListServices, UpdateService. */
#include "api/filter.h"
#include "api/share.h"
#include "api/view.h"
#include "registry/record.h"

#include <errno.h>

/* --- create ------------------------------------------------------------------------------------------------------ */

static int service_read_records(struct api_call *call, const struct wire_dns_record_list *records,
                                struct service *service)
{
    if (records->n == 0)
        return call_refuse_text(call, ERROR_INVALID_INPUT, "DnsConfig must have at least one DnsRecord");
    for (size_t i = 0; i < records->n; i++) {
        enum service_record_type type;
        service_parse_record_type(records->items[i].type, &type); /* the shape allows no other word */
        for (size_t k = 0; k < service->n_records; k++)
            if (service->records[k].type == type)
                return call_refuse_text(call, ERROR_INVALID_INPUT,
                                        "Duplicate resource record type" STR_FMT "in DNS config is not expected",
                                        STR_ARG(records->items[i].type));
        service->records[service->n_records++] =
            (struct service_record){ .type = type, .ttl = records->items[i].ttl.value };
    }
    service->has_dns = true;
    return 0;
}

static void service_read_check(const struct wire_health_check_config *config, struct service *service)
{
    service_parse_check(config->type, &service->check);
    service->check_path = config->resource_path.n ? config->resource_path : (struct str){ 0 };
    service->check_threshold = config->failure_threshold.set ? config->failure_threshold.value : 0;
}

/* The namespace stands at the top level or, as Terraform still sends it, in DnsConfig. */
static int service_read_namespace(struct api_call *call, const struct create_service_input *in, struct str *ret_id)
{
    struct str nested = in->dns_config ? in->dns_config->namespace_id : (struct str){ 0 };
    struct str id;
    int r;

    if (!in->namespace_id.n && !nested.n)
        return call_refuse_text(call, ERROR_INVALID_INPUT, "Service namespace id cannot be null");
    r = call_resolve_id(call, in->namespace_id.n ? in->namespace_id : nested, ARN_NAMESPACE, &id);
    if (r)
        return r;
    if (in->namespace_id.n && nested.n) {
        struct str other;
        r = call_resolve_id(call, nested, ARN_NAMESPACE, &other);
        if (!r && !str_eq(id, other))
            r = call_refuse_text(call, ERROR_INVALID_INPUT,
                                 "NamespaceId and DnsConfig.NamespaceId name two namespaces");
    }
    *ret_id = id;
    return r;
}

static int service_digest(struct service *service)
{
    static const struct hash_key key; /* no secret, as for namespaces */
    struct buf text;
    int r;

    buf_init(&text, 1 << 20);
    record_encode_service(&text, service, 0);
    r = text.failed ? -ENOMEM : 0;
    service->request_digest = r ? 0 : hash_sip(&key, text.p, text.n);
    buf_fini(&text);
    return r;
}

static int service_finish_create(struct api_call *call)
{
    struct service_output *out = call->out;

    out->service = ARENA_NEW(&call->arena, struct wire_service);
    return out->service ? view_service(call, call->change.created, 0, false, out->service) : -ENOMEM;
}

int op_create_service(struct api_call *call, const struct create_service_input *in, struct service_output *out)
{
    struct change *change = call_new_change(call, CHANGE_CREATE_SERVICE);
    struct service *service = &change->service;
    int r = service_read_namespace(call, in, &service->namespace_id);

    (void)out;
    if (r)
        return r;
    if (in->health_check_config && in->health_check_custom_config)
        return call_refuse_text(call, ERROR_INVALID_INPUT,
                                "Specify either HealthCheckConfig or HealthCheckCustomConfig, not both");
    service->name = in->name;
    service->description = in->description.n ? in->description : (struct str){ 0 };
    service->type = SERVICE_HTTP;
    change->type_given = str_is_set(in->type);
    if (in->dns_config) {
        r = service_read_records(call, &in->dns_config->dns_records, service);
        if (str_is_set(in->dns_config->routing_policy))
            service_parse_routing(in->dns_config->routing_policy, &service->routing);
    }
    if (in->health_check_config)
        service_read_check(in->health_check_config, service);
    if (in->health_check_custom_config)
        service->check = SERVICE_CHECK_CUSTOM;
    if (!r)
        r = call_read_tags(call, &in->tags, &service->tags, &service->n_tags);
    if (!r)
        r = service_digest(service);
    if (r)
        return r;
    service->creator_request_id = call_token(call, in->creator_request_id);
    if (!str_is_set(service->creator_request_id))
        return -ENOMEM;
    call->finish = service_finish_create;
    return call_submit(call);
}

/* --- update, delete ---------------------------------------------------------------------------------------------- */

int op_update_service(struct api_call *call, const struct update_service_input *in, struct operation_id_output *out)
{
    struct change *change = call_new_change(call, CHANGE_UPDATE_SERVICE);
    int r = call_resolve_id(call, in->id, ARN_SERVICE, &change->service_id);

    (void)out;
    change->service.description = in->service->description;
    if (!r && in->service->dns_config)
        r = service_read_records(call, &in->service->dns_config->dns_records, &change->service);
    if (in->service->health_check_config)
        service_read_check(in->service->health_check_config, &change->service);
    return r ? r : call_submit(call);
}

int op_delete_service(struct api_call *call, const struct id_input *in, struct empty_output *out)
{
    struct change *change = call_new_change(call, CHANGE_DELETE_SERVICE);
    int r = call_resolve_id(call, in->id, ARN_SERVICE, &change->service_id);

    (void)out;
    return r ? r : call_submit(call);
}

/* --- get, list --------------------------------------------------------------------------------------------------- */

int op_get_service(struct api_call *call, const struct id_input *in, struct service_output *out)
{
    const struct service_node *node;
    int r = call_find_service(call, in->id, &node);

    if (r)
        return r;
    out->service = ARENA_NEW(&call->arena, struct wire_service);
    return out->service ? view_service(call, node->config, state_count_registered(node), false, out->service) : -ENOMEM;
}

static const struct filter_rule service_filters[] = {
    { .name = "NAMESPACE_ID", .conditions = FILTER_EQ },
    { .name = "RESOURCE_OWNER", .conditions = FILTER_EQ, .knows = filter_is_owner },
};

/* What the filters ask for: services of one namespace (absent: of all), the caller's own or another account's. */
struct service_scope {
    struct str namespace_id;
    struct str shared_arn; /* of the namespace, when it is another account's */
    bool own, shared;      /* which services can match */
};

static int service_read_namespace_filter(struct api_call *call, struct str text, struct service_scope *scope)
{
    struct str id;
    struct arn arn;
    bool is_foreign = arn_parse(text, &arn) == 0 && arn.kind == ARN_NAMESPACE && !str_eq(arn.account, call->account);
    int r = is_foreign ? 0 : call_resolve_id(call, text, ARN_NAMESPACE, &id);

    if (r)
        return r;
    if (is_foreign) {
        scope->own = false;
        scope->shared = scope->shared && (!str_is_set(scope->shared_arn) || str_eq(scope->shared_arn, text));
        scope->shared_arn = text;
        return 0;
    }
    scope->shared = false;
    scope->own = scope->own && (!str_is_set(scope->namespace_id) || str_eq(scope->namespace_id, id));
    scope->namespace_id = id;
    return 0;
}

static int service_read_filters(struct api_call *call, const struct wire_filter_list *filters,
                                struct service_scope *ret_scope)
{
    int r = filter_check(call, filters, service_filters, sizeof(service_filters) / sizeof(service_filters[0]));

    *ret_scope = (struct service_scope){ .own = true, .shared = true };
    for (size_t i = 0; !r && i < filters->n; i++) {
        const struct wire_filter *filter = &filters->items[i];
        if (str_eq(filter->name, STR("NAMESPACE_ID"))) {
            r = service_read_namespace_filter(call, filter->values.items[0], ret_scope);
        } else {
            ret_scope->own = ret_scope->own && filter_matches(filter, STR("SELF"));
            ret_scope->shared = ret_scope->shared && filter_matches(filter, STR("OTHER_ACCOUNTS"));
        }
    }
    return r;
}

/* A page under way. The caller's own services come first: it goes on behind `namespace id LF name`. Then those of
 * namespaces that other accounts share: behind `LF ARN LF name`. */
struct service_page {
    const struct list_input *in;
    struct list_services_output *out;
    size_t max;
    struct str cursor; /* absent: at the start */
    const struct share *last_share;
    const struct service *last; /* in the page, so far */
};

static bool service_is_shared_cursor(struct str cursor)
{
    return cursor.n && cursor.p[0] == '\n';
}

/* Of a service, which another account shares unless `share` is NULL. */
static struct str service_cursor(struct api_call *call, const struct share *share, const struct service *service)
{
    if (share)
        return arena_printf(&call->arena, "\n" STR_FMT "\n" STR_FMT, STR_ARG(share->text), STR_ARG(service->name));
    return arena_printf(&call->arena, STR_FMT "\n" STR_FMT, STR_ARG(service->namespace_id), STR_ARG(service->name));
}

/* Those of one namespace, or (absent) of all that the tenant has, from the key on. 0 when all were looked at or the
 * page has its NextToken; or an error. */
static int service_list(struct api_call *call, struct service_page *page, const struct tenant *tenant,
                        const struct share *share, struct tree_key from, struct str namespace_id)
{
    const struct service_node *node;
    struct tree_iter iter;
    int r = 0;

    if (!tenant)
        return 0;
    tree_iter_init(&iter, &tenant->services_by_name, &state_services_by_name, &from);
    for (bool first = true; !r && (node = tree_iter_next(&iter)); first = false) {
        struct wire_service_list *list = &page->out->services;
        if (str_is_set(namespace_id) && !str_eq(node->config->namespace_id, namespace_id))
            break;
        if (first && str_is_set(page->cursor) && str_eq(service_cursor(call, share, node->config), page->cursor))
            continue;
        if (list->n == page->max)
            return call_page_end(call, page->in, service_cursor(call, page->last_share, page->last),
                                 &page->out->next_token);
        page->last_share = share;
        page->last = node->config;
        r = view_service(call, node->config, state_count_registered(node), true, &list->items[list->n++]);
    }
    return r;
}

static int service_list_own(struct api_call *call, struct service_page *page, const struct service_scope *scope)
{
    struct str cursor = page->cursor;
    size_t n = str_find_char(cursor, '\n');
    struct tree_key from = { .a = scope->namespace_id };

    if (!scope->own || service_is_shared_cursor(cursor))
        return 0;
    if (str_is_set(cursor))
        from = (struct tree_key){ .a = { cursor.p, n }, .b = str_skip(cursor, n < cursor.n ? n + 1 : n) };
    return service_list(call, page, call->tenant, NULL, from, scope->namespace_id);
}

static int service_list_shared(struct api_call *call, struct service_page *page, const struct service_scope *scope)
{
    struct str arn = scope->shared_arn, name = { 0 };
    struct share_iter iter;
    int r;

    if (!scope->shared)
        return 0;
    if (service_is_shared_cursor(page->cursor)) {
        struct str rest = str_skip(page->cursor, 1);
        size_t n = str_find_char(rest, '\n');
        arn = (struct str){ rest.p, n };
        name = str_skip(rest, n < rest.n ? n + 1 : n);
    }
    share_iter_init(&iter, call, arn);
    while ((r = share_iter_next(&iter, call)) > 0) {
        struct tree_key from = { .a = iter.ns->id };
        if (str_is_set(scope->shared_arn) && !str_eq(iter.share->text, scope->shared_arn))
            return 0;
        if (str_eq(iter.share->text, arn))
            from.b = name;
        r = service_list(call, page, iter.tenant, iter.share, from, iter.ns->id);
        if (r || str_is_set(page->out->next_token))
            return r;
    }
    return r;
}

int op_list_services(struct api_call *call, const struct list_input *in, struct list_services_output *out)
{
    struct service_page page = { .in = in, .out = out, .max = call_page_size(in->max_results) };
    struct service_scope scope;
    int r = service_read_filters(call, &in->filters, &scope);

    if (!r)
        r = call_page_start(call, in, in->next_token, &page.cursor);
    if (r)
        return r;
    out->services =
        (struct wire_service_list){ .items = ARENA_ARRAY(&call->arena, struct wire_service, page.max), .set = true };
    if (!out->services.items)
        return -ENOMEM;
    r = service_list_own(call, &page, &scope);
    return r || str_is_set(out->next_token) ? r : service_list_shared(call, &page, &scope);
}
