/* SPDX-License-Identifier: Apache-2.0
 *
 * Services: names, derived ids, repetitions, revisions over deletion, what updates replace, attributes. */
#include "bed.h"

#include "base/mem.h"

static uint64_t revision_of(struct bed *bed, struct str id)
{
    const struct service_node *node = state_find_service(bed_tenant(bed, bed_hold(bed)), id);
    uint64_t revision = node ? node->revision : 0;

    bed_release(bed);
    return revision;
}

/* A copy of the configuration as it is, in the caller's arena. */
static const struct service *get(struct bed *bed, struct str id)
{
    const struct service_node *node = state_find_service(bed_tenant(bed, bed_hold(bed)), id);
    const struct service *copy;

    assert_non_null(node);
    copy = service_copy(&bed->names, node->config);
    assert_non_null(copy);
    bed_release(bed);
    return copy;
}

static int delete (struct bed *bed, struct str id)
{
    caller_new(&bed->caller, CHANGE_DELETE_SERVICE)->service_id = id;
    return caller_do(&bed->caller);
}

/* --- creation ---------------------------------------------------------------------------------------------------- */

static void test_types(void **state)
{
    struct change *change;
    struct bed bed;
    struct str http, private;

    (void)state;
    bed_init(&bed);
    http = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    private = bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "p");
    assert_int_equal(get(&bed, bed_service(&bed, http, "a", SERVICE_CHECK_NONE))->type, SERVICE_HTTP);
    assert_int_equal(get(&bed, bed_service(&bed, private, "b", SERVICE_CHECK_NONE))->type, SERVICE_HTTP);
    for (int given = 0; given < 2; given++) {
        change = caller_new(&bed.caller, CHANGE_CREATE_SERVICE);
        change->service.namespace_id = private;
        change->service.name = given ? STR("d") : STR("c");
        change->service.has_dns = true;
        change->service.n_records = 1;
        change->service.records[0] = (struct service_record){ SERVICE_A, 60 };
        change->type_given = given; /* as HTTP */
        assert_int_equal(caller_do(&bed.caller), given ? CHANGE_INVALID_INPUT : 0);
    }
    assert_int_equal(caller_create_service(&bed.caller, STR("ns-none"), "s", 0), CHANGE_NAMESPACE_NOT_FOUND);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_names_that_are_taken(void **state)
{
    struct str http, private, id;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    http = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    private = bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "p");
    bed_service(&bed, http, "example", SERVICE_CHECK_NONE);
    bed_service(&bed, http, "EXAMPLE", SERVICE_CHECK_NONE);
    id = bed_service(&bed, private, "example", SERVICE_CHECK_NONE);
    assert_int_equal(caller_create_service(&bed.caller, private, "EXAMPLE", SERVICE_CHECK_NONE), CHANGE_SERVICE_EXISTS);
    assert_true(str_eq(bed.caller.change.existing_id, id));
    assert_str(bed.caller.change.existing_token, "t");
    bed_fini(&bed);
}

static void test_repetitions(void **state)
{
    struct change *change;
    struct bed bed;
    struct str ns, id;

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    id = bed_service(&bed, ns, "s", SERVICE_CHECK_NONE);
    bed_register(&bed, id, "i", "");
    assert_true(str_eq(bed_service(&bed, ns, "s", SERVICE_CHECK_NONE), id));
    bed_check_reopen(&bed);
    assert_true(str_eq(bed_service(&bed, ns, "s", SERVICE_CHECK_NONE), id));
    change = caller_new(&bed.caller, CHANGE_CREATE_SERVICE);
    change->service.namespace_id = ns;
    change->service.name = STR("s");
    change->service.creator_request_id = STR("t");
    change->service.request_digest = 1;
    assert_int_equal(caller_do(&bed.caller), CHANGE_SERVICE_EXISTS);
    bed_fini(&bed);
}

static void test_a_service_made_again(void **state)
{
    struct bed bed;
    struct str ns, id;
    uint64_t last;

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    id = bed_service(&bed, ns, "s", SERVICE_CHECK_CUSTOM);
    bed_register(&bed, id, "i", "k=v");
    assert_int_equal(delete (&bed, id), CHANGE_IN_USE);
    assert_str(bed.caller.change.message,
               "Service contains registered instances; delete the instances before deleting the service");
    assert_int_equal(caller_deregister(&bed.caller, id, "i"), 0);
    last = revision_of(&bed, id);
    for (int i = 0; i < 3; i++) {
        struct change *change = caller_new(&bed.caller, CHANGE_PUT_SERVICE_ATTRIBUTES);
        change->service_id = id;
        change->pairs = caller_pairs(&bed.caller, "k=v", &change->n_pairs);
        assert_int_equal(caller_do(&bed.caller), 0);
        assert_int_equal(delete (&bed, id), 0);
        assert_int_equal(bed_count_records(&bed, "service/"), 0);
        bed_check_reopen(&bed);
        assert_int_equal(delete (&bed, id), CHANGE_SERVICE_NOT_FOUND);
        assert_true(str_eq(bed_service(&bed, ns, "s", SERVICE_CHECK_CUSTOM), id));
        assert_int_equal(get(&bed, id)->n_attributes, 0); /* nothing of the old one is left */
        assert_true(revision_of(&bed, id) > last);
        last = revision_of(&bed, id);
        bed_check_reopen(&bed);
        assert_int_equal(revision_of(&bed, id), last);
    }
    bed_fini(&bed);
}

