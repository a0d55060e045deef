/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "aws/cloud_map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "fake_aws.h"

#include <errno.h>

#define CAP ((size_t)64 << 20)
#define SERVICE STR("srv-1")
#define ONE(id, ip) "{\"Id\":\"" id "\",\"Attributes\":{\"AWS_INSTANCE_IPV4\":\"" ip "\",\"a\":\"b\"}}"

struct fixture {
    struct aws_client *client;
    struct arena arena;
    struct aws_error error;
    struct cloud_map_instances instances;
    struct cloud_map_services services;
    struct cloud_map_instance instance;
    struct cloud_map_service service;
    enum cloud_map_operation operation;
    struct str operation_id;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){ .client = fake_aws_new() };
    arena_init(&f->arena, CAP);
}

static void teardown(struct fixture *f)
{
    fake_aws_free(f->client);
    arena_fini(&f->arena);
}

/* --- every call, by its number ----------------------------------------------------------------------------------- */

enum { INSTANCES, HEALTH, GET_INSTANCE, SERVICES, GET_SERVICE, DEREGISTER, REGISTER, OPERATION, CALLS };

static int list_instances(struct fixture *f)
{
    return cloud_map_list_instances(f->client, SERVICE, &f->arena, &f->instances, &f->error);
}

static int make_call(struct fixture *f, int call)
{
    static struct str_pair pairs[] = { { { "k", 1 }, { "\"v\"", 3 } } };
    static struct cloud_map_instance registered[] = { { .id = { "i-1", 3 } }, { .id = { "i-2", 3 } } };
    switch (call) {
    case INSTANCES:
        return list_instances(f);
    case HEALTH:
        registered[0].health = registered[1].health = CLOUD_MAP_HEALTH_UNKNOWN;
        f->instances = (struct cloud_map_instances){ .items = registered, .n = 2 };
        return cloud_map_list_health(f->client, SERVICE, &f->arena, &f->instances, &f->error);
    case GET_INSTANCE:
        return cloud_map_get_instance(f->client, SERVICE, STR("i-1"), &f->arena, &f->instance, &f->error);
    case SERVICES:
        return cloud_map_list_services(f->client, STR("ns-1"), &f->arena, &f->services, &f->error);
    case GET_SERVICE:
        return cloud_map_get_service(f->client, SERVICE, &f->arena, &f->service, &f->error);
    case DEREGISTER:
        return cloud_map_deregister(f->client, SERVICE, STR("i-1"), &f->arena, &f->operation_id, &f->error);
    case REGISTER:
        return cloud_map_register(
            f->client, SERVICE,
            &(struct cloud_map_instance){ .id = STR("i-1"), .attributes = pairs, .n_attributes = 1 }, STR("token"),
            &f->arena, &f->operation_id, &f->error);
    default:
        return cloud_map_get_operation(f->client, STR("op-1"), &f->operation, &f->error);
    }
}

static const struct {
    const char *action, *request, *answer;
} calls[CALLS] = {
    [INSTANCES] = { "ListInstances", "{\"ServiceId\":\"srv-1\",\"MaxResults\":100}",
                    "{\"ResourceOwner\":\"1\",\"Instances\":[" ONE("i-2", "10.0.0.2") "," ONE("i-1", "10.0.0.1") "]}" },
    [HEALTH] = { "GetInstancesHealthStatus", "{\"ServiceId\":\"srv-1\",\"MaxResults\":100}",
                 "{\"Status\":{\"i-2\":\"HEALTHY\",\"i-1\":\"UNHEALTHY\",\"i-3\":\"HEALTHY\"}}" },
    [GET_INSTANCE] = { "GetInstance", "{\"ServiceId\":\"srv-1\",\"InstanceId\":\"i-1\"}",
                       "{\"Instance\":" ONE("i-1", "10.0.0.1") "}" },
    [SERVICES] = { "ListServices",
                   "{\"Filters\":[{\"Name\":\"NAMESPACE_ID\",\"Values\":[\"ns-1\"],\"Condition\":\"EQ\"}],"
                   "\"MaxResults\":100}",
                   "{\"Services\":[{\"Id\":\"srv-2\",\"Arn\":\"arn:2\",\"Name\":\"b\",\"Type\":\"HTTP\","
                   "\"DnsConfig\":{\"DnsRecords\":[{\"TTL\":60}]}},"
                   "{\"Id\":\"srv-1\",\"Arn\":\"arn:1\",\"Name\":\"a\"}]}" },
    [GET_SERVICE] = { "GetService", "{\"Id\":\"srv-1\"}",
                      "{\"Service\":{\"Id\":\"srv-1\",\"Arn\":\"arn:1\",\"Name\":\"a\",\"NamespaceId\":\"ns-1\"}}" },
    [DEREGISTER] = { "DeregisterInstance", "{\"ServiceId\":\"srv-1\",\"InstanceId\":\"i-1\"}",
                     "{\"OperationId\":\"op-1\"}" },
    [REGISTER] = { "RegisterInstance",
                   "{\"ServiceId\":\"srv-1\",\"InstanceId\":\"i-1\",\"CreatorRequestId\":\"token\","
                   "\"Attributes\":{\"k\":\"\\\"v\\\"\"}}",
                   "{\"OperationId\":\"op-1\"}" },
    [OPERATION] = { "GetOperation", "{\"OperationId\":\"op-1\"}",
                    "{\"Operation\":{\"Id\":\"op-1\",\"Type\":\"DEREGISTER_INSTANCE\",\"Status\":\"SUCCESS\","
                    "\"CreateDate\":1.5,\"Targets\":{\"INSTANCE\":\"i-1\"}}}" },
};

