/* SPDX-License-Identifier: Apache-2.0
 *
 * Records: what was encoded is decoded, and encoded again to the same bytes; damaged text is refused. */
#include "../test.h"

#include "base/mem.h"
#include "registry/record.h"

/* Every byte that is awkward in JSON or on a terminal, in the texts that callers may fill. */
#define HOSTILE \
    "quote\" back\\slash tab\t line\n nul\\u0000 bell\a \x7f \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 </script>"

static const struct str_pair hostile_pairs[] = { { { "", 0 }, { "", 0 } },
                                                 { { "\1", 1 }, { HOSTILE, sizeof(HOSTILE) - 1 } },
                                                 { { "\"\\", 2 }, { "\0\0", 2 } },
                                                 { { "z\xc3\xa9", 3 }, { "\n", 1 } } };

struct text {
    struct buf first, second;
    struct arena arena;
    char *copy; /* decoders write into it */
};

static void text_init(struct text *text)
{
    buf_init(&text->first, 1 << 20);
    buf_init(&text->second, 1 << 20);
    arena_init(&text->arena, 1 << 20);
    text->copy = NULL;
}

static char *text_copy(struct text *text)
{
    assert_false(text->first.failed);
    text->copy = mem_dup(text->first.p, text->first.n);
    assert_non_null(text->copy);
    return text->copy;
}

static void text_fini(struct text *text)
{
    assert_true(str_eq(buf_str(&text->first), buf_str(&text->second)));
    mem_free(text->copy);
    buf_fini(&text->first);
    buf_fini(&text->second);
    arena_fini(&text->arena);
}

/* --- keys -------------------------------------------------------------------------------------------------------- */

static void test_keys(void **state)
{
    static const struct {
        struct record_key key;
        const char *text;
    } cases[] = {
        { { .kind = RECORD_NAMESPACE, .account = { "1", 1 }, .region = { "us-east-1", 9 }, .id = { "ns-a", 4 } },
          "namespace/1/us-east-1/ns-a" },
        { { .kind = RECORD_OPERATIONS, .account = { "1", 1 }, .region = { "r", 1 }, .id = { "0f", 2 } },
          "operation/1/r/0f" },
        { { .kind = RECORD_SERVICE, .account = { "1", 1 }, .region = { "r", 1 }, .id = { "srv-a", 5 } },
          "service/1/r/srv-a" },
        { { .kind = RECORD_INSTANCE,
            .account = { "1", 1 },
            .region = { "r", 1 },
            .id = { "srv-a", 5 },
            .instance_id = { "i/:@-./", 7 } },
          "service/1/r/srv-a/instance/i/:@-./" },
        { { .kind = RECORD_ACCESS_KEY, .id = { "AKIAABCDEFGHIJKLMNOP", 20 } }, "access_key/AKIAABCDEFGHIJKLMNOP" },
        { { .kind = RECORD_IDENTITY,
            .account = { "123456789012", 12 },
            .identity_kind = IDENTITY_USER,
            .id = { "a.b@c", 5 } },
          "identity/123456789012/user/a.b@c" },
        { { .kind = RECORD_IDENTITY,
            .account = { "123456789012", 12 },
            .identity_kind = IDENTITY_ROLE,
            .id = { "r", 1 } },
          "identity/123456789012/role/r" },
    };
    char text[RECORD_MAX_KEY];

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const struct record_key *key = &cases[i].key;
        struct record_key back;
        size_t n = record_format_key(key, text);
        assert_true(str_eq((struct str){ text, n }, str_of(cases[i].text)));
        assert_int_equal(record_parse_key((struct str){ text, n }, &back), 0);
        assert_int_equal(back.kind, key->kind);
        assert_int_equal(back.identity_kind, key->identity_kind);
        assert_true(str_eq(back.account, key->account));
        assert_true(str_eq(back.region, key->region));
        assert_true(str_eq(back.id, key->id));
        assert_true(str_eq(back.instance_id, key->instance_id));
    }
}