static void test_made_and_deleted_in_one_commit(void **state)
{
    struct caller callers[4];
    char *before, *after;
    struct bed bed;
    struct str ns, id;

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    id = bed_service(&bed, ns, "s", SERVICE_CHECK_NONE);
    assert_int_equal(delete (&bed, id), 0);
    before = bed_dump(&bed);
    for (size_t n = 2; n <= 4; n++) {
        bed_pause(&bed);
        for (size_t i = 0; i < n; i++) {
            caller_init(&callers[i], &bed, BED_ACCOUNT, BED_REGION);
            struct change *change = caller_new(&callers[i], i % 2 ? CHANGE_DELETE_SERVICE : CHANGE_CREATE_SERVICE);
            change->service.namespace_id = ns;
            change->service.name = STR("s");
            change->service_id = id;
            caller_submit(&callers[i]);
        }
        bed_resume(&bed);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(caller_wait(&callers[i]), 0);
            caller_fini(&callers[i]);
        }
        bed_check_reopen(&bed);
        assert_int_equal(bed_count_records(&bed, "service/"), n % 2);
        if (n % 2)
            assert_int_equal(delete (&bed, id), 0);
    }
    after = bed_dump(&bed);
    bed_check_same(before, after);
    mem_free(before);
    mem_free(after);
    bed_fini(&bed);
}

static void test_the_limit(void **state)
{
    struct bed bed;
    struct str ns, other;

    (void)state;
    bed_init(&bed);
    bed.config.limits.services_per_namespace = 2;
    bed_reopen(&bed);
    ns = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    other = bed_namespace(&bed, NAMESPACE_HTTP, "h2");
    bed_service(&bed, ns, "a", SERVICE_CHECK_NONE);
    bed_service(&bed, ns, "b", SERVICE_CHECK_NONE);
    assert_int_equal(caller_create_service(&bed.caller, ns, "c", SERVICE_CHECK_NONE), CHANGE_LIMIT);
    assert_str(bed.caller.change.message, "The limit of 2 services in a namespace is reached");
    bed_service(&bed, ns, "b", SERVICE_CHECK_NONE); /* a repetition */
    bed_service(&bed, other, "c", SERVICE_CHECK_NONE);
    bed_fini(&bed);
}

/* --- updates ----------------------------------------------------------------------------------------------------- */

static struct change *new_update(struct bed *bed, struct str id, enum service_check check)
{
    struct change *change = caller_new(&bed->caller, CHANGE_UPDATE_SERVICE);

    change->service_id = id;
    change->service.check = check;
    return change;
}

static void give_records(struct service *service, int64_t ttl)
{
    service->has_dns = true;
    service->n_records = 1;
    service->records[0] = (struct service_record){ SERVICE_A, ttl };
}

