/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking things up in a snapshot: names with and without case, counts, tenants apart, and the keys that lock. */
#include "bed.h"

#include "base/mem.h"

static void test_names_of_namespaces(void **state)
{
    const struct tenant *tenant;
    const struct namespace *ns;
    struct tree_iter iter;
    struct bed bed;
    struct str http, private, other;

    (void)state;
    bed_init(&bed);
    http = bed_namespace(&bed, NAMESPACE_HTTP, "Example");
    private = bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "example");
    other = bed_namespace(&bed, NAMESPACE_HTTP, "example2");
    tenant = bed_tenant(&bed, bed_hold(&bed));
    assert_true(str_eq(state_find_namespace(tenant, http)->id, http));
    assert_null(state_find_namespace(tenant, STR("ns-none")));
    assert_null(state_find_namespace(tenant, STR("")));
    assert_true(str_eq(state_find_http_name(tenant, STR("Example"))->id, http));
    assert_true(str_eq(state_find_http_name(tenant, STR("example"))->id, private));
    assert_null(state_find_http_name(tenant, STR("EXAMPLE")));
    state_iter_name(&iter, tenant, STR("EXAMPLE"));
    for (int i = 0; i < 2; i++) {
        ns = tree_iter_next(&iter);
        assert_true(str_eq(ns->id, http) || str_eq(ns->id, private));
    }
    ns = tree_iter_next(&iter);
    assert_true(str_eq(ns->id, other));
    assert_null(tree_iter_next(&iter));
    bed_release(&bed);
    bed_fini(&bed);
}

static void test_names_and_counts_of_services(void **state)
{
    static const char *names[] = { "a", "B", "b", "web", "z" };
    struct str http, private, empty;
    const struct tenant *tenant;
    struct tree_rank count;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    http = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    private = bed_namespace(&bed, NAMESPACE_DNS_PRIVATE, "p");
    empty = bed_namespace(&bed, NAMESPACE_HTTP, "e");
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        struct str service = bed_service(&bed, http, names[i], SERVICE_CHECK_NONE);
        for (size_t k = 0; k < i; k++)
            bed_register(&bed, service, names[k], "k=v");
    }
    bed_register(&bed, bed_service(&bed, private, "Web", SERVICE_CHECK_NONE), "i", "");
    tenant = bed_tenant(&bed, bed_hold(&bed));
    for (size_t i = 0; i < TEST_COUNT(names); i++)
        assert_true(
            str_eq(state_find_service_name(tenant, state_find_namespace(tenant, http), str_of(names[i]))->config->name,
                   str_of(names[i])));
    assert_null(state_find_service_name(tenant, state_find_namespace(tenant, http), STR("WEB")));
    assert_non_null(state_find_service_name(tenant, state_find_namespace(tenant, private), STR("wEB")));
    assert_null(state_find_service_name(tenant, state_find_namespace(tenant, private), STR("we")));
    count = state_count_services(tenant, http);
    assert_int_equal(count.count, TEST_COUNT(names));
    assert_int_equal(count.weight, 0 + 1 + 2 + 3 + 4);
    count = state_count_services(tenant, private);
    assert_int_equal(count.count, 1);
    assert_int_equal(count.weight, 1);
    assert_int_equal(state_count_services(tenant, empty).count, 0);
    assert_int_equal(state_count_services(tenant, STR("ns-none")).count, 0);
    assert_int_equal(state_count_services(tenant, STR("")).count, 0);
    bed_release(&bed);
    bed_fini(&bed);
}

static void test_tenants_are_apart(void **state)
{
    const struct snapshot *snapshot;
    struct caller other;
    struct bed bed;
    struct str ns;

    (void)state;
    bed_init(&bed);
    ns = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    caller_init(&other, &bed, BED_ACCOUNT, STR("eu-west-1"));
    assert_int_equal(caller_create_service(&other, ns, "s", SERVICE_CHECK_NONE), CHANGE_NAMESPACE_NOT_FOUND);
    assert_int_equal(caller_create_namespace(&other, NAMESPACE_HTTP, "h", "t"), 0);
    snapshot = bed_hold(&bed);
    assert_non_null(state_find_tenant(snapshot, BED_ACCOUNT, BED_REGION));
    assert_non_null(state_find_tenant(snapshot, BED_ACCOUNT, STR("eu-west-1")));
    assert_null(state_find_tenant(snapshot, STR("000000000001"), BED_REGION));
    assert_null(state_find_namespace(state_find_tenant(snapshot, BED_ACCOUNT, STR("eu-west-1")), ns));
    bed_release(&bed);
    caller_fini(&other);
    bed_fini(&bed);
}

static void test_no_tenant_has_nothing(void **state)
{
    const struct id_operation id = { { 0 }, 1 };

    (void)state;
    assert_null(state_find_namespace(NULL, STR("ns")));
    assert_null(state_find_http_name(NULL, STR("h")));
    assert_null(state_find_service(NULL, STR("srv")));
    assert_null(state_find_operation(NULL, &id));
    assert_null(state_find_unfinished(NULL, id.target));
    assert_int_equal(state_count_services(NULL, STR("ns")).count, 0);
}

static void test_targets(void **state)
{
    uint8_t targets[8][ID_TARGET_LEN], again[ID_TARGET_LEN];
    struct str none = { 0 };

    (void)state;
    state_target_name(STR("1"), STR("r"), STR("Name"), targets[0]);
    state_target_name(STR("1"), STR("r"), STR("name2"), targets[1]);
    state_target_name(STR("2"), STR("r"), STR("name"), targets[2]);
    state_target_id(STR("1"), STR("r"), STR("name"), none, targets[3]);
    state_target_id(STR("1"), STR("r"), STR("name"), STR("i"), targets[4]);
    state_target_id(STR("1"), STR("r"), STR("name"), STR("I"), targets[5]);
    state_target_id(STR("1"), STR("rn"), STR("ame"), STR("i"), targets[6]);
    state_target_id(STR("1"), STR("s"), STR("name"), STR("i"), targets[7]);
    for (size_t i = 0; i < TEST_COUNT(targets); i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(targets[i], targets[k], ID_TARGET_LEN);
    state_target_name(STR("1"), STR("r"), STR("nAME"), again);
    assert_memory_equal(targets[0], again, ID_TARGET_LEN);
}

static void test_index_tags_take_key_and_value(void **state)
{
    const struct hash_key key = { { 1, 2 } }, other = { { 2, 1 } };
    const struct str_pair pairs[] = {
        { STR("ab"), STR("c") }, { STR("a"), STR("bc") }, { STR("abc"), STR("") }, { STR(""), STR("abc") }
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(pairs); i++) {
        assert_int_equal(state_index_tag(&key, &pairs[i]), state_index_tag(&key, &pairs[i]));
        assert_int_not_equal(state_index_tag(&key, &pairs[i]), state_index_tag(&other, &pairs[i]));
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(state_index_tag(&key, &pairs[i]), state_index_tag(&key, &pairs[k]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_namespaces),
        cmocka_unit_test(test_names_and_counts_of_services),
        cmocka_unit_test(test_tenants_are_apart),
        cmocka_unit_test(test_no_tenant_has_nothing),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_index_tags_take_key_and_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
