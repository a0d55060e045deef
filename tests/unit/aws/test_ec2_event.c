/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "aws/ec2_event.h"
#include "base/buf.h"
#include "base/mem.h"
#include "json/writer.h"

#include <errno.h>

#define BRIDGE(source, type, detail)                                                                               \
    "{\"version\":\"0\",\"id\":\"7bf73129-1428-4cd3-a780-95db273d1602\",\"detail-type\":\"" type                   \
    "\",\"source\":\"" source                                                                                      \
    "\",\"account\":\"111122223333\",\"time\":\"2026-01-02T03:04:05Z\",\"region\":\"us-east-1\",\"resources\":[]," \
    "\"detail\":" detail "}"
#define STATE_CHANGE \
    BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "{\"instance-id\":\"i-1\",\"state\":\"terminated\"}")
#define HOOK(transition)                                                                                        \
    "{\"LifecycleHookName\":\"h\",\"AccountId\":\"111122223333\",\"RequestId\":\"r\",\"LifecycleTransition\":"  \
    "\"" transition                                                                                             \
    "\",\"AutoScalingGroupName\":\"g\",\"Service\":\"AWS Auto Scaling\",\"Time\":\"2026-01-02T03:04:05.678Z\"," \
    "\"EC2InstanceId\":\"i-2\",\"LifecycleActionToken\":\"t\"}"
#define NOTE(event)                                                                      \
    "{\"Event\":\"" event "\",\"AccountId\":\"111122223333\",\"EC2InstanceId\":\"i-3\"," \
    "\"Time\":\"2026-01-02T03:04:05.678Z\",\"Details\":{\"Availability Zone\":\"us-east-1a\"}}"

static void reads_a_state_change(void **state)
{
    (void)state;
    struct arena arena;
    struct ec2_event event;
    arena_init(&arena, 1 << 20);
    assert_int_equal(ec2_event_read(STR(STATE_CHANGE), &arena, &event), 0);
    assert_int_equal(event.kind, EC2_EVENT_STATE);
    assert_str(event.instance_id, "i-1");
    assert_str(event.state, "terminated");
    assert_str(event.account, "111122223333");
    assert_str(event.region, "us-east-1");
    assert_int_equal(event.time_ms, INT64_C(1767323045000));
    assert_string_equal(ec2_event_kind_text(event.kind), "state_change");
    arena_fini(&arena);
}

static void reads_a_hook(void **state)
{
    (void)state;
    struct arena arena;
    struct ec2_event event;
    arena_init(&arena, 1 << 20);
    assert_int_equal(ec2_event_read(STR(HOOK("autoscaling:EC2_INSTANCE_TERMINATING")), &arena, &event), 0);
    assert_int_equal(event.kind, EC2_EVENT_LIFECYCLE);
    assert_str(event.instance_id, "i-2");
    assert_false(str_is_set(event.state));
    assert_str(event.account, "111122223333");
    assert_false(str_is_set(event.region));
    assert_int_equal(event.time_ms, INT64_C(1767323045678));
    arena_fini(&arena);
}