static void test_what_is_no_key(void **state)
{
    static const char *texts[] = { "",
                                   "ledger",
                                   "namespace",
                                   "namespace/",
                                   "namespace/1",
                                   "namespace/1/r",
                                   "namespace/1/r/",
                                   "namespace//r/ns",
                                   "namespace/1//ns",
                                   "namespace/1/r/ns/",
                                   "namespace/1/r/ns/instance/i",
                                   "operation/1/r/0f/",
                                   "service/1/r/srv/",
                                   "service/1/r/srv/instance",
                                   "service/1/r/srv/instance/",
                                   "service/1/r/srv/other/i",
                                   "services/1/r/srv",
                                   "Service/1/r/srv",
                                   "access_key",
                                   "access_key/",
                                   "access_key/AKIA",
                                   "access_key/AKIAABCDEFGHIJKLMNOP/",
                                   "identity",
                                   "identity/123456789012",
                                   "identity/123456789012/user",
                                   "identity/123456789012/user/",
                                   "identity/123456789012/group/a",
                                   "identity/1/user/a",
                                   "identity/123456789012/user/a/b" };
    struct record_key key;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(texts); i++) {
        if (record_parse_key(str_of(texts[i]), &key) == 0)
            print_error("case %zu\n", i);
        assert_int_equal(record_parse_key(str_of(texts[i]), &key), 1);
    }
}

/* --- access ------------------------------------------------------------------------------------------------------ */

static void check_access_key(const struct access_key *key)
{
    struct access_key back;
    struct text text;

    text_init(&text);
    record_encode_access_key(&text.first, key);
    assert_int_equal(record_decode_access_key(text_copy(&text), text.first.n, &text.arena, &back), 0);
    assert_true(str_eq(back.id, key->id));
    assert_true(str_eq(back.user, key->user));
    assert_int_equal(str_is_set(back.user), str_is_set(key->user));
    assert_int_equal(back.is_disabled, key->is_disabled);
    record_encode_access_key(&text.second, &back);
    text_fini(&text);
}

static void check_identity(const struct identity *identity)
{
    struct identity back;
    struct text text;

    text_init(&text);
    record_encode_identity(&text.first, identity);
    assert_int_equal(record_decode_identity(text_copy(&text), text.first.n, &text.arena, &back), 0);
    assert_int_equal(back.kind, identity->kind);
    assert_true(str_eq(back.trust, identity->trust));
    assert_int_equal(back.n_policies, identity->n_policies);
    record_encode_identity(&text.second, &back);
    text_fini(&text);
}

static void test_access(void **state)
{
    static const struct str_pair policies[] = { { { "admin", 5 }, { "", 0 } },
                                                { { "own", 3 }, { HOSTILE, sizeof(HOSTILE) - 1 } } };
    struct access_key key = {
        .id = STR("AKIAABCDEFGHIJKLMNOP"), .account = STR("123456789012"), .sealed = STR("k.x"), .create_ms = INT64_MAX
    };
    struct identity identity = { .kind = IDENTITY_USER,
                                 .account = STR("123456789012"),
                                 .name = STR("n"),
                                 .path = STR("/p/"),
                                 .id = STR("AIDAAAAAAAAAAAAAAAAAA"),
                                 .create_ms = INT64_MAX };

    (void)state;
    check_access_key(&key);
    key.user = STR("u");
    key.is_disabled = true;
    check_access_key(&key);
    check_identity(&identity);
    identity.kind = IDENTITY_ROLE;
    identity.trust = STR(HOSTILE);
    identity.max_session_s = 43200;
    identity.policies = policies;
    identity.n_policies = TEST_COUNT(policies);
    check_identity(&identity);
}