static void says_what_it_wants(void **state)
{
    (void)state;
    for (int call = 0; call < CALLS; call++) {
        struct fixture f;
        setup(&f);
        fake_aws_answer(f.client, str_of(calls[call].answer));
        assert_int_equal(make_call(&f, call), 0);
        assert_int_equal(f.client->n_calls, 1);
        assert_string_equal(f.client->calls[0].action, calls[call].action);
        if (!str_eq(f.client->calls[0].body, str_of(calls[call].request)))
            print_error("got  " STR_FMT "\nwant %s\n", STR_ARG(f.client->calls[0].body), calls[call].request);
        assert_true(str_eq(f.client->calls[0].body, str_of(calls[call].request)));
        teardown(&f);
    }
}

static void reads_answers(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    for (int call = 0; call < CALLS; call++)
        fake_aws_answer(f.client, str_of(calls[call].answer));

    assert_int_equal(make_call(&f, INSTANCES), 0);
    assert_int_equal(f.instances.n, 2);
    assert_int_equal(f.instances.n_calls, 1);
    assert_str(f.instances.items[0].id, "i-1");
    assert_str(f.instances.items[1].id, "i-2");
    assert_str(cloud_map_attribute(&f.instances.items[1], STR("AWS_INSTANCE_IPV4")), "10.0.0.2");
    assert_str(cloud_map_attribute(&f.instances.items[1], STR("a")), "b");
    assert_false(str_is_set(cloud_map_attribute(&f.instances.items[1], STR("A"))));
    assert_int_equal(f.instances.items[0].health, CLOUD_MAP_HEALTH_UNKNOWN);
    struct cloud_map_instance listed = f.instances.items[0], other = f.instances.items[1];

    assert_int_equal(make_call(&f, HEALTH), 0);
    assert_int_equal(f.instances.items[0].health, CLOUD_MAP_UNHEALTHY);
    assert_int_equal(f.instances.items[1].health, CLOUD_MAP_HEALTHY);

    assert_int_equal(make_call(&f, GET_INSTANCE), 0);
    assert_true(cloud_map_same_attributes(&f.instance, &listed));
    assert_false(cloud_map_same_attributes(&f.instance, &other));
    f.instance.n_attributes = 1;
    assert_false(cloud_map_same_attributes(&f.instance, &listed));

    assert_int_equal(make_call(&f, SERVICES), 0);
    assert_int_equal(f.services.n, 2);
    assert_str(f.services.items[0].id, "srv-1");
    assert_str(f.services.items[1].arn, "arn:2");
    assert_str(f.services.items[1].name, "b");
    assert_str(f.services.items[1].namespace_id, "ns-1");

    assert_int_equal(make_call(&f, GET_SERVICE), 0);
    assert_str(f.service.namespace_id, "ns-1");
    assert_int_equal(make_call(&f, DEREGISTER), 0);
    assert_str(f.operation_id, "op-1");
    assert_int_equal(make_call(&f, REGISTER), 0);
    assert_int_equal(make_call(&f, OPERATION), 0);
    assert_int_equal(f.operation, CLOUD_MAP_OPERATION_SUCCESS);
    teardown(&f);
}

