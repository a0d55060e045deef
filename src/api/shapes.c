/* SPDX-License-Identifier: Apache-2.0
 *
 * Every shape of the model, once: type, limits, pattern, values, members, and where each member lives in the structs of
 * shapes.h. tests/lint/check_api.py compares the tables with tests/data/cloud-map-api.json. Exceptions stand in
 * errors.def. Members are listed in the order in which they are sent, required ones first in requests. */
#include "api/ops.h"
#include "api/pattern.h"

/* One row a member, however long. */
/* clang-format off */

#define OPTIONAL 0u
#define NAME(text) { text, sizeof(text) - 1 }

/* What a struct member holds, decided by its C type; a type that is not listed is a pointer. */
#define HOLDS(expression) _Generic((expression), \
    struct str: SHAPE_HOLDS_STR, \
    struct opt_int: SHAPE_HOLDS_INT, \
    struct str_map: SHAPE_HOLDS_MAP, \
    struct wire_part: SHAPE_HOLDS_PART, \
    struct str_list: SHAPE_HOLDS_LIST, \
    struct wire_tag_list: SHAPE_HOLDS_LIST, \
    struct wire_filter_list: SHAPE_HOLDS_LIST, \
    struct wire_dns_record_list: SHAPE_HOLDS_LIST, \
    struct wire_namespace_list: SHAPE_HOLDS_LIST, \
    struct wire_service_list: SHAPE_HOLDS_LIST, \
    struct wire_operation_list: SHAPE_HOLDS_LIST, \
    default: SHAPE_HOLDS_POINTER)

#define STRING(wire_name, least, most) { .name = wire_name, .kind = SHAPE_KIND_STRING, .min = least, .max = most }
#define PATTERN(wire_name, least, most, function, regex) \
    { .name = wire_name, .kind = SHAPE_KIND_STRING, .min = least, .max = most, .matches = function, .pattern = regex }
#define ENUM(wire_name, ...) \
    { .name = wire_name, .kind = SHAPE_KIND_STRING, .min = SHAPE_NO_MIN, .max = SHAPE_NO_MAX, \
      .values = (const struct str[]){ __VA_ARGS__ }, \
      .n_values = sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str) }
#define NUMBER(wire_name, number_kind, least, most) \
    { .name = wire_name, .kind = number_kind, .min = least, .max = most }
#define LIST(wire_name, element_shape, least, most) \
    { .name = wire_name, .kind = SHAPE_KIND_LIST, .min = least, .max = most, .element = &element_shape }
#define MAP(wire_name, key_shape, value_shape, least, most) \
    { .name = wire_name, .kind = SHAPE_KIND_MAP, .min = least, .max = most, .key = &key_shape, .element = &value_shape }

#define MEMBERS(...) \
    .members = (const struct shape_member[]){ __VA_ARGS__ }, \
    .n_members = sizeof((const struct shape_member[]){ __VA_ARGS__ }) / sizeof(struct shape_member)
#define STRUCTURE(wire_name, type, ...) \
    { .name = wire_name, .kind = SHAPE_KIND_STRUCTURE, .size = sizeof(struct type), MEMBERS(__VA_ARGS__) }
#define MEMBER(type, field, wire_name, member_shape, member_flags) \
    { .name = NAME(wire_name), .shape = &member_shape, .holds = HOLDS(((struct type *)0)->field), \
      .flags = member_flags, .offset = offsetof(struct type, field) }
#define EMPTY(wire_name) { .name = wire_name, .kind = SHAPE_KIND_STRUCTURE, .size = sizeof(struct empty_output) }

/* A structure that reaches the wire only as JSON rendered beforehand: no struct stands behind it. */
#define RAW_STRUCTURE(wire_name, ...) { .name = wire_name, .kind = SHAPE_KIND_STRUCTURE, MEMBERS(__VA_ARGS__) }
#define RAW_MEMBER(wire_name, member_shape, member_flags) \
    { .name = NAME(wire_name), .shape = &member_shape, .flags = member_flags }

/* ---- Strings ---- */

static const struct shape amazon_resource_name = STRING("AmazonResourceName", 1, 1011);
static const struct shape arn = STRING("Arn", SHAPE_NO_MIN, 255);
static const struct shape attr_key = PATTERN("AttrKey", SHAPE_NO_MIN, 255, pattern_attr_key,
    "^[a-zA-Z0-9!-~]+$");
static const struct shape attr_value = PATTERN("AttrValue", SHAPE_NO_MIN, 1024, pattern_attr_value,
    "^([a-zA-Z0-9!-~][ \\ta-zA-Z0-9!-~]*){0,1}[a-zA-Z0-9!-~]{0,1}$");
static const struct shape aws_account_id = STRING("AWSAccountId", 12, 12);
static const struct shape code = STRING("Code", SHAPE_NO_MIN, SHAPE_NO_MAX);
static const struct shape filter_value = STRING("FilterValue", 1, 255);
static const struct shape instance_id = PATTERN("InstanceId", SHAPE_NO_MIN, 64, pattern_instance_id,
    "^[0-9a-zA-Z_/:.@-]+$");
static const struct shape message = STRING("Message", SHAPE_NO_MIN, SHAPE_NO_MAX);
static const struct shape namespace_name = PATTERN("NamespaceName", SHAPE_NO_MIN, 1024, pattern_namespace_name,
    "^[!-~]{1,1024}$");
static const struct shape namespace_name_http =
    PATTERN("NamespaceNameHttp", SHAPE_NO_MIN, 1024, pattern_namespace_name_http,
    "^(?!arn:)[!-~]{1,1024}$");
static const struct shape namespace_name_private =
    PATTERN("NamespaceNamePrivate", SHAPE_NO_MIN, 253, pattern_namespace_name_private,
    "^(?!arn:)[!-~]{1,253}$");