static void test_access_that_is_refused(void **state)
{
    static const char *keys[] = {
        "{}",
        "{\"id\":\"AKIAABCDEFGHIJKLMNOP\",\"account\":\"123456789012\"}",
        "{\"id\":\"AKIA\",\"account\":\"123456789012\",\"sealed\":\"s\"}",
        "{\"id\":\"AKIAABCDEFGHIJKLMNOP\",\"account\":\"1\",\"sealed\":\"s\"}",
        "{\"id\":\"AKIAABCDEFGHIJKLMNOP\",\"account\":\"123456789012\",\"sealed\":\"s\",\"user\":\"\"}",
        "{\"id\":\"AKIAABCDEFGHIJKLMNOP\",\"account\":\"123456789012\",\"sealed\":\"s\",\"disabled\":1}",
    };
#define USER "{\"account\":\"123456789012\",\"name\":\"n\",\"path\":\"/\",\"id\":\"AIDAAAAAAAAAAAAAAAAAA\""
    static const char *identities[] = {
        "{}",
        USER ",\"kind\":\"group\"}",
        USER ",\"kind\":\"role\"}", /* without its trust */
        USER ",\"policies\":{\"a b\":\"\"}}",
        USER ",\"policies\":{\"b\":\"\",\"a\":\"\"}}",
        USER ",\"policies\":{\"0\":\"\",\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":\"\",\"7\":\"\","
             "\"8\":\"\",\"9\":\"\",\"a\":\"\"}}",
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < TEST_COUNT(keys); i++) {
        struct str text = arena_dup(&arena, str_of(keys[i]));
        struct access_key key;
        assert_int_equal(record_decode_access_key((char *)(uintptr_t)text.p, text.n, &arena, &key), 1);
    }
    for (size_t i = 0; i < TEST_COUNT(identities); i++) {
        struct str text = arena_dup(&arena, str_of(identities[i]));
        struct identity identity;
        assert_int_equal(record_decode_identity((char *)(uintptr_t)text.p, text.n, &arena, &identity), 1);
    }
    arena_fini(&arena);
}

/* --- round trips ------------------------------------------------------------------------------------------------- */

static void check_namespace(const struct namespace *ns)
{
    struct namespace back;
    struct text text;

    text_init(&text);
    record_encode_namespace(&text.first, ns);
    assert_int_equal(record_decode_namespace(text_copy(&text), text.first.n, &text.arena, &back), 0);
    assert_int_equal(back.kind, ns->kind);
    assert_true(str_eq(back.name, ns->name));
    assert_true(str_eq(back.description, ns->description));
    assert_int_equal(str_is_set(back.description), str_is_set(ns->description));
    assert_true(back.request_digest == ns->request_digest);
    assert_int_equal(back.n_tags, ns->n_tags);
    for (size_t i = 0; i < ns->n_tags; i++)
        assert_true(str_eq(back.tags[i].value, ns->tags[i].value));
    record_encode_namespace(&text.second, &back);
    text_fini(&text);
}

static void test_namespaces(void **state)
{
    struct namespace ns = { .id = STR("ns-1"), .name = STR("n"), .http_name = STR("n") };

    (void)state;
    check_namespace(&ns);
    ns.kind = NAMESPACE_DNS_PRIVATE;
    ns.vpc = STR(HOSTILE);
    ns.hosted_zone_id = STR("Z1");
    ns.description = STR(HOSTILE);
    ns.creator_request_id = STR(HOSTILE);
    ns.create_operation = STR("op");
    ns.request_digest = UINT64_MAX;
    ns.create_ms = INT64_MAX;
    ns.soa_ttl = 2147483647;
    ns.tags = hostile_pairs;
    ns.n_tags = TEST_COUNT(hostile_pairs);
    check_namespace(&ns);
    ns.kind = NAMESPACE_DNS_PUBLIC;
    ns.request_digest = UINT64_C(1) << 63;
    ns.description = STR("");
    ns.policy = STR(HOSTILE);
    check_namespace(&ns);
}

