/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces: which names may be twice, HttpNames, repetitions, updates, deletion, tags of both kinds of resource. */
#include "bed.h"

#include "base/mem.h"

/* A creation with everything that tells one from another. */
static int create(struct bed *bed, enum namespace_kind kind, const char *name, const char *vpc, const char *token)
{
    struct change *change = caller_new(&bed->caller, CHANGE_CREATE_NAMESPACE);

    change->ns.kind = kind;
    change->ns.name = str_of(name);
    change->ns.vpc = str_of(vpc);
    change->ns.creator_request_id = str_of(token);
    change->ns.soa_ttl = 15;
    return caller_do(&bed->caller);
}

static size_t count_namespaces(const struct bed *bed)
{
    const struct tenant *tenant = bed_tenant(bed, bed_hold(bed));
    size_t n = tenant ? tree_size(&tenant->namespaces).count : 0;

    bed_release(bed);
    return n;
}

static struct namespace get(struct bed *bed, struct str id)
{
    const struct namespace *ns = state_find_namespace(bed_tenant(bed, bed_hold(bed)), id);
    struct namespace copy;

    assert_non_null(ns);
    copy = *ns;
    copy.name = arena_dup(&bed->names, ns->name);
    copy.http_name = arena_dup(&bed->names, ns->http_name);
    copy.hosted_zone_id = arena_dup(&bed->names, ns->hosted_zone_id);
    copy.create_operation = arena_dup(&bed->names, ns->create_operation);
    copy.description = arena_dup(&bed->names, ns->description);
    bed_release(bed);
    return copy;
}