static const struct shape namespace_name_public =
    PATTERN("NamespaceNamePublic", SHAPE_NO_MIN, 253, pattern_namespace_name_public,
    "^([a-zA-Z0-9]([a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?\\.)+[a-zA-Z0-9]([a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?$");
static const struct shape next_token = STRING("NextToken", SHAPE_NO_MIN, 4096);
static const struct shape operation_id = STRING("OperationId", SHAPE_NO_MIN, 255);
static const struct shape resource_description = STRING("ResourceDescription", SHAPE_NO_MIN, 1024);
static const struct shape resource_id = STRING("ResourceId", SHAPE_NO_MIN, 64);
static const struct shape resource_path = STRING("ResourcePath", SHAPE_NO_MIN, 255);
static const struct shape service_attribute_key = STRING("ServiceAttributeKey", SHAPE_NO_MIN, 255);
static const struct shape service_attribute_value = STRING("ServiceAttributeValue", SHAPE_NO_MIN, 1024);
static const struct shape service_name = PATTERN("ServiceName", SHAPE_NO_MIN, SHAPE_NO_MAX, pattern_service_name,
    "((?=^.{1,127}$)^([a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9])"
    "(\\.([a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9]))*$)|(^\\.$)");
static const struct shape tag_key = STRING("TagKey", 1, 128);
static const struct shape tag_value = STRING("TagValue", 0, 256);

/* ---- Enums ---- */

static const struct shape custom_health_status = ENUM("CustomHealthStatus", NAME("HEALTHY"), NAME("UNHEALTHY"));
static const struct shape filter_condition =
    ENUM("FilterCondition", NAME("EQ"), NAME("IN"), NAME("BETWEEN"), NAME("BEGINS_WITH"));
static const struct shape health_check_type = ENUM("HealthCheckType", NAME("HTTP"), NAME("HTTPS"), NAME("TCP"));
static const struct shape health_status = ENUM("HealthStatus", NAME("HEALTHY"), NAME("UNHEALTHY"), NAME("UNKNOWN"));
static const struct shape health_status_filter =
    ENUM("HealthStatusFilter", NAME("HEALTHY"), NAME("UNHEALTHY"), NAME("ALL"), NAME("HEALTHY_OR_ELSE_ALL"));
static const struct shape namespace_filter_name =
    ENUM("NamespaceFilterName", NAME("TYPE"), NAME("NAME"), NAME("HTTP_NAME"), NAME("RESOURCE_OWNER"));
static const struct shape namespace_type = ENUM("NamespaceType", NAME("DNS_PUBLIC"), NAME("DNS_PRIVATE"), NAME("HTTP"));
static const struct shape operation_filter_name =
    ENUM("OperationFilterName", NAME("NAMESPACE_ID"), NAME("SERVICE_ID"), NAME("STATUS"), NAME("TYPE"),
         NAME("UPDATE_DATE"));
static const struct shape operation_status =
    ENUM("OperationStatus", NAME("SUBMITTED"), NAME("PENDING"), NAME("SUCCESS"), NAME("FAIL"));
static const struct shape operation_target_type =
    ENUM("OperationTargetType", NAME("NAMESPACE"), NAME("SERVICE"), NAME("INSTANCE"));
static const struct shape operation_type =
    ENUM("OperationType", NAME("CREATE_NAMESPACE"), NAME("DELETE_NAMESPACE"), NAME("UPDATE_NAMESPACE"),
         NAME("UPDATE_SERVICE"), NAME("REGISTER_INSTANCE"), NAME("DEREGISTER_INSTANCE"));
static const struct shape record_type = ENUM("RecordType", NAME("SRV"), NAME("A"), NAME("AAAA"), NAME("CNAME"));
static const struct shape routing_policy = ENUM("RoutingPolicy", NAME("MULTIVALUE"), NAME("WEIGHTED"));
static const struct shape service_filter_name = ENUM("ServiceFilterName", NAME("NAMESPACE_ID"), NAME("RESOURCE_OWNER"));
static const struct shape service_type = ENUM("ServiceType", NAME("HTTP"), NAME("DNS_HTTP"), NAME("DNS"));
static const struct shape service_type_option = ENUM("ServiceTypeOption", NAME("HTTP"));

/* ---- Numbers ---- */

static const struct shape discover_max_results = NUMBER("DiscoverMaxResults", SHAPE_KIND_INTEGER, 1, 1000);
static const struct shape failure_threshold = NUMBER("FailureThreshold", SHAPE_KIND_INTEGER, 1, 10);
static const struct shape max_results = NUMBER("MaxResults", SHAPE_KIND_INTEGER, 1, 100);
static const struct shape record_ttl = NUMBER("RecordTTL", SHAPE_KIND_LONG, 0, 2147483647);
static const struct shape resource_count = NUMBER("ResourceCount", SHAPE_KIND_INTEGER, SHAPE_NO_MIN, SHAPE_NO_MAX);
static const struct shape revision = NUMBER("Revision", SHAPE_KIND_LONG, SHAPE_NO_MIN, SHAPE_NO_MAX);
static const struct shape timestamp = NUMBER("Timestamp", SHAPE_KIND_TIMESTAMP, SHAPE_NO_MIN, SHAPE_NO_MAX);

/* ---- Parts of requests and responses ---- */

static const struct shape tag = STRUCTURE("Tag", wire_tag,
    MEMBER(wire_tag, key, "Key", tag_key, SHAPE_REQUIRED),
    MEMBER(wire_tag, value, "Value", tag_value, SHAPE_REQUIRED));

static const struct shape tag_list = LIST("TagList", tag, 0, 200);

static const struct shape soa = STRUCTURE("SOA", wire_soa,
    MEMBER(wire_soa, ttl, "TTL", record_ttl, SHAPE_REQUIRED));

