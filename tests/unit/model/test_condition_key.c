/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/action.h"
#include "model/condition_key.h"

static void test_keys(void **state)
{
    struct str tag;

    (void)state;
    assert_int_equal(condition_key_find(STR("AWS:USERNAME"), &tag), CONDITION_KEY_USER_NAME);
    assert_false(str_is_set(tag));
    assert_int_equal(condition_key_find(STR("aws:requesttag/Team"), &tag), CONDITION_KEY_REQUEST_TAG);
    assert_str(tag, "Team");
    assert_int_equal(condition_key_find(STR("aws:RequestTag/"), &tag), CONDITION_KEY_OTHER);
    assert_int_equal(condition_key_find(STR("aws:usernames"), &tag), CONDITION_KEY_OTHER);
    assert_str(condition_key_name(CONDITION_KEY_SERVICE_ARN), "servicediscovery:ServiceArn");
}

static void test_actions(void **state)
{
    (void)state;
    assert_int_equal(action_find(STR("servicediscovery:registerinstance")), ACTION_RegisterInstance);
    assert_int_equal(action_find(STR("servicediscovery:Register")), ACTION_OTHER);
    assert_int_equal(action_level(ACTION_TagResource), ACTION_TAGGING);
    for (unsigned i = 0; i < ACTION_COUNT; i++)
        assert_int_equal(action_find(action_text((enum action)i)), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys), cmocka_unit_test(test_actions) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
