/* SPDX-License-Identifier: Apache-2.0
 *
 * Cloud Map's calls about one thing; those that list are in cloud_map_list.c. */
#include "aws/cloud_map.h"
#include "aws/cloud_map_reader.h"
#include "aws/json_call.h"

#include <errno.h>

/* --- answers ----------------------------------------------------------------------------------------------------- */

/* Reads the value of the answer's member. */
typedef int read_fn(void *arg, struct json_answer *answer);

/* Sends the call and reads the one member that counts. */
static int send_and_read(struct json_call *call, struct str member, read_fn *read, void *arg)
{
    struct json_answer *answer = &call->answer;
    struct json_reader *reader = &answer->reader;
    struct str key;
    bool more, has_member = false;
    int r = json_call_send(call);
    if (r)
        return r;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (!str_eq(key, member)) {
            json_skip(reader);
            continue;
        }
        r = read(arg, answer);
        if (r)
            return r;
        has_member = true;
    }
    if (reader->error)
        return json_answer_fail(answer);
    return has_member ? json_answer_end(answer) : json_answer_odd(answer, "an answer without what was asked for");
}

struct operation_id {
    struct arena *arena;
    struct str id;
};

static int read_operation_id(void *arg, struct json_answer *answer)
{
    struct operation_id *operation = arg;
    struct str id;
    if (json_string(&answer->reader, &id))
        return json_answer_fail(answer);
    if (id.n == 0 || id.n > CLOUD_MAP_OPERATION_ID_MAX)
        return json_answer_odd(answer, "an OperationId that is none");
    operation->id = arena_dup(operation->arena, id);
    return str_is_set(operation->id) ? 0 : -ENOMEM;
}

/* Of the calls that answer with an operation. */
static int submit(struct json_call *call, struct arena *arena, struct str *ret_operation_id)
{
    struct operation_id operation = { .arena = arena };
    int r = send_and_read(call, STR("OperationId"), read_operation_id, &operation);
    json_call_end(call);
    if (r == 0)
        *ret_operation_id = operation.id;
    return r;
}

/* --- instances --------------------------------------------------------------------------------------------------- */

struct one_instance {
    struct str id;
    struct arena *arena;
    struct cloud_map_instance instance;
};

static int read_instance(void *arg, struct json_answer *answer)
{
    struct one_instance *one = arg;
    int r = cloud_map_reader_instance(answer, one->arena, NULL, &one->instance);
    if (r == 0 && !str_eq(one->instance.id, one->id))
        return json_answer_odd(answer, "another instance than the one that was asked for");
    return r;
}

int cloud_map_get_instance(struct aws_client *client, struct str service_id, struct str instance_id,
                           struct arena *arena, struct cloud_map_instance *ret_instance, struct aws_error *ret_error)
{
    struct json_call call;
    struct one_instance one = { .id = instance_id, .arena = arena };
    json_call_begin(&call, client, "GetInstance", ret_error);
    json_field_string(&call.writer, STR("ServiceId"), service_id);
    json_field_string(&call.writer, STR("InstanceId"), instance_id);
    int r = send_and_read(&call, STR("Instance"), read_instance, &one);
    json_call_end(&call);
    if (r == 0)
        *ret_instance = one.instance;
    return r;
}

int cloud_map_deregister(struct aws_client *client, struct str service_id, struct str instance_id, struct arena *arena,
                         struct str *ret_operation_id, struct aws_error *ret_error)
{
    struct json_call call;
    json_call_begin(&call, client, "DeregisterInstance", ret_error);
    json_field_string(&call.writer, STR("ServiceId"), service_id);
    json_field_string(&call.writer, STR("InstanceId"), instance_id);
    return submit(&call, arena, ret_operation_id);
}

int cloud_map_register(struct aws_client *client, struct str service_id, const struct cloud_map_instance *instance,
                       struct str creator_request_id, struct arena *arena, struct str *ret_operation_id,
                       struct aws_error *ret_error)
{
    struct json_call call;
    json_call_begin(&call, client, "RegisterInstance", ret_error);
    json_field_string(&call.writer, STR("ServiceId"), service_id);
    json_field_string(&call.writer, STR("InstanceId"), instance->id);
    json_field_optional(&call.writer, STR("CreatorRequestId"), creator_request_id);
    json_key(&call.writer, STR("Attributes"));
    json_open_object(&call.writer);
    for (size_t i = 0; i < instance->n_attributes; i++)
        json_field_string(&call.writer, instance->attributes[i].key, instance->attributes[i].value);
    json_close_object(&call.writer);
    return submit(&call, arena, ret_operation_id);
}

struct str cloud_map_attribute(const struct cloud_map_instance *instance, struct str key)
{
    for (size_t i = 0; i < instance->n_attributes; i++)
        if (str_eq(instance->attributes[i].key, key))
            return instance->attributes[i].value;
    return (struct str){ 0 };
}

bool cloud_map_same_attributes(const struct cloud_map_instance *a, const struct cloud_map_instance *b)
{
    if (a->n_attributes != b->n_attributes)
        return false;
    for (size_t i = 0; i < a->n_attributes; i++) /* both are sorted */
        if (!str_eq(a->attributes[i].key, b->attributes[i].key) ||
            !str_eq(a->attributes[i].value, b->attributes[i].value))
            return false;
    return true;
}

/* --- services and operations ------------------------------------------------------------------------------------- */

struct one_service {
    struct str id;
    struct arena *arena;
    struct cloud_map_service service;
};

static int read_service(void *arg, struct json_answer *answer)
{
    struct one_service *one = arg;
    int r = cloud_map_reader_service(answer, one->arena, &one->service);
    if (r == 0 && !str_eq(one->service.id, one->id) && !str_eq(one->service.arn, one->id))
        return json_answer_odd(answer, "another service than the one that was asked for");
    return r;
}

int cloud_map_get_service(struct aws_client *client, struct str service_id, struct arena *arena,
                          struct cloud_map_service *ret_service, struct aws_error *ret_error)
{
    struct json_call call;
    struct one_service one = { .id = service_id, .arena = arena };
    json_call_begin(&call, client, "GetService", ret_error);
    json_field_string(&call.writer, STR("Id"), service_id);
    int r = send_and_read(&call, STR("Service"), read_service, &one);
    json_call_end(&call);
    if (r == 0)
        *ret_service = one.service;
    return r;
}

struct one_operation {
    struct str id;
    enum cloud_map_operation operation;
};

static int read_operation(void *arg, struct json_answer *answer)
{
    struct one_operation *one = arg;
    return cloud_map_reader_operation(answer, one->id, &one->operation);
}

int cloud_map_get_operation(struct aws_client *client, struct str operation_id, enum cloud_map_operation *ret_operation,
                            struct aws_error *ret_error)
{
    struct json_call call;
    struct one_operation one = { .id = operation_id };
    json_call_begin(&call, client, "GetOperation", ret_error);
    json_field_string(&call.writer, STR("OperationId"), operation_id);
    int r = send_and_read(&call, STR("Operation"), read_operation, &one);
    json_call_end(&call);
    if (r == 0)
        *ret_operation = one.operation;
    return r;
}
