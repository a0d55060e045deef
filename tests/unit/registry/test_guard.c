/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "registry/guard.h"

#define WINDOW 60000

static void edit_done(struct edit *edit)
{
    struct edit_list replaced;

    assert_false(edit->failed);
    edit_finish(edit, &replaced);
    edit_list_free(&replaced);
}

static struct guard_losses *lose(struct guard_losses *losses, uint64_t instance, int64_t now_ms)
{
    struct edit edit = { 0 };

    edit_begin(&edit, 1, false);
    losses = guard_note_loss(&edit, losses, instance, now_ms, WINDOW);
    edit_done(&edit);
    return losses;
}

static void test_the_window_slides(void **state)
{
    struct guard_losses *losses = NULL;

    (void)state;
    assert_int_equal(guard_count(losses, 0, WINDOW), 0);
    for (int i = 0; i < 100; i++)
        losses = lose(losses, (uint64_t)i, i * 1000);
    assert_int_equal(guard_count(losses, 99000, WINDOW), 60);
    assert_int_equal(guard_count(losses, 99000 + WINDOW - 1, WINDOW), 1);
    assert_int_equal(guard_count(losses, 99000 + WINDOW, WINDOW), 0);
    losses = lose(losses, 7, 1000000); /* the block shrinks again */
    assert_int_equal(guard_count(losses, 1000000, WINDOW), 1);
    mem_free(losses);
}

static void test_who_comes_back_is_no_loss(void **state)
{
    struct guard_losses *losses = NULL;

    (void)state;
    guard_note_return(losses, 1);
    for (uint64_t i = 0; i < 20; i++)
        losses = lose(losses, i, 0);
    for (uint64_t i = 0; i < 20; i += 2)
        guard_note_return(losses, i);
    guard_note_return(losses, 99);
    assert_int_equal(guard_count(losses, 0, WINDOW), 10);
    mem_free(losses);
}

/* A commit that failed is tried again. */
static void test_who_is_lost_twice_counts_once(void **state)
{
    struct guard_losses *losses = NULL;

    (void)state;
    for (int round = 0; round < 3; round++)
        for (uint64_t i = 0; i < 20; i++)
            losses = lose(losses, i, round);
    assert_int_equal(guard_count(losses, 2, WINDOW), 20);
    assert_int_equal(guard_count(losses, 1 + WINDOW, WINDOW), 20); /* by the last time */
    mem_free(losses);
}

static void test_the_list_is_bounded(void **state)
{
    struct guard_losses *losses = NULL;

    (void)state;
    for (uint64_t i = 0; i < GUARD_MAX_LOSSES + 10; i++)
        losses = lose(losses, i, 0);
    assert_int_equal(guard_count(losses, 0, WINDOW), GUARD_MAX_LOSSES);
    mem_free(losses);
}

static void test_no_memory(void **state)
{
    struct guard_losses *losses = NULL;
    struct edit edit = { 0 };

    (void)state;
    edit_begin(&edit, 1, false);
    mem_fail_at(1, true);
    losses = guard_note_loss(&edit, losses, 1, 0, WINDOW);
    mem_fail_at(0, false);
    assert_null(losses);
    assert_true(edit.failed);
    edit_abandon(&edit);
}

static void test_how_much_is_too_much(void **state)
{
    struct guard_config config = { .window_ms = WINDOW, .max_loss = 500000, .min_instances = 4 };
    unsigned n_lost = 0;

    (void)state;
    while (!guard_is_exceeded(&config, 10 - n_lost, n_lost))
        n_lost++;
    assert_int_equal(n_lost, 5);
    assert_false(guard_is_exceeded(&config, 3, 0)); /* too small to be looked after */
    assert_false(guard_is_exceeded(&config, 1, 2));
    assert_true(guard_is_exceeded(&config, 2, 2));
    config.max_loss = 1;
    assert_true(guard_is_exceeded(&config, 1000, 0));
    config.max_loss = 1000000;
    assert_false(guard_is_exceeded(&config, 1, 1000));
    config.max_loss = 0;
    assert_false(guard_is_exceeded(&config, 1, 1000));
    config.max_loss = 500000;
    assert_false(guard_is_exceeded(&config, UINT32_MAX, UINT32_MAX / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_window_slides),
        cmocka_unit_test(test_who_comes_back_is_no_loss),
        cmocka_unit_test(test_who_is_lost_twice_counts_once),
        cmocka_unit_test(test_the_list_is_bounded),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_how_much_is_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
