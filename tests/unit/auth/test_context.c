/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "auth/context.h"

static bool find(const struct context *context, const char *name, bool as_date, struct context_value *ret)
{
    struct str tag;
    enum condition_key key = condition_key_find(str_of(name), &tag);

    return context_find(context, key, str_of(name), tag, as_date, ret);
}

static void test_keys_of_a_call(void **state)
{
    const struct str_pair tags[] = { { STR("Team"), STR("red") }, { STR("empty"), STR("") } };
    const struct str keys[] = { STR("a"), STR("b") };
    const struct context context = { .values[CONDITION_KEY_SOURCE_IP] = STR("10.0.0.1"),
                                     .request_tags = tags,
                                     .n_request_tags = 2,
                                     .resource_tags = tags,
                                     .n_resource_tags = 1,
                                     .has_tag_keys = true,
                                     .tag_keys = keys,
                                     .n_tag_keys = 2 };
    struct context_value value;

    (void)state;
    assert_true(find(&context, "aws:sourceip", false, &value) && value.n == 1 && !value.is_list);
    assert_str(value.items[0], "10.0.0.1");
    assert_false(find(&context, "aws:username", false, &value));
    assert_false(find(&context, "s3:prefix", false, &value));
    assert_true(find(&context, "aws:RequestTag/team", false, &value));
    assert_str(value.items[0], "red");
    assert_true(find(&context, "aws:RequestTag/Empty", false, &value));
    assert_false(find(&context, "aws:ResourceTag/Empty", false, &value));
    assert_true(find(&context, "aws:TagKeys", false, &value) && value.n == 2 && value.is_list);
    assert_false(find(&(struct context){ 0 }, "aws:TagKeys", false, &value));
}

static void test_time(void **state)
{
    const struct context context = { .now_ms = INT64_C(1767225601234) };
    struct context_value value;

    (void)state;
    assert_true(find(&context, "aws:CurrentTime", true, &value) && !value.items);
    assert_int_equal(value.date_ms, context.now_ms);
    assert_true(find(&context, "aws:CurrentTime", false, &value));
    assert_str(value.items[0], "2026-01-01T00:00:01Z");
    assert_true(find(&context, "aws:EpochTime", false, &value));
    assert_str(value.items[0], "1767225601");
    assert_false(find(&(struct context){ 0 }, "aws:EpochTime", true, &value));
}

static void test_extras_come_first(void **state)
{
    const struct str values[] = { STR("2001-01-01") };
    const struct context_extra extra = { .name = STR("AWS:currenttime"), .values = values, .n = 1 };
    const struct context context = { .now_ms = 1, .extras = &extra, .n_extras = 1 };
    struct context_value value;

    (void)state;
    assert_true(find(&context, "aws:CurrentTime", true, &value));
    assert_str(value.items[0], "2001-01-01");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys_of_a_call), cmocka_unit_test(test_time),
                                        cmocka_unit_test(test_extras_come_first) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