static const struct {
    const char *body;
    enum ec2_event_kind kind;
    const char *id;
} cases[] = {
    { STATE_CHANGE, EC2_EVENT_STATE, "i-1" },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "{\"instance-id\":\"i-1\",\"state\":\"new\"}"),
      EC2_EVENT_STATE, "i-1" },
    { BRIDGE("aws.ec2", "EC2 Spot Instance Interruption Warning",
             "{\"instance-id\":\"i-1\",\"instance-action\":\"terminate\"}"),
      EC2_EVENT_LIFECYCLE, "i-1" },
    { BRIDGE("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action",
             "{\"LifecycleActionToken\":\"t\",\"EC2InstanceId\":\"i-1\","
             "\"LifecycleTransition\":\"autoscaling:EC2_INSTANCE_TERMINATING\"}"),
      EC2_EVENT_LIFECYCLE, "i-1" },
    { BRIDGE("aws.autoscaling", "EC2 Instance Terminate Successful",
             "{\"EC2InstanceId\":\"i-1\",\"StatusCode\":\"InProgress\",\"Details\":{}}"),
      EC2_EVENT_LIFECYCLE, "i-1" },
    { HOOK("autoscaling:EC2_INSTANCE_TERMINATING"), EC2_EVENT_LIFECYCLE, "i-2" },
    { NOTE("autoscaling:EC2_INSTANCE_TERMINATE"), EC2_EVENT_LIFECYCLE, "i-3" },
    /* well-formed, about something else */
    { BRIDGE("aws.autoscaling", "EC2 Instance-launch Lifecycle Action", "{\"EC2InstanceId\":\"i-1\"}"), EC2_EVENT_OTHER,
      NULL },
    { BRIDGE("aws.autoscaling", "EC2 Instance Terminate Unsuccessful", "{\"EC2InstanceId\":\"i-1\"}"), EC2_EVENT_OTHER,
      NULL },
    { BRIDGE("aws.ec2", "EC2 Instance Rebalance Recommendation", "{\"instance-id\":\"i-1\"}"), EC2_EVENT_OTHER, NULL },
    { BRIDGE("aws.s3", "Object Created", "{\"bucket\":{\"name\":\"b\"}}"), EC2_EVENT_OTHER, NULL },
    { BRIDGE("my.app", "EC2 Instance State-change Notification", "{\"instance-id\":\"i-1\",\"state\":\"terminated\"}"),
      EC2_EVENT_OTHER, NULL },
    { BRIDGE("aws.autoscaling", "EC2 Instance State-change Notification",
             "{\"instance-id\":\"i-1\",\"state\":\"terminated\"}"),
      EC2_EVENT_OTHER, NULL },
    { HOOK("autoscaling:EC2_INSTANCE_LAUNCHING"), EC2_EVENT_OTHER, NULL },
    { NOTE("autoscaling:EC2_INSTANCE_LAUNCH"), EC2_EVENT_OTHER, NULL },
    { NOTE("autoscaling:EC2_INSTANCE_TERMINATE_ERROR"), EC2_EVENT_OTHER, NULL },
    { "{\"AccountId\":\"1\",\"RequestId\":\"r\",\"AutoScalingGroupName\":\"g\",\"Service\":\"AWS Auto Scaling\","
      "\"Event\":\"autoscaling:TEST_NOTIFICATION\",\"Time\":\"2026-01-02T03:04:05.678Z\"}",
      EC2_EVENT_OTHER, NULL },
    /* poison */
    { "", EC2_EVENT_POISON, NULL },
    { "hello", EC2_EVENT_POISON, NULL },
    { "null", EC2_EVENT_POISON, NULL },
    { "[]", EC2_EVENT_POISON, NULL },
    { "{}", EC2_EVENT_POISON, NULL },
    { "\"i-1\"", EC2_EVENT_POISON, NULL },
    { STATE_CHANGE "x", EC2_EVENT_POISON, NULL },
    { STATE_CHANGE STATE_CHANGE, EC2_EVENT_POISON, NULL },
    { "{\"a\":1,\"a\":2}", EC2_EVENT_POISON, NULL },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "{}"), EC2_EVENT_POISON, NULL },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "[]"), EC2_EVENT_POISON, NULL },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "\"i-1\""), EC2_EVENT_POISON, NULL },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "{\"instance-id\":\"i-1\"}"), EC2_EVENT_POISON,
      NULL },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "{\"instance-id\":1,\"state\":\"terminated\"}"),
      EC2_EVENT_POISON, NULL },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "{\"instance-id\":\"i-*\",\"state\":\"terminated\"}"),
      EC2_EVENT_POISON, NULL },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification", "{\"EC2InstanceId\":\"i-1\",\"state\":\"stopped\"}"),
      EC2_EVENT_POISON, NULL },
    { BRIDGE("aws.ec2", "EC2 Instance State-change Notification",
             "{\"x\":{\"instance-id\":\"i-1\",\"state\":\"terminated\"}}"),
      EC2_EVENT_POISON, NULL },
    { BRIDGE("aws.autoscaling", "EC2 Instance Terminate Successful", "{\"EC2InstanceId\":\"\"}"), EC2_EVENT_POISON,
      NULL },
    { BRIDGE("", "EC2 Instance State-change Notification", "{}"), EC2_EVENT_POISON, NULL },
    { "{\"LifecycleTransition\":\"autoscaling:EC2_INSTANCE_TERMINATING\"}", EC2_EVENT_POISON, NULL },
    { "{\"LifecycleTransition\":\"autoscaling:EC2_INSTANCE_TERMINATING\",\"EC2InstanceId\":{}}", EC2_EVENT_POISON,
      NULL },
    { "{\"Event\":\"s3:TestEvent\"}", EC2_EVENT_POISON, NULL },
    { "{\"Type\":\"SubscriptionConfirmation\",\"Message\":\"visit\",\"SubscribeURL\":\"https://x\"}", EC2_EVENT_POISON,
      NULL },
};

