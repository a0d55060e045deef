/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of the known shapes a message has: an EventBridge event (`detail-type`), a notification of Auto Scaling
 * (`LifecycleTransition` or `Event`), or an envelope of SNS (`Message`) around one of them. */
#include "aws/ec2_event.h"
#include "aws/ec2.h"
#include "base/timestamp.h"
#include "json/reader.h"

#include <errno.h>

#define BODY_MAX ((size_t)4 << 20) /* SQS allows 1 MiB */

/* Every member that counts, of the message itself and of its `detail`. */
struct members {
    struct str source, detail_type, account, region, time;
    bool has_detail;
    struct str detail_instance, detail_state, detail_group_instance;
    struct str transition, event, instance, account_id, time_of_group;
    struct str type, message;
};

struct member {
    struct str key;
    struct str *ret;
};

/* Reads a string if the key is one of these and its value is one; whatever else it is counts as not said. */
static void read_member(struct json_reader *reader, struct str key, const struct member *known, size_t n)
{
    enum json_type type;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(known[i].key, key) && json_peek(reader, &type) == 0 && type == JSON_STRING) {
            json_string(reader, known[i].ret);
            return;
        }
    }
    json_skip(reader);
}

static void read_detail(struct json_reader *reader, struct members *members)
{
    const struct member known[] = {
        { STR("instance-id"), &members->detail_instance },
        { STR("state"), &members->detail_state },
        { STR("EC2InstanceId"), &members->detail_group_instance },
    };
    bool more;
    struct str key;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more)
        read_member(reader, key, known, sizeof(known) / sizeof(known[0]));
    members->has_detail = true;
}

/* 0, or an error of the reader: not JSON, or no object. */
static int read_members(struct json_reader *reader, struct members *members)
{
    const struct member known[] = {
        { STR("source"), &members->source },
        { STR("detail-type"), &members->detail_type },
        { STR("account"), &members->account },
        { STR("region"), &members->region },
        { STR("time"), &members->time },
        { STR("LifecycleTransition"), &members->transition },
        { STR("Event"), &members->event },
        { STR("EC2InstanceId"), &members->instance },
        { STR("AccountId"), &members->account_id },
        { STR("Time"), &members->time_of_group },
        { STR("Type"), &members->type },
        { STR("Message"), &members->message },
    };
    bool more;
    struct str key;
    enum json_type type;
    json_object(reader);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("detail")) && json_peek(reader, &type) == 0 && type == JSON_OBJECT)
            read_detail(reader, members);
        else
            read_member(reader, key, known, sizeof(known) / sizeof(known[0]));
    }
    return reader->error ? (int)reader->error : json_end(reader);
}

/* A hint needs an instance; what is not said stays absent. */
static void judge(struct ec2_event *event, enum ec2_event_kind kind, struct str instance_id)
{
    event->kind = ec2_is_id(instance_id) ? kind : EC2_EVENT_POISON;
    event->instance_id = instance_id;
}

static void judge_event_bridge(const struct members *members, struct ec2_event *event)
{
    bool is_ec2 = str_eq(members->source, STR("aws.ec2"));
    bool is_group = str_eq(members->source, STR("aws.autoscaling"));
    struct str type = members->detail_type;
    event->account = members->account;
    event->region = members->region;
    if (timestamp_parse_ms(members->time, &event->time_ms))
        event->time_ms = 0;

    if (is_ec2 && str_eq(type, STR("EC2 Instance State-change Notification"))) {
        event->state = members->detail_state;
        judge(event, members->detail_state.n > 0 ? EC2_EVENT_STATE : EC2_EVENT_POISON, members->detail_instance);
    } else if (is_ec2 && str_eq(type, STR("EC2 Spot Instance Interruption Warning"))) {
        judge(event, EC2_EVENT_LIFECYCLE, members->detail_instance);
    } else if (is_group && (str_eq(type, STR("EC2 Instance-terminate Lifecycle Action")) ||
                            str_eq(type, STR("EC2 Instance Terminate Successful")))) {
        judge(event, EC2_EVENT_LIFECYCLE, members->detail_group_instance);
    } else {
        event->kind = EC2_EVENT_OTHER;
    }
}

static void judge_group(const struct members *members, struct ec2_event *event)
{
    struct str what = str_is_set(members->transition) ? members->transition : members->event;
    event->account = members->account_id;
    if (timestamp_parse_ms(members->time_of_group, &event->time_ms))
        event->time_ms = 0;
    if (str_eq(what, STR("autoscaling:EC2_INSTANCE_TERMINATING")) ||
        str_eq(what, STR("autoscaling:EC2_INSTANCE_TERMINATE")))
        judge(event, EC2_EVENT_LIFECYCLE, members->instance);
    else
        event->kind = str_starts(what, STR("autoscaling:")) ? EC2_EVENT_OTHER : EC2_EVENT_POISON;
}

/* Modifies the text. 0 or -ENOMEM. */
static int judge_text(char *text, size_t n, bool is_inner, struct ec2_event *event)
{
    struct arena scratch;
    struct json_reader reader;
    struct members members = { 0 };
    arena_init(&scratch, BODY_MAX);
    json_reader_init(&reader, text, n, &scratch);
    int r = read_members(&reader, &members);
    arena_fini(&scratch);
    *event = (struct ec2_event){ .kind = EC2_EVENT_POISON };
    if (r)
        return reader.error == JSON_MEMORY ? -ENOMEM : 0;

    if (members.source.n > 0 && members.detail_type.n > 0 && members.has_detail)
        judge_event_bridge(&members, event);
    else if (str_is_set(members.transition) || str_is_set(members.event))
        judge_group(&members, event);
    else if (!is_inner && str_eq(members.type, STR("Notification")) && str_is_set(members.message))
        return judge_text(text + (members.message.p - text), members.message.n, true, event);
    return 0;
}

int ec2_event_read(struct str body, struct arena *arena, struct ec2_event *ret_event)
{
    if (body.n > BODY_MAX) {
        *ret_event = (struct ec2_event){ .kind = EC2_EVENT_POISON };
        return 0;
    }
    char *text = arena_alloc(arena, body.n);
    struct ec2_event event;
    if (!text)
        return -ENOMEM;
    if (body.n)
        memcpy(text, body.p, body.n);
    int r = judge_text(text, body.n, false, &event);
    if (r == 0)
        *ret_event = event;
    return r;
}

const char *ec2_event_kind_text(enum ec2_event_kind kind)
{
    static const char *const words[] = {
        [EC2_EVENT_STATE] = "state_change",
        [EC2_EVENT_LIFECYCLE] = "lifecycle",
        [EC2_EVENT_OTHER] = "other",
        [EC2_EVENT_POISON] = "poison",
    };
    return words[kind];
}
