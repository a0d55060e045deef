/* SPDX-License-Identifier: Apache-2.0
 *
 * CreateService, DeleteService, GetService, ListServices, UpdateService. */
#include "api/filter.h"
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

/* What the filters ask: one namespace (absent: all), and whether anything can match at all. */
static int service_read_filters(struct api_call *call, const struct wire_filter_list *filters,
                                struct str *ret_namespace_id, bool *ret_any)
{
    int r = filter_check(call, filters, service_filters, sizeof(service_filters) / sizeof(service_filters[0]));

    *ret_namespace_id = (struct str){ 0 };
    *ret_any = true;
    for (size_t i = 0; !r && i < filters->n; i++) {
        const struct wire_filter *filter = &filters->items[i];
        struct str id;
        if (str_eq(filter->name, STR("RESOURCE_OWNER"))) {
            *ret_any = *ret_any && filter_matches(filter, STR("SELF"));
            continue;
        }
        r = call_resolve_id(call, filter->values.items[0], ARN_NAMESPACE, &id);
        if (r)
            return r;
        if (str_is_set(*ret_namespace_id) && !str_eq(*ret_namespace_id, id))
            *ret_any = false;
        *ret_namespace_id = id;
    }
    return r;
}

/* A page goes on behind a service, `namespace id LF name`. */
static struct str service_cursor(struct api_call *call, const struct service *service)
{
    return arena_printf(&call->arena, STR_FMT "\n" STR_FMT, STR_ARG(service->namespace_id), STR_ARG(service->name));
}

static void service_seek(struct api_call *call, struct str cursor, struct str namespace_id, struct tree_iter *iter)
{
    size_t n = str_find_char(cursor, '\n');
    struct tree_key key = { .a = namespace_id };

    if (str_is_set(cursor))
        key = (struct tree_key){ .a = { cursor.p, n }, .b = str_skip(cursor, n < cursor.n ? n + 1 : n) };
    tree_iter_init(iter, &call->tenant->services_by_name, &state_services_by_name, &key);
}

int op_list_services(struct api_call *call, const struct list_input *in, struct list_services_output *out)
{
    size_t max = call_page_size(in->max_results);
    const struct service_node *node, *last = NULL;
    struct str cursor, namespace_id;
    struct tree_iter iter;
    bool any;
    int r = service_read_filters(call, &in->filters, &namespace_id, &any);

    if (!r)
        r = call_page_start(call, in, in->next_token, &cursor);
    if (r)
        return r;
    out->services =
        (struct wire_service_list){ .items = ARENA_ARRAY(&call->arena, struct wire_service, max), .set = true };
    if (!out->services.items)
        return -ENOMEM;
    if (!call->tenant || !any)
        return 0;
    service_seek(call, cursor, namespace_id, &iter);
    for (bool first = true; (node = tree_iter_next(&iter)); first = false) {
        if (str_is_set(namespace_id) && !str_eq(node->config->namespace_id, namespace_id))
            break;
        if (str_is_set(cursor) && first && str_eq(service_cursor(call, node->config), cursor))
            continue;
        if (out->services.n == max)
            return call_page_end(call, in, service_cursor(call, last->config), &out->next_token);
        last = node;
        r = view_service(call, node->config, state_count_registered(node), true,
                         &out->services.items[out->services.n++]);
        if (r)
            return r;
    }
    return 0;
}
