/* SPDX-License-Identifier: Apache-2.0
 *
 * What is taken out of a record, and what is no record. */
#include "../test.h"

#include "model/audit_event.h"

#include <stdio.h>

static int parse(const char *text, struct arena *arena, struct audit_event *ret_event)
{
    size_t n = strlen(text);
    char *copy = arena_alloc(arena, n + 1);

    assert_non_null(copy);
    memcpy(copy, text, n);
    return audit_event_parse(copy, n, arena, ret_event);
}

static void test_record(void **state)
{
    struct audit_event event;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(
        parse(
            "{\"eventVersion\":\"1.11\",\"userIdentity\":{\"type\":\"IAMUser\",\"arn\":\"arn:aws:iam::000000000000:"
            "user/"
            "ops/"
            "ann\",\"userName\":\"ann\",\"accessKeyId\":\"AKIA\"},\"eventName\":\"RegisterInstance\",\"readOnly\":"
            "false,"
            "\"requestParameters\":{\"serviceId\":\"srv-1\",\"instanceId\":\"i\",\"attributes\":{\"serviceId\":\"x\"}},"
            "\"responseElements\":null,\"eventID\":\"e\",\"eventTime\":\"2026-01-01T00:00:00Z\",\"errorCode\":\"E\","
            "\"recipientAccountId\":\"000000000000\",\"awsRegion\":\"us-east-1\"}",
            &arena, &event),
        0);
    assert_str(event.name, "RegisterInstance");
    assert_str(event.id, "e");
    assert_str(event.access_key_id, "AKIA");
    assert_str(event.error_code, "E");
    assert_str(event.account, "000000000000");
    assert_str(audit_event_user(&event), "ann");
    assert_false(event.is_read_only);
    assert_int_equal(event.n_resources, 2);
    assert_str(event.resources[0].type, "AWS::ServiceDiscovery::Service");
    assert_str(event.resources[0].name, "srv-1");
    assert_str(event.resources[1].name, "i");
    arena_fini(&arena);
}

static void test_operator(void **state)
{
    struct audit_event event;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(
        parse("{\"userIdentity\":{\"type\":\"Root\",\"invokedBy\":\"cloudmapctl\"},\"eventName\":\"CreateAccessKey\","
              "\"requestParameters\":{\"accessKeyId\":\"AKIA\",\"userName\":\"ann\"},"
              "\"responseElements\":{\"userName\":\"ann\"},\"eventID\":\"e\",\"eventTime\":\"2026-01-01T00:00:00Z\"}",
              &arena, &event),
        0);
    assert_str(event.invoked_by, "cloudmapctl");
    assert_int_equal(event.n_resources, 2); /* what is named twice counts once */
    assert_str(event.resources[0].type, "AWS::IAM::AccessKey");
    assert_str(event.resources[1].type, "AWS::IAM::User");
    assert_str(event.resources[1].name, "ann");
    arena_fini(&arena);
}

static void test_users(void **state)
{
    static const struct row {
        const char *arn, *user;
    } cases[] = {
        { "arn:aws:iam::000000000000:root", "root" },
        { "arn:aws:sts::000000000000:assumed-role/deploy/ci-7", "ci-7" },
        { "plain", "plain" },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct audit_event event = { .arn = str_of(cases[i].arn) };
        assert_true(str_eq(audit_event_user(&event), str_of(cases[i].user)));
    }
    assert_false(str_is_set(audit_event_user(&(struct audit_event){ 0 })));
}

static void test_no_record(void **state)
{
    static const char *const cases[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"eventID\":\"e\",\"eventName\":\"n\"}",
        "{\"eventID\":\"e\",\"eventName\":\"n\",\"eventTime\":1}",
        "{\"eventID\":\"e\",\"eventName\":\"n\",\"eventTime\":\"t\"",
        "{\"eventID\":\"e\",\"eventName\":\"n\",\"eventTime\":\"t\"}x",
        "{\"eventID\":\"e\",\"eventName\":\"n\",\"eventTime\":\"t\",\"userIdentity\":[]}",
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct audit_event event;
        struct arena arena;
        arena_init(&arena, 1 << 20);
        assert_int_equal(parse(cases[i], &arena, &event), 1);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_operator),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
