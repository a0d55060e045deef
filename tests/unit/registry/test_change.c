/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting changes: every asynchronous kind comes back from its JSON as it was. */
#include "../test.h"

#include "base/mem.h"
#include "registry/change.h"

#define HOSTILE "quote\" back\\slash tab\t \xe2\x82\xac"

static struct str_pair pairs[] = { { { "a\"", 2 }, { HOSTILE, sizeof(HOSTILE) - 1 } }, { { "b", 1 }, { "", 0 } } };

static void check_round_trip(const struct change *change, struct change *ret_back, struct arena *arena)
{
    struct buf first, second;
    char *text;

    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    change_encode(&first, change);
    text = arena_alloc(arena, first.n);
    memcpy(text, first.p, first.n);
    assert_int_equal(change_decode(text, first.n, arena, ret_back), 0);
    assert_int_equal(ret_back->kind, change->kind);
    assert_ptr_equal(ret_back->arena, arena);
    change_encode(&second, ret_back);
    assert_true(str_eq(buf_str(&first), buf_str(&second)));
    buf_fini(&first);
    buf_fini(&second);
}

static void test_namespaces(void **state)
{
    struct change change = { .kind = CHANGE_CREATE_NAMESPACE,
                             .ns = { .kind = NAMESPACE_DNS_PRIVATE,
                                     .id = STR("ns-1"),
                                     .name = STR("n"),
                                     .description = STR(HOSTILE),
                                     .vpc = STR("vpc"),
                                     .creator_request_id = STR(HOSTILE),
                                     .soa_ttl = 2147483647,
                                     .request_digest = UINT64_MAX,
                                     .tags = pairs,
                                     .n_tags = 2 } };
    struct arena arena;
    struct change back;

    (void)state;
    arena_init(&arena, 1 << 20);
    check_round_trip(&change, &back, &arena);
    assert_str(back.ns.id, "ns-1");
    assert_str(back.ns.vpc, "vpc");
    assert_str(back.ns.description, HOSTILE);
    assert_true(back.ns.request_digest == UINT64_MAX);
    assert_int_equal(back.ns.n_tags, 2);

    /* An empty description clears, an absent one keeps; -1 keeps the TTL. */
    change = (struct change){ .kind = CHANGE_UPDATE_NAMESPACE,
                              .namespace_id = STR("ns-1"),
                              .ns = { .kind = NAMESPACE_HTTP, .description = STR(""), .soa_ttl = -1 } };
    check_round_trip(&change, &back, &arena);
    assert_str(back.namespace_id, "ns-1");
    assert_true(str_is_set(back.ns.description));
    assert_int_equal(back.ns.soa_ttl, -1);
    change.ns.description = (struct str){ 0 };
    check_round_trip(&change, &back, &arena);
    assert_false(str_is_set(back.ns.description));

    change = (struct change){ .kind = CHANGE_DELETE_NAMESPACE, .namespace_id = STR("ns-1") };
    check_round_trip(&change, &back, &arena);
    assert_str(back.namespace_id, "ns-1");
    arena_fini(&arena);
}

static void test_services(void **state)
{
    struct change change = { .kind = CHANGE_UPDATE_SERVICE,
                             .service_id = STR("srv-1"),
                             .service = { .description = STR(""),
                                          .has_dns = true,
                                          .n_records = 2,
                                          .records = { { SERVICE_AAAA, 1 }, { SERVICE_A, 0 } },
                                          .check = SERVICE_CHECK_HTTPS,
                                          .check_path = STR(HOSTILE),
                                          .check_threshold = 10 } };
    struct arena arena;
    struct change back;

    (void)state;
    arena_init(&arena, 1 << 20);
    check_round_trip(&change, &back, &arena);
    assert_str(back.service_id, "srv-1");
    assert_true(str_is_set(back.service.description));
    assert_true(back.service.has_dns);
    assert_int_equal(back.service.n_records, 2);
    assert_int_equal(back.service.records[0].type, SERVICE_AAAA);
    assert_int_equal(back.service.check, SERVICE_CHECK_HTTPS);
    assert_str(back.service.check_path, HOSTILE);
    assert_int_equal(back.service.check_threshold, 10);

    change.service = (struct service){ .check = SERVICE_CHECK_NONE };
    check_round_trip(&change, &back, &arena);
    assert_false(back.service.has_dns);
    assert_false(str_is_set(back.service.description));
    assert_int_equal(back.service.check, SERVICE_CHECK_NONE);
    arena_fini(&arena);
}