static void lists_all_services(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    fake_aws_answer(f.client, str_of(calls[SERVICES].answer));
    assert_int_equal(cloud_map_list_services(f.client, (struct str){ 0 }, &f.arena, &f.services, &f.error), 0);
    assert_str(f.client->calls[0].body, "{\"MaxResults\":100}");
    assert_false(str_is_set(f.services.items[0].namespace_id));
    teardown(&f);
}

static void refuses_every_cut(void **state)
{
    (void)state;
    for (int call = 0; call < CALLS; call++) {
        for (size_t n = 0; n < strlen(calls[call].answer); n++) {
            struct fixture f;
            setup(&f);
            fake_aws_answer(f.client, (struct str){ calls[call].answer, n });
            assert_int_equal(make_call(&f, call), AWS_ODD);
            assert_true(f.error.message[0]);
            teardown(&f);
        }
    }
}

static void refuses_what_is_odd(void **state)
{
    (void)state;
    static const struct {
        int call;
        const char *answer;
    } cases[] = {
        { INSTANCES, "" },
        { INSTANCES, "null" },
        { INSTANCES, "[]" },
        { INSTANCES, "{}" },
        { INSTANCES, "{\"Instances\":null}" },
        { INSTANCES, "{\"Instances\":{}}" },
        { INSTANCES, "{\"Instances\":[]} x" },
        { INSTANCES, "{\"Instances\":[]}{\"Instances\":[]}" },
        { INSTANCES, "{\"Instances\":[],\"Instances\":[]}" },
        { INSTANCES, "{\"Instances\":[],\"NextToken\":7}" },
        { INSTANCES, "{\"Instances\":[null]}" },
        { INSTANCES, "{\"Instances\":[{}]}" },
        { INSTANCES, "{\"Instances\":[{\"Id\":\"i-1\"}]}" },
        { INSTANCES, "{\"Instances\":[{\"Attributes\":{}}]}" },
        { INSTANCES, "{\"Instances\":[{\"Id\":\"\",\"Attributes\":{}}]}" },
        { INSTANCES, "{\"Instances\":[{\"Id\":1,\"Attributes\":{}}]}" },
        { INSTANCES, "{\"Instances\":[{\"Id\":\"i-1\",\"Attributes\":[]}]}" },
        { INSTANCES, "{\"Instances\":[{\"Id\":\"i-1\",\"Attributes\":{\"a\":1}}]}" },
        { INSTANCES, "{\"Instances\":[{\"Id\":\"i-1\",\"Attributes\":{\"a\":null}}]}" },
        { INSTANCES, "{\"Instances\":[{\"Id\":\"i-1\",\"Attributes\":{\"a\":\"1\",\"a\":\"2\"}}]}" },
        { INSTANCES, "{\"Instances\":[" ONE("i-1", "10.0.0.1") "," ONE("i-1", "10.0.0.1") "]}" },
        { INSTANCES, "{\"Instances\":[{\"Id\":\"\xff\",\"Attributes\":{}}]}" },
        { HEALTH, "{}" },
        { HEALTH, "{\"Status\":[]}" },
        { HEALTH, "{\"Status\":{\"i-1\":true}}" },
        { HEALTH, "{\"Status\":{\"i-1\":\"healthy\"}}" },
        { HEALTH, "{\"Status\":{\"i-1\":\"HEALTHY\",\"i-1\":\"HEALTHY\"}}" },
        { GET_INSTANCE, "{\"Instance\":" ONE("i-2", "10.0.0.1") "}" },
        { GET_INSTANCE, "{\"Instance\":null}" },
        { GET_INSTANCE, ONE("i-1", "10.0.0.1") },
        { SERVICES, "{\"Services\":[{\"Id\":\"srv-1\"}]}" },
        { SERVICES, "{\"Services\":[{\"Id\":\"srv-1\",\"Arn\":\"a\",\"Name\":null}]}" },
        { GET_SERVICE, "{\"Service\":{\"Id\":\"srv-2\",\"Arn\":\"arn:1\",\"Name\":\"a\"}}" },
        { GET_INSTANCE, "{\"Instance\":" ONE("i-1", "10.0.0.1") "}x" },
        { DEREGISTER, "{}" },
        { DEREGISTER, "{\"OperationId\":null}" },
        { DEREGISTER, "{\"OperationId\":\"\"}" },
        { DEREGISTER, "{\"OperationId\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}" },
        { REGISTER, "{\"OperationId\":[\"op-1\"]}" },
        { OPERATION, "{\"Operation\":{}}" },
        { OPERATION, "{\"Operation\":{\"Id\":\"op-1\"}}" },
        { OPERATION, "{\"Operation\":{\"Id\":\"op-1\",\"Status\":\"DONE\"}}" },
        { OPERATION, "{\"Operation\":{\"Id\":\"op-2\",\"Status\":\"SUCCESS\"}}" },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct fixture f;
        setup(&f);
        fake_aws_answer(f.client, str_of(cases[i].answer));
        int r = make_call(&f, cases[i].call);
        if (r != AWS_ODD)
            print_error("%s\n", cases[i].answer);
        assert_int_equal(r, AWS_ODD);
        assert_true(f.error.message[0]);
        teardown(&f);
    }
}