static void test_updates_replace_records_and_checks(void **state)
{
    struct change *change;
    struct bed bed;
    struct str ns, id;

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_DNS_PUBLIC, "a.example");
    change = caller_new(&bed.caller, CHANGE_CREATE_SERVICE);
    change->service = (struct service){ .namespace_id = ns,
                                        .name = STR("s"),
                                        .routing = SERVICE_WEIGHTED,
                                        .check = SERVICE_CHECK_HTTP,
                                        .check_path = STR("/up"),
                                        .check_threshold = 3 };
    give_records(&change->service, 60);
    assert_int_equal(caller_do(&bed.caller), 0);
    id = arena_dup(&bed.names, bed.caller.change.created->id);
    bed_register(&bed, id, "i", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");

    change = new_update(&bed, id, SERVICE_CHECK_NONE); /* both are left out: both go */
    change->service.description = STR("text");
    assert_int_equal(caller_do(&bed.caller), 0);
    assert_str(get(&bed, id)->description, "text");
    assert_int_equal(get(&bed, id)->n_records, 0);
    assert_true(get(&bed, id)->has_dns);
    assert_int_equal(get(&bed, id)->type, SERVICE_DNS_HTTP);
    assert_int_equal(get(&bed, id)->check, SERVICE_CHECK_NONE);
    assert_false(str_is_set(get(&bed, id)->check_path));
    assert_int_equal(get(&bed, id)->check_threshold, 0);
    bed_check_reopen(&bed);

    give_records(&new_update(&bed, id, SERVICE_CHECK_TCP)->service, 5);
    assert_int_equal(caller_do(&bed.caller), 0);
    assert_str(get(&bed, id)->description, "text");
    assert_int_equal(get(&bed, id)->records[0].ttl, 5);
    assert_int_equal(get(&bed, id)->routing, SERVICE_WEIGHTED);
    assert_int_equal(get(&bed, id)->check, SERVICE_CHECK_TCP);
    give_records(&new_update(&bed, id, SERVICE_CHECK_HTTP)->service, 5);
    assert_int_equal(caller_do(&bed.caller), CHANGE_INVALID_INPUT);
    new_update(&bed, id, SERVICE_CHECK_NONE)->service.description = STR("");
    assert_int_equal(caller_do(&bed.caller), 0);
    assert_false(str_is_set(get(&bed, id)->description));
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_a_custom_check_stays(void **state)
{
    struct bed bed;
    struct str id;
    uint64_t revision;

    (void)state;
    bed_init(&bed);
    id = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_CUSTOM);
    bed_register(&bed, id, "i", "");
    revision = revision_of(&bed, id);
    new_update(&bed, id, SERVICE_CHECK_NONE);
    assert_int_equal(caller_do(&bed.caller), 0);
    assert_int_equal(get(&bed, id)->check, SERVICE_CHECK_CUSTOM);
    new_update(&bed, id, SERVICE_CHECK_HTTP);
    assert_int_equal(caller_do(&bed.caller), CHANGE_INVALID_INPUT);
    new_update(&bed, STR("srv-none"), SERVICE_CHECK_NONE);
    assert_int_equal(caller_do(&bed.caller), CHANGE_SERVICE_NOT_FOUND);
    give_records(&new_update(&bed, id, SERVICE_CHECK_NONE)->service, 1);
    assert_int_equal(caller_do(&bed.caller), CHANGE_INVALID_INPUT);
    assert_int_equal(revision_of(&bed, id), revision); /* nothing of this is membership */
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

/* --- attributes -------------------------------------------------------------------------------------------------- */

static int put_attributes(struct bed *bed, struct str id, const char *attributes)
{
    struct change *change = caller_new(&bed->caller, CHANGE_PUT_SERVICE_ATTRIBUTES);

    change->service_id = id;
    change->pairs = caller_pairs(&bed->caller, attributes, &change->n_pairs);
    return caller_do(&bed->caller);
}

static int del_attribute(struct bed *bed, struct str id, struct str key)
{
    const struct str keys[] = { STR("none"), key };
    struct change *change = caller_new(&bed->caller, CHANGE_DEL_SERVICE_ATTRIBUTES);

    change->service_id = id;
    change->keys = keys;
    change->n_keys = 2;
    return caller_do(&bed->caller);
}

static void test_attributes(void **state)
{
    struct buf many;
    struct bed bed;
    struct str id;

    (void)state;
    bed_init(&bed);
    id = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    assert_int_equal(put_attributes(&bed, id, "b=1,a=2"), 0);
    assert_int_equal(put_attributes(&bed, id, "b=3"), 0);
    assert_int_equal(get(&bed, id)->n_attributes, 2);
    assert_str(get(&bed, id)->attributes[1].value, "3");
    bed_check_reopen(&bed);
    assert_int_equal(del_attribute(&bed, id, STR("a")), 0);
    assert_int_equal(get(&bed, id)->n_attributes, 1);
    assert_int_equal(put_attributes(&bed, id, "c=1,c=2"), CHANGE_INVALID_INPUT);
    buf_init(&many, 4096);
    for (int i = 0; i < 29; i++)
        buf_printf(&many, "%sk%02d=v", i ? "," : "", i);
    buf_put_char(&many, '\0');
    assert_int_equal(put_attributes(&bed, id, many.p), 0);
    assert_int_equal(get(&bed, id)->n_attributes, 30);
    assert_int_equal(put_attributes(&bed, id, "one_more=v"), CHANGE_TOO_MANY_ATTRIBUTES);
    assert_int_equal(put_attributes(&bed, id, "k00=w"), 0);
    assert_int_equal(put_attributes(&bed, STR("srv-none"), "a=1"), CHANGE_SERVICE_NOT_FOUND);
    assert_int_equal(del_attribute(&bed, STR("srv-none"), STR("a")), CHANGE_SERVICE_NOT_FOUND);
    buf_fini(&many);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_names_that_are_taken),
        cmocka_unit_test(test_repetitions),
        cmocka_unit_test(test_a_service_made_again),
        cmocka_unit_test(test_made_and_deleted_in_one_commit),
        cmocka_unit_test(test_the_limit),
        cmocka_unit_test(test_updates_replace_records_and_checks),
        cmocka_unit_test(test_a_custom_check_stays),
        cmocka_unit_test(test_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