static const struct shape private_dns_properties_mutable = STRUCTURE("PrivateDnsPropertiesMutable", wire_dns_properties,
    MEMBER(wire_dns_properties, soa, "SOA", soa, SHAPE_REQUIRED));

static const struct shape private_dns_namespace_properties =
    STRUCTURE("PrivateDnsNamespaceProperties", wire_namespace_properties,
    MEMBER(wire_namespace_properties, dns_properties, "DnsProperties", private_dns_properties_mutable, SHAPE_REQUIRED));

static const struct shape public_dns_properties_mutable = STRUCTURE("PublicDnsPropertiesMutable", wire_dns_properties,
    MEMBER(wire_dns_properties, soa, "SOA", soa, SHAPE_REQUIRED));

static const struct shape public_dns_namespace_properties =
    STRUCTURE("PublicDnsNamespaceProperties", wire_namespace_properties,
    MEMBER(wire_namespace_properties, dns_properties, "DnsProperties", public_dns_properties_mutable, SHAPE_REQUIRED));

static const struct shape dns_record = STRUCTURE("DnsRecord", wire_dns_record,
    MEMBER(wire_dns_record, type, "Type", record_type, SHAPE_REQUIRED),
    MEMBER(wire_dns_record, ttl, "TTL", record_ttl, SHAPE_REQUIRED));