static void forwards_refusals(void **state)
{
    (void)state;
    for (int call = 0; call < CALLS; call++) {
        for (int result = AWS_REFUSED; result <= AWS_TOO_LATE; result++) {
            struct fixture f;
            setup(&f);
            fake_aws_refuse(f.client, result, "ServiceNotFound");
            assert_int_equal(make_call(&f, call), result);
            assert_string_equal(f.error.code, "ServiceNotFound");
            teardown(&f);
        }
    }
}

/* --- pages ------------------------------------------------------------------------------------------------------- */

static void follows_pages(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    fake_aws_answer(f.client, STR("{\"Instances\":[" ONE("i-3", "10.0.0.3") "],\"NextToken\":\"a\\\"\"}"));
    fake_aws_answer(f.client, STR("{\"NextToken\":\"b\",\"Instances\":[]}"));
    fake_aws_answer(f.client, STR("{\"Instances\":[" ONE("i-1", "10.0.0.1") "],\"NextToken\":null}"));
    assert_int_equal(list_instances(&f), 0);
    assert_int_equal(f.instances.n, 2);
    assert_int_equal(f.instances.n_calls, 3);
    assert_str(f.client->calls[1].body, "{\"ServiceId\":\"srv-1\",\"MaxResults\":100,\"NextToken\":\"a\\\"\"}");
    assert_str(f.client->calls[2].body, "{\"ServiceId\":\"srv-1\",\"MaxResults\":100,\"NextToken\":\"b\"}");
    assert_str(f.instances.items[0].id, "i-1");
    assert_str(f.instances.items[1].id, "i-3");
    teardown(&f);
}

static void refuses_odd_chains(void **state)
{
    (void)state;
    static const struct {
        int call;
        const char *pages[4];
        size_t n_asked;
    } cases[] = {
        /* a token twice; the same thing on two pages; an empty token is none */
        { INSTANCES,
          { "{\"Instances\":[],\"NextToken\":\"a\"}", "{\"Instances\":[],\"NextToken\":\"b\"}",
            "{\"Instances\":[],\"NextToken\":\"a\"}", "{\"Instances\":[]}" },
          3 },
        { INSTANCES,
          { "{\"Instances\":[" ONE("i-1", "10.0.0.1") "],\"NextToken\":\"a\"}",
            "{\"Instances\":[" ONE("i-1", "10.0.0.1") "],\"NextToken\":\"\"}" },
          2 },
        { HEALTH,
          { "{\"Status\":{\"i-1\":\"HEALTHY\"},\"NextToken\":\"a\"}", "{\"Status\":{\"i-1\":\"UNHEALTHY\"}}" },
          2 },
        { SERVICES,
          { "{\"Services\":[{\"Id\":\"srv-1\",\"Arn\":\"a\",\"Name\":\"n\"}],\"NextToken\":\"a\"}",
            "{\"Services\":[{\"Id\":\"srv-1\",\"Arn\":\"a\",\"Name\":\"n\"}]}" },
          2 },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct fixture f;
        setup(&f);
        for (size_t page = 0; page < 4 && cases[i].pages[page]; page++)
            fake_aws_answer(f.client, str_of(cases[i].pages[page]));
        assert_int_equal(make_call(&f, cases[i].call), AWS_ODD);
        assert_int_equal(f.client->n_calls, cases[i].n_asked);
        if (cases[i].call == HEALTH)
            assert_int_equal(f.instances.items[0].health, CLOUD_MAP_HEALTH_UNKNOWN);
        teardown(&f);
    }
}

