/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the record; members that are not asked for are skipped. */
#include "model/audit_event.h"

#include "base/text.h"
#include "base/timestamp.h"
#include "json/reader.h"

#include <stddef.h>

/* Members of requestParameters, and of a service in responseElements, that name what was worked on. */
static const struct {
    struct str key, type;
} resource_members[] = {
    { { "namespaceId", 11 }, { "AWS::ServiceDiscovery::Namespace", 32 } },
    { { "namespaceName", 13 }, { "AWS::ServiceDiscovery::Namespace", 32 } },
    { { "serviceId", 9 }, { "AWS::ServiceDiscovery::Service", 30 } },
    { { "serviceName", 11 }, { "AWS::ServiceDiscovery::Service", 30 } },
    { { "instanceId", 10 }, { "AWS::ServiceDiscovery::Instance", 31 } },
    { { "resourceARN", 11 }, { "AWS::ServiceDiscovery::Resource", 31 } },
    { { "id", 2 }, { "AWS::ServiceDiscovery::Resource", 31 } },
    { { "name", 4 }, { "AWS::ServiceDiscovery::Resource", 31 } },
    { { "userName", 8 }, { "AWS::IAM::User", 14 } },
    { { "roleName", 8 }, { "AWS::IAM::Role", 14 } },
    { { "roleArn", 7 }, { "AWS::IAM::Role", 14 } },
    { { "policyName", 10 }, { "AWS::IAM::Policy", 16 } },
    { { "accessKeyId", 11 }, { "AWS::IAM::AccessKey", 19 } },
};

static bool has_resource(const struct audit_event *event, struct str type, struct str name)
{
    for (size_t i = 0; i < event->n_resources; i++)
        if (str_eq(event->resources[i].type, type) && str_eq(event->resources[i].name, name))
            return true;
    return false;
}

/* Once, although what was made is in the request and in the answer. */
static void add_resource(struct audit_event *event, struct str key, struct str value)
{
    for (size_t i = 0; i < sizeof(resource_members) / sizeof(resource_members[0]); i++)
        if (str_eq(key, resource_members[i].key) && event->n_resources < AUDIT_EVENT_MAX_RESOURCES &&
            !has_resource(event, resource_members[i].type, value))
            event->resources[event->n_resources++] =
                (struct audit_event_resource){ .type = resource_members[i].type, .name = value };
}

/* An object or null: texts are looked at, `service` in it too, all else is skipped. Errors are sticky in the reader. */
static void read_resources(struct json_reader *reader, struct audit_event *event, bool inside)
{
    enum json_type type;
    struct str key, value;
    bool more;

    if (json_peek(reader, &type) || type != JSON_OBJECT) {
        json_skip(reader);
        return;
    }
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (json_peek(reader, &type))
            return;
        if (type == JSON_STRING && json_string(reader, &value) == 0)
            add_resource(event, key, value);
        else if (!inside && str_eq(key, STR("service")))
            read_resources(reader, event, true);
        else
            json_skip(reader);
    }
}

struct text_member {
    struct str key;
    size_t offset;
};

static const struct text_member event_members[] = {
    { { "eventID", 7 }, offsetof(struct audit_event, id) },
    { { "eventName", 9 }, offsetof(struct audit_event, name) },
    { { "eventSource", 11 }, offsetof(struct audit_event, source) },
    { { "eventTime", 9 }, offsetof(struct audit_event, time) },
    { { "awsRegion", 9 }, offsetof(struct audit_event, region) },
    { { "recipientAccountId", 18 }, offsetof(struct audit_event, account) },
    { { "requestID", 9 }, offsetof(struct audit_event, request_id) },
    { { "errorCode", 9 }, offsetof(struct audit_event, error_code) },
    { { NULL, 0 }, 0 },
};

static const struct text_member identity_members[] = {
    { { "arn", 3 }, offsetof(struct audit_event, arn) },
    { { "userName", 8 }, offsetof(struct audit_event, user_name) },
    { { "accessKeyId", 11 }, offsetof(struct audit_event, access_key_id) },
    { { "invokedBy", 9 }, offsetof(struct audit_event, invoked_by) },
    { { NULL, 0 }, 0 },
};

static bool read_text(struct json_reader *reader, const struct text_member *members, struct str key,
                      struct audit_event *event)
{
    enum json_type type;

    for (; str_is_set(members->key); members++) {
        if (!str_eq(key, members->key))
            continue;
        if (json_peek(reader, &type) || type != JSON_STRING)
            return false;
        return json_string(reader, (struct str *)(void *)((char *)event + members->offset)) == 0;
    }
    return false;
}

static void read_identity(struct json_reader *reader, struct audit_event *event)
{
    struct str key;
    bool more;

    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more)
        if (!read_text(reader, identity_members, key, event))
            json_skip(reader);
}

int audit_event_parse(char *text, size_t n, struct arena *arena, struct audit_event *ret_event)
{
    struct json_reader reader;
    struct str key;
    bool more;

    *ret_event = (struct audit_event){ 0 };
    json_reader_init(&reader, text, n, arena);
    json_object(&reader);
    while (json_member(&reader, &more, &key) == 0 && more) {
        if (read_text(&reader, event_members, key, ret_event))
            continue;
        if (str_eq(key, STR("userIdentity")))
            read_identity(&reader, ret_event);
        else if (str_eq(key, STR("readOnly")))
            json_bool(&reader, &ret_event->is_read_only);
        else if (str_eq(key, STR("requestParameters")) || str_eq(key, STR("responseElements")))
            read_resources(&reader, ret_event, false);
        else
            json_skip(&reader);
    }
    return json_end(&reader) || !str_is_set(ret_event->id) || !str_is_set(ret_event->name) ||
           !str_is_set(ret_event->time);
}

struct str audit_event_user(const struct audit_event *event)
{
    struct str rest = event->arn;

    if (str_is_set(event->user_name))
        return event->user_name;
    while (str_is_set(rest) && str_find_char(rest, '/') < rest.n)
        rest = str_skip(rest, str_find_char(rest, '/') + 1);
    if (str_is_set(rest) && rest.p == event->arn.p)
        for (size_t at; (at = str_find_char(rest, ':')) < rest.n;)
            rest = str_skip(rest, at + 1);
    return rest;
}

void audit_event_put_id(struct json_writer *writer, struct rand *rand)
{
    uint8_t random[16];
    char uuid[36];

    rand_id(rand, random);
    json_field_string(writer, STR("eventID"), (struct str){ uuid, text_uuid(random, uuid) });
}

void audit_event_put_time(struct json_writer *writer, int64_t wall_ms)
{
    char text[TIMESTAMP_ROOM];

    json_field_string(writer, STR("eventTime"), timestamp_format_s(wall_ms / 1000, text));
}
