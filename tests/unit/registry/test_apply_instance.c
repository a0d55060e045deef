/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration, deregistration and custom health as callers see them; health that waits, over the clock and restarts.
 */
#include "bed.h"

#include "base/mem.h"

#define DELAY 30000

struct place {
    struct bed bed;
    struct str http, service;
};

static void place_init(struct place *place, enum service_check check)
{
    bed_init(&place->bed);
    place->http = bed_namespace(&place->bed, NAMESPACE_HTTP, "h");
    place->service = bed_service(&place->bed, place->http, "s", check);
}

static void place_fini(struct place *place)
{
    bed_check_reopen(&place->bed);
    bed_fini(&place->bed);
}

/* What is known of one instance; all zero when there is none. */
struct seen {
    uint64_t revision; /* of the service */
    enum health_status health;
    bool pending, there;
    size_t n_attributes;
    int64_t create_ms;
};

static struct seen look(struct place *place, const char *id)
{
    const struct tenant *tenant = bed_tenant(&place->bed, bed_hold(&place->bed));
    const struct service_node *node = state_find_service(tenant, place->service);
    const struct instance *instance = state_find_instance(node, str_of(id));
    struct seen seen = { .revision = node->revision, .there = instance };

    if (instance) {
        seen.health = (enum health_status)instance->health;
        seen.pending = instance->pending_due_wall_ms != 0;
        seen.n_attributes = instance->n_attributes;
        seen.create_ms = instance->create_ms;
    }
    bed_release(&place->bed);
    return seen;
}

/* --- registration ------------------------------------------------------------------------------------------------ */

static void test_a_registration_replaces_all_attributes(void **state)
{
    struct place place;
    struct seen first, second;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "c=3,a=1,b=2");
    first = look(&place, "i");
    assert_int_equal(first.n_attributes, 3);
    bed_advance(&place.bed, 5);
    bed_register(&place.bed, place.service, "i", "b=4");
    second = look(&place, "i");
    assert_int_equal(second.n_attributes, 1);
    assert_int_equal(second.create_ms, first.create_ms + 5);
    assert_true(second.revision > first.revision);
    bed_register(&place.bed, place.service, "I", ""); /* another id: case counts */
    assert_int_equal(look(&place, "i").n_attributes, 1);
    place_fini(&place);
}

static void test_revisions_follow_membership(void **state)
{
    uint64_t last;
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    last = look(&place, "i").revision;
    for (int i = 0; i < 3; i++) {
        bed_register(&place.bed, place.service, "i", i % 2 ? "k=v" : "");
        assert_true(look(&place, "i").revision > last);
        last = look(&place, "i").revision;
        assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_UNHEALTHY), 0);
        assert_int_equal(look(&place, "i").revision, last);
        assert_int_equal(caller_deregister(&place.bed.caller, place.service, "i"), 0);
        assert_true(look(&place, "i").revision > last);
        last = look(&place, "i").revision;
        bed_check_reopen(&place.bed);
        assert_int_equal(look(&place, "i").revision, last);
    }
    place_fini(&place);
}

/* It tells nothing of what others do meanwhile, and does not go back with the clock. */
static void test_revisions_do_not_count_commits(void **state)
{
    uint64_t before, after;
    struct place place;
    struct str other;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    other = bed_service(&place.bed, bed_namespace(&place.bed, NAMESPACE_HTTP, "other"), "s", SERVICE_CHECK_NONE);
    for (int n = 0; n < 20; n += 10) {
        bed_advance(&place.bed, 1);
        bed_register(&place.bed, place.service, "i", "");
        before = look(&place, "i").revision;
        bed_advance(&place.bed, 1000);
        for (int i = 0; i < n; i++)
            bed_register(&place.bed, other, "i", "");
        bed_advance(&place.bed, 1000);
        assert_int_equal(caller_deregister(&place.bed.caller, place.service, "i"), 0);
        after = look(&place, "i").revision;
        assert_true(after - before == UINT64_C(2000) << 11);
    }
    bed_jump(&place.bed, -BED_DAY_MS);
    bed_register(&place.bed, place.service, "i", "");
    assert_true(look(&place, "i").revision > after);
    after = look(&place, "i").revision;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "j", "");
    assert_true(look(&place, "j").revision > after);
    place_fini(&place);
}