static void test_what_a_creation_makes(void **state)
{
    struct namespace ns;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    ns = get(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"));
    assert_str(ns.http_name, "h");
    assert_false(str_is_set(ns.hosted_zone_id));
    assert_int_equal(ns.create_ms, BED_WALL_MS);
    assert_string_equal(bed_operation(&bed, ns.create_operation.p), "SUCCESS");
    ns = get(&bed, bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "p"));
    assert_str(ns.http_name, "p");
    assert_true(str_starts(ns.hosted_zone_id, STR("Z")));
    assert_int_equal(ns.soa_ttl, NAMESPACE_SOA_TTL_PRIVATE);
    ns = get(&bed, bed_namespace(&bed, NAMESPACE_DNS_PUBLIC, "a.example"));
    assert_int_equal(ns.soa_ttl, NAMESPACE_SOA_TTL_PUBLIC);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_names_that_are_taken(void **state)
{
    struct bed bed;
    struct str http, public;

    (void)state;
    bed_init(&bed);
    http = bed_namespace(&bed, NAMESPACE_HTTP, "Name");
    public = bed_namespace(&bed, NAMESPACE_DNS_PUBLIC, "a.example");
    assert_int_equal(create(&bed, NAMESPACE_HTTP, "Name", NULL, "u"), CHANGE_NAMESPACE_EXISTS);
    assert_true(str_eq(bed.caller.change.existing_id, http));
    assert_str(bed.caller.change.existing_token, "t");
    assert_int_equal(create(&bed, NAMESPACE_DNS_PUBLIC, "A.EXAMPLE", NULL, "u"), CHANGE_NAMESPACE_EXISTS);
    assert_true(str_eq(bed.caller.change.existing_id, public));
    /* Another case is another HTTP namespace; other kinds and other networks have names of their own. */
    assert_int_equal(create(&bed, NAMESPACE_HTTP, "name", NULL, "u"), 0);
    assert_int_equal(create(&bed, NAMESPACE_DNS_PRIVATE, "name", "vpc-1", "u"), 0);
    assert_int_equal(create(&bed, NAMESPACE_DNS_PRIVATE, "name", "vpc-2", "u"), 0);
    assert_int_equal(create(&bed, NAMESPACE_DNS_PRIVATE, "a.example", "vpc-1", "u"), 0);
    assert_int_equal(create(&bed, NAMESPACE_DNS_PRIVATE, "example", "vpc-1", "u"), 0);
    assert_int_equal(count_namespaces(&bed), 7);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_http_names_are_unique(void **state)
{
    static const struct {
        enum namespace_kind kind;
        const char *vpc;
    } others[] = { { NAMESPACE_DNS_PRIVATE, "vpc-1" },
                   { NAMESPACE_DNS_PRIVATE, "vpc-2" },
                   { NAMESPACE_DNS_PUBLIC, NULL } };
    const struct namespace *ns;
    struct tree_iter iter;
    struct bed bed;
    struct str first;
    size_t n = 0;

    (void)state;
    bed_init(&bed);
    first = bed_namespace(&bed, NAMESPACE_HTTP, "a.example");
    for (size_t i = 0; i < TEST_COUNT(others); i++)
        assert_int_equal(create(&bed, others[i].kind, "a.example", others[i].vpc, "u"), 0);
    tree_iter_init(&iter, &bed_tenant(&bed, bed_hold(&bed))->namespaces, NULL, NULL);
    for (; (ns = tree_iter_next(&iter)); n++) {
        assert_str(ns->name, "a.example");
        if (str_eq(ns->id, first)) {
            assert_str(ns->http_name, "a.example");
            continue;
        }
        assert_true(str_starts(ns->http_name, STR("a.example-")));
        assert_int_equal(ns->http_name.n, strlen("a.example-") + 16);
    }
    assert_int_equal(n, 4);
    bed_release(&bed);

    /* A name that is free again is used again. */
    caller_new(&bed.caller, CHANGE_DELETE_NAMESPACE)->namespace_id = first;
    assert_int_equal(caller_do(&bed.caller), 0);
    assert_str(get(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "a.example")).http_name, "a.example");
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_repetitions(void **state)
{
    char operation[ID_OPERATION_SIZE];
    struct change *change;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    for (unsigned kind = 0; kind < NAMESPACE_KIND_COUNT; kind++) {
        const char *vpc = kind == NAMESPACE_DNS_PRIVATE ? "vpc-1" : NULL;
        assert_int_equal(create(&bed, (enum namespace_kind)kind, "a.b", vpc, "token"), 0);
        memcpy(operation, bed.caller.change.operation_id, sizeof(operation));
        assert_int_equal(create(&bed, (enum namespace_kind)kind, "a.b", vpc, "token"), 0);
        assert_string_equal(bed.caller.change.operation_id, operation);
        assert_int_equal(count_namespaces(&bed), kind + 1);
        /* The same token with other parameters is not the same request. */
        change = caller_new(&bed.caller, CHANGE_CREATE_NAMESPACE);
        change->ns.kind = (enum namespace_kind)kind;
        change->ns.name = STR("a.b");
        change->ns.vpc = str_of(vpc);
        change->ns.creator_request_id = STR("token");
        change->ns.request_digest = 1;
        assert_int_equal(caller_do(&bed.caller), CHANGE_NAMESPACE_EXISTS);
    }
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_the_limit(void **state)
{
    struct bed bed;

    (void)state;
    bed_init(&bed);
    bed.config.limits.namespaces = 2;
    bed_reopen(&bed);
    assert_int_equal(create(&bed, NAMESPACE_HTTP, "a", NULL, "t"), 0);
    assert_int_equal(create(&bed, NAMESPACE_HTTP, "b", NULL, "t"), 0);
    assert_int_equal(create(&bed, NAMESPACE_HTTP, "c", NULL, "t"), CHANGE_LIMIT);
    assert_str(bed.caller.change.message, "The limit of 2 namespaces is reached");
    assert_int_equal(create(&bed, NAMESPACE_HTTP, "b", NULL, "t"), 0); /* a repetition */
    bed_fini(&bed);
}

/* --- update and delete ------------------------------------------------------------------------------------------- */

static int update(struct bed *bed, struct str id, enum namespace_kind kind, const char *description, int64_t soa_ttl)
{
    struct change *change = caller_new(&bed->caller, CHANGE_UPDATE_NAMESPACE);

    change->namespace_id = id;
    change->ns.kind = kind;
    change->ns.description = str_of(description);
    change->ns.soa_ttl = soa_ttl;
    return caller_do(&bed->caller);
}

static void test_updates_merge(void **state)
{
    struct bed bed;
    struct str id;

    (void)state;
    bed_init(&bed);
    id = bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "p");
    bed_service(&bed, id, "s", SERVICE_CHECK_NONE);
    assert_int_equal(update(&bed, id, NAMESPACE_DNS_PRIVATE, "text", -1), 0);
    assert_str(get(&bed, id).description, "text");
    assert_int_equal(get(&bed, id).soa_ttl, NAMESPACE_SOA_TTL_PRIVATE);
    assert_int_equal(update(&bed, id, NAMESPACE_DNS_PRIVATE, NULL, 0), 0);
    assert_str(get(&bed, id).description, "text");
    assert_int_equal(get(&bed, id).soa_ttl, 0);
    bed_check_reopen(&bed);
    assert_int_equal(update(&bed, id, NAMESPACE_DNS_PRIVATE, "", -1), 0);
    assert_false(str_is_set(get(&bed, id).description));
    assert_int_equal(update(&bed, id, NAMESPACE_HTTP, "x", -1), CHANGE_INVALID_INPUT);
    assert_str(bed.caller.change.message,
               "The namespace is of type DNS_PRIVATE and cannot be updated as one of type HTTP");
    assert_int_equal(update(&bed, STR("ns-none"), NAMESPACE_HTTP, "x", -1), CHANGE_NAMESPACE_NOT_FOUND);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static int delete (struct bed *bed, struct str id)
{
    caller_new(&bed->caller, CHANGE_DELETE_NAMESPACE)->namespace_id = id;
    return caller_do(&bed->caller);
}

static void test_only_empty_namespaces_are_deleted(void **state)
{
    char operation[ID_OPERATION_SIZE];
    struct bed bed;
    struct str id, service;

    (void)state;
    bed_init(&bed);
    id = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    service = bed_service(&bed, id, "s", SERVICE_CHECK_NONE);
    assert_int_equal(delete (&bed, id), CHANGE_IN_USE);
    assert_str(bed.caller.change.message,
               "Namespace has associated services; delete the services before deleting the namespace");
    caller_new(&bed.caller, CHANGE_DELETE_SERVICE)->service_id = service;
    assert_int_equal(caller_do(&bed.caller), 0);
    assert_int_equal(delete (&bed, id), 0);
    memcpy(operation, bed.caller.change.operation_id, sizeof(operation));
    assert_int_equal(count_namespaces(&bed), 0);
    assert_int_equal(bed_count_records(&bed, "namespace/"), 0);
    assert_int_equal(bed_count_records(&bed, "service/"), 0);
    assert_int_equal(delete (&bed, id), CHANGE_NAMESPACE_NOT_FOUND);
    bed_check_reopen(&bed);
    assert_string_equal(bed_operation(&bed, operation), "SUCCESS"); /* and can still be asked for */
    bed_fini(&bed);
}

/* --- tags -------------------------------------------------------------------------------------------------------- */

static int tag(struct bed *bed, struct str namespace_id, struct str service_id, const char *tags)
{
    struct change *change = caller_new(&bed->caller, CHANGE_TAG);

    change->namespace_id = namespace_id;
    change->service_id = service_id;
    change->pairs = caller_pairs(&bed->caller, tags, &change->n_pairs);
    return caller_do(&bed->caller);
}

static int untag(struct bed *bed, struct str namespace_id, struct str service_id, struct str key)
{
    const struct str keys[] = { STR("none"), key, key };
    struct change *change = caller_new(&bed->caller, CHANGE_UNTAG);

    change->namespace_id = namespace_id;
    change->service_id = service_id;
    change->keys = keys;
    change->n_keys = TEST_COUNT(keys);
    return caller_do(&bed->caller);
}

/* `k=v` of the resource's tags, joined by commas. */
static const char *tags_of(struct bed *bed, struct str namespace_id, struct str service_id)
{
    const struct tenant *tenant = bed_tenant(bed, bed_hold(bed));
    const struct namespace *ns = str_is_set(namespace_id) ? state_find_namespace(tenant, namespace_id) : NULL;
    const struct service *service = ns ? NULL : state_find_service(tenant, service_id)->config;
    struct str text = STR("");

    for (size_t i = 0; i < (ns ? ns->n_tags : service->n_tags); i++) {
        const struct str_pair *pair = ns ? &ns->tags[i] : &service->tags[i];
        text = arena_printf(&bed->names, STR_FMT "%s" STR_FMT "=" STR_FMT, STR_ARG(text), i ? "," : "",
                            STR_ARG(pair->key), STR_ARG(pair->value));
    }
    bed_release(bed);
    return text.p;
}

static void check_tags(struct bed *bed, struct str namespace_id, struct str service_id)
{
    struct buf many;

    assert_int_equal(tag(bed, namespace_id, service_id, "b=2,a=1"), 0);
    assert_string_equal(tags_of(bed, namespace_id, service_id), "a=1,b=2");
    assert_int_equal(tag(bed, namespace_id, service_id, "c=,b=3"), 0);
    assert_string_equal(tags_of(bed, namespace_id, service_id), "a=1,b=3,c=");
    assert_int_equal(tag(bed, namespace_id, service_id, "d=1,d=2"), CHANGE_INVALID_INPUT);
    assert_int_equal(tag(bed, namespace_id, service_id, "d=1,Aws:x=2"), CHANGE_INVALID_INPUT);
    assert_int_equal(tag(bed, namespace_id, service_id, ""), 0);
    assert_string_equal(tags_of(bed, namespace_id, service_id), "a=1,b=3,c=");
    bed_check_reopen(bed);
    assert_int_equal(untag(bed, namespace_id, service_id, STR("b")), 0);
    assert_int_equal(untag(bed, namespace_id, service_id, STR("none")), 0);
    assert_string_equal(tags_of(bed, namespace_id, service_id), "a=1,c=");
    buf_init(&many, 4096);
    for (int i = 0; i < 49; i++)
        buf_printf(&many, "%sk%02d=v", i ? "," : "", i);
    buf_put_char(&many, '\0');
    assert_int_equal(tag(bed, namespace_id, service_id, many.p), CHANGE_TOO_MANY_TAGS);
    assert_string_equal(tags_of(bed, namespace_id, service_id), "a=1,c=");
    assert_int_equal(untag(bed, namespace_id, service_id, STR("a")), 0);
    assert_int_equal(tag(bed, namespace_id, service_id, many.p), 0);
    buf_fini(&many);
    bed_check_reopen(bed);
}

static void test_tags_of_namespaces_and_services(void **state)
{
    struct bed bed;
    struct str ns, service, none = { 0 };

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    service = bed_service(&bed, ns, "s", SERVICE_CHECK_NONE);
    bed_register(&bed, service, "i", "k=v");
    check_tags(&bed, ns, none);
    check_tags(&bed, none, service);
    assert_int_equal(tag(&bed, STR("ns-none"), none, "a=1"), CHANGE_RESOURCE_NOT_FOUND);
    assert_int_equal(tag(&bed, none, STR("srv-none"), "a=1"), CHANGE_RESOURCE_NOT_FOUND);
    assert_int_equal(untag(&bed, STR("ns-none"), none, STR("a")), CHANGE_RESOURCE_NOT_FOUND);
    assert_int_equal(untag(&bed, none, STR("srv-none"), STR("a")), CHANGE_RESOURCE_NOT_FOUND);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_creation_makes),
        cmocka_unit_test(test_names_that_are_taken),
        cmocka_unit_test(test_http_names_are_unique),
        cmocka_unit_test(test_repetitions),
        cmocka_unit_test(test_the_limit),
        cmocka_unit_test(test_updates_merge),
        cmocka_unit_test(test_only_empty_namespaces_are_deleted),
        cmocka_unit_test(test_tags_of_namespaces_and_services),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
