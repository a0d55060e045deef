/* SPDX-License-Identifier: Apache-2.0 */
#include "shape_fixture.h"

static void decodes_every_kind_of_member(void **state)
{
    (void)state;
    struct shape_fixture f;
    fixture_init(&f, "CreateService");
    assert_int_equal(fixture_decode(&f, "{\"Name\":\"web\",\"NamespaceId\":\"ns-1\",\"Description\":\"\","
                                        "\"DnsConfig\":{\"RoutingPolicy\":\"WEIGHTED\",\"DnsRecords\":["
                                        "{\"Type\":\"A\",\"TTL\":60},{\"TTL\":0,\"Type\":\"AAAA\"}]},"
                                        "\"HealthCheckCustomConfig\":{},"
                                        "\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\\n\"}]}"),
                     0);
    const struct create_service_input *in = f.in;
    assert_str(in->name, "web");
    assert_str(in->namespace_id, "ns-1");
    assert_true(str_is_set(in->description));
    assert_int_equal(in->description.n, 0);
    assert_false(str_is_set(in->creator_request_id));
    assert_false(str_is_set(in->type));
    assert_non_null(in->dns_config);
    assert_str(in->dns_config->routing_policy, "WEIGHTED");
    assert_false(str_is_set(in->dns_config->namespace_id));
    assert_true(in->dns_config->dns_records.set);
    assert_int_equal(in->dns_config->dns_records.n, 2);
    assert_str(in->dns_config->dns_records.items[0].type, "A");
    assert_int_equal(in->dns_config->dns_records.items[0].ttl.value, 60);
    assert_str(in->dns_config->dns_records.items[1].type, "AAAA");
    assert_true(in->dns_config->dns_records.items[1].ttl.set);
    assert_int_equal(in->dns_config->dns_records.items[1].ttl.value, 0);
    assert_null(in->health_check_config);
    assert_non_null(in->health_check_custom_config);
    assert_false(in->health_check_custom_config->failure_threshold.set);
    assert_int_equal(in->tags.n, 1);
    assert_str(in->tags.items[0].value, "v\n");
    fixture_fini(&f);
}

static void decodes_maps_in_order_and_grows(void **state)
{
    (void)state;
    struct shape_fixture f;
    struct buf json;
    buf_init(&json, 65536);
    buf_printf(&json, "{\"ServiceId\":\"srv-1\",\"Attributes\":{");
    for (int i = 0; i < 100; i++)
        buf_printf(&json, "%s\"k%d\":\"v%d\"", i ? "," : "", i, i);
    buf_printf(&json, "},\"InstanceId\":\"i\"}");
    fixture_init(&f, "RegisterInstance");
    assert_int_equal(fixture_decode_bytes(&f, json.p, json.n), 0);
    const struct register_instance_input *in = f.in;
    assert_int_equal(in->attributes.n, 100);
    assert_str(in->attributes.items[0].key, "k0");
    assert_str(in->attributes.items[8].value, "v8");
    assert_str(in->attributes.items[99].key, "k99");
    assert_str(in->attributes.items[99].value, "v99");
    assert_str(in->instance_id, "i");
    buf_fini(&json);
    fixture_fini(&f);
}

static void finds_members_in_any_order(void **state)
{
    (void)state;
    struct shape_fixture f;
    fixture_init(&f, "DiscoverInstances");
    assert_int_equal(fixture_decode(&f,
                                    "{\"QueryParameters\":{\"a\":\"b\"},\"HealthStatus\":\"ALL\",\"MaxResults\":1e1,"
                                    "\"ServiceName\":\"s\",\"OptionalParameters\":{},\"NamespaceName\":\"n\"}"),
                     0);
    const struct discover_instances_input *in = f.in;
    assert_str(in->namespace_name, "n");
    assert_str(in->service_name, "s");
    assert_str(in->health_status, "ALL");
    assert_int_equal(in->max_results.value, 10);
    assert_int_equal(in->query_parameters.n, 1);
    assert_true(in->optional_parameters.set);
    assert_int_equal(in->optional_parameters.n, 0);
    fixture_fini(&f);
}

