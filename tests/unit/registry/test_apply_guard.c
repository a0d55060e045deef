/* SPDX-License-Identifier: Apache-2.0
 *
 * The mass-loss guard over the registry: by cause and mode, what is held, and how that ends. */
#include "bed.h"

#define LEASE 30000
#define WINDOW 60000

struct place {
    struct bed bed;
    struct str service;
};

static void place_init(struct place *place, int n, const char *attributes)
{
    bed_init(&place->bed);
    place->bed.config.guard =
        (struct guard_config){ .window_ms = WINDOW, .max_loss = 500000, .min_instances = 4, .lease = GUARD_HOLD };
    bed_reopen(&place->bed);
    place->service = bed_service(&place->bed, bed_namespace(&place->bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    for (int i = 0; i < n; i++) {
        char id[16];
        snprintf(id, sizeof(id), "i%d", i);
        bed_register(&place->bed, place->service, id, attributes);
    }
}

static void place_fini(struct place *place)
{
    bed_fini(&place->bed);
}

static void configure(struct place *place, enum guard_mode api, enum guard_mode drain)
{
    place->bed.config.guard.api = api;
    place->bed.config.guard.drain = drain;
    bed_reopen(&place->bed);
}

struct seen {
    unsigned registered, served, draining, held_operations, held_leases;
};

static struct seen look(struct place *place)
{
    const struct snapshot *snapshot = bed_hold(&place->bed);
    const struct service_node *node = state_find_service(bed_tenant(&place->bed, snapshot), place->service);
    struct seen seen = { .registered = state_count_registered(node),
                         .served = tree_size(&node->instances).weight,
                         .draining = tree_size(&node->draining).count,
                         .held_operations = snapshot->n_held_operations,
                         .held_leases = snapshot->n_held_leases };

    bed_release(&place->bed);
    return seen;
}

static int deregister(struct place *place, int i, const char **ret_operation)
{
    char id[16];
    int r;

    snprintf(id, sizeof(id), "i%d", i);
    r = caller_deregister(&place->bed.caller, place->service, id);
    if (ret_operation)
        *ret_operation = arena_dup(&place->bed.names, str_of(place->bed.caller.change.operation_id)).p;
    return r;
}

static int drain(struct place *place, int i, bool force)
{
    struct change *change = caller_new(&place->bed.caller, CHANGE_DRAIN);

    change->service_id = place->service;
    change->instance_id = arena_printf(&place->bed.caller.arena, "i%d", i);
    change->reason = STR("x");
    change->force = force;
    return caller_do(&place->bed.caller);
}

/* Of one instance, of the service (-1), or of everything (-2). Returns how many. */
static size_t decide(struct place *place, enum change_kind kind, int i)
{
    struct change *change = caller_new(&place->bed.caller, kind);

    if (i == -2)
        change->account = change->region = (struct str){ 0 };
    else
        change->service_id = place->service;
    if (i >= 0)
        change->instance_id = arena_printf(&place->bed.caller.arena, "i%d", i);
    assert_int_equal(caller_do(&place->bed.caller), 0);
    return change->n_done;
}

static void expect(struct place *place, const char *operation, const char *status)
{
    assert_string_equal(bed_operation(&place->bed, operation), status);
}

/* --- deregistrations ---------------------------------------------------------------------------------------------- */

static void test_off(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, 6, "");
    for (int i = 0; i < 6; i++)
        assert_int_equal(deregister(&place, i, NULL), 0);
    assert_int_equal(look(&place).registered, 0);
    place_fini(&place);
}

static void test_refuse(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, 6, "");
    configure(&place, GUARD_REFUSE, GUARD_OFF);
    for (int i = 0; i < 3; i++)
        assert_int_equal(deregister(&place, i, NULL), 0);
    assert_int_equal(deregister(&place, 3, NULL), CHANGE_IN_USE);
    assert_true(str_eq(place.bed.caller.change.message,
                       STR("The service would lose 4 of 6 instances within 1m, more than guard.max_loss = 0.5 allows. "
                           "Register others first, wait until the window is over, or ask the operator.")));
    assert_int_equal(look(&place).registered, 3);
    bed_advance(&place.bed, WINDOW); /* three are left: too few to be looked after */
    for (int i = 3; i < 6; i++)
        assert_int_equal(deregister(&place, i, NULL), 0);
    place_fini(&place);
}

