/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/id.h"

static bool is_made_of(const char *text, const char *alphabet)
{
    return strspn(text, alphabet) == strlen(text);
}

#define BASE32 "abcdefghijklmnopqrstuvwxyz234567"

static void test_random_ids(void **state)
{
    char ns[ID_NAMESPACE_SIZE], other[ID_NAMESPACE_SIZE], zone[ID_HOSTED_ZONE_SIZE], suffix[ID_RANDOM_LEN + 1];
    struct rand rand;

    (void)state;
    rand_init_seed(&rand, 1);
    for (int i = 0; i < 1000; i++) {
        id_new_namespace(&rand, ns);
        id_new_namespace(&rand, other);
        assert_int_equal(strlen(ns), 19);
        assert_memory_equal(ns, "ns-", 3);
        assert_true(is_made_of(ns + 3, BASE32));
        assert_string_not_equal(ns, other);
        id_new_suffix(&rand, suffix);
        assert_int_equal(strlen(suffix), 16);
        assert_true(is_made_of(suffix, BASE32));
        id_new_hosted_zone(&rand, zone);
        assert_int_equal(zone[0], 'Z');
        assert_in_range(strlen(zone), 14, 21);
        assert_true(is_made_of(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"));
    }
}

static void test_service_ids_are_derived_from_every_part(void **state)
{
    const struct str parts[] = { STR("123456789012"), STR("us-east-1"), STR("ns-e4anhexample0004"), STR("web") };
    char first[ID_SERVICE_SIZE], again[ID_SERVICE_SIZE];

    (void)state;
    id_of_service(parts[0], parts[1], parts[2], parts[3], first);
    assert_int_equal(strlen(first), 20);
    assert_memory_equal(first, "srv-", 4);
    assert_true(is_made_of(first + 4, BASE32));
    id_of_service(parts[0], parts[1], parts[2], parts[3], again);
    assert_string_equal(first, again);
    for (size_t i = 0; i < TEST_COUNT(parts); i++) {
        struct str other[4] = { parts[0], parts[1], parts[2], parts[3] };
        other[i] = STR("other");
        id_of_service(other[0], other[1], other[2], other[3], again);
        assert_string_not_equal(first, again);
    }
    /* Moving a character over a border is another service. */
    id_of_service(STR("a"), STR("b"), STR("cd"), STR("e"), first);
    id_of_service(STR("a"), STR("b"), STR("c"), STR("de"), again);
    assert_string_not_equal(first, again);
}

static void test_service_ids_never_change(void **state)
{
    char id[ID_SERVICE_SIZE];

    (void)state;
    /* Stored and given out: another value here breaks every store there is. */
    id_of_service(STR("000000000000"), STR("us-east-1"), STR("ns-aaaaaaaaaaaaaaaa"), STR("web"), id);
    assert_string_equal(id, "srv-sqp73tnve7ofbs35");
}

static void test_operation_ids(void **state)
{
    static const int64_t times[] = { 1, 35, 36, INT64_C(1587055860121), INT64_MAX };
    char text[ID_OPERATION_SIZE];
    struct id_operation id = { { 0 }, 0 }, back;

    (void)state;
    /* AWS's documented example: k9302yzd is 2020-04-16T16:51:00.121Z. */
    id.create_ms = INT64_C(1587055860121);
    id_format_operation(&id, text);
    assert_string_equal(text + 32, "-k9302yzd");
    for (size_t i = 0; i < TEST_COUNT(times); i++) {
        char key[32];
        id_target((struct str){ key, (size_t)snprintf(key, sizeof(key), "key %zu", i) }, id.target);
        id.create_ms = times[i];
        id_format_operation(&id, text);
        assert_true(strlen(text) < ID_OPERATION_SIZE);
        assert_int_equal(id_parse_operation(str_of(text), &back), 0);
        assert_memory_equal(back.target, id.target, ID_TARGET_LEN);
        assert_int_equal(back.create_ms, id.create_ms);
    }
}

static void test_what_is_no_operation_id(void **state)
{
    static const char *texts[] = {
        "",
        "-",
        "gv4g5meo7ndmeh4fqskygvk23d2fijwa",
        "gv4g5meo7ndmeh4fqskygvk23d2fijwa-",
        "gv4g5meo7ndmeh4fqskygvk23d2fijwa_k9302yzd",
        "gv4g5meo7ndmeh4fqskygvk23d2fijw-k9302yzd",
        "gv4g5meo7ndmeh4fqskygvk23d2fijwaa-k9302yzd",
        "GV4G5MEO7NDMEH4FQSKYGVK23D2FIJWA-k9302yzd",
        "gv4g5meo7ndmeh4fqskygvk23d2fijw1-k9302yzd",
        "gv4g5meo7ndmeh4fqskygvk23d2fijwa-K9302YZD",
        "gv4g5meo7ndmeh4fqskygvk23d2fijwa-zzzzzzzzzzzzz",
        "gv4g5meo7ndmeh4fqskygvk23d2fijwa-3w5e11264sgsf0",
    };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(texts); i++) {
        struct id_operation id = { .create_ms = 7 };
        if (id_parse_operation(str_of(texts[i]), &id) == 0)
            print_error("case %zu\n", i);
        assert_int_equal(id_parse_operation(str_of(texts[i]), &id), 1);
        assert_int_equal(id.create_ms, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_ids),
        cmocka_unit_test(test_service_ids_are_derived_from_every_part),
        cmocka_unit_test(test_service_ids_never_change),
        cmocka_unit_test(test_operation_ids),
        cmocka_unit_test(test_what_is_no_operation_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