static void test_instances(void **state)
{
    struct change change = { .kind = CHANGE_REGISTER_INSTANCE,
                             .service_id = STR("srv-1"),
                             .instance_id = STR("i/:@"),
                             .attributes = pairs,
                             .n_attributes = 2,
                             .creator_request_id = STR(HOSTILE) };
    struct arena arena;
    struct change back;

    (void)state;
    arena_init(&arena, 1 << 20);
    check_round_trip(&change, &back, &arena);
    assert_str(back.instance_id, "i/:@");
    assert_int_equal(back.n_attributes, 2);
    assert_str(back.attributes[0].value, HOSTILE);
    assert_str(back.creator_request_id, HOSTILE);
    change = (struct change){ .kind = CHANGE_DEREGISTER_INSTANCE, .service_id = STR("s"), .instance_id = STR("i") };
    check_round_trip(&change, &back, &arena);
    assert_str(back.service_id, "s");
    arena_fini(&arena);
}

static void test_what_is_no_change(void **state)
{
    static const char *texts[] = { "",
                                   "{}",
                                   "[]",
                                   "{\"kind\":\"\"}",
                                   "{\"kind\":\"create_service\"}",
                                   "{\"kind\":1}",
                                   "{\"kind\":\"delete_namespace\",\"namespace_id\":1}",
                                   "{\"kind\":\"delete_namespace\"",
                                   "{\"kind\":\"delete_namespace\"}x",
                                   "{\"kind\":\"create_namespace\",\"namespace\":{\"type\":\"X\"}}",
                                   "{\"kind\":\"create_namespace\",\"namespace\":[]}",
                                   "{\"kind\":\"update_service\",\"service\":{\"check\":\"X\"}}",
                                   "{\"kind\":\"update_service\",\"service\":1}",
                                   "{\"kind\":\"register_instance\",\"attributes\":{\"b\":\"\",\"a\":\"\"}}" };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < TEST_COUNT(texts); i++) {
        struct str text = arena_dup(&arena, str_of(texts[i]));
        struct change change;
        if (change_decode((char *)(uintptr_t)text.p, text.n, &arena, &change) != 1)
            print_error("case %zu\n", i);
        text = arena_dup(&arena, str_of(texts[i]));
        assert_int_equal(change_decode((char *)(uintptr_t)text.p, text.n, &arena, &change), 1);
    }
    arena_fini(&arena);
}

static void test_operation_types(void **state)
{
    static const int types[CHANGE_KIND_COUNT] = {
        [CHANGE_CREATE_NAMESPACE] = OPERATION_CREATE_NAMESPACE,
        [CHANGE_DELETE_NAMESPACE] = OPERATION_DELETE_NAMESPACE,
        [CHANGE_UPDATE_NAMESPACE] = OPERATION_UPDATE_NAMESPACE,
        [CHANGE_CREATE_SERVICE] = -1,
        [CHANGE_UPDATE_SERVICE] = OPERATION_UPDATE_SERVICE,
        [CHANGE_DELETE_SERVICE] = -1,
        [CHANGE_PUT_SERVICE_ATTRIBUTES] = -1,
        [CHANGE_DEL_SERVICE_ATTRIBUTES] = -1,
        [CHANGE_REGISTER_INSTANCE] = OPERATION_REGISTER_INSTANCE,
        [CHANGE_DEREGISTER_INSTANCE] = OPERATION_DEREGISTER_INSTANCE,
        [CHANGE_CUSTOM_HEALTH] = -1,
        [CHANGE_PROBE_HEALTH] = -1,
        [CHANGE_RENEW] = -1,
        [CHANGE_DRAIN] = -1,
        [CHANGE_UNDRAIN] = -1,
        [CHANGE_GUARD_RELEASE] = -1,
        [CHANGE_GUARD_CANCEL] = -1,
        [CHANGE_TAG] = -1,
        [CHANGE_UNTAG] = -1,
        [CHANGE_REVISION] = -1,
        [CHANGE_CREATE_KEY] = -1,
        [CHANGE_UPDATE_KEY] = -1,
        [CHANGE_DELETE_KEY] = -1,
        [CHANGE_RESEAL_KEYS] = -1,
        [CHANGE_CREATE_IDENTITY] = -1,
        [CHANGE_DELETE_IDENTITY] = -1,
        [CHANGE_ATTACH_POLICY] = -1,
        [CHANGE_DETACH_POLICY] = -1,
        [CHANGE_SHARE] = -1,
        [CHANGE_UNSHARE] = -1,
    };

    (void)state;
    for (unsigned kind = 0; kind < CHANGE_KIND_COUNT; kind++)
        assert_int_equal(change_operation_type((enum change_kind)kind), types[kind]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_namespaces),      cmocka_unit_test(test_services),
        cmocka_unit_test(test_instances),       cmocka_unit_test(test_what_is_no_change),
        cmocka_unit_test(test_operation_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
