/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "aws/environment.h"

static void test_find(void **state)
{
    const char *variables[] = { "AB=1", "A=2", "A=3", "EMPTY=", "EQUALS=a=b", "BARE", NULL };
    const struct environment environment = { (char **)variables };
    const struct environment none = { NULL };

    (void)state;
    assert_string_equal(environment_find(&environment, "A"), "2");
    assert_string_equal(environment_find(&environment, "AB"), "1");
    assert_string_equal(environment_find(&environment, "EQUALS"), "a=b");
    assert_null(environment_find(&environment, "EMPTY"));
    assert_null(environment_find(&environment, "BARE"));
    assert_null(environment_find(&environment, "ABC"));
    assert_null(environment_find(&none, "A"));
}

static void test_is_true(void **state)
{
    const char *variables[] = { "A=true", "B=TRUE", "C=1", "D=Yes", "E=false", "F=0", "G=", "H=truely", NULL };
    const struct environment environment = { (char **)variables };
    static const char *const yes[] = { "A", "B", "C", "D" }, *const no[] = { "E", "F", "G", "H", "I" };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(yes); i++)
        assert_true(environment_is_true(&environment, yes[i]));
    for (size_t i = 0; i < TEST_COUNT(no); i++)
        assert_false(environment_is_true(&environment, no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_is_true) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
