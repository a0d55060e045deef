/* SPDX-License-Identifier: Apache-2.0
 *
 * The model on the wire; see view.h. What AWS leaves out is left out: counts, unless they are asked for, and settings
 * that the caller did not give (Terraform would see a difference in each). */
#include "api/view.h"

#include "api/api_worker.h"

#include <errno.h>

struct str view_arn(struct api_call *call, struct str account, enum arn_kind kind, struct str id)
{
    return arn_format(&call->arena,
                      &(struct arn){ .kind = kind, .region = call->region, .account = account, .id = id });
}

/* Absent when empty: AWS does not show empty texts. */
static struct str view_text(struct str text)
{
    return text.n ? text : (struct str){ 0 };
}

int view_namespace(struct api_call *call, const struct tenant *tenant, const struct namespace *ns, bool summary,
                   struct wire_namespace *ret)
{
    struct wire_namespace_properties *properties = ARENA_NEW(&call->arena, struct wire_namespace_properties);
    struct wire_dns_properties *dns = ARENA_NEW(&call->arena, struct wire_dns_properties);
    struct wire_http_properties *http = ARENA_NEW(&call->arena, struct wire_http_properties);
    struct wire_soa *soa = ARENA_NEW(&call->arena, struct wire_soa);

    if (!properties || !dns || !http || !soa)
        return -ENOMEM;
    properties->dns_properties = dns;
    properties->http_properties = http;
    http->http_name = ns->http_name;
    if (ns->kind != NAMESPACE_HTTP) {
        dns->hosted_zone_id = ns->hosted_zone_id;
        dns->soa = soa;
        soa->ttl = OPT_INT(ns->soa_ttl);
    }
    *ret = (struct wire_namespace){ .id = ns->id,
                                    .arn = view_arn(call, tenant->account, ARN_NAMESPACE, ns->id),
                                    .resource_owner = tenant->account,
                                    .name = ns->name,
                                    .type = namespace_kind_text(ns->kind),
                                    .description = view_text(ns->description),
                                    .create_date = OPT_INT(ns->create_ms),
                                    .properties = properties };
    if (call->worker->api->counts)
        ret->service_count = OPT_INT(state_count_services(tenant, ns->id).count);
    if (!summary)
        ret->creator_request_id = view_text(ns->creator_request_id);
    return str_is_set(ret->arn) ? 0 : -ENOMEM;
}

static struct wire_dns_config *view_dns_config(struct api_call *call, const struct service *service, bool summary)
{
    struct wire_dns_config *config = ARENA_NEW(&call->arena, struct wire_dns_config);
    struct wire_dns_record *records = ARENA_ARRAY(&call->arena, struct wire_dns_record, SERVICE_MAX_RECORDS);

    if (!config || !records)
        return NULL;
    if (!service->has_dns || service->n_records == 0)
        return config; /* `{}`, as AWS shows services without records */
    for (size_t i = 0; i < service->n_records; i++) {
        records[i].type = service_record_type_text(service->records[i].type);
        records[i].ttl = OPT_INT(service->records[i].ttl);
    }
    config->dns_records = (struct wire_dns_record_list){ .items = records, .n = service->n_records, .set = true };
    config->routing_policy = service_routing_text(service->routing);
    /* Terraform replaces the service when it does not read the namespace back here. */
    if (!summary)
        config->namespace_id = service->namespace_id;
    return config;
}

static int view_checks(struct api_call *call, const struct service *service, struct wire_service *ret)
{
    struct wire_health_check_config *config;
    struct wire_health_check_custom_config *custom;

    if (service->check == SERVICE_CHECK_NONE)
        return 0;
    if (service->check == SERVICE_CHECK_CUSTOM) {
        custom = ARENA_NEW(&call->arena, struct wire_health_check_custom_config);
        if (!custom)
            return -ENOMEM;
        custom->failure_threshold = OPT_INT(1); /* always, whatever was sent */
        ret->health_check_custom_config = custom;
        return 0;
    }
    config = ARENA_NEW(&call->arena, struct wire_health_check_config);
    if (!config)
        return -ENOMEM;
    config->type = service_check_text(service->check);
    config->resource_path = service->check_path;
    if (service->check_threshold)
        config->failure_threshold = OPT_INT(service->check_threshold);
    ret->health_check_config = config;
    return 0;
}

int view_service(struct api_call *call, const struct service *service, uint32_t n_instances, bool summary,
                 struct wire_service *ret)
{
    *ret = (struct wire_service){ .id = service->id,
                                  .arn = view_arn(call, service->account, ARN_SERVICE, service->id),
                                  .resource_owner = service->account,
                                  .created_by_account = service_creator(service),
                                  .name = service->name,
                                  .description = view_text(service->description),
                                  .type = service_type_text(service->type),
                                  .create_date = OPT_INT(service->create_ms),
                                  .dns_config = view_dns_config(call, service, summary) };
    if (call->worker->api->counts)
        ret->instance_count = OPT_INT(n_instances);
    if (!summary) {
        ret->namespace_id = service->namespace_id;
        ret->creator_request_id = view_text(service->creator_request_id);
    }
    if (!str_is_set(ret->arn) || !ret->dns_config)
        return -ENOMEM;
    return view_checks(call, service, ret);
}

static int view_targets(struct api_call *call, const struct operation *operation, struct wire_operation *ret)
{
    const struct str_pair targets[] = { { STR("NAMESPACE"), operation->namespace_id },
                                        { STR("SERVICE"), operation->service_id },
                                        { STR("INSTANCE"), operation->instance_id } };
    struct str_map *map = &ret->targets;

    map->items = ARENA_ARRAY(&call->arena, struct str_pair, 3);
    if (!map->items)
        return -ENOMEM;
    map->set = true;
    for (size_t i = 0; i < 3; i++)
        if (str_is_set(targets[i].value))
            map->items[map->n++] = targets[i];
    return 0;
}

int view_operation(struct api_call *call, const struct operation *operation, bool summary, struct wire_operation *ret)
{
    char *id = arena_alloc(&call->arena, ID_OPERATION_SIZE);

    if (!id)
        return -ENOMEM;
    id_format_operation(&operation->id, id);
    *ret = (struct wire_operation){ .id = str_of(id), .status = operation_status_text(operation->status) };
    if (summary)
        return 0;
    ret->owner_account = call->owner;
    ret->type = operation_type_text(operation->type);
    ret->error_code = operation->error_code;
    ret->error_message = operation->error_message;
    ret->create_date = OPT_INT(operation->id.create_ms);
    ret->update_date = OPT_INT(operation->update_ms);
    return view_targets(call, operation, ret);
}
