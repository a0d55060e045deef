/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "model/audit_event.h"
#include "model/service_event.h"

static void test_service_event(void **state)
{
    struct audit_event event;
    struct json_writer writer;
    struct arena arena;
    struct buf text;

    (void)state;
    buf_init(&text, 4096);
    json_writer_init(&writer, &text);
    service_event_begin(&writer, STR("Name"), STR("123456789012"), STR("eu-west-1"), 1700000000000);
    json_field_string(&writer, STR("one"), STR("1"));
    service_event_end(&writer);
    assert_false(text.failed);
    assert_true(service_event_is(buf_str(&text), STR("Name")));
    assert_false(service_event_is(buf_str(&text), STR("Nam")));
    assert_false(service_event_is(buf_str(&text), STR("Names")));
    assert_false(service_event_is(STR("{\"eventName\":\"Name\"}"), STR("Name")));
    assert_non_null(memmem(text.p, text.n, "\"serviceEventDetails\":{\"one\":\"1\"}}", 34));
    arena_init(&arena, 1 << 20);
    assert_int_equal(audit_event_parse(text.p, text.n, &arena, &event), 0);
    assert_str(event.name, "Name");
    assert_str(event.account, "123456789012");
    assert_str(event.region, "eu-west-1");
    assert_str(event.time, "2023-11-14T22:13:20Z");
    arena_fini(&arena);
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_service_event) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
