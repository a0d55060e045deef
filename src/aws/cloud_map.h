/* SPDX-License-Identifier: Apache-2.0
 *
 * The calls of AWS Cloud Map (API version 2017-03-14, JSON 1.1) that a controller needs. Lists count only when every
 * page came and no page token came twice. All results live in the caller's arena. Blocking; one thread. */
#pragma once

#include "aws/aws_client.h"

#define CLOUD_MAP_PAGE_SIZE 100
#define CLOUD_MAP_OPERATION_ID_MAX 64

enum cloud_map_health { CLOUD_MAP_HEALTH_UNKNOWN, CLOUD_MAP_HEALTHY, CLOUD_MAP_UNHEALTHY };

struct cloud_map_instance {
    struct str id;
    struct str_pair *attributes; /* sorted by key */
    size_t n_attributes;
    enum cloud_map_health health; /* UNKNOWN until cloud_map_list_health */
};

struct cloud_map_instances {
    struct cloud_map_instance *items; /* sorted by id, each once */
    size_t n, size;
    unsigned n_calls;
};

struct cloud_map_service {
    struct str id, arn, name;
    struct str namespace_id; /* absent in a list of all services: AWS does not tell it there */
};

struct cloud_map_services {
    struct cloud_map_service *items; /* sorted by id, each once */
    size_t n, size;
    unsigned n_calls;
};

enum cloud_map_operation { CLOUD_MAP_OPERATION_RUNS, CLOUD_MAP_OPERATION_SUCCESS, CLOUD_MAP_OPERATION_FAIL };

/* Each call: 0; -errno; or a condition of aws_client.h with *ret_error. */

/* All instances of the service. */
int cloud_map_list_instances(struct aws_client *client, struct str service_id, struct arena *arena,
                             struct cloud_map_instances *ret_instances, struct aws_error *ret_error);
/* Sets `health` of those that GetInstancesHealthStatus names. A service without health checks makes AWS answer
 * InstanceNotFound: all stay UNKNOWN, and the result is 0. */
int cloud_map_list_health(struct aws_client *client, struct str service_id, struct arena *arena,
                          struct cloud_map_instances *instances, struct aws_error *ret_error);
/* AWS_REFUSED with InstanceNotFound when it is gone. */
int cloud_map_get_instance(struct aws_client *client, struct str service_id, struct str instance_id,
                           struct arena *arena, struct cloud_map_instance *ret_instance, struct aws_error *ret_error);
/* All services of the account and region; of one namespace when namespace_id is set. */
int cloud_map_list_services(struct aws_client *client, struct str namespace_id, struct arena *arena,
                            struct cloud_map_services *ret_services, struct aws_error *ret_error);
int cloud_map_get_service(struct aws_client *client, struct str service_id, struct arena *arena,
                          struct cloud_map_service *ret_service, struct aws_error *ret_error);
/* ret_operation_id lives in the arena. */
int cloud_map_deregister(struct aws_client *client, struct str service_id, struct str instance_id, struct arena *arena,
                         struct str *ret_operation_id, struct aws_error *ret_error);
int cloud_map_register(struct aws_client *client, struct str service_id, const struct cloud_map_instance *instance,
                       struct str creator_request_id, struct arena *arena, struct str *ret_operation_id,
                       struct aws_error *ret_error);
/* When it has failed, *ret_error holds its ErrorCode and ErrorMessage. */
int cloud_map_get_operation(struct aws_client *client, struct str operation_id, enum cloud_map_operation *ret_operation,
                            struct aws_error *ret_error);

/* The value of an attribute; absent when there is none. */
struct str cloud_map_attribute(const struct cloud_map_instance *instance, struct str key);
/* The same attributes, keys and values? */
bool cloud_map_same_attributes(const struct cloud_map_instance *a, const struct cloud_map_instance *b);