static void check_service(const struct service *service, uint64_t revision)
{
    uint64_t back_revision;
    struct service back;
    struct text text;

    text_init(&text);
    record_encode_service(&text.first, service, revision);
    assert_int_equal(record_decode_service(text_copy(&text), text.first.n, &text.arena, &back, &back_revision), 0);
    assert_true(back_revision == revision);
    assert_int_equal(back.has_dns, service->has_dns);
    assert_int_equal(back.n_records, service->n_records);
    assert_int_equal(back.routing, service->routing);
    assert_int_equal(back.type, service->type);
    assert_int_equal(back.check, service->check);
    assert_int_equal(str_is_set(back.check_path), str_is_set(service->check_path));
    assert_true(str_eq(back.created_by, service->created_by));
    record_encode_service(&text.second, &back, back_revision);
    text_fini(&text);
}

static void test_services(void **state)
{
    struct service service = { .id = STR("srv-1"), .namespace_id = STR("ns-1"), .name = STR(".") };

    (void)state;
    check_service(&service, 1);
    service.has_dns = true; /* records that an update took away */
    service.type = SERVICE_DNS_HTTP;
    service.routing = SERVICE_WEIGHTED;
    check_service(&service, UINT64_MAX);
    service.description = STR(HOSTILE);
    service.creator_request_id = STR(HOSTILE);
    service.check_path = STR(HOSTILE);
    service.check_threshold = 10;
    service.request_digest = UINT64_MAX;
    service.tags = service.attributes = hostile_pairs;
    service.n_tags = service.n_attributes = TEST_COUNT(hostile_pairs);
    for (unsigned check = 0; check < SERVICE_CHECK_COUNT; check++) {
        service.check = (enum service_check)check;
        check_service(&service, UINT64_C(1) << 63);
    }
    service.n_records = SERVICE_MAX_RECORDS;
    for (unsigned i = 0; i < SERVICE_MAX_RECORDS; i++)
        service.records[i] = (struct service_record){ (enum service_record_type)i, 2147483647 - i };
    check_service(&service, 2);
    service.created_by = STR("222222222222");
    check_service(&service, 2);
}

static void check_tenure(const struct instance_draft *draft, const struct tenure *tenure)
{
    struct instance *instance = instance_new(draft), *again;
    struct instance_draft back;
    struct tenure back_tenure;
    struct text text;

    assert_non_null(instance);
    text_init(&text);
    record_encode_instance(&text.first, instance, tenure);
    assert_int_equal(record_decode_instance(text_copy(&text), text.first.n, &text.arena, &back, &back_tenure), 0);
    assert_int_equal(back.flags, draft->flags);
    assert_true(str_eq(back.created_by, draft->created_by));
    assert_int_equal(back_tenure.drain_end_wall_ms, tenure->drain_end_wall_ms);
    assert_int_equal(back_tenure.drain_then, tenure->drain_then);
    assert_int_equal(back_tenure.expired_wall_ms, tenure->expired_wall_ms);
    assert_int_equal(back.health, draft->health);
    assert_int_equal(back.create_ms, draft->create_ms);
    assert_int_equal(back.operation_ms, draft->operation_ms);
    assert_int_equal(back.pending_due_wall_ms, draft->pending_due_wall_ms);
    assert_int_equal(back.n_attributes, draft->n_attributes);
    again = instance_new(&back);
    assert_non_null(again);
    record_encode_instance(&text.second, again, &back_tenure);
    text_fini(&text);
    mem_free(instance);
    mem_free(again);
}

static void check_instance(const struct instance_draft *draft)
{
    check_tenure(draft, &(struct tenure){ 0 });
}

static void test_drains(void **state)
{
    struct instance_draft draft = { .id = STR("i"), .flags = INSTANCE_DRAINING | INSTANCE_DRAINED };
    struct tenure tenure = { .drain_end_wall_ms = 1, .drain_then = TENURE_DEREGISTER };

    (void)state;
    check_instance(&draft);
    check_tenure(&draft, &tenure);
    tenure = (struct tenure){ .expired_wall_ms = 1, .drain_end_wall_ms = INT64_MAX, .drain_then = TENURE_UNDRAIN };
    check_tenure(&draft, &tenure);
}

