/* SPDX-License-Identifier: Apache-2.0 */
#include "shape_fixture.h"

static const struct shape *output_of(const char *op_name)
{
    const struct op *op = op_find(str_of(op_name));
    assert_non_null(op);
    return op->output;
}

#define assert_rendered(op_name, out, literal)        \
    do {                                              \
        struct buf buf_;                              \
        buf_init(&buf_, 65536);                       \
        shape_render(&buf_, output_of(op_name), out); \
        assert_false(buf_.failed);                    \
        assert_str(buf_str(&buf_), literal);          \
        buf_fini(&buf_);                              \
    } while (0)

static void renders_empty_answers(void **state)
{
    (void)state;
    assert_rendered("DeleteService", &(struct empty_output){ 0 }, "{}");
    assert_rendered("UpdateInstanceCustomHealthStatus", &(struct empty_output){ 0 }, "");
    assert_rendered("ListServices", &(struct list_services_output){ 0 }, "{}");
}

static void renders_a_service(void **state)
{
    (void)state;
    struct wire_dns_record records[] = { { STR("SRV"), OPT_INT(60) }, { STR("A"), OPT_INT(0) } };
    struct wire_dns_config config = { .namespace_id = STR("ns-1"),
                                      .routing_policy = STR("MULTIVALUE"),
                                      .dns_records = { records, 2, true } };
    struct wire_health_check_custom_config custom = { OPT_INT(1) };
    struct wire_service service = {
        .id = STR("srv-1"),
        .name = STR("\"web\""),
        .description = STR(""),
        .create_date = OPT_INT(1587055860121),
        .dns_config = &config,
        .health_check_custom_config = &custom,
        .instance_count = OPT_INT(0),
    };
    assert_rendered("GetService", (&(struct service_output){ &service }),
                    "{\"Service\":{\"Id\":\"srv-1\",\"Name\":\"\\\"web\\\"\",\"Description\":\"\",\"InstanceCount\":0,"
                    "\"DnsConfig\":{\"DnsRecords\":[{\"Type\":\"SRV\",\"TTL\":60},{\"Type\":\"A\",\"TTL\":0}],"
                    "\"NamespaceId\":\"ns-1\",\"RoutingPolicy\":\"MULTIVALUE\"},"
                    "\"HealthCheckCustomConfig\":{\"FailureThreshold\":1},\"CreateDate\":1587055860.121}}");
}

static void summaries_leave_members_out(void **state)
{
    (void)state;
    struct wire_dns_config empty = { 0 };
    struct wire_service services[] = {
        { .id = STR("srv-1"), .namespace_id = STR("ns-1"), .creator_request_id = STR("c"), .dns_config = &empty },
        { .id = STR("srv-2") },
    };
    assert_rendered("ListServices",
                    (&(struct list_services_output){ .services = { services, 2, true }, .next_token = STR("t") }),
                    "{\"NextToken\":\"t\",\"Services\":[{\"Id\":\"srv-1\",\"DnsConfig\":{}},{\"Id\":\"srv-2\"}]}");
    struct wire_operation operation = { .id = STR("o"), .status = STR("SUCCESS"), .type = STR("UPDATE_SERVICE") };
    assert_rendered("ListOperations", (&(struct list_operations_output){ .operations = { &operation, 1, true } }),
                    "{\"Operations\":[{\"Id\":\"o\",\"Status\":\"SUCCESS\"}]}");
}

static void renders_maps_and_64_bit_numbers(void **state)
{
    (void)state;
    struct str_pair targets[] = { { STR("SERVICE"), STR("srv-1") }, { STR("INSTANCE"), STR("a\nb") } };
    struct wire_operation operation = { .id = STR("o"), .targets = { targets, 2, true } };
    assert_rendered("GetOperation", (&(struct get_operation_output){ &operation }),
                    "{\"Operation\":{\"Id\":\"o\",\"Targets\":{\"SERVICE\":\"srv-1\",\"INSTANCE\":\"a\\nb\"}}}");
    assert_rendered("DiscoverInstancesRevision",
                    (&(struct discover_instances_revision_output){ OPT_INT(INT64_C(9007199254740993)) }),
                    "{\"InstancesRevision\":9007199254740993}");
    assert_rendered("GetInstancesHealthStatus",
                    (&(struct get_instances_health_status_output){ .status = { NULL, 0, true } }), "{\"Status\":{}}");
}

static void write_text(struct buf *buf, const void *arg)
{
    buf_put_str(buf, str_of(arg));
}

static const struct wire_part one_instance = { write_text, "[{\"InstanceId\":\"i\"}]", 20 };

