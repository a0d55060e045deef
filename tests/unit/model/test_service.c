/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "model/service.h"

static const struct str_pair tags[] = { { { "k", 1 }, { "v", 1 } }, { { "l", 1 }, { "", 0 } } };
static const struct str_pair attributes[] = { { { "a", 1 }, { "b", 1 } } };

static struct service make_draft(void)
{
    return (struct service){ .account = STR("1"),
                             .region = STR("r"),
                             .id = STR("srv-1"),
                             .namespace_id = STR("ns-1"),
                             .name = STR("web"),
                             .http_name = STR("quote\".example"),
                             .description = STR("text"),
                             .creator_request_id = STR("token"),
                             .check_path = STR("/"),
                             .type = SERVICE_DNS_HTTP,
                             .has_dns = true,
                             .n_records = 2,
                             .records = { { SERVICE_AAAA, 1 }, { SERVICE_A, 2 } },
                             .check = SERVICE_CHECK_HTTP,
                             .check_threshold = 3,
                             .create_ms = 4,
                             .request_digest = 5,
                             .tags = tags,
                             .n_tags = 2,
                             .attributes = attributes,
                             .n_attributes = 1 };
}

static void check_copy(const struct service *service)
{
    assert_str(service->account, "1");
    assert_str(service->region, "r");
    assert_str(service->id, "srv-1");
    assert_str(service->namespace_id, "ns-1");
    assert_str(service->name, "web");
    assert_str(service->http_name, "quote\".example");
    assert_str(service->description, "text");
    assert_str(service->creator_request_id, "token");
    assert_str(service->check_path, "/");
    assert_int_equal(service->n_records, 2);
    assert_int_equal(service->records[0].type, SERVICE_AAAA);
    assert_int_equal(service->records[1].ttl, 2);
    assert_ptr_not_equal(service->tags, tags);
    assert_str(service->tags[1].key, "l");
    assert_str(service->tags[1].value, "");
    assert_str(service->attributes[0].value, "b");
    assert_int_equal(service->check_threshold, 3);
}

static void test_a_copy_renders_the_end_of_a_discovery(void **state)
{
    struct service draft = make_draft(), *service = service_dup(&draft);

    (void)state;
    assert_non_null(service);
    check_copy(service);
    assert_str(service->discover_tail[HEALTH_UNKNOWN], ",\"NamespaceName\":\"quote\\\".example\",\"ServiceName\":"
                                                       "\"web\",\"HealthStatus\":\"UNKNOWN\"}");
    assert_str(service->discover_tail[HEALTH_HEALTHY], ",\"NamespaceName\":\"quote\\\".example\",\"ServiceName\":"
                                                       "\"web\",\"HealthStatus\":\"HEALTHY\"}");
    assert_str(service->discover_tail[HEALTH_UNHEALTHY], ",\"NamespaceName\":\"quote\\\".example\",\"ServiceName\":"
                                                         "\"web\",\"HealthStatus\":\"UNHEALTHY\"}");
    mem_free(service);
}

static void test_a_copy_in_an_arena(void **state)
{
    struct service draft = make_draft(), *service = service_dup(&draft);
    const struct service *copy;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    copy = service_copy(&arena, service);
    assert_non_null(copy);
    mem_free(service);
    check_copy(copy);
    assert_false(str_is_set(copy->discover_tail[HEALTH_HEALTHY]));
    arena_fini(&arena);
    arena_init(&arena, 64);
    assert_null(service_copy(&arena, &draft));
    arena_fini(&arena);
}

static void test_out_of_memory(void **state)
{
    struct service draft = make_draft(), *service = NULL;

    (void)state;
    for (long k = 1; !service; k++) {
        mem_fail_at(k, 0);
        service = service_dup(&draft);
        assert_int_equal(mem_fail_at(0, 0), !service);
    }
    check_copy(service);
    mem_free(service);
}

static void test_records(void **state)
{
    struct service service = make_draft();

    (void)state;
    assert_true(service_has_record(&service, SERVICE_A));
    assert_true(service_has_record(&service, SERVICE_AAAA));
    assert_false(service_has_record(&service, SERVICE_SRV));
    assert_false(service_has_record(&service, SERVICE_CNAME));
}

#define CHECK_WORDS(count, text, parse, type, ...)                  \
    do {                                                            \
        static const char *words[] = { __VA_ARGS__ };               \
        assert_int_equal(TEST_COUNT(words), (count));               \
        for (unsigned i = 0; i < (count); i++) {                    \
            type value;                                             \
            assert_true(str_eq((text)((type)i), str_of(words[i]))); \
            assert_int_equal((parse)(str_of(words[i]), &value), 0); \
            assert_int_equal(value, i);                             \
            assert_int_equal((parse)(STR("word"), &value), 1);      \
            assert_int_equal((parse)(STR(""), &value), 1);          \
        }                                                           \
    } while (0)

static void test_words(void **state)
{
    (void)state;
    CHECK_WORDS(HEALTH_STATUS_COUNT, service_health_text, service_parse_health, enum health_status, "UNKNOWN",
                "HEALTHY", "UNHEALTHY");
    CHECK_WORDS(SERVICE_RECORD_TYPE_COUNT, service_record_type_text, service_parse_record_type,
                enum service_record_type, "SRV", "A", "AAAA", "CNAME");
    CHECK_WORDS(2, service_routing_text, service_parse_routing, enum service_routing, "MULTIVALUE", "WEIGHTED");
    CHECK_WORDS(2, service_type_text, service_parse_type, enum service_type, "HTTP", "DNS_HTTP");
    CHECK_WORDS(SERVICE_CHECK_COUNT, service_check_text, service_parse_check, enum service_check, "NONE", "HTTP",
                "HTTPS", "TCP", "CUSTOM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_renders_the_end_of_a_discovery),
        cmocka_unit_test(test_a_copy_in_an_arena),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