static void test_instances(void **state)
{
    struct instance_draft draft = { .id = STR("i/:@-.") };
    char token[INSTANCE_MAX_TOKEN];

    (void)state;
    check_instance(&draft);
    memset(token, 't', sizeof(token));
    draft.creator_request_id = (struct str){ token, sizeof(token) };
    draft.attributes = hostile_pairs;
    draft.n_attributes = TEST_COUNT(hostile_pairs);
    draft.create_ms = INT64_MAX;
    draft.operation_ms = 1;
    for (unsigned health = 0; health < HEALTH_STATUS_COUNT; health++) {
        draft.health = (enum health_status)health;
        check_instance(&draft);
    }
    draft.pending_health = HEALTH_UNHEALTHY;
    draft.pending_due_wall_ms = INT64_MAX;
    check_instance(&draft);
    draft.created_by = STR("222222222222");
    check_instance(&draft);
}

static void test_operations(void **state)
{
    const struct operation all[] = {
        { .id = { { 255, 1 }, 1 }, .type = OPERATION_CREATE_NAMESPACE, .namespace_id = STR("ns-1") },
        { .id = { { 255, 2 }, INT64_MAX },
          .type = OPERATION_REGISTER_INSTANCE,
          .status = OPERATION_PENDING,
          .update_ms = 5,
          .action = STR("RegisterInstance"),
          .namespace_id = STR("ns-1"),
          .service_id = STR("srv-1"),
          .instance_id = STR("i"),
          .request = STR("{\"a\":\"" HOSTILE "\"}"),
          .due_wall_ms = 6 },
        { .id = { { 255, 3 }, 3 },
          .type = OPERATION_DELETE_NAMESPACE,
          .status = OPERATION_FAIL,
          .error_code = STR("CODE"),
          .error_message = STR(HOSTILE) },
        { .id = { { 255, 4 }, 4 }, .type = OPERATION_UPDATE_SERVICE, .status = OPERATION_SUCCESS },
    };
    const struct operation *pointers[40];
    struct operation *back;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(pointers); i++)
        pointers[i] = &all[i % TEST_COUNT(all)];
    for (size_t n = 0; n <= TEST_COUNT(pointers); n += 8) {
        const struct operation *again[TEST_COUNT(pointers)];
        struct text text;
        size_t n_back;
        text_init(&text);
        record_encode_operations(&text.first, pointers, n);
        assert_int_equal(record_decode_operations(text_copy(&text), text.first.n, &text.arena, &back, &n_back), 0);
        assert_int_equal(n_back, n);
        for (size_t i = 0; i < n; i++) {
            again[i] = &back[i];
            assert_memory_equal(back[i].id.target, pointers[i]->id.target, ID_TARGET_LEN);
            assert_int_equal(back[i].status, pointers[i]->status);
            assert_true(str_eq(back[i].request, pointers[i]->request));
        }
        record_encode_operations(&text.second, again, n);
        text_fini(&text);
    }
}

/* --- foreign and damaged text ------------------------------------------------------------------------------------ */

enum kind { NAMESPACE, SERVICE, INSTANCE, OPERATIONS };

static int decode(enum kind kind, struct str json)
{
    char *text = mem_dup(json.p, json.n);
    struct operation *operations;
    struct instance_draft draft;
    struct service service;
    struct tenure tenure;
    struct namespace ns;
    struct arena arena;
    uint64_t revision;
    size_t n;
    int r = -1;

    assert_non_null(text);
    arena_init(&arena, 1 << 20);
    switch (kind) {
    case NAMESPACE:
        r = record_decode_namespace(text, json.n, &arena, &ns);
        break;
    case SERVICE:
        r = record_decode_service(text, json.n, &arena, &service, &revision);
        break;
    case INSTANCE:
        r = record_decode_instance(text, json.n, &arena, &draft, &tenure);
        break;
    case OPERATIONS:
        r = record_decode_operations(text, json.n, &arena, &operations, &n);
        break;
    }
    arena_fini(&arena);
    mem_free(text);
    return r;
}

