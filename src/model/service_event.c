/* SPDX-License-Identifier: Apache-2.0
 *
 * Type and name come first, where a call's record has its caller. */
#include "model/service_event.h"

#include "model/audit_event.h"

#define BEGIN STR("{\"eventVersion\":\"1.11\",\"eventType\":\"AwsServiceEvent\",\"eventName\":\"")

void service_event_begin(struct json_writer *writer, struct str name, struct str account, struct str region,
                         int64_t wall_ms)
{
    struct rand rand;

    rand_init(&rand);
    json_open_object(writer);
    json_field_string(writer, STR("eventVersion"), STR("1.11"));
    json_field_string(writer, STR("eventType"), STR("AwsServiceEvent"));
    json_field_string(writer, STR("eventName"), name);
    json_key(writer, STR("userIdentity"));
    json_open_object(writer);
    json_field_string(writer, STR("type"), STR("AWSService"));
    json_field_string(writer, STR("invokedBy"), STR("servicediscovery.amazonaws.com"));
    json_close_object(writer);
    audit_event_put_time(writer, wall_ms);
    json_field_string(writer, STR("eventSource"), STR("servicediscovery.amazonaws.com"));
    json_field_optional(writer, STR("awsRegion"), region);
    audit_event_put_id(writer, &rand);
    json_key(writer, STR("readOnly"));
    json_put_bool(writer, true);
    json_key(writer, STR("managementEvent"));
    json_put_bool(writer, true);
    json_field_optional(writer, STR("recipientAccountId"), account);
    json_field_string(writer, STR("eventCategory"), STR("Management"));
    json_key(writer, STR("serviceEventDetails"));
    json_open_object(writer);
}

void service_event_end(struct json_writer *writer)
{
    json_close_object(writer);
    json_close_object(writer);
}

bool service_event_is(struct str record, struct str name)
{
    struct str rest;

    if (!str_starts(record, BEGIN))
        return false;
    rest = str_skip(record, BEGIN.n);
    return str_starts(rest, name) && rest.n > name.n && rest.p[name.n] == '"';
}
