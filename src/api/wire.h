/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts that inputs and outputs of the API (shapes.h) are made of. The same rules hold: names are the wire names in
 * snake case, a struct may serve several shapes, and absent is str.p == NULL, set == false, or a NULL pointer. */
#pragma once

#include "base/buf.h"

/* An integer, or a timestamp in milliseconds since the epoch. */
struct opt_int {
    bool set;
    int64_t value;
};

#define OPT_INT(number) ((struct opt_int){ .set = true, .value = (number) })

/* The form that every list below shares, for code that walks shape tables (it copies, never aliases). */
struct any_list {
    void *items;
    size_t n;
    bool set;
};

struct str_list {
    struct str *items;
    size_t n;
    bool set;
};

struct str_map {
    struct str_pair *items; /* in the order of the request; keys are unique */
    size_t n;
    bool set;
};

/* Raw JSON that is written into the answer when its turn comes: what is large is not copied twice. */
struct wire_part {
    void (*write)(struct buf *buf, const void *arg); /* NULL: absent */
    const void *arg;
    size_t size; /* bytes it writes at most */
};

struct wire_tag {
    struct str key, value;
};

struct wire_tag_list {
    struct wire_tag *items;
    size_t n;
    bool set;
};

/* NamespaceFilter, ServiceFilter, OperationFilter */
struct wire_filter {
    struct str name, condition;
    struct str_list values;
};

struct wire_filter_list {
    struct wire_filter *items;
    size_t n;
    bool set;
};

struct wire_soa {
    struct opt_int ttl; /* seconds */
};

struct wire_dns_properties {
    struct str hosted_zone_id; /* output only */
    struct wire_soa *soa;
};

struct wire_http_properties {
    struct str http_name;
};

/* NamespaceProperties (output) and Private/PublicDnsNamespaceProperties(Change) (input, DnsProperties only) */
struct wire_namespace_properties {
    struct wire_dns_properties *dns_properties;
    struct wire_http_properties *http_properties;
};

struct wire_dns_record {
    struct str type;
    struct opt_int ttl; /* seconds */
};

struct wire_dns_record_list {
    struct wire_dns_record *items;
    size_t n;
    bool set;
};

/* DnsConfig, and DnsConfigChange (DnsRecords only) */
struct wire_dns_config {
    struct str namespace_id, routing_policy;
    struct wire_dns_record_list dns_records;
};

struct wire_health_check_config {
    struct str type, resource_path;
    struct opt_int failure_threshold;
};

struct wire_health_check_custom_config {
    struct opt_int failure_threshold;
};

/* HttpNamespaceChange (Description only), Private/PublicDnsNamespaceChange */
struct wire_namespace_change {
    struct str description;
    struct wire_namespace_properties *properties;
};

struct wire_service_change {
    struct str description;
    struct wire_dns_config *dns_config;
    struct wire_health_check_config *health_check_config;
};

/* Namespace, and NamespaceSummary (without CreatorRequestId) */
struct wire_namespace {
    struct str id, arn, resource_owner, name, type, description, creator_request_id;
    struct opt_int service_count, create_date;
    struct wire_namespace_properties *properties;
};

struct wire_namespace_list {
    struct wire_namespace *items;
    size_t n;
    bool set;
};

/* Service, and ServiceSummary (without NamespaceId and CreatorRequestId) */
struct wire_service {
    struct str id, arn, resource_owner, name, namespace_id, description, type, creator_request_id, created_by_account;
    struct opt_int instance_count, create_date;
    struct wire_dns_config *dns_config;
    struct wire_health_check_config *health_check_config;
    struct wire_health_check_custom_config *health_check_custom_config;
};

struct wire_service_list {
    struct wire_service *items;
    size_t n;
    bool set;
};

struct wire_service_attributes {
    struct str service_arn, resource_owner;
    struct str_map attributes;
};

/* Operation, and OperationSummary (Id and Status only) */
struct wire_operation {
    struct str id, owner_account, type, status, error_message, error_code;
    struct opt_int create_date, update_date;
    struct str_map targets;
};

struct wire_operation_list {
    struct wire_operation *items;
    size_t n;
    bool set;
};