static const char *good_records[] = {
    [NAMESPACE] = "{\"id\":\"ns-1\",\"type\":\"HTTP\",\"name\":\"n\",\"http_name\":\"n\",\"created_ms\":1,"
                  "\"request_digest\":-1,\"tags\":{\"k\":\"v\"}}",
    [SERVICE] = "{\"id\":\"srv-1\",\"namespace_id\":\"ns-1\",\"name\":\"s\",\"type\":\"DNS_HTTP\","
                "\"records\":[{\"type\":\"A\",\"ttl\":60}],\"routing\":\"WEIGHTED\",\"revision\":1}",
    [INSTANCE] = "{\"InstanceId\":\"i\",\"Attributes\":{\"a\":\"b\"},\"created_ms\":1,\"operation_ms\":2,"
                 "\"health\":\"HEALTHY\"}",
    [OPERATIONS] = "{\"operations\":[{\"id\":\"gv4g5meo7ndmeh4fqskygvk23d2fijwa-k9302yzd\","
                   "\"type\":\"REGISTER_INSTANCE\",\"status\":\"SUCCESS\",\"updated_ms\":1}]}",
};

static void test_unknown_members_are_skipped(void **state)
{
    char text[512];

    (void)state;
    for (unsigned kind = 0; kind < TEST_COUNT(good_records); kind++) {
        const char *good = good_records[kind];
        snprintf(text, sizeof(text), "{\"new\":{\"deep\":[1,null,true,{}]},%.*s,\"newer\":-1.5e3}",
                 (int)strlen(good) - 2, good + 1);
        assert_int_equal(decode((enum kind)kind, str_of(good)), 0);
        assert_int_equal(decode((enum kind)kind, str_of(text)), 0);
    }
}

static void test_text_that_was_cut_or_lengthened_is_refused(void **state)
{
    char longer[512];

    (void)state;
    for (unsigned kind = 0; kind < TEST_COUNT(good_records); kind++) {
        struct str good = str_of(good_records[kind]);
        for (size_t n = 0; n < good.n; n++)
            assert_int_equal(decode((enum kind)kind, (struct str){ good.p, n }), 1);
        snprintf(longer, sizeof(longer), "%s%s", good.p, "x");
        assert_int_equal(decode((enum kind)kind, str_of(longer)), 1);
    }
}