static void judge(struct str body, enum ec2_event_kind kind, const char *id)
{
    struct arena arena;
    struct ec2_event event;
    arena_init(&arena, 1 << 20);
    assert_int_equal(ec2_event_read(body, &arena, &event), 0);
    if (event.kind != kind)
        print_error("%d: " STR_FMT "\n", event.kind, STR_ARG(body));
    assert_int_equal(event.kind, kind);
    if (id)
        assert_true(str_eq(event.instance_id, str_of(id)));
    arena_fini(&arena);
}

static void knows_each_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        judge(str_of(cases[i].body), cases[i].kind, cases[i].id);
    assert_string_equal(ec2_event_kind_text(EC2_EVENT_LIFECYCLE), "lifecycle");
    assert_string_equal(ec2_event_kind_text(EC2_EVENT_OTHER), "other");
    assert_string_equal(ec2_event_kind_text(EC2_EVENT_POISON), "poison");
}

static void wrap(struct buf *envelope, struct str body)
{
    buf_clear(envelope);
    buf_printf(envelope, "{\"Type\":\"Notification\",\"TopicArn\":\"arn\",\"Message\":");
    json_escape(envelope, body);
    buf_printf(envelope, ",\"Timestamp\":\"2026-01-02T03:04:05.678Z\"}");
}

static void opens_one_envelope(void **state)
{
    (void)state;
    struct buf first, second;
    buf_init(&first, 1 << 16);
    buf_init(&second, 1 << 16);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        wrap(&first, str_of(cases[i].body));
        judge(buf_str(&first), cases[i].kind, cases[i].id);
        wrap(&second, buf_str(&first));
        judge(buf_str(&second), EC2_EVENT_POISON, NULL);
    }
    buf_fini(&first);
    buf_fini(&second);
}

/* A part of an event is none, whatever it was. */
static void every_cut_is_poison(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        for (size_t n = 0; cases[i].kind != EC2_EVENT_POISON && n < strlen(cases[i].body); n++)
            judge((struct str){ cases[i].body, n }, EC2_EVENT_POISON, NULL);
}

static void forgives_what_does_not_matter(void **state)
{
    (void)state;
    struct arena arena;
    struct ec2_event event;
    arena_init(&arena, 1 << 20);
    assert_int_equal(ec2_event_read(STR("{\"source\":\"aws.ec2\",\"time\":\"soon\",\"account\":7,\"region\":null,"
                                        "\"detail-type\":\"EC2 Instance State-change Notification\","
                                        "\"detail\":{\"instance-id\":\"i-1\",\"state\":\"stopped\",\"x\":[{}]}}"),
                                    &arena, &event),
                     0);
    assert_int_equal(event.kind, EC2_EVENT_STATE);
    assert_int_equal(event.time_ms, 0);
    assert_false(str_is_set(event.account));
    assert_false(str_is_set(event.region));
    arena_fini(&arena);
}

static void survives_without_memory(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1 << 16);
    buf_printf(&body, "{\"source\":\"aws.ec2\",\"detail-type\":\"EC2 Instance State-change Notification\",\"detail\":{"
                      "\"instance-id\":\"i-1\",\"state\":\"stopped\"}");
    for (unsigned i = 0; i < 200; i++) /* enough for the reader to need memory */
        buf_printf(&body, ",\"%u\":0", i);
    buf_printf(&body, "}");
    long k = 1;
    for (bool failed = true; failed; k++) {
        struct arena arena;
        struct ec2_event event;
        arena_init(&arena, 1 << 20);
        mem_fail_at(k, 0);
        int r = ec2_event_read(buf_str(&body), &arena, &event);
        failed = mem_fail_at(0, 0);
        assert_int_equal(r, failed ? -ENOMEM : 0);
        arena_fini(&arena);
    }
    assert_true(k > 3);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_state_change),    cmocka_unit_test(reads_a_hook),
        cmocka_unit_test(knows_each_kind),         cmocka_unit_test(opens_one_envelope),
        cmocka_unit_test(every_cut_is_poison),     cmocka_unit_test(forgives_what_does_not_matter),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
