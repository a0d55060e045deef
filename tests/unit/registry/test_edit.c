/* SPDX-License-Identifier: Apache-2.0
 *
 * Edits: who frees what when an edit is finished, abandoned, out of memory or solo. The leak checker judges the rest.
 */
#include "../test.h"

#include "base/mem.h"
#include "registry/edit.h"

#include <string.h>

static void test_finishing_keeps_what_was_made_and_gives_what_was_replaced(void **state)
{
    struct edit_list replaced;
    struct edit edit = { 0 };
    char *old = mem_dup("old", 4), *made, *copy;

    (void)state;
    edit_begin(&edit, 7, false);
    assert_int_equal(edit.epoch, 7);
    made = edit_alloc(&edit, 10);
    copy = edit_dup(&edit, "copy", 5);
    edit_replace(&edit, old);
    edit_replace(&edit, NULL);
    edit_replace(&edit, made); /* made and replaced in one edit */
    assert_false(edit.failed);
    edit_finish(&edit, &replaced);
    assert_int_equal(replaced.n, 2);
    assert_ptr_equal(replaced.items[0], old);
    assert_ptr_equal(replaced.items[1], made);
    edit_list_free(&replaced);
    assert_int_equal(replaced.n, 0);
    assert_string_equal(copy, "copy");
    mem_free(copy);
}

static void test_abandoning_frees_what_was_made(void **state)
{
    struct edit edit = { 0 };
    char *old = mem_dup("old", 4);

    (void)state;
    for (int round = 0; round < 3; round++) {
        edit_begin(&edit, 1, false);
        for (int i = 0; i < 100; i++) {
            edit_alloc(&edit, 10);
            edit_replace(&edit, old);
        }
        edit_abandon(&edit);
        assert_string_equal(old, "old");
    }
    mem_free(old);
}

static void test_a_failure_lasts_until_the_edit_ends(void **state)
{
    struct edit edit = { 0 };

    (void)state;
    edit_begin(&edit, 1, false);
    assert_null(edit_adopt(&edit, NULL));
    assert_true(edit.failed);
    assert_non_null(edit_alloc(&edit, 1));
    assert_true(edit.failed);
    edit_abandon(&edit);
    edit_begin(&edit, 2, false);
    assert_false(edit.failed);

    /* What cannot be remembered is freed at once: first the list, then the block. */
    for (long k = 1; k <= 2; k++) {
        mem_fail_at(k, 0);
        assert_null(edit_alloc(&edit, 1));
        assert_true(mem_fail_at(0, 0));
        assert_true(edit.failed);
        edit_abandon(&edit);
        edit_begin(&edit, 3, false);
    }
    mem_fail_at(1, 0);
    edit_replace(&edit, &edit);
    assert_true(mem_fail_at(0, 0));
    assert_true(edit.failed);
    edit_abandon(&edit);
}

static void test_solo_edits_remember_nothing(void **state)
{
    struct edit edit = { 0 };
    char *made;

    (void)state;
    edit_begin(&edit, 1, true);
    made = edit_alloc(&edit, 10);
    edit_replace(&edit, mem_dup("old", 4));
    assert_int_equal(edit.made.n, 0);
    assert_int_equal(edit.replaced.n, 0);
    mem_fail_at(1, 0);
    assert_null(edit_alloc(&edit, 1));
    mem_fail_at(0, 0);
    assert_true(edit.failed);
    edit_abandon(&edit);
    mem_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finishing_keeps_what_was_made_and_gives_what_was_replaced),
        cmocka_unit_test(test_abandoning_frees_what_was_made),
        cmocka_unit_test(test_a_failure_lasts_until_the_edit_ends),
        cmocka_unit_test(test_solo_edits_remember_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