static void test_what_is_no_such_record(void **state)
{
    static const struct {
        enum kind kind;
        const char *text;
    } cases[] = {
        { NAMESPACE, "{}" },
        { NAMESPACE, "[]" },
        { NAMESPACE, "null" },
        { NAMESPACE, "{\"id\":\"\",\"name\":\"n\",\"http_name\":\"n\"}" },
        { NAMESPACE, "{\"id\":\"i\",\"name\":\"n\"}" },
        { NAMESPACE, "{\"id\":1,\"name\":\"n\",\"http_name\":\"n\"}" },
        { NAMESPACE, "{\"id\":\"i\",\"name\":\"n\",\"http_name\":\"n\",\"type\":\"OTHER\"}" },
        { NAMESPACE, "{\"id\":\"i\",\"name\":\"n\",\"http_name\":\"n\",\"created_ms\":1.5}" },
        { NAMESPACE, "{\"id\":\"i\",\"name\":\"n\",\"http_name\":\"n\",\"tags\":[]}" },
        { NAMESPACE, "{\"id\":\"i\",\"name\":\"n\",\"http_name\":\"n\",\"tags\":{\"b\":\"\",\"a\":\"\"}}" },
        { NAMESPACE, "{\"id\":\"i\",\"name\":\"n\",\"http_name\":\"n\",\"name\":\"m\"}" },
        { SERVICE, "{}" },
        { SERVICE, "{\"id\":\"i\",\"namespace_id\":\"n\"}" },
        { SERVICE, "{\"id\":\"i\",\"namespace_id\":\"n\",\"name\":\"s\",\"type\":\"DNS\"}" },
        { SERVICE, "{\"id\":\"i\",\"namespace_id\":\"n\",\"name\":\"s\",\"routing\":\"\"}" },
        { SERVICE, "{\"id\":\"i\",\"namespace_id\":\"n\",\"name\":\"s\",\"check\":\"ICMP\"}" },
        { SERVICE, "{\"id\":\"i\",\"namespace_id\":\"n\",\"name\":\"s\",\"records\":{}}" },
        { SERVICE, "{\"id\":\"i\",\"namespace_id\":\"n\",\"name\":\"s\",\"records\":[{\"type\":\"TXT\"}]}" },
        { SERVICE, "{\"id\":\"i\",\"namespace_id\":\"n\",\"name\":\"s\",\"records\":[{},{},{},{},{}]}" },
        { SERVICE, "{\"id\":\"i\",\"namespace_id\":\"n\",\"name\":\"s\",\"attributes\":{\"a\":1}}" },
        { INSTANCE, "{}" },
        { INSTANCE, "{\"Attributes\":{}}" },
        { INSTANCE, "{\"InstanceId\":\"12345678901234567890123456789012345678901234567890123456789012345\"}" },
        { INSTANCE, "{\"InstanceId\":\"i\",\"Attributes\":{\"b\":\"\",\"a\":\"\"}}" },
        { INSTANCE, "{\"InstanceId\":\"i\",\"health\":\"SICK\"}" },
        { INSTANCE, "{\"InstanceId\":\"i\",\"pending_due_ms\":\"1\"}" },
        { INSTANCE, "{\"InstanceId\":\"i\",\"drained\":1}" },
        { INSTANCE, "{\"InstanceId\":\"i\",\"drain_end_ms\":1,\"drain_then\":\"wait\"}" },
        { OPERATIONS, "{\"operations\":{}}" },
        { OPERATIONS, "{\"operations\":[{}]}" },
        { OPERATIONS, "{\"operations\":[{\"id\":\"no\"}]}" },
        { OPERATIONS, "{\"operations\":[{\"id\":\"gv4g5meo7ndmeh4fqskygvk23d2fijwa-k9302yzd\",\"status\":\"DONE\"}]}" },
        { OPERATIONS, "{\"operations\":[{\"id\":\"gv4g5meo7ndmeh4fqskygvk23d2fijwa-k9302yzd\",\"type\":\"X\"}]}" },
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        if (decode(cases[i].kind, str_of(cases[i].text)) != 1)
            print_error("case %zu\n", i);
        assert_int_equal(decode(cases[i].kind, str_of(cases[i].text)), 1);
    }
}

static void test_an_instance_over_its_caps_is_refused(void **state)
{
    enum { MAX_LEN = INSTANCE_MAX_ATTRIBUTES_LEN + INSTANCE_MAX_ADDED_LEN };
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 20);
    for (size_t n = MAX_LEN - 1; n <= MAX_LEN; n++) {
        buf_clear(&text);
        buf_put_str(&text, STR("{\"InstanceId\":\"i\",\"Attributes\":{\"k\":\""));
        for (size_t i = 0; i < n; i++)
            buf_put_char(&text, 'x');
        buf_put_str(&text, STR("\"}}"));
        assert_int_equal(decode(INSTANCE, buf_str(&text)), n == MAX_LEN);
    }
    for (size_t n = INSTANCE_MAX_TOKEN; n <= INSTANCE_MAX_TOKEN + 1; n++) {
        buf_clear(&text);
        buf_put_str(&text, STR("{\"InstanceId\":\"i\",\"creator_request_id\":\""));
        for (size_t i = 0; i < n; i++)
            buf_put_char(&text, 'x');
        buf_put_str(&text, STR("\"}"));
        assert_int_equal(decode(INSTANCE, buf_str(&text)), n > INSTANCE_MAX_TOKEN);
    }
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_what_is_no_key),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_access_that_is_refused),
        cmocka_unit_test(test_namespaces),
        cmocka_unit_test(test_services),
        cmocka_unit_test(test_instances),
        cmocka_unit_test(test_drains),
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_unknown_members_are_skipped),
        cmocka_unit_test(test_text_that_was_cut_or_lengthened_is_refused),
        cmocka_unit_test(test_what_is_no_such_record),
        cmocka_unit_test(test_an_instance_over_its_caps_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