static void test_a_repetition_is_the_operation_it_repeats(void **state)
{
    char id[ID_OPERATION_SIZE];
    struct caller *caller;
    struct place place;
    struct seen first;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    caller = &place.bed.caller;
    bed_register(&place.bed, place.service, "i", "a=1,b=2");
    memcpy(id, caller->change.operation_id, sizeof(id));
    first = look(&place, "i");
    assert_int_equal(caller_health(caller, place.service, "i", HEALTH_UNHEALTHY), 0);
    bed_register(&place.bed, place.service, "i", "b=2,a=1");
    assert_string_equal(caller->change.operation_id, id);
    bed_check_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", "b=2,a=1");
    assert_string_equal(caller->change.operation_id, id);
    assert_int_equal(look(&place, "i").revision, first.revision);
    assert_int_equal(look(&place, "i").health, HEALTH_UNHEALTHY);
    /* Other attributes, or another token, are another registration. */
    bed_register(&place.bed, place.service, "i", "b=2,a=2");
    assert_string_not_equal(caller->change.operation_id, id);
    assert_int_equal(look(&place, "i").health, HEALTH_HEALTHY);
    memcpy(id, caller->change.operation_id, sizeof(id));
    bed_advance(&place.bed, 1);
    bed_register(&place.bed, place.service, "i", "b=2,a=2");
    assert_string_not_equal(caller->change.operation_id, id);
    /* Nor is it one when the operation is not known any more. */
    memcpy(id, caller->change.operation_id, sizeof(id));
    place.bed.config.operations_max = 1;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "j", "");
    bed_register(&place.bed, place.service, "i", "b=2,a=2");
    assert_string_not_equal(caller->change.operation_id, id);
    place_fini(&place);
}

static void test_what_is_not_there(void **state)
{
    struct caller *caller;
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    caller = &place.bed.caller;
    assert_int_equal(caller_register(caller, STR("srv-none"), "i", ""), CHANGE_SERVICE_NOT_FOUND);
    assert_int_equal(caller_deregister(caller, STR("srv-none"), "i"), CHANGE_SERVICE_NOT_FOUND);
    assert_int_equal(caller_deregister(caller, place.service, "i"), CHANGE_INSTANCE_NOT_FOUND);
    assert_int_equal(caller_health(caller, STR("srv-none"), "i", HEALTH_HEALTHY), CHANGE_SERVICE_NOT_FOUND);
    assert_int_equal(caller_health(caller, place.service, "i", HEALTH_HEALTHY), CHANGE_INSTANCE_NOT_FOUND);
    bed_register(&place.bed, place.service, "i", "");
    assert_int_equal(caller_health(caller, place.service, "i", HEALTH_HEALTHY), CHANGE_CUSTOM_HEALTH_NOT_FOUND);
    assert_int_equal(caller_register(caller, place.service, "i", "AWS_NO=1"), CHANGE_INVALID_INPUT);
    assert_int_equal(caller_register(caller, place.service, "i", "a=1,a=2"), CHANGE_INVALID_INPUT);
    place_fini(&place);
}

static void test_limits(void **state)
{
    struct caller *caller;
    struct place place;
    struct str other;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    caller = &place.bed.caller;
    other = bed_service(&place.bed, place.http, "t", SERVICE_CHECK_NONE);
    place.bed.config.limits = (struct registry_limits){ .instances_per_service = 2, .instances_per_namespace = 3 };
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "a", "");
    bed_register(&place.bed, place.service, "b", "");
    assert_int_equal(caller_register(caller, place.service, "c", ""), CHANGE_LIMIT);
    bed_register(&place.bed, place.service, "b", "k=v"); /* replacing needs no room */
    bed_register(&place.bed, other, "a", "");
    assert_int_equal(caller_register(caller, other, "b", ""), CHANGE_LIMIT);
    assert_str(caller->change.message, "The limit of 3 instances in a namespace is reached");
    assert_int_equal(caller_deregister(caller, place.service, "a"), 0);
    bed_register(&place.bed, other, "b", "");
    assert_int_equal(caller_register(caller, other, "c", ""), CHANGE_LIMIT);
    assert_str(caller->change.message, "The limit of 2 instances in a service is reached");
    place_fini(&place);
}

