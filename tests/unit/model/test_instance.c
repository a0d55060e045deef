/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "model/instance.h"

static const struct str_pair three[] = { { { "a", 1 }, { "1", 1 } },
                                         { { "b", 1 }, { "", 0 } },
                                         { { "quote\"", 6 }, { "back\\slash\ttab", 14 } } };

static const struct instance_draft draft = { .id = { "i-1", 3 },
                                             .creator_request_id = { "token", 5 },
                                             .attributes = three,
                                             .n_attributes = 3,
                                             .create_ms = 1,
                                             .operation_ms = 2,
                                             .pending_due_wall_ms = 3,
                                             .pending_due_mono_ms = 4,
                                             .health = HEALTH_HEALTHY,
                                             .pending_health = HEALTH_UNHEALTHY };

static void check_three(const struct instance *instance)
{
    assert_str(instance_id(instance), "i-1");
    assert_str(instance_creator_request_id(instance), "token");
    assert_int_equal(instance->n_attributes, 3);
    for (size_t i = 0; i < 3; i++) {
        struct str_pair pair = instance_attribute_at(instance, i);
        assert_true(str_eq(pair.key, three[i].key));
        assert_true(str_eq(pair.value, three[i].value));
        assert_true(str_eq(instance_find_attribute(instance, three[i].key), three[i].value));
    }
    assert_int_equal(instance->create_ms, 1);
    assert_int_equal(instance->operation_ms, 2);
    assert_int_equal(instance->pending_due_wall_ms, 3);
    assert_int_equal(instance->pending_due_mono_ms, 4);
    assert_int_equal(instance->health, HEALTH_HEALTHY);
    assert_int_equal(instance->pending_health, HEALTH_UNHEALTHY);
    assert_str(instance_element(instance), "{\"InstanceId\":\"i-1\",\"Attributes\":{\"a\":\"1\",\"b\":\"\","
                                           "\"quote\\\"\":\"back\\\\slash\\ttab\"}");
    assert_int_equal(INSTANCE_ELEMENT_ID, strlen("{\"Instance"));
}

static void test_holds_what_it_was_made_from(void **state)
{
    struct instance *instance = instance_new(&draft), *copy;

    (void)state;
    assert_non_null(instance);
    check_three(instance);
    copy = instance_dup(instance);
    assert_non_null(copy);
    mem_free(instance);
    check_three(copy);
    mem_free(copy);
}

static void test_nothing_optional(void **state)
{
    struct instance *instance = instance_new(&(struct instance_draft){ .id = STR("x") });

    (void)state;
    assert_str(instance_id(instance), "x");
    assert_str(instance_creator_request_id(instance), "");
    assert_str(instance_element(instance), "{\"InstanceId\":\"x\",\"Attributes\":{}");
    assert_false(str_is_set(instance_find_attribute(instance, STR("a"))));
    assert_true(instance_has_attributes(instance, NULL, 0));
    assert_int_equal(instance->health, HEALTH_UNKNOWN);
    mem_free(instance);
}

static void test_attributes_are_found_exactly(void **state)
{
    static const char *absent[] = { "", "A", "aa", "ab", "c", "quote", "z" };
    const struct str_pair wrong_value = { STR("a"), STR("2") }, wrong_key = { STR("c"), STR("") };
    const struct str_pair two[] = { three[2], three[0] };
    struct instance *instance = instance_new(&draft);

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(absent); i++)
        assert_false(str_is_set(instance_find_attribute(instance, str_of(absent[i]))));
    assert_true(str_is_set(instance_find_attribute(instance, STR("b"))));
    assert_true(instance_has_attributes(instance, three, 3));
    assert_true(instance_has_attributes(instance, two, 2));
    assert_false(instance_has_attributes(instance, &wrong_value, 1));
    assert_false(instance_has_attributes(instance, &wrong_key, 1));
    mem_free(instance);
}

static void test_every_attribute_of_many_is_found(void **state)
{
    struct str_pair pairs[700];
    char keys[700][8];
    struct instance *instance;

    (void)state;
    for (size_t n = 0; n <= 700; n += 175) {
        for (size_t i = 0; i < n; i++) {
            pairs[i].key = (struct str){ keys[i], (size_t)snprintf(keys[i], sizeof(keys[i]), "%03zu", i) };
            pairs[i].value = pairs[i].key;
        }
        instance = instance_new(&(struct instance_draft){ .id = STR("x"), .attributes = pairs, .n_attributes = n });
        assert_true(instance_has_attributes(instance, pairs, n));
        assert_false(str_is_set(instance_find_attribute(instance, STR("700"))));
        mem_free(instance);
    }
}

static void test_everything_at_its_largest(void **state)
{
    char id[INSTANCE_MAX_ID], token[INSTANCE_MAX_TOKEN], value[INSTANCE_MAX_ATTRIBUTES_LEN - 1];
    struct str_pair pair = { STR("k"), { value, sizeof(value) } };
    struct instance *instance;

    (void)state;
    memset(id, 'i', sizeof(id));
    memset(token, 't', sizeof(token));
    memset(value, '\1', sizeof(value)); /* six characters each in JSON */
    instance = instance_new(&(struct instance_draft){ .id = { id, sizeof(id) },
                                                      .creator_request_id = { token, sizeof(token) },
                                                      .attributes = &pair,
                                                      .n_attributes = 1 });
    assert_non_null(instance);
    assert_true(str_eq(instance_id(instance), (struct str){ id, sizeof(id) }));
    assert_true(str_eq(instance_creator_request_id(instance), (struct str){ token, sizeof(token) }));
    assert_true(str_eq(instance_find_attribute(instance, STR("k")), pair.value));
    assert_true(instance_element(instance).n > 6 * sizeof(value));
    mem_free(instance);
}

static void test_out_of_memory(void **state)
{
    struct instance *instance = NULL;
    long k;

    (void)state;
    for (k = 1; !instance; k++) {
        mem_fail_at(k, 0);
        instance = instance_new(&draft);
        assert_int_equal(mem_fail_at(0, 0), !instance);
    }
    assert_in_range(k, 2, 10);
    mem_fail_at(1, 0);
    assert_null(instance_dup(instance));
    mem_fail_at(0, 0);
    check_three(instance);
    mem_free(instance);
}

static void test_sorting(void **state)
{
    struct str_pair pairs[] = {
        { STR("b"), STR("1") }, { STR("aa"), STR("2") }, { STR("B"), STR("3") }, { STR("a"), STR("4") }
    };

    (void)state;
    assert_int_equal(instance_sort_attributes(pairs, 0), 0);
    assert_int_equal(instance_sort_attributes(pairs, TEST_COUNT(pairs)), 0);
    assert_str(pairs[0].key, "B");
    assert_str(pairs[1].key, "a");
    assert_str(pairs[1].value, "4");
    assert_str(pairs[2].key, "aa");
    assert_str(pairs[3].key, "b");
    pairs[0].key = STR("aa");
    assert_int_equal(instance_sort_attributes(pairs, TEST_COUNT(pairs)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_what_it_was_made_from),
        cmocka_unit_test(test_nothing_optional),
        cmocka_unit_test(test_attributes_are_found_exactly),
        cmocka_unit_test(test_every_attribute_of_many_is_found),
        cmocka_unit_test(test_everything_at_its_largest),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_sorting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