static void null_and_unknown_members_are_absent(void **state)
{
    (void)state;
    struct shape_fixture f;
    fixture_init(&f, "CreateService");
    assert_int_equal(fixture_decode(&f,
                                    " { \"name\":\"x\", \"New\":{\"a\":[1,{\"b\":null}]}, \"Name\":null, \"Tags\":null,"
                                    " \"DnsConfig\":null, \"DnsConfiG\":7, \"HealthCheckConfig\":"
                                    "{\"FailureThreshold\":null}} "),
                     0);
    const struct create_service_input *in = f.in;
    assert_false(str_is_set(in->name));
    assert_false(in->tags.set);
    assert_null(in->dns_config);
    assert_non_null(in->health_check_config);
    assert_false(in->health_check_config->failure_threshold.set);
    fixture_fini(&f);
}

static void null_elements_stay_as_absent_ones(void **state)
{
    (void)state;
    struct shape_fixture f;
    fixture_init(&f, "UntagResource");
    assert_int_equal(fixture_decode(&f, "{\"TagKeys\":[\"a\",null]}"), 0);
    const struct untag_resource_input *in = f.in;
    assert_int_equal(in->tag_keys.n, 2);
    assert_false(str_is_set(in->tag_keys.items[1]));
    fixture_fini(&f);
}