/* --- custom health without a wait -------------------------------------------------------------------------------- */

static void test_health_at_once(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    bed_register(&place.bed, place.service, "i", "");
    bed_register(&place.bed, place.service, "sick", "AWS_INIT_HEALTH_STATUS=UNHEALTHY");
    assert_int_equal(look(&place, "i").health, HEALTH_HEALTHY);
    assert_int_equal(look(&place, "sick").health, HEALTH_UNHEALTHY);
    assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_UNHEALTHY), 0);
    assert_int_equal(look(&place, "i").health, HEALTH_UNHEALTHY);
    assert_false(look(&place, "i").pending);
    bed_check_reopen(&place.bed);
    assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_HEALTHY), 0);
    assert_int_equal(look(&place, "i").health, HEALTH_HEALTHY);
    assert_int_equal(caller_health(&place.bed.caller, place.service, "sick", HEALTH_HEALTHY), 0);
    bed_register(&place.bed, place.service, "sick", "AWS_INIT_HEALTH_STATUS=UNHEALTHY,k=v");
    assert_int_equal(look(&place, "sick").health, HEALTH_UNHEALTHY);
    place_fini(&place);
}

/* --- custom health that waits (behaviour 11.3) ------------------------------------------------------------------- */

static void waiting_init(struct place *place)
{
    place_init(place, SERVICE_CHECK_CUSTOM);
    place->bed.config.custom_health_delay_ms = DELAY;
    bed_reopen(&place->bed);
    bed_register(&place->bed, place->service, "i", "k=v");
}

static void ask(struct place *place, enum health_status health)
{
    assert_int_equal(caller_health(&place->bed.caller, place->service, "i", health), 0);
}

static void expect(struct place *place, enum health_status health, bool pending)
{
    struct seen seen = look(place, "i");

    assert_int_equal(seen.health, health);
    assert_int_equal(seen.pending, pending);
}

static void test_a_status_takes_effect_after_the_wait(void **state)
{
    struct place place;

    (void)state;
    waiting_init(&place);
    ask(&place, HEALTH_UNHEALTHY);
    expect(&place, HEALTH_HEALTHY, true);
    bed_advance(&place.bed, DELAY - 1);
    expect(&place, HEALTH_HEALTHY, true);
    bed_check_reopen(&place.bed);
    bed_advance(&place.bed, 1);
    expect(&place, HEALTH_UNHEALTHY, false);
    bed_check_reopen(&place.bed);
    ask(&place, HEALTH_HEALTHY); /* the way back takes as long */
    bed_advance(&place.bed, DELAY - 1);
    expect(&place, HEALTH_UNHEALTHY, true);
    bed_advance(&place.bed, 1);
    expect(&place, HEALTH_HEALTHY, false);
    place_fini(&place);
}

static void test_repetitions_do_not_begin_the_wait_again(void **state)
{
    struct place place;

    (void)state;
    waiting_init(&place);
    for (int i = 0; i < 3; i++) {
        ask(&place, HEALTH_UNHEALTHY);
        expect(&place, HEALTH_HEALTHY, true);
        bed_advance(&place.bed, DELAY / 3);
    }
    expect(&place, HEALTH_UNHEALTHY, false);
    place_fini(&place);
}

static void test_the_status_in_effect_takes_back_what_waits(void **state)
{
    struct place place;

    (void)state;
    waiting_init(&place);
    ask(&place, HEALTH_UNHEALTHY);
    bed_advance(&place.bed, DELAY - 1);
    ask(&place, HEALTH_HEALTHY);
    expect(&place, HEALTH_HEALTHY, false);
    bed_advance(&place.bed, DELAY);
    expect(&place, HEALTH_HEALTHY, false);
    ask(&place, HEALTH_HEALTHY); /* nothing to do */
    expect(&place, HEALTH_HEALTHY, false);
    ask(&place, HEALTH_UNHEALTHY); /* a wait of its own */
    bed_advance(&place.bed, DELAY - 1);
    expect(&place, HEALTH_HEALTHY, true);
    bed_advance(&place.bed, 1);
    expect(&place, HEALTH_UNHEALTHY, false);
    place_fini(&place);
}