static void test_a_rolling_deployment_is_no_loss(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, 6, "");
    configure(&place, GUARD_REFUSE, GUARD_OFF);
    for (int i = 0; i < 6; i++) {
        char id[16];
        snprintf(id, sizeof(id), "new%d", i);
        bed_register(&place.bed, place.service, id, "");
        assert_int_equal(deregister(&place, i, NULL), 0);
    }
    /* And who comes back counts no more. */
    for (int i = 0; i < 5; i++) {
        bed_advance(&place.bed, 1);
        assert_int_equal(caller_deregister(&place.bed.caller, place.service, "new0"), CHANGE_IN_USE);
        bed_register(&place.bed, place.service, "new0", "");
    }
    bed_advance(&place.bed, WINDOW);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(caller_deregister(&place.bed.caller, place.service, "new0"), 0);
        bed_register(&place.bed, place.service, "new0", "");
    }
    place_fini(&place);
}

static void test_hold_and_release(void **state)
{
    const char *operations[6];
    struct place place;

    (void)state;
    place_init(&place, 6, "");
    configure(&place, GUARD_HOLD, GUARD_OFF);
    for (int i = 0; i < 6; i++)
        assert_int_equal(deregister(&place, i, &operations[i]), 0);
    expect(&place, operations[2], "SUCCESS");
    expect(&place, operations[3], "PENDING");
    assert_int_equal(look(&place).served, 3);
    assert_int_equal(look(&place).held_operations, 3);
    assert_int_equal(deregister(&place, 3, NULL), CHANGE_DUPLICATE_REQUEST);
    bed_check_reopen(&place.bed); /* held it stays */
    bed_advance(&place.bed, 10 * BED_DAY_MS);
    expect(&place, operations[3], "PENDING");
    assert_int_equal(decide(&place, CHANGE_GUARD_RELEASE, 4), 1);
    expect(&place, operations[3], "PENDING");
    expect(&place, operations[4], "SUCCESS");
    assert_int_equal(decide(&place, CHANGE_GUARD_RELEASE, 1), 0);
    assert_int_equal(decide(&place, CHANGE_GUARD_CANCEL, 3), 1);
    expect(&place, operations[3], "FAIL ACCESS_DENIED");
    assert_int_equal(decide(&place, CHANGE_GUARD_RELEASE, -2), 1);
    expect(&place, operations[5], "SUCCESS");
    assert_int_equal(look(&place).registered, 1);
    assert_int_equal(look(&place).held_operations, 0);
    bed_check_reopen(&place.bed);
    place_fini(&place);
}

static void test_registering_again_takes_back(void **state)
{
    const char *operations[4];
    struct place place;

    (void)state;
    place_init(&place, 4, "k=v");
    configure(&place, GUARD_HOLD, GUARD_OFF);
    for (int i = 0; i < 4; i++)
        assert_int_equal(deregister(&place, i, &operations[i]), 0);
    assert_int_equal(look(&place).held_operations, 2);
    assert_int_equal(caller_register(&place.bed.caller, place.service, "i2", "cloudmap:lease=no"),
                     CHANGE_INVALID_INPUT);
    assert_int_equal(look(&place).held_operations, 2);
    bed_advance(&place.bed, 1);
    bed_register(&place.bed, place.service, "i2", "k=v");
    expect(&place, operations[2], "FAIL ACCESS_DENIED");
    expect(&place, place.bed.caller.change.operation_id, "SUCCESS");
    assert_int_equal(look(&place).held_operations, 1);
    assert_int_equal(look(&place).served, 2);
    bed_check_reopen(&place.bed);
    place_fini(&place);
}

static void test_a_held_operation_keeps_nobody_in_the_history(void **state)
{
    const char *held;
    struct place place;

    (void)state;
    place_init(&place, 4, "");
    place.bed.config.operations_keep_ms = 1000;
    configure(&place, GUARD_HOLD, GUARD_OFF);
    deregister(&place, 0, NULL);
    deregister(&place, 1, NULL);
    deregister(&place, 2, &held);
    expect(&place, held, "PENDING");
    for (int round = 0; round < 4; round++) {
        bed_advance(&place.bed, BED_DAY_MS);
        bed_register(&place.bed, place.service, "other", "");
    }
    assert_in_range(bed_count_records(&place.bed, "operation/"), 1, 2);
    expect(&place, held, "PENDING");
    bed_check_reopen(&place.bed);
    assert_int_equal(decide(&place, CHANGE_GUARD_RELEASE, -1), 1);
    expect(&place, held, "SUCCESS");
    place_fini(&place);
}