static void raw_json_passes_through(void **state)
{
    (void)state;
    assert_rendered("DiscoverInstances", (&(struct discover_instances_output){ one_instance, OPT_INT(7) }),
                    "{\"Instances\":[{\"InstanceId\":\"i\"}],\"InstancesRevision\":7}");
    assert_rendered("GetInstance",
                    (&(struct get_instance_output){ .instance = STR("{\"Id\":\"i\"}"), .resource_owner = STR("1") }),
                    "{\"Instance\":{\"Id\":\"i\"},\"ResourceOwner\":\"1\"}");
    assert_rendered("ListInstances", (&(struct list_instances_output){ .instances = STR("[]") }), "{\"Instances\":[]}");
}

static void renders_namespaces_and_tags(void **state)
{
    (void)state;
    struct wire_soa soa = { OPT_INT(15) };
    struct wire_dns_properties dns = { STR("Z1"), &soa };
    struct wire_http_properties http = { STR("a.b") };
    struct wire_namespace_properties properties = { &dns, &http };
    struct wire_namespace namespace = {
        .id = STR("ns-1"), .properties = &properties, .creator_request_id = STR("c"), .create_date = OPT_INT(1000)
    };
    assert_rendered("GetNamespace", (&(struct get_namespace_output){ &namespace }),
                    "{\"Namespace\":{\"Id\":\"ns-1\",\"Properties\":{\"DnsProperties\":{\"HostedZoneId\":\"Z1\","
                    "\"SOA\":{\"TTL\":15}},\"HttpProperties\":{\"HttpName\":\"a.b\"}},\"CreateDate\":1.000,"
                    "\"CreatorRequestId\":\"c\"}}");
    struct wire_tag tag = { STR("k"), STR("") };
    assert_rendered("ListTagsForResource", (&(struct list_tags_for_resource_output){ { &tag, 1, true } }),
                    "{\"Tags\":[{\"Key\":\"k\",\"Value\":\"\"}]}");
}

/* Every input rendered is the text that was decoded, but for what is dropped. */
static void inputs_render_as_they_were(void **state)
{
    (void)state;
    static const struct {
        const char *op, *json;
    } cases[] = {
        { "CreateService",
          "{\"Name\":\"web\",\"CreatorRequestId\":\"c\",\"DnsConfig\":{\"DnsRecords\":[{\"Type\":\"A\","
          "\"TTL\":1}],\"NamespaceId\":\"n\"},\"HealthCheckCustomConfig\":{},\"Tags\":[{\"Key\":\"a\","
          "\"Value\":\"b\"}]}" },
        { "UntagResource", "{\"ResourceARN\":\"a\",\"TagKeys\":[\"x\",\"y\"]}" },
        { "DiscoverInstances", "{\"NamespaceName\":\"n\",\"ServiceName\":\"s\",\"MaxResults\":3,"
                               "\"QueryParameters\":{\"a\":\"b\",\"c\":\"d\"}}" },
        { "UpdatePrivateDnsNamespace",
          "{\"Id\":\"n\",\"Namespace\":{\"Properties\":{\"DnsProperties\":{\"SOA\":{\"TTL\":"
          "5}}}}}" },
        { "ListOperations",
          "{\"Filters\":[{\"Name\":\"STATUS\",\"Values\":[\"FAIL\",\"SUCCESS\"],\"Condition\":\"IN\"}],"
          "\"MaxResults\":4,\"NextToken\":\"t\"}" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct shape_fixture f;
        fixture_init(&f, cases[i].op);
        assert_int_equal(fixture_decode(&f, cases[i].json), 0);
        shape_render(&f.message, f.op->input, f.in);
        buf_put_char(&f.message, '\0');
        assert_string_equal(f.message.p, cases[i].json);
        fixture_fini(&f);
    }
}

static void leaves_out_what_is_asked(void **state)
{
    (void)state;
    struct shape_fixture f;
    fixture_init(&f, "ListInstances");
    assert_int_equal(fixture_decode(&f, "{\"ServiceId\":\"s\",\"MaxResults\":4,\"NextToken\":\"t\"}"), 0);
    shape_render_with(&f.message, f.op->input, f.in, SHAPE_PAGING);
    assert_message(&f, "{\"ServiceId\":\"s\"}");
    fixture_fini(&f);
}

static void a_full_buffer_fails(void **state)
{
    (void)state;
    struct discover_instances_output out = { one_instance, OPT_INT(7) };
    size_t n_failed = 0;
    for (size_t max = 0; max < 512; max++) {
        struct buf buf;
        buf_init(&buf, max);
        shape_render(&buf, output_of("DiscoverInstances"), &out);
        assert_true(buf.failed || buf.n <= max);
        n_failed += buf.failed;
        buf_fini(&buf);
    }
    assert_true(n_failed > 0 && n_failed < 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_empty_answers),       cmocka_unit_test(renders_a_service),
        cmocka_unit_test(summaries_leave_members_out), cmocka_unit_test(renders_maps_and_64_bit_numbers),
        cmocka_unit_test(raw_json_passes_through),     cmocka_unit_test(renders_namespaces_and_tags),
        cmocka_unit_test(inputs_render_as_they_were),  cmocka_unit_test(leaves_out_what_is_asked),
        cmocka_unit_test(a_full_buffer_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