static void test_a_registration_forgets_what_waits(void **state)
{
    struct place place;

    (void)state;
    waiting_init(&place);
    ask(&place, HEALTH_UNHEALTHY);
    bed_register(&place.bed, place.service, "i", "k=w");
    expect(&place, HEALTH_HEALTHY, false);
    bed_check_reopen(&place.bed);
    bed_advance(&place.bed, DELAY);
    expect(&place, HEALTH_HEALTHY, false);
    ask(&place, HEALTH_UNHEALTHY);
    bed_advance(&place.bed, DELAY / 2);
    assert_int_equal(caller_deregister(&place.bed.caller, place.service, "i"), 0);
    bed_check_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", "k=w");
    ask(&place, HEALTH_UNHEALTHY);
    bed_advance(&place.bed, DELAY / 2);
    expect(&place, HEALTH_HEALTHY, true);
    bed_advance(&place.bed, DELAY / 2);
    expect(&place, HEALTH_UNHEALTHY, false);
    place_fini(&place);
}

static void test_the_wait_survives_restarts(void **state)
{
    struct place place;

    (void)state;
    waiting_init(&place);
    ask(&place, HEALTH_UNHEALTHY);
    bed_advance(&place.bed, DELAY / 3);
    bed_reopen(&place.bed);
    clock_manual_advance(&place.bed.clock, DELAY / 3); /* and goes on while nobody runs */
    bed_reopen(&place.bed);
    bed_advance(&place.bed, DELAY / 3 - 1);
    expect(&place, HEALTH_HEALTHY, true);
    bed_advance(&place.bed, 1);
    expect(&place, HEALTH_UNHEALTHY, false);

    ask(&place, HEALTH_HEALTHY);
    clock_manual_advance(&place.bed.clock, 2 * DELAY); /* over while nobody ran */
    bed_reopen(&place.bed);
    bed_settle(&place.bed);
    expect(&place, HEALTH_HEALTHY, false);

    ask(&place, HEALTH_UNHEALTHY);
    bed_jump(&place.bed, -BED_DAY_MS); /* a clock that jumps back lengthens nothing */
    bed_reopen(&place.bed);
    bed_advance(&place.bed, DELAY);
    expect(&place, HEALTH_UNHEALTHY, false);
    place_fini(&place);
}

static void test_a_wait_that_is_configured_away(void **state)
{
    struct place place;

    (void)state;
    waiting_init(&place);
    ask(&place, HEALTH_UNHEALTHY);
    place.bed.config.custom_health_delay_ms = 0;
    bed_reopen(&place.bed);
    bed_settle(&place.bed);
    expect(&place, HEALTH_UNHEALTHY, false);
    place_fini(&place);
}

static void test_many_waits_end_together(void **state)
{
    enum { N = 1500 }; /* more than one commit ends by itself */
    struct place place;

    (void)state;
    waiting_init(&place);
    for (int i = 0; i < N; i++) {
        char id[16];
        snprintf(id, sizeof(id), "i%d", i);
        bed_register(&place.bed, place.service, id, "");
        assert_int_equal(caller_health(&place.bed.caller, place.service, id, HEALTH_UNHEALTHY), 0);
    }
    clock_manual_advance(&place.bed.clock, DELAY);
    for (int round = 0; round < 2; round++)
        bed_settle(&place.bed);
    for (int i = 0; i < N; i++) {
        char id[16];
        snprintf(id, sizeof(id), "i%d", i);
        assert_int_equal(look(&place, id).health, HEALTH_UNHEALTHY);
    }
    place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_registration_replaces_all_attributes),
        cmocka_unit_test(test_revisions_follow_membership),
        cmocka_unit_test(test_revisions_do_not_count_commits),
        cmocka_unit_test(test_a_repetition_is_the_operation_it_repeats),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_health_at_once),
        cmocka_unit_test(test_a_status_takes_effect_after_the_wait),
        cmocka_unit_test(test_repetitions_do_not_begin_the_wait_again),
        cmocka_unit_test(test_the_status_in_effect_takes_back_what_waits),
        cmocka_unit_test(test_a_registration_forgets_what_waits),
        cmocka_unit_test(test_the_wait_survives_restarts),
        cmocka_unit_test(test_a_wait_that_is_configured_away),
        cmocka_unit_test(test_many_waits_end_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