static void put_page(struct buf *json, const unsigned *order, unsigned from, unsigned to, unsigned n)
{
    buf_clear(json);
    buf_printf(json, "{\"Instances\":[");
    for (unsigned i = from; i < to; i++)
        buf_printf(json, "%s{\"Id\":\"i-%05u\",\"Attributes\":{\"%c\":\"x\",\"AWS_INSTANCE_IPV4\":\"10.0.%u.%u\"}}",
                   i > from ? "," : "", order[i], 'a' + order[i] % 3, order[i] / 250, order[i] % 250);
    buf_printf(json, "]");
    if (to < n)
        buf_printf(json, ",\"NextToken\":\"%u\"", to);
    buf_printf(json, "}");
}

static void order_and_pages_change_nothing(void **state)
{
    (void)state;
    enum { N = 300 };
    unsigned order[N];
    struct rand rand;
    struct buf json;
    struct fixture first, other;
    rand_init_seed(&rand, 1);
    buf_init(&json, CAP);
    for (unsigned i = 0; i < N; i++)
        order[i] = i;
    for (unsigned round = 0; round < 30; round++) {
        struct fixture *f = round ? &other : &first;
        unsigned page = round ? round * 9 : N;
        setup(f);
        for (unsigned i = N - 1; round && i > 0; i--) {
            unsigned j = (unsigned)rand_below(&rand, i + 1), kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        for (unsigned at = 0; at < N; at += page) {
            put_page(&json, order, at, at + page < N ? at + page : N, N);
            fake_aws_answer(f->client, buf_str(&json));
        }
        assert_int_equal(list_instances(f), 0);
        assert_int_equal(f->instances.n, N);
        for (unsigned i = 0; i < N; i++) {
            assert_true(str_eq(f->instances.items[i].id, first.instances.items[i].id));
            assert_true(cloud_map_same_attributes(&f->instances.items[i], &first.instances.items[i]));
        }
        if (round)
            teardown(f);
    }
    teardown(&first);
    buf_fini(&json);
}

/* A page as large as Cloud Map makes them: a hundred instances with thirty attributes each. */
static void reads_the_largest_page(void **state)
{
    (void)state;
    struct fixture f;
    struct buf json;
    setup(&f);
    buf_init(&json, CAP);
    buf_printf(&json, "{\"Instances\":[");
    for (unsigned i = 0; i < 100; i++) {
        buf_printf(&json, "%s{\"Id\":\"i-%u\",\"Attributes\":{", i ? "," : "", i);
        for (unsigned k = 0; k < 30; k++)
            buf_printf(&json, "%s\"key-%u\":\"%0100u\"", k ? "," : "", 30 - k, i);
        buf_printf(&json, "}}");
    }
    buf_printf(&json, "]}");
    fake_aws_answer(f.client, buf_str(&json));
    assert_int_equal(list_instances(&f), 0);
    assert_int_equal(f.instances.n, 100);
    for (size_t i = 0; i < 100; i++)
        for (size_t k = 1; k < 30; k++)
            assert_true(str_cmp(f.instances.items[i].attributes[k - 1].key, f.instances.items[i].attributes[k].key) <
                        0);
    buf_fini(&json);
    teardown(&f);
}

static void takes_little_memory(void **state)
{
    (void)state;
    enum { N = 20000, PAGE = 100 };
    static unsigned order[N];
    struct fixture f;
    struct buf json;
    setup(&f);
    buf_init(&json, CAP);
    for (unsigned i = 0; i < N; i++)
        order[i] = i;
    for (unsigned at = 0; at < N; at += PAGE) {
        put_page(&json, order, at, at + PAGE, N);
        fake_aws_answer(f.client, buf_str(&json));
    }
    assert_int_equal(list_instances(&f), 0);
    assert_int_equal(f.instances.n, N);
    print_message("%zu bytes an instance\n", f.arena.used / N);
    assert_true(f.arena.used / N < 250);
    buf_fini(&json);
    teardown(&f);
}

/* --- conditions -------------------------------------------------------------------------------------------------- */

static void knows_services_without_health(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    fake_aws_refuse(f.client, AWS_REFUSED, "InstanceNotFound");
    assert_int_equal(make_call(&f, HEALTH), 0);
    assert_int_equal(f.instances.items[0].health, CLOUD_MAP_HEALTH_UNKNOWN);
    assert_string_equal(f.error.code, "");
    fake_aws_reset(f.client);
    fake_aws_answer(f.client, STR("{\"Status\":{\"i-1\":\"HEALTHY\"},\"NextToken\":\"a\"}"));
    fake_aws_refuse(f.client, AWS_REFUSED, "InstanceNotFound");
    assert_int_equal(make_call(&f, HEALTH), AWS_REFUSED);
    assert_int_equal(f.instances.items[0].health, CLOUD_MAP_HEALTH_UNKNOWN);
    teardown(&f);
}

static void follows_operations(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum cloud_map_operation operation;
    } cases[] = {
        { "{\"Operation\":{\"Id\":\"op-1\",\"Status\":\"SUBMITTED\"}}", CLOUD_MAP_OPERATION_RUNS },
        { "{\"Operation\":{\"Status\":\"PENDING\",\"Id\":\"op-1\"}}", CLOUD_MAP_OPERATION_RUNS },
        { "{\"Operation\":{\"Id\":\"op-1\",\"Status\":\"FAIL\"}}", CLOUD_MAP_OPERATION_FAIL },
        { "{\"Operation\":{\"Id\":\"op-1\",\"Status\":\"FAIL\",\"ErrorCode\":\"CANNOT_CREATE_HOSTED_ZONE\","
          "\"ErrorMessage\":\"no such zone\"}}",
          CLOUD_MAP_OPERATION_FAIL },
    };
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        fake_aws_reset(f.client);
        fake_aws_answer(f.client, str_of(cases[i].answer));
        assert_int_equal(make_call(&f, OPERATION), 0);
        assert_int_equal(f.operation, cases[i].operation);
    }
    assert_string_equal(f.error.code, "CANNOT_CREATE_HOSTED_ZONE");
    assert_string_equal(f.error.message, "no such zone");
    teardown(&f);
}