static const struct shape dns_record_list = LIST("DnsRecordList", dns_record, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape dns_config = STRUCTURE("DnsConfig", wire_dns_config,
    MEMBER(wire_dns_config, dns_records, "DnsRecords", dns_record_list, SHAPE_REQUIRED),
    MEMBER(wire_dns_config, namespace_id, "NamespaceId", resource_id, SHAPE_DEPRECATED),
    MEMBER(wire_dns_config, routing_policy, "RoutingPolicy", routing_policy, OPTIONAL));

static const struct shape health_check_config = STRUCTURE("HealthCheckConfig", wire_health_check_config,
    MEMBER(wire_health_check_config, type, "Type", health_check_type, SHAPE_REQUIRED),
    MEMBER(wire_health_check_config, failure_threshold, "FailureThreshold", failure_threshold, OPTIONAL),
    MEMBER(wire_health_check_config, resource_path, "ResourcePath", resource_path, OPTIONAL));

static const struct shape health_check_custom_config =
    STRUCTURE("HealthCheckCustomConfig", wire_health_check_custom_config,
    MEMBER(wire_health_check_custom_config, failure_threshold, "FailureThreshold", failure_threshold,
           SHAPE_DEPRECATED));

static const struct shape service = STRUCTURE("Service", wire_service,
    MEMBER(wire_service, id, "Id", resource_id, OPTIONAL),
    MEMBER(wire_service, arn, "Arn", arn, OPTIONAL),
    MEMBER(wire_service, resource_owner, "ResourceOwner", aws_account_id, OPTIONAL),
    MEMBER(wire_service, name, "Name", service_name, OPTIONAL),
    MEMBER(wire_service, namespace_id, "NamespaceId", resource_id, OPTIONAL),
    MEMBER(wire_service, description, "Description", resource_description, OPTIONAL),
    MEMBER(wire_service, instance_count, "InstanceCount", resource_count, OPTIONAL),
    MEMBER(wire_service, dns_config, "DnsConfig", dns_config, OPTIONAL),
    MEMBER(wire_service, type, "Type", service_type, OPTIONAL),
    MEMBER(wire_service, health_check_config, "HealthCheckConfig", health_check_config, OPTIONAL),
    MEMBER(wire_service, health_check_custom_config, "HealthCheckCustomConfig", health_check_custom_config, OPTIONAL),
    MEMBER(wire_service, create_date, "CreateDate", timestamp, OPTIONAL),
    MEMBER(wire_service, creator_request_id, "CreatorRequestId", resource_id, OPTIONAL),
    MEMBER(wire_service, created_by_account, "CreatedByAccount", aws_account_id, OPTIONAL));

static const struct shape service_attribute_key_list = LIST("ServiceAttributeKeyList", service_attribute_key, 1, 30);

static const struct shape attributes = MAP("Attributes", attr_key, attr_value, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape http_instance_summary = RAW_STRUCTURE("HttpInstanceSummary",
    RAW_MEMBER("Attributes", attributes, OPTIONAL),
    RAW_MEMBER("HealthStatus", health_status, OPTIONAL),
    RAW_MEMBER("InstanceId", resource_id, OPTIONAL),
    RAW_MEMBER("NamespaceName", namespace_name_http, OPTIONAL),
    RAW_MEMBER("ServiceName", service_name, OPTIONAL));

static const struct shape http_instance_summary_list =
    LIST("HttpInstanceSummaryList", http_instance_summary, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape instance = RAW_STRUCTURE("Instance",
    RAW_MEMBER("Id", resource_id, SHAPE_REQUIRED),
    RAW_MEMBER("Attributes", attributes, OPTIONAL),
    RAW_MEMBER("CreatedByAccount", aws_account_id, OPTIONAL),
    RAW_MEMBER("CreatorRequestId", resource_id, OPTIONAL));

static const struct shape instance_id_list = LIST("InstanceIdList", resource_id, 1, SHAPE_NO_MAX);

static const struct shape instance_health_status_map =
    MAP("InstanceHealthStatusMap", resource_id, health_status, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape dns_properties = STRUCTURE("DnsProperties", wire_dns_properties,
    MEMBER(wire_dns_properties, hosted_zone_id, "HostedZoneId", resource_id, OPTIONAL),
    MEMBER(wire_dns_properties, soa, "SOA", soa, OPTIONAL));

static const struct shape http_properties = STRUCTURE("HttpProperties", wire_http_properties,
    MEMBER(wire_http_properties, http_name, "HttpName", namespace_name, OPTIONAL));

static const struct shape namespace_properties = STRUCTURE("NamespaceProperties", wire_namespace_properties,
    MEMBER(wire_namespace_properties, dns_properties, "DnsProperties", dns_properties, OPTIONAL),
    MEMBER(wire_namespace_properties, http_properties, "HttpProperties", http_properties, OPTIONAL));

static const struct shape namespace = STRUCTURE("Namespace", wire_namespace,
    MEMBER(wire_namespace, id, "Id", resource_id, OPTIONAL),
    MEMBER(wire_namespace, arn, "Arn", arn, OPTIONAL),
    MEMBER(wire_namespace, resource_owner, "ResourceOwner", aws_account_id, OPTIONAL),
    MEMBER(wire_namespace, name, "Name", namespace_name, OPTIONAL),
    MEMBER(wire_namespace, type, "Type", namespace_type, OPTIONAL),
    MEMBER(wire_namespace, description, "Description", resource_description, OPTIONAL),
    MEMBER(wire_namespace, service_count, "ServiceCount", resource_count, OPTIONAL),
    MEMBER(wire_namespace, properties, "Properties", namespace_properties, OPTIONAL),
    MEMBER(wire_namespace, create_date, "CreateDate", timestamp, OPTIONAL),
    MEMBER(wire_namespace, creator_request_id, "CreatorRequestId", resource_id, OPTIONAL));

static const struct shape operation_targets_map =
    MAP("OperationTargetsMap", operation_target_type, resource_id, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape operation = STRUCTURE("Operation", wire_operation,
    MEMBER(wire_operation, id, "Id", operation_id, OPTIONAL),
    MEMBER(wire_operation, owner_account, "OwnerAccount", aws_account_id, OPTIONAL),
    MEMBER(wire_operation, type, "Type", operation_type, OPTIONAL),
    MEMBER(wire_operation, status, "Status", operation_status, OPTIONAL),
    MEMBER(wire_operation, error_message, "ErrorMessage", message, OPTIONAL),
    MEMBER(wire_operation, error_code, "ErrorCode", code, OPTIONAL),
    MEMBER(wire_operation, create_date, "CreateDate", timestamp, OPTIONAL),
    MEMBER(wire_operation, update_date, "UpdateDate", timestamp, OPTIONAL),
    MEMBER(wire_operation, targets, "Targets", operation_targets_map, OPTIONAL));

static const struct shape service_attributes_map =
    MAP("ServiceAttributesMap", service_attribute_key, service_attribute_value, 1, 30);

static const struct shape service_attributes = STRUCTURE("ServiceAttributes", wire_service_attributes,
    MEMBER(wire_service_attributes, service_arn, "ServiceArn", arn, OPTIONAL),
    MEMBER(wire_service_attributes, resource_owner, "ResourceOwner", aws_account_id, OPTIONAL),
    MEMBER(wire_service_attributes, attributes, "Attributes", service_attributes_map, OPTIONAL));

static const struct shape instance_summary = RAW_STRUCTURE("InstanceSummary",
    RAW_MEMBER("Attributes", attributes, OPTIONAL),
    RAW_MEMBER("CreatedByAccount", aws_account_id, OPTIONAL),
    RAW_MEMBER("Id", resource_id, OPTIONAL));

static const struct shape instance_summary_list =
    LIST("InstanceSummaryList", instance_summary, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape filter_values = LIST("FilterValues", filter_value, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape namespace_filter = STRUCTURE("NamespaceFilter", wire_filter,
    MEMBER(wire_filter, name, "Name", namespace_filter_name, SHAPE_REQUIRED),
    MEMBER(wire_filter, values, "Values", filter_values, SHAPE_REQUIRED),
    MEMBER(wire_filter, condition, "Condition", filter_condition, OPTIONAL));

static const struct shape namespace_filters = LIST("NamespaceFilters", namespace_filter, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape namespace_summary = STRUCTURE("NamespaceSummary", wire_namespace,
    MEMBER(wire_namespace, id, "Id", resource_id, OPTIONAL),
    MEMBER(wire_namespace, arn, "Arn", arn, OPTIONAL),
    MEMBER(wire_namespace, resource_owner, "ResourceOwner", aws_account_id, OPTIONAL),
    MEMBER(wire_namespace, name, "Name", namespace_name, OPTIONAL),
    MEMBER(wire_namespace, type, "Type", namespace_type, OPTIONAL),
    MEMBER(wire_namespace, description, "Description", resource_description, OPTIONAL),
    MEMBER(wire_namespace, service_count, "ServiceCount", resource_count, OPTIONAL),
    MEMBER(wire_namespace, properties, "Properties", namespace_properties, OPTIONAL),
    MEMBER(wire_namespace, create_date, "CreateDate", timestamp, OPTIONAL));

static const struct shape namespace_summaries_list =
    LIST("NamespaceSummariesList", namespace_summary, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape operation_filter = STRUCTURE("OperationFilter", wire_filter,
    MEMBER(wire_filter, name, "Name", operation_filter_name, SHAPE_REQUIRED),
    MEMBER(wire_filter, values, "Values", filter_values, SHAPE_REQUIRED),
    MEMBER(wire_filter, condition, "Condition", filter_condition, OPTIONAL));

static const struct shape operation_filters = LIST("OperationFilters", operation_filter, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape operation_summary = STRUCTURE("OperationSummary", wire_operation,
    MEMBER(wire_operation, id, "Id", operation_id, OPTIONAL),
    MEMBER(wire_operation, status, "Status", operation_status, OPTIONAL));

static const struct shape operation_summary_list =
    LIST("OperationSummaryList", operation_summary, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape service_filter = STRUCTURE("ServiceFilter", wire_filter,
    MEMBER(wire_filter, name, "Name", service_filter_name, SHAPE_REQUIRED),
    MEMBER(wire_filter, values, "Values", filter_values, SHAPE_REQUIRED),
    MEMBER(wire_filter, condition, "Condition", filter_condition, OPTIONAL));

static const struct shape service_filters = LIST("ServiceFilters", service_filter, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape service_summary = STRUCTURE("ServiceSummary", wire_service,
    MEMBER(wire_service, id, "Id", resource_id, OPTIONAL),
    MEMBER(wire_service, arn, "Arn", arn, OPTIONAL),
    MEMBER(wire_service, resource_owner, "ResourceOwner", aws_account_id, OPTIONAL),
    MEMBER(wire_service, name, "Name", service_name, OPTIONAL),
    MEMBER(wire_service, type, "Type", service_type, OPTIONAL),
    MEMBER(wire_service, description, "Description", resource_description, OPTIONAL),
    MEMBER(wire_service, instance_count, "InstanceCount", resource_count, OPTIONAL),
    MEMBER(wire_service, dns_config, "DnsConfig", dns_config, OPTIONAL),
    MEMBER(wire_service, health_check_config, "HealthCheckConfig", health_check_config, OPTIONAL),
    MEMBER(wire_service, health_check_custom_config, "HealthCheckCustomConfig", health_check_custom_config, OPTIONAL),
    MEMBER(wire_service, create_date, "CreateDate", timestamp, OPTIONAL),
    MEMBER(wire_service, created_by_account, "CreatedByAccount", aws_account_id, OPTIONAL));

static const struct shape service_summaries_list =
    LIST("ServiceSummariesList", service_summary, SHAPE_NO_MIN, SHAPE_NO_MAX);

static const struct shape tag_key_list = LIST("TagKeyList", tag_key, 0, 200);

static const struct shape http_namespace_change = STRUCTURE("HttpNamespaceChange", wire_namespace_change,
    MEMBER(wire_namespace_change, description, "Description", resource_description, SHAPE_REQUIRED));

static const struct shape soa_change = STRUCTURE("SOAChange", wire_soa,
    MEMBER(wire_soa, ttl, "TTL", record_ttl, SHAPE_REQUIRED));

static const struct shape private_dns_properties_mutable_change =
    STRUCTURE("PrivateDnsPropertiesMutableChange", wire_dns_properties,
    MEMBER(wire_dns_properties, soa, "SOA", soa_change, SHAPE_REQUIRED));

static const struct shape private_dns_namespace_properties_change =
    STRUCTURE("PrivateDnsNamespacePropertiesChange", wire_namespace_properties,
    MEMBER(wire_namespace_properties, dns_properties, "DnsProperties", private_dns_properties_mutable_change,
           SHAPE_REQUIRED));

static const struct shape private_dns_namespace_change = STRUCTURE("PrivateDnsNamespaceChange", wire_namespace_change,
    MEMBER(wire_namespace_change, description, "Description", resource_description, OPTIONAL),
    MEMBER(wire_namespace_change, properties, "Properties", private_dns_namespace_properties_change, OPTIONAL));

static const struct shape public_dns_properties_mutable_change =
    STRUCTURE("PublicDnsPropertiesMutableChange", wire_dns_properties,
    MEMBER(wire_dns_properties, soa, "SOA", soa_change, SHAPE_REQUIRED));

static const struct shape public_dns_namespace_properties_change =
    STRUCTURE("PublicDnsNamespacePropertiesChange", wire_namespace_properties,
    MEMBER(wire_namespace_properties, dns_properties, "DnsProperties", public_dns_properties_mutable_change,
           SHAPE_REQUIRED));

static const struct shape public_dns_namespace_change = STRUCTURE("PublicDnsNamespaceChange", wire_namespace_change,
    MEMBER(wire_namespace_change, description, "Description", resource_description, OPTIONAL),
    MEMBER(wire_namespace_change, properties, "Properties", public_dns_namespace_properties_change, OPTIONAL));

static const struct shape dns_config_change = STRUCTURE("DnsConfigChange", wire_dns_config,
    MEMBER(wire_dns_config, dns_records, "DnsRecords", dns_record_list, SHAPE_REQUIRED));

static const struct shape service_change = STRUCTURE("ServiceChange", wire_service_change,
    MEMBER(wire_service_change, description, "Description", resource_description, OPTIONAL),
    MEMBER(wire_service_change, dns_config, "DnsConfig", dns_config_change, OPTIONAL),
    MEMBER(wire_service_change, health_check_config, "HealthCheckConfig", health_check_config, OPTIONAL));

/* ---- Requests and responses ---- */

const struct shape shapes_create_http_namespace_request =
    STRUCTURE("CreateHttpNamespaceRequest", create_namespace_input,
    MEMBER(create_namespace_input, name, "Name", namespace_name_http, SHAPE_REQUIRED),
    MEMBER(create_namespace_input, creator_request_id, "CreatorRequestId", resource_id, SHAPE_IDEMPOTENCY_TOKEN),
    MEMBER(create_namespace_input, description, "Description", resource_description, OPTIONAL),
    MEMBER(create_namespace_input, tags, "Tags", tag_list, OPTIONAL));

const struct shape shapes_create_http_namespace_response = STRUCTURE("CreateHttpNamespaceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_create_private_dns_namespace_request =
    STRUCTURE("CreatePrivateDnsNamespaceRequest", create_namespace_input,
    MEMBER(create_namespace_input, name, "Name", namespace_name_private, SHAPE_REQUIRED),
    MEMBER(create_namespace_input, vpc, "Vpc", resource_id, SHAPE_REQUIRED),
    MEMBER(create_namespace_input, creator_request_id, "CreatorRequestId", resource_id, SHAPE_IDEMPOTENCY_TOKEN),
    MEMBER(create_namespace_input, description, "Description", resource_description, OPTIONAL),
    MEMBER(create_namespace_input, properties, "Properties", private_dns_namespace_properties, OPTIONAL),
    MEMBER(create_namespace_input, tags, "Tags", tag_list, OPTIONAL));

const struct shape shapes_create_private_dns_namespace_response =
    STRUCTURE("CreatePrivateDnsNamespaceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_create_public_dns_namespace_request =
    STRUCTURE("CreatePublicDnsNamespaceRequest", create_namespace_input,
    MEMBER(create_namespace_input, name, "Name", namespace_name_public, SHAPE_REQUIRED),
    MEMBER(create_namespace_input, creator_request_id, "CreatorRequestId", resource_id, SHAPE_IDEMPOTENCY_TOKEN),
    MEMBER(create_namespace_input, description, "Description", resource_description, OPTIONAL),
    MEMBER(create_namespace_input, properties, "Properties", public_dns_namespace_properties, OPTIONAL),
    MEMBER(create_namespace_input, tags, "Tags", tag_list, OPTIONAL));

const struct shape shapes_create_public_dns_namespace_response =
    STRUCTURE("CreatePublicDnsNamespaceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_create_service_request = STRUCTURE("CreateServiceRequest", create_service_input,
    MEMBER(create_service_input, name, "Name", service_name, SHAPE_REQUIRED),
    MEMBER(create_service_input, creator_request_id, "CreatorRequestId", resource_id, SHAPE_IDEMPOTENCY_TOKEN),
    MEMBER(create_service_input, description, "Description", resource_description, OPTIONAL),
    MEMBER(create_service_input, dns_config, "DnsConfig", dns_config, OPTIONAL),
    MEMBER(create_service_input, health_check_config, "HealthCheckConfig", health_check_config, OPTIONAL),
    MEMBER(create_service_input, health_check_custom_config, "HealthCheckCustomConfig", health_check_custom_config,
           OPTIONAL),
    MEMBER(create_service_input, namespace_id, "NamespaceId", arn, OPTIONAL),
    MEMBER(create_service_input, tags, "Tags", tag_list, OPTIONAL),
    MEMBER(create_service_input, type, "Type", service_type_option, OPTIONAL));

const struct shape shapes_create_service_response = STRUCTURE("CreateServiceResponse", service_output,
    MEMBER(service_output, service, "Service", service, OPTIONAL));

const struct shape shapes_delete_namespace_request = STRUCTURE("DeleteNamespaceRequest", id_input,
    MEMBER(id_input, id, "Id", arn, SHAPE_REQUIRED));

const struct shape shapes_delete_namespace_response = STRUCTURE("DeleteNamespaceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_delete_service_request = STRUCTURE("DeleteServiceRequest", id_input,
    MEMBER(id_input, id, "Id", arn, SHAPE_REQUIRED));

const struct shape shapes_delete_service_response = EMPTY("DeleteServiceResponse");

const struct shape shapes_delete_service_attributes_request =
    STRUCTURE("DeleteServiceAttributesRequest", delete_service_attributes_input,
    MEMBER(delete_service_attributes_input, service_id, "ServiceId", arn, SHAPE_REQUIRED),
    MEMBER(delete_service_attributes_input, attributes, "Attributes", service_attribute_key_list, SHAPE_REQUIRED));

const struct shape shapes_delete_service_attributes_response = EMPTY("DeleteServiceAttributesResponse");

const struct shape shapes_deregister_instance_request = STRUCTURE("DeregisterInstanceRequest", instance_input,
    MEMBER(instance_input, service_id, "ServiceId", arn, SHAPE_REQUIRED),
    MEMBER(instance_input, instance_id, "InstanceId", resource_id, SHAPE_REQUIRED));

const struct shape shapes_deregister_instance_response = STRUCTURE("DeregisterInstanceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_discover_instances_request = STRUCTURE("DiscoverInstancesRequest", discover_instances_input,
    MEMBER(discover_instances_input, namespace_name, "NamespaceName", namespace_name, SHAPE_REQUIRED),
    MEMBER(discover_instances_input, service_name, "ServiceName", service_name, SHAPE_REQUIRED),
    MEMBER(discover_instances_input, health_status, "HealthStatus", health_status_filter, OPTIONAL),
    MEMBER(discover_instances_input, max_results, "MaxResults", discover_max_results, OPTIONAL),
    MEMBER(discover_instances_input, optional_parameters, "OptionalParameters", attributes, OPTIONAL),
    MEMBER(discover_instances_input, owner_account, "OwnerAccount", aws_account_id, OPTIONAL),
    MEMBER(discover_instances_input, query_parameters, "QueryParameters", attributes, OPTIONAL));

const struct shape shapes_discover_instances_response =
    STRUCTURE("DiscoverInstancesResponse", discover_instances_output,
    MEMBER(discover_instances_output, instances, "Instances", http_instance_summary_list, OPTIONAL),
    MEMBER(discover_instances_output, instances_revision, "InstancesRevision", revision, OPTIONAL));

const struct shape shapes_discover_instances_revision_request =
    STRUCTURE("DiscoverInstancesRevisionRequest", discover_instances_input,
    MEMBER(discover_instances_input, namespace_name, "NamespaceName", namespace_name, SHAPE_REQUIRED),
    MEMBER(discover_instances_input, service_name, "ServiceName", service_name, SHAPE_REQUIRED),
    MEMBER(discover_instances_input, owner_account, "OwnerAccount", aws_account_id, OPTIONAL));

const struct shape shapes_discover_instances_revision_response =
    STRUCTURE("DiscoverInstancesRevisionResponse", discover_instances_revision_output,
    MEMBER(discover_instances_revision_output, instances_revision, "InstancesRevision", revision, OPTIONAL));

const struct shape shapes_get_instance_request = STRUCTURE("GetInstanceRequest", instance_input,
    MEMBER(instance_input, service_id, "ServiceId", arn, SHAPE_REQUIRED),
    MEMBER(instance_input, instance_id, "InstanceId", resource_id, SHAPE_REQUIRED));

const struct shape shapes_get_instance_response = STRUCTURE("GetInstanceResponse", get_instance_output,
    MEMBER(get_instance_output, instance, "Instance", instance, OPTIONAL),
    MEMBER(get_instance_output, resource_owner, "ResourceOwner", aws_account_id, OPTIONAL));

const struct shape shapes_get_instances_health_status_request =
    STRUCTURE("GetInstancesHealthStatusRequest", get_instances_health_status_input,
    MEMBER(get_instances_health_status_input, service_id, "ServiceId", arn, SHAPE_REQUIRED),
    MEMBER(get_instances_health_status_input, instances, "Instances", instance_id_list, OPTIONAL),
    MEMBER(get_instances_health_status_input, max_results, "MaxResults", max_results, SHAPE_PAGING),
    MEMBER(get_instances_health_status_input, next_token, "NextToken", next_token, SHAPE_PAGING));

const struct shape shapes_get_instances_health_status_response =
    STRUCTURE("GetInstancesHealthStatusResponse", get_instances_health_status_output,
    MEMBER(get_instances_health_status_output, next_token, "NextToken", next_token, OPTIONAL),
    MEMBER(get_instances_health_status_output, status, "Status", instance_health_status_map, OPTIONAL));

const struct shape shapes_get_namespace_request = STRUCTURE("GetNamespaceRequest", id_input,
    MEMBER(id_input, id, "Id", arn, SHAPE_REQUIRED));

const struct shape shapes_get_namespace_response = STRUCTURE("GetNamespaceResponse", get_namespace_output,
    MEMBER(get_namespace_output, namespace, "Namespace", namespace, OPTIONAL));

const struct shape shapes_get_operation_request = STRUCTURE("GetOperationRequest", get_operation_input,
    MEMBER(get_operation_input, operation_id, "OperationId", operation_id, SHAPE_REQUIRED),
    MEMBER(get_operation_input, owner_account, "OwnerAccount", aws_account_id, OPTIONAL));

const struct shape shapes_get_operation_response = STRUCTURE("GetOperationResponse", get_operation_output,
    MEMBER(get_operation_output, operation, "Operation", operation, OPTIONAL));

const struct shape shapes_get_service_request = STRUCTURE("GetServiceRequest", id_input,
    MEMBER(id_input, id, "Id", arn, SHAPE_REQUIRED));

const struct shape shapes_get_service_response = STRUCTURE("GetServiceResponse", service_output,
    MEMBER(service_output, service, "Service", service, OPTIONAL));

const struct shape shapes_get_service_attributes_request =
    STRUCTURE("GetServiceAttributesRequest", get_service_attributes_input,
    MEMBER(get_service_attributes_input, service_id, "ServiceId", arn, SHAPE_REQUIRED));

const struct shape shapes_get_service_attributes_response =
    STRUCTURE("GetServiceAttributesResponse", get_service_attributes_output,
    MEMBER(get_service_attributes_output, service_attributes, "ServiceAttributes", service_attributes, OPTIONAL));

const struct shape shapes_list_instances_request = STRUCTURE("ListInstancesRequest", list_instances_input,
    MEMBER(list_instances_input, service_id, "ServiceId", arn, SHAPE_REQUIRED),
    MEMBER(list_instances_input, max_results, "MaxResults", max_results, SHAPE_PAGING),
    MEMBER(list_instances_input, next_token, "NextToken", next_token, SHAPE_PAGING));

const struct shape shapes_list_instances_response = STRUCTURE("ListInstancesResponse", list_instances_output,
    MEMBER(list_instances_output, instances, "Instances", instance_summary_list, OPTIONAL),
    MEMBER(list_instances_output, next_token, "NextToken", next_token, OPTIONAL),
    MEMBER(list_instances_output, resource_owner, "ResourceOwner", aws_account_id, OPTIONAL));

const struct shape shapes_list_namespaces_request = STRUCTURE("ListNamespacesRequest", list_input,
    MEMBER(list_input, filters, "Filters", namespace_filters, OPTIONAL),
    MEMBER(list_input, max_results, "MaxResults", max_results, SHAPE_PAGING),
    MEMBER(list_input, next_token, "NextToken", next_token, SHAPE_PAGING));

const struct shape shapes_list_namespaces_response = STRUCTURE("ListNamespacesResponse", list_namespaces_output,
    MEMBER(list_namespaces_output, namespaces, "Namespaces", namespace_summaries_list, OPTIONAL),
    MEMBER(list_namespaces_output, next_token, "NextToken", next_token, OPTIONAL));

const struct shape shapes_list_operations_request = STRUCTURE("ListOperationsRequest", list_input,
    MEMBER(list_input, filters, "Filters", operation_filters, OPTIONAL),
    MEMBER(list_input, max_results, "MaxResults", max_results, SHAPE_PAGING),
    MEMBER(list_input, next_token, "NextToken", next_token, SHAPE_PAGING));

const struct shape shapes_list_operations_response = STRUCTURE("ListOperationsResponse", list_operations_output,
    MEMBER(list_operations_output, next_token, "NextToken", next_token, OPTIONAL),
    MEMBER(list_operations_output, operations, "Operations", operation_summary_list, OPTIONAL));

const struct shape shapes_list_services_request = STRUCTURE("ListServicesRequest", list_input,
    MEMBER(list_input, filters, "Filters", service_filters, OPTIONAL),
    MEMBER(list_input, max_results, "MaxResults", max_results, SHAPE_PAGING),
    MEMBER(list_input, next_token, "NextToken", next_token, SHAPE_PAGING));

const struct shape shapes_list_services_response = STRUCTURE("ListServicesResponse", list_services_output,
    MEMBER(list_services_output, next_token, "NextToken", next_token, OPTIONAL),
    MEMBER(list_services_output, services, "Services", service_summaries_list, OPTIONAL));

const struct shape shapes_list_tags_for_resource_request =
    STRUCTURE("ListTagsForResourceRequest", list_tags_for_resource_input,
    MEMBER(list_tags_for_resource_input, resource_arn, "ResourceARN", amazon_resource_name, SHAPE_REQUIRED));

const struct shape shapes_list_tags_for_resource_response =
    STRUCTURE("ListTagsForResourceResponse", list_tags_for_resource_output,
    MEMBER(list_tags_for_resource_output, tags, "Tags", tag_list, OPTIONAL));

const struct shape shapes_register_instance_request = STRUCTURE("RegisterInstanceRequest", register_instance_input,
    MEMBER(register_instance_input, service_id, "ServiceId", arn, SHAPE_REQUIRED),
    MEMBER(register_instance_input, instance_id, "InstanceId", instance_id, SHAPE_REQUIRED),
    MEMBER(register_instance_input, attributes, "Attributes", attributes, SHAPE_REQUIRED),
    MEMBER(register_instance_input, creator_request_id, "CreatorRequestId", resource_id, SHAPE_IDEMPOTENCY_TOKEN));

const struct shape shapes_register_instance_response = STRUCTURE("RegisterInstanceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_tag_resource_request = STRUCTURE("TagResourceRequest", tag_resource_input,
    MEMBER(tag_resource_input, resource_arn, "ResourceARN", amazon_resource_name, SHAPE_REQUIRED),
    MEMBER(tag_resource_input, tags, "Tags", tag_list, SHAPE_REQUIRED));

const struct shape shapes_tag_resource_response = EMPTY("TagResourceResponse");

const struct shape shapes_untag_resource_request = STRUCTURE("UntagResourceRequest", untag_resource_input,
    MEMBER(untag_resource_input, resource_arn, "ResourceARN", amazon_resource_name, SHAPE_REQUIRED),
    MEMBER(untag_resource_input, tag_keys, "TagKeys", tag_key_list, SHAPE_REQUIRED));

const struct shape shapes_untag_resource_response = EMPTY("UntagResourceResponse");

const struct shape shapes_update_http_namespace_request =
    STRUCTURE("UpdateHttpNamespaceRequest", update_namespace_input,
    MEMBER(update_namespace_input, id, "Id", arn, SHAPE_REQUIRED),
    MEMBER(update_namespace_input, namespace, "Namespace", http_namespace_change, SHAPE_REQUIRED),
    MEMBER(update_namespace_input, updater_request_id, "UpdaterRequestId", resource_id, SHAPE_IDEMPOTENCY_TOKEN));

const struct shape shapes_update_http_namespace_response = STRUCTURE("UpdateHttpNamespaceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_update_instance_custom_health_status_request =
    STRUCTURE("UpdateInstanceCustomHealthStatusRequest", update_instance_custom_health_status_input,
    MEMBER(update_instance_custom_health_status_input, service_id, "ServiceId", arn, SHAPE_REQUIRED),
    MEMBER(update_instance_custom_health_status_input, instance_id, "InstanceId", resource_id, SHAPE_REQUIRED),
    MEMBER(update_instance_custom_health_status_input, status, "Status", custom_health_status, SHAPE_REQUIRED));

const struct shape shapes_update_private_dns_namespace_request =
    STRUCTURE("UpdatePrivateDnsNamespaceRequest", update_namespace_input,
    MEMBER(update_namespace_input, id, "Id", arn, SHAPE_REQUIRED),
    MEMBER(update_namespace_input, namespace, "Namespace", private_dns_namespace_change, SHAPE_REQUIRED),
    MEMBER(update_namespace_input, updater_request_id, "UpdaterRequestId", resource_id, SHAPE_IDEMPOTENCY_TOKEN));

const struct shape shapes_update_private_dns_namespace_response =
    STRUCTURE("UpdatePrivateDnsNamespaceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_update_public_dns_namespace_request =
    STRUCTURE("UpdatePublicDnsNamespaceRequest", update_namespace_input,
    MEMBER(update_namespace_input, id, "Id", arn, SHAPE_REQUIRED),
    MEMBER(update_namespace_input, namespace, "Namespace", public_dns_namespace_change, SHAPE_REQUIRED),
    MEMBER(update_namespace_input, updater_request_id, "UpdaterRequestId", resource_id, SHAPE_IDEMPOTENCY_TOKEN));

const struct shape shapes_update_public_dns_namespace_response =
    STRUCTURE("UpdatePublicDnsNamespaceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_update_service_request = STRUCTURE("UpdateServiceRequest", update_service_input,
    MEMBER(update_service_input, id, "Id", arn, SHAPE_REQUIRED),
    MEMBER(update_service_input, service, "Service", service_change, SHAPE_REQUIRED));

const struct shape shapes_update_service_response = STRUCTURE("UpdateServiceResponse", operation_id_output,
    MEMBER(operation_id_output, operation_id, "OperationId", operation_id, OPTIONAL));

const struct shape shapes_update_service_attributes_request =
    STRUCTURE("UpdateServiceAttributesRequest", update_service_attributes_input,
    MEMBER(update_service_attributes_input, service_id, "ServiceId", arn, SHAPE_REQUIRED),
    MEMBER(update_service_attributes_input, attributes, "Attributes", service_attributes_map, SHAPE_REQUIRED));

const struct shape shapes_update_service_attributes_response = EMPTY("UpdateServiceAttributesResponse");

/* UpdateInstanceCustomHealthStatus has no output shape. */
const struct shape shapes_no_response = { .kind = SHAPE_KIND_NOTHING, .size = sizeof(struct empty_output) };
