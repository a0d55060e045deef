/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations that are too many, too old or too large, and the records that hold them. */
#include "slow.h"

#include "base/mem.h"

/* --- expiry ------------------------------------------------------------------------------------------------------ */

static size_t count_operations(const struct bed *bed)
{
    size_t n = tree_size(&bed_tenant(bed, bed_hold(bed))->operations).count;

    bed_release(bed);
    return n;
}

static void test_operations_that_are_too_many(void **state)
{
    char id[ID_OPERATION_SIZE];
    struct bed bed;
    struct str service;

    (void)state;
    bed_init(&bed);
    bed.config.operations_max = 5;
    bed_reopen(&bed);
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    memcpy(id, bed.caller.change.operation_id, sizeof(id));
    for (int i = 0; i < 20; i++) {
        bed_advance(&bed, 1);
        bed_register(&bed, service, "i", i % 2 ? "k=v" : "k=w");
        if (i == 10)
            memcpy(id, bed.caller.change.operation_id, sizeof(id));
        assert_in_range(count_operations(&bed), 1, 5);
        assert_int_equal(bed_count_records(&bed, "operation/"), count_operations(&bed));
    }
    assert_int_equal(count_operations(&bed), 5);
    assert_string_equal(bed_operation(&bed, id), "none");
    bed_check_reopen(&bed);
    /* Fewer are kept from now on. */
    bed.config.operations_max = 2;
    bed_reopen(&bed);
    bed_settle(&bed);
    assert_int_equal(count_operations(&bed), 2);
    assert_int_equal(bed_count_records(&bed, "operation/"), 2);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_unfinished_operations_do_not_expire(void **state)
{
    const char *ids[3];
    struct slow slow;

    (void)state;
    slow_init(&slow);
    slow.bed.config.operations_max = 1;
    slow.bed.config.operations_keep_ms = 1;
    bed_reopen(&slow.bed);
    for (int i = 0; i < 3; i++) {
        const char *names[] = { "a", "b", "c" };
        assert_int_equal(caller_register(&slow.bed.caller, slow.service, names[i], ""), 0);
        ids[i] = slow_last(&slow);
        bed_advance(&slow.bed, 10);
    }
    for (int i = 0; i < 3; i++)
        slow_expect(&slow, ids[i], "SUBMITTED");
    for (int i = 0; i < 4; i++)
        bed_advance(&slow.bed, SLOW_DELAY / 2);
    assert_true(slow_has_instance(&slow, "a") && slow_has_instance(&slow, "b") && slow_has_instance(&slow, "c"));
    bed_advance(&slow.bed, 60 * 1000);
    assert_int_equal(count_operations(&slow.bed), 0);
    slow_fini(&slow);
}

static void test_operations_that_are_too_old(void **state)
{
    struct caller other;
    struct bed bed;
    struct str service;

    (void)state;
    bed_init(&bed);
    bed.config.operations_keep_ms = BED_DAY_MS;
    bed_reopen(&bed);
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    caller_init(&other, &bed, BED_ACCOUNT, STR("eu-west-1"));
    assert_int_equal(caller_create_namespace(&other, NAMESPACE_HTTP, "h", "t"), 0);
    bed_advance(&bed, BED_DAY_MS / 2);
    bed_register(&bed, service, "i", "");
    bed_advance(&bed, BED_DAY_MS / 2);
    assert_int_equal(count_operations(&bed), 2);
    assert_int_equal(bed_count_records(&bed, "operation/"), 3);
    bed_advance(&bed, 60 * 1000);
    assert_int_equal(count_operations(&bed), 1);
    assert_int_equal(bed_count_records(&bed, "operation/"), 1);
    bed_check_reopen(&bed);
    bed_advance(&bed, BED_DAY_MS);
    assert_int_equal(count_operations(&bed), 0);
    assert_int_equal(bed_count_records(&bed, "operation/"), 0);
    bed_check_reopen(&bed);
    caller_fini(&other);
    bed_fini(&bed);
}

static void test_a_shared_record_stays_while_one_needs_it(void **state)
{
    struct caller callers[4];
    struct bed bed;

    (void)state;
    bed_init(&bed);
    bed.config.operations_max = 6;
    bed_reopen(&bed);
    bed_pause(&bed);
    for (size_t i = 0; i < TEST_COUNT(callers); i++) {
        struct change *change;
        caller_init(&callers[i], &bed, BED_ACCOUNT, BED_REGION);
        change = caller_new(&callers[i], CHANGE_CREATE_NAMESPACE);
        change->ns.name = arena_printf(&callers[i].arena, "n%zu", i);
        change->ns.creator_request_id = STR("t");
        caller_submit(&callers[i]);
    }
    bed_resume(&bed);
    for (size_t i = 0; i < TEST_COUNT(callers); i++)
        assert_int_equal(caller_wait(&callers[i]), 0);
    assert_int_equal(bed_count_records(&bed, "operation/"), 1);
    for (size_t more = 1; more <= 7; more++) {
        char name[8];
        snprintf(name, sizeof(name), "m%zu", more);
        bed_advance(&bed, 1);
        bed_namespace(&bed, NAMESPACE_HTTP, name);
        assert_int_equal(count_operations(&bed), more < 2 ? 4 + more : 6);
        /* The record of the four goes with the last of them. */
        assert_int_equal(bed_count_records(&bed, "operation/"), more < 6 ? 1 + more : 6);
    }
    for (size_t i = 0; i < TEST_COUNT(callers); i++) {
        assert_string_equal(bed_operation(&bed, callers[i].change.operation_id), "none");
        caller_fini(&callers[i]);
    }
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_an_expired_operation_never_runs_again(void **state)
{
    struct slow slow;
    struct caller *caller = &slow.bed.caller;

    (void)state;
    slow_init(&slow);
    slow.bed.config.operations_max = 1;
    bed_reopen(&slow.bed);
    /* One record holds the end of the first and the beginning of the second; the clock goes back between them. */
    assert_int_equal(caller_register(caller, slow.service, "first", ""), 0);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    bed_jump(&slow.bed, -10 * SLOW_DELAY);
    clock_manual_advance(&slow.bed.clock, SLOW_DELAY / 2);
    assert_int_equal(caller_deregister(caller, slow.service, "old"), 0);
    assert_true(slow_has_instance(&slow, "first"));
    for (int i = 0; i < 3; i++)
        bed_advance(&slow.bed, SLOW_DELAY / 2);
    assert_false(slow_has_instance(&slow, "old"));
    slow.bed.config.operations_delay_ms = 0;
    bed_reopen(&slow.bed);
    bed_register(&slow.bed, slow.service, "old", "");
    for (int i = 0; i < 3; i++) {
        bed_reopen(&slow.bed);
        bed_advance(&slow.bed, SLOW_DELAY);
        assert_true(slow_has_instance(&slow, "old"));
    }
    bed_fini(&slow.bed);
}

/* --- large requests ---------------------------------------------------------------------------------------------- */

static void test_waiting_requests_of_one_commit_are_bounded(void **state)
{
    static struct caller callers[500];
    static char value[4900];
    size_t n_accepted = 0, n_refused = 0;
    struct slow slow;

    (void)state;
    slow_init(&slow);
    memset(value, '"', sizeof(value)); /* four characters each as JSON in JSON */
    bed_pause(&slow.bed);
    for (size_t i = 0; i < TEST_COUNT(callers); i++) {
        struct change *change;
        caller_init(&callers[i], &slow.bed, BED_ACCOUNT, BED_REGION);
        change = caller_new(&callers[i], CHANGE_REGISTER_INSTANCE);
        change->service_id = slow.service;
        change->instance_id = arena_printf(&callers[i].arena, "i%zu", i);
        change->attributes = caller_pairs(&callers[i], "k=v", &change->n_attributes);
        change->attributes[0].value = (struct str){ value, sizeof(value) };
        change->creator_request_id = STR("t");
        caller_submit(&callers[i]);
    }
    bed_resume(&slow.bed);
    for (size_t i = 0; i < TEST_COUNT(callers); i++) {
        int r = caller_wait(&callers[i]);
        assert_true(r == 0 || r == CHANGE_OVERLOADED);
        n_accepted += r == 0;
        n_refused += r != 0;
        if (r) { /* alone, and in a commit of its own, it is taken */
            registry_submit(slow.bed.registry, &callers[i].change);
            assert_int_equal(caller_wait(&callers[i]), 0);
        }
    }
    assert_true(n_accepted > 100 && n_refused > 100);
    for (int i = 0; i < 20; i++)
        bed_advance(&slow.bed, SLOW_DELAY / 2);
    for (size_t i = 0; i < TEST_COUNT(callers); i++) {
        slow_expect(&slow, callers[i].change.operation_id, "SUCCESS");
        caller_fini(&callers[i]);
    }
    slow_fini(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_that_are_too_many),
        cmocka_unit_test(test_unfinished_operations_do_not_expire),
        cmocka_unit_test(test_operations_that_are_too_old),
        cmocka_unit_test(test_a_shared_record_stays_while_one_needs_it),
        cmocka_unit_test(test_an_expired_operation_never_runs_again),
        cmocka_unit_test(test_waiting_requests_of_one_commit_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