static void keeps_long_errors_short(void **state)
{
    (void)state;
    struct fixture f;
    struct buf json;
    setup(&f);
    buf_init(&json, CAP);
    buf_printf(&json,
               "{\"Operation\":{\"Id\":\"op-1\",\"Status\":\"FAIL\",\"ErrorCode\":\"%0500d\","
               "\"ErrorMessage\":\"%05000d\"}}",
               0, 0);
    fake_aws_answer(f.client, buf_str(&json));
    assert_int_equal(make_call(&f, OPERATION), 0);
    assert_int_equal(strlen(f.error.code), sizeof(f.error.code) - 1);
    assert_int_equal(strlen(f.error.message), sizeof(f.error.message) - 1);
    buf_fini(&json);
    teardown(&f);
}

static void survives_without_memory(void **state)
{
    (void)state;
    for (int call = 0; call < CALLS; call++) {
        for (long k = 1;; k++) {
            struct fixture f;
            setup(&f);
            fake_aws_answer(f.client, str_of(calls[call].answer));
            mem_fail_at(k, 0);
            int r = make_call(&f, call);
            bool failed = mem_fail_at(0, 0);
            assert_int_equal(r, failed ? -ENOMEM : 0);
            teardown(&f);
            if (!failed)
                break;
        }
    }
}

static void keeps_to_the_arena(void **state)
{
    (void)state;
    for (int call = 0; call < CALLS; call++) {
        for (size_t cap = 0; cap < 1024; cap += 16) {
            struct fixture f;
            setup(&f);
            arena_fini(&f.arena);
            arena_init(&f.arena, cap);
            fake_aws_answer(f.client, str_of(calls[call].answer));
            int r = make_call(&f, call);
            assert_true(r == 0 || r == -ENOMEM);
            teardown(&f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_it_wants),
        cmocka_unit_test(reads_answers),
        cmocka_unit_test(lists_all_services),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_what_is_odd),
        cmocka_unit_test(forwards_refusals),
        cmocka_unit_test(follows_pages),
        cmocka_unit_test(refuses_odd_chains),
        cmocka_unit_test(order_and_pages_change_nothing),
        cmocka_unit_test(reads_the_largest_page),
        cmocka_unit_test(takes_little_memory),
        cmocka_unit_test(knows_services_without_health),
        cmocka_unit_test(follows_operations),
        cmocka_unit_test(keeps_long_errors_short),
        cmocka_unit_test(survives_without_memory),
        cmocka_unit_test(keeps_to_the_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