static void wrong_types_name_path_and_finding(void **state)
{
    (void)state;
    static const struct {
        const char *op, *json, *message;
    } cases[] = {
        { "RegisterInstance", "{\"Attributes\":{\"color\":7}}", "Attributes.color: expected a string, found a number" },
        { "RegisterInstance", "{\"Attributes\":[]}", "Attributes: expected an object, found an array" },
        { "RegisterInstance", "{\"Attributes\":{\"a\\u0001b\":{}}}",
          "Attributes.a?b: expected a string, found an object" },
        { "GetService", "{\"Id\":true}", "Id: expected a string, found a boolean" },
        { "GetService", "[]", "The request body: expected an object, found an array" },
        { "GetService", "null", "The request body: expected an object, found null" },
        { "GetService", "\"\"", "The request body: expected an object, found a string" },
        { "ListServices", "{\"MaxResults\":\"1\"}", "MaxResults: expected an integer, found a string" },
        { "ListServices", "{\"MaxResults\":1.5}",
          "MaxResults: expected an integer, found a number with a fraction or out of range" },
        { "ListServices", "{\"MaxResults\":1e99}",
          "MaxResults: expected an integer, found a number with a fraction or out of range" },
        { "ListServices", "{\"Filters\":{}}", "Filters: expected an array, found an object" },
        { "ListServices", "{\"Filters\":[{\"Values\":[\"a\",1]}]}",
          "Filters.1.member.Values.2.member: expected a string, found a number" },
        { "CreateService", "{\"DnsConfig\":{\"DnsRecords\":[{},{\"TTL\":false}]}}",
          "DnsConfig.DnsRecords.2.member.TTL: expected an integer, found a boolean" },
        { "CreateService", "{\"DnsConfig\":\"\"}", "DnsConfig: expected an object, found a string" },
        { "CreateService", "{\"Tags\":[[]]}", "Tags.1.member: expected an object, found an array" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct shape_fixture f;
        fixture_init(&f, cases[i].op);
        assert_int_equal(fixture_decode(&f, cases[i].json), SHAPE_TYPE);
        buf_put_char(&f.message, '\0');
        assert_string_equal(f.message.p, cases[i].message);
        fixture_fini(&f);
    }
}

static void long_keys_are_cut_in_messages(void **state)
{
    (void)state;
    struct shape_fixture f;
    struct buf json;
    buf_init(&json, 65536);
    buf_printf(&json, "{\"Attributes\":{\"%0500d\":1}}", 0);
    fixture_init(&f, "RegisterInstance");
    assert_int_equal(fixture_decode_bytes(&f, json.p, json.n), SHAPE_TYPE);
    assert_true(f.message.n < 400);
    buf_fini(&json);
    fixture_fini(&f);
}

static void bad_json_names_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } cases[] = {
        { "", "The request body is not valid JSON: not valid JSON (at byte 0)" },
        { "{", "The request body is not valid JSON: not valid JSON (at byte 1)" },
        { "{\"Id\":\"a\"} x", "The request body is not valid JSON: not valid JSON (at byte 11)" },
        { "{\"Id\":\"a\",\"Id\":\"b\"}", "The request body is not valid JSON: a member appears twice (at byte 10)" },
        { "{\"New\":{\"a\":1,\"a\":2}}", "The request body is not valid JSON: a member appears twice (at byte 14)" },
        { "{\"Id\":01}", "Id: expected a string, found a number" },
        { "{\"Id\":\"\\ud800\"}", "The request body is not valid JSON: a string is not valid Unicode (at byte 7)" },
        { "{\"New\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
          "The request body is not valid JSON: nested too deeply (at byte 38)" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct shape_fixture f;
        fixture_init(&f, "GetService");
        int r = fixture_decode(&f, cases[i].json);
        buf_put_char(&f.message, '\0');
        assert_string_equal(f.message.p, cases[i].message);
        assert_int_equal(r, strstr(cases[i].message, "JSON") ? SHAPE_SYNTAX : SHAPE_TYPE);
        fixture_fini(&f);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    const char *json = "{\"ServiceId\":\"s\",\"InstanceId\":\"i\",\"Attributes\":{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\","
                       "\"d\":\"4\",\"e\":\"5\",\"f\":\"6\",\"g\":\"7\",\"h\":\"8\",\"i\":\"9\",\"j\":\"10\"}}";
    size_t n_failed = 0;
    for (long k = 1;; k++) {
        char *text = mem_dup_cstr(json);
        struct arena arena;
        struct buf message;
        struct json_reader reader;
        struct register_instance_input in = { 0 };
        arena_init(&arena, (size_t)1 << 20);
        buf_init(&message, 4096);
        mem_fail_at(k, 1);
        json_reader_init(&reader, text, strlen(text), &arena);
        int r = shape_decode(&reader, op_find(STR("RegisterInstance"))->input, &in, &arena, &message);
        int failed = mem_fail_at(0, 0);
        assert_int_equal(r, failed ? SHAPE_MEMORY : 0);
        assert_int_equal(message.n, 0);
        arena_fini(&arena);
        buf_fini(&message);
        mem_free(text);
        n_failed += failed != 0;
        if (!failed)
            break;
    }
    assert_true(n_failed > 0);
}

static void arena_cap_is_a_condition(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 1200; cap += 16) {
        char text[] = "{\"Tags\":[{},{},{},{},{},{},{},{},{},{}],\"DnsConfig\":{\"DnsRecords\":[{}]}}";
        struct arena arena;
        struct buf message;
        struct json_reader reader;
        struct create_service_input in = { 0 };
        arena_init(&arena, cap);
        buf_init(&message, 4096);
        json_reader_init(&reader, text, sizeof(text) - 1, &arena);
        int r = shape_decode(&reader, op_find(STR("CreateService"))->input, &in, &arena, &message);
        assert_true(r == 0 || r == SHAPE_MEMORY);
        assert_int_equal(r == 0, !arena.failed);
        arena_fini(&arena);
        buf_fini(&message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_every_kind_of_member),      cmocka_unit_test(decodes_maps_in_order_and_grows),
        cmocka_unit_test(finds_members_in_any_order),        cmocka_unit_test(null_and_unknown_members_are_absent),
        cmocka_unit_test(null_elements_stay_as_absent_ones), cmocka_unit_test(wrong_types_name_path_and_finding),
        cmocka_unit_test(long_keys_are_cut_in_messages),     cmocka_unit_test(bad_json_names_its_place),
        cmocka_unit_test(every_allocation_may_fail),         cmocka_unit_test(arena_cap_is_a_condition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