static void test_operations_that_take_time(void **state)
{
    const char *operations[4];
    struct place place;

    (void)state;
    place_init(&place, 4, "");
    place.bed.config.operations_delay_ms = 1000;
    configure(&place, GUARD_HOLD, GUARD_OFF);
    for (int i = 0; i < 4; i++)
        assert_int_equal(deregister(&place, i, &operations[i]), 0);
    bed_advance(&place.bed, 500);
    bed_advance(&place.bed, 500);
    assert_int_equal(look(&place).held_operations, 2);
    assert_int_equal(look(&place).registered, 2);
    assert_int_equal(decide(&place, CHANGE_GUARD_RELEASE, -1), 2);
    assert_int_equal(look(&place).registered, 0);
    bed_check_reopen(&place.bed);
    place_fini(&place);
}

/* A registration that is refused because too much waits leaves the removal held. */
static void test_a_refused_registration_takes_nothing_back(void **state)
{
    static struct caller callers[400];
    static char value[1024];
    const char *operations[4];
    struct place place;
    struct change *change;
    int held = 0;

    (void)state;
    place_init(&place, 4, "");
    place.bed.config.operations_delay_ms = 1000;
    configure(&place, GUARD_HOLD, GUARD_OFF);
    for (int i = 0; i < 4; i++)
        assert_int_equal(deregister(&place, i, &operations[i]), 0);
    bed_advance(&place.bed, 500);
    bed_advance(&place.bed, 500);
    while (held < 3 && strcmp(bed_operation(&place.bed, operations[held]), "PENDING") != 0)
        held++; /* which of those that are due together: their ids say */
    expect(&place, operations[held], "PENDING");
    memset(value, '"', sizeof(value));
    bed_pause(&place.bed);
    for (size_t i = 0; i < TEST_COUNT(callers); i++) {
        caller_init(&callers[i], &place.bed, BED_ACCOUNT, BED_REGION);
        change = caller_new(&callers[i], CHANGE_REGISTER_INSTANCE);
        change->service_id = place.service;
        change->instance_id = arena_printf(&callers[i].arena, "f%zu", i);
        change->attributes = caller_pairs(&callers[i], "a=v,b=v,c=v,d=v", &change->n_attributes);
        for (size_t k = 0; k < change->n_attributes; k++)
            change->attributes[k].value = (struct str){ value, sizeof(value) };
        change->creator_request_id = STR("t");
        caller_submit(&callers[i]);
    }
    change = caller_new(&place.bed.caller, CHANGE_REGISTER_INSTANCE);
    change->service_id = place.service;
    change->instance_id = arena_printf(&place.bed.caller.arena, "i%d", held);
    change->creator_request_id = STR("t");
    caller_submit(&place.bed.caller);
    bed_resume(&place.bed);
    for (size_t i = 0; i < TEST_COUNT(callers); i++) {
        caller_wait(&callers[i]);
        caller_fini(&callers[i]);
    }
    assert_int_equal(caller_wait(&place.bed.caller), CHANGE_OVERLOADED);
    assert_int_equal(look(&place).held_operations, 2);
    expect(&place, operations[held], "PENDING");
    place_fini(&place);
}

static void test_what_is_held_may_go_otherwise(void **state)
{
    const char *operations[4];
    struct place place;

    (void)state;
    place_init(&place, 4, "");
    configure(&place, GUARD_HOLD, GUARD_OFF);
    for (int i = 0; i < 3; i++)
        assert_int_equal(deregister(&place, i, &operations[i]), 0);
    expect(&place, operations[2], "PENDING");
    assert_int_equal(drain(&place, 2, true), 0);
    assert_int_equal(decide(&place, CHANGE_GUARD_RELEASE, 2), 1); /* a drained one is no loss, but it was held */
    expect(&place, operations[2], "SUCCESS");
    place_fini(&place);
}

/* --- drains ------------------------------------------------------------------------------------------------------- */

static void test_drains(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, 4, "");
    configure(&place, GUARD_OFF, GUARD_REFUSE);
    assert_int_equal(drain(&place, 0, false), 0);
    assert_int_equal(caller_register(&place.bed.caller, place.service, "i1", "cloudmap:draining=x"), 0);
    assert_int_equal(drain(&place, 2, false), CHANGE_IN_USE);
    assert_int_equal(caller_register(&place.bed.caller, place.service, "i2", "cloudmap:draining=x"), CHANGE_IN_USE);
    assert_int_equal(drain(&place, 0, false), 0); /* drains already: nobody is lost */
    assert_int_equal(caller_register(&place.bed.caller, place.service, "i9", "cloudmap:draining=x"), 0);
    assert_int_equal(deregister(&place, 0, NULL), 0);
    assert_int_equal(drain(&place, 2, true), 0);
    assert_int_equal(look(&place).draining, 3);
    bed_check_reopen(&place.bed);
    place_fini(&place);
}

