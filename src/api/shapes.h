/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler receives and returns: one C struct for each input and output structure of Cloud Map's API; the parts
 * that they share stand in wire.h. Member names are the wire names in snake case. A struct may serve several shapes:
 * the members that a shape does not have stay absent. shapes.c maps wire names to these members, with limits.
 *
 * Absent is: str.p == NULL (strings, enums, raw JSON), set == false (numbers, lists, maps), NULL (structures).
 * All memory belongs to the request (its text and its arena); lists and maps of an input are never modified.
 * Structs of an output start zeroed: set what is to be sent. Source: API reference, version 2017-03-14. */
#pragma once

#include "api/wire.h"

/* ---- Inputs ---- */

/* CreateHttpNamespace (no Vpc, no Properties), CreatePrivateDnsNamespace, CreatePublicDnsNamespace (no Vpc) */
struct create_namespace_input {
    struct str name, creator_request_id, description, vpc;
    struct wire_namespace_properties *properties;
    struct wire_tag_list tags;
};

/* UpdateHttpNamespace, UpdatePrivateDnsNamespace, UpdatePublicDnsNamespace */
struct update_namespace_input {
    struct str id, updater_request_id;
    struct wire_namespace_change *namespace;
};

/* DeleteNamespace, DeleteService, GetNamespace, GetService */
struct id_input {
    struct str id;
};

struct create_service_input {
    struct str name, namespace_id, creator_request_id, description, type;
    struct wire_dns_config *dns_config;
    struct wire_health_check_config *health_check_config;
    struct wire_health_check_custom_config *health_check_custom_config;
    struct wire_tag_list tags;
};

struct update_service_input {
    struct str id;
    struct wire_service_change *service;
};

struct update_service_attributes_input {
    struct str service_id;
    struct str_map attributes;
};

struct delete_service_attributes_input {
    struct str service_id;
    struct str_list attributes; /* keys */
};

struct get_service_attributes_input {
    struct str service_id;
};

struct register_instance_input {
    struct str service_id, instance_id, creator_request_id;
    struct str_map attributes;
};

/* DeregisterInstance, GetInstance */
struct instance_input {
    struct str service_id, instance_id;
};

struct update_instance_custom_health_status_input {
    struct str service_id, instance_id, status;
};

struct get_instances_health_status_input {
    struct str service_id, next_token;
    struct str_list instances;
    struct opt_int max_results;
};

struct list_instances_input {
    struct str service_id, next_token;
    struct opt_int max_results;
};

/* ListNamespaces, ListServices, ListOperations */
struct list_input {
    struct str next_token;
    struct opt_int max_results;
    struct wire_filter_list filters;
};

/* DiscoverInstances, and DiscoverInstancesRevision (the first three members) */
struct discover_instances_input {
    struct str namespace_name, service_name, owner_account, health_status;
    struct opt_int max_results;
    struct str_map query_parameters, optional_parameters;
};

struct get_operation_input {
    struct str operation_id, owner_account;
};

struct list_tags_for_resource_input {
    struct str resource_arn;
};

struct tag_resource_input {
    struct str resource_arn;
    struct wire_tag_list tags;
};

struct untag_resource_input {
    struct str resource_arn;
    struct str_list tag_keys;
};

/* ---- Outputs ---- */

/* The operations that answer `{}`, and UpdateInstanceCustomHealthStatus, which answers nothing. */
struct empty_output {
    char unused;
};

/* All ten asynchronous operations. */
struct operation_id_output {
    struct str operation_id;
};

struct get_namespace_output {
    struct wire_namespace *namespace;
};

struct list_namespaces_output {
    struct str next_token;
    struct wire_namespace_list namespaces;
};

/* CreateService, GetService */
struct service_output {
    struct wire_service *service;
};

struct list_services_output {
    struct str next_token;
    struct wire_service_list services;
};

struct get_service_attributes_output {
    struct wire_service_attributes *service_attributes;
};

struct get_instance_output {
    struct str resource_owner;
    struct str instance; /* raw JSON: one object */
};

struct list_instances_output {
    struct str resource_owner, next_token;
    struct str instances; /* raw JSON: one array */
};

struct get_instances_health_status_output {
    struct str next_token;
    struct str_map status; /* instance id to status */
};

struct discover_instances_output {
    struct wire_part instances; /* one array */
    struct opt_int instances_revision;
};

struct discover_instances_revision_output {
    struct opt_int instances_revision;
};

struct get_operation_output {
    struct wire_operation *operation;
};

struct list_operations_output {
    struct str next_token;
    struct wire_operation_list operations;
};

struct list_tags_for_resource_output {
    struct wire_tag_list tags;
};