/* --- leases ------------------------------------------------------------------------------------------------------- */

static void test_leases_that_run_out_together(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, 10, "cloudmap:lease=30s,cloudmap:lease-remove=10m");
    bed_advance(&place.bed, LEASE);
    assert_int_equal(look(&place).served, 5);
    assert_int_equal(look(&place).held_leases, 5);
    bed_check_reopen(&place.bed); /* a restart is no release; it begins the wait for the removal anew */
    assert_int_equal(look(&place).held_leases, 5);
    bed_advance(&place.bed, WINDOW);
    assert_int_equal(look(&place).served, 5);
    assert_int_equal(decide(&place, CHANGE_GUARD_RELEASE, -1), 5);
    assert_int_equal(look(&place).served, 0);
    assert_int_equal(look(&place).held_leases, 0);
    bed_advance(&place.bed, 2 * 600000);
    assert_int_equal(look(&place).registered, 0); /* who is out already is no further loss */
    place_fini(&place);
}

static void test_held_leases_that_are_renewed(void **state)
{
    static const char *const attributes = "cloudmap:lease=30s";
    struct place place;

    (void)state;
    place_init(&place, 4, attributes);
    bed_advance(&place.bed, LEASE);
    assert_int_equal(look(&place).held_leases, 2);
    for (int i = 0; i < 4; i++) {
        char id[16];
        snprintf(id, sizeof(id), "i%d", i);
        bed_register(&place.bed, place.service, id, attributes);
    }
    assert_int_equal(look(&place).held_leases, 0);
    assert_int_equal(look(&place).served, 4);
    bed_check_reopen(&place.bed);
    bed_advance(&place.bed, LEASE);
    assert_int_equal(look(&place).held_leases, 2);
    assert_int_equal(decide(&place, CHANGE_GUARD_CANCEL, -2), 2); /* as if they had been renewed */
    assert_int_equal(look(&place).held_leases, 0);
    assert_int_equal(look(&place).served, 2);
    bed_advance(&place.bed, WINDOW);
    assert_int_equal(look(&place).served, 0); /* two are left: too few to be looked after */
    place_fini(&place);
}

static void test_all_causes_count_together(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, 6, "cloudmap:lease=30s");
    configure(&place, GUARD_REFUSE, GUARD_REFUSE);
    assert_int_equal(deregister(&place, 0, NULL), 0);
    assert_int_equal(drain(&place, 1, false), 0);
    bed_advance(&place.bed, LEASE); /* of four leases one may run out */
    assert_int_equal(look(&place).served, 3);
    assert_int_equal(look(&place).held_leases, 3);
    assert_int_equal(deregister(&place, 1, NULL), 0); /* drained before */
    assert_int_equal(drain(&place, 5, false), CHANGE_IN_USE);
    place_fini(&place);
}

static void test_memory_runs_out(void **state)
{
    struct place place;
    bool delivered = true;

    (void)state;
    place_init(&place, 4, "");
    configure(&place, GUARD_HOLD, GUARD_OFF);
    deregister(&place, 0, NULL);
    deregister(&place, 1, NULL);
    for (long k = 1; delivered; k++) {
        unsigned held;
        caller_fail_at(&place.bed.caller, k, false);
        held = deregister(&place, 2, NULL) == 0;
        delivered = place.bed.caller.delivered;
        assert_int_equal(look(&place).held_operations, held);
        bed_advance(&place.bed, 1);
        assert_int_equal(decide(&place, CHANGE_GUARD_CANCEL, -1), held);
        assert_int_equal(look(&place).served, 2);
    }
    bed_check_reopen(&place.bed);
    place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_refuse),
        cmocka_unit_test(test_a_rolling_deployment_is_no_loss),
        cmocka_unit_test(test_hold_and_release),
        cmocka_unit_test(test_registering_again_takes_back),
        cmocka_unit_test(test_a_held_operation_keeps_nobody_in_the_history),
        cmocka_unit_test(test_operations_that_take_time),
        cmocka_unit_test(test_a_refused_registration_takes_nothing_back),
        cmocka_unit_test(test_what_is_held_may_go_otherwise),
        cmocka_unit_test(test_drains),
        cmocka_unit_test(test_leases_that_run_out_together),
        cmocka_unit_test(test_held_leases_that_are_renewed),
        cmocka_unit_test(test_all_causes_count_together),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
