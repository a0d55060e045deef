/* SPDX-License-Identifier: Apache-2.0
 *
 * Leases of instances: renewed without a commit, running out, removed after it, over restarts and clocks that jump. */
#include "bed.h"

#include "registry/pick.h"

#define LEASE 30000
#define REMOVE 600000

struct place {
    struct bed bed;
    struct str service;
};

static void place_init(struct place *place, enum service_check check)
{
    bed_init(&place->bed);
    place->service = bed_service(&place->bed, bed_namespace(&place->bed, NAMESPACE_HTTP, "h"), "s", check);
}

static void place_fini(struct place *place)
{
    bed_fini(&place->bed);
}

/* What is known of one instance. */
struct seen {
    bool there, served;
    enum health_status shown;
    uint64_t revision, commit;
};

static struct seen look(struct place *place, const char *id)
{
    const struct snapshot *snapshot = bed_hold(&place->bed);
    const struct service_node *node = state_find_service(bed_tenant(&place->bed, snapshot), place->service);
    const struct instance *instance = state_find_registered(node, str_of(id));
    struct seen seen = { .revision = node->revision, .commit = snapshot->revision, .there = instance };

    if (instance) {
        seen.served = instance->is_served;
        seen.shown = (enum health_status)instance->shown_health;
    }
    bed_release(&place->bed);
    return seen;
}

static uint64_t commits(struct place *place)
{
    struct store_stat stat;

    store_stat(place->bed.store, &stat);
    return stat.commits;
}

static int renew(struct place *place, const char *id)
{
    struct change *change = caller_new(&place->bed.caller, CHANGE_RENEW);

    change->service_id = place->service;
    change->instance_id = str_of(id);
    return caller_do(&place->bed.caller);
}

static size_t discover(struct place *place, enum pick_health health)
{
    const struct snapshot *snapshot = bed_hold(&place->bed);
    const struct service_node *node = state_find_service(bed_tenant(&place->bed, snapshot), place->service);
    struct pick_query query = { .health = health, .max = 100 };
    const struct instance **found;
    struct arena arena;
    struct rand rand;
    size_t n;

    arena_init(&arena, 1 << 20);
    rand_init_seed(&rand, 1);
    assert_int_equal(pick_instances(snapshot, node, &query, &rand, &arena, &found, &n), 0);
    arena_fini(&arena);
    bed_release(&place->bed);
    return n;
}

/* --- running out -------------------------------------------------------------------------------------------------- */

static void test_a_lease_runs_out(void **state)
{
    struct place place;
    struct seen before;

    (void)state;
    for (int check = 0; check < 2; check++) {
        place_init(&place, check ? SERVICE_CHECK_CUSTOM : SERVICE_CHECK_NONE);
        bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s");
        bed_register(&place.bed, place.service, "other", "");
        before = look(&place, "i");
        assert_int_equal(before.shown, check ? HEALTH_HEALTHY : HEALTH_UNKNOWN);
        bed_advance(&place.bed, LEASE - 1);
        assert_true(look(&place, "i").served);
        bed_advance(&place.bed, 1);
        assert_false(look(&place, "i").served);
        assert_int_equal(look(&place, "i").shown, HEALTH_UNHEALTHY);
        assert_true(look(&place, "i").revision == before.revision); /* who is a member has not changed */
        assert_int_equal(discover(&place, PICK_HEALTHY), 1);
        assert_int_equal(discover(&place, PICK_HEALTHY_OR_ELSE_ALL), 1);
        assert_int_equal(discover(&place, PICK_UNHEALTHY), 1);
        assert_int_equal(discover(&place, PICK_ALL), 2);
        bed_check_reopen(&place.bed); /* and after a restart it has still run out */
        assert_false(look(&place, "i").served);
        bed_advance(&place.bed, 365 * BED_DAY_MS); /* nobody asked for the removal */
        assert_true(look(&place, "i").there);
        place_fini(&place);
    }
}

static void test_a_service_without_check_and_without_what_ran_out(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s");
    assert_int_equal(discover(&place, PICK_UNHEALTHY), 1); /* no status is looked at, as on AWS */
    bed_register(&place.bed, place.service, "k", "cloudmap:lease=30s");
    bed_advance(&place.bed, LEASE);
    assert_int_equal(discover(&place, PICK_HEALTHY), 0);
    assert_int_equal(discover(&place, PICK_HEALTHY_OR_ELSE_ALL), 2); /* fails open */
    place_fini(&place);
}

static void test_the_removal(void **state)
{
    struct place place;
    struct seen before;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s,cloudmap:lease-remove=10m");
    bed_register(&place.bed, place.service, "at-once", "cloudmap:lease=1m,cloudmap:lease-remove=0");
    before = look(&place, "i");
    bed_advance(&place.bed, LEASE);
    bed_reopen(&place.bed);
    bed_advance(&place.bed, REMOVE - 1);
    assert_true(look(&place, "i").there);
    assert_false(look(&place, "at-once").there);
    bed_advance(&place.bed, 1);
    assert_false(look(&place, "i").there);
    assert_true(look(&place, "i").revision > before.revision);
    assert_int_equal(bed_count_records(&place.bed, "service/"), 1);
    place_fini(&place);
}

/* --- renewal ------------------------------------------------------------------------------------------------------ */

static void test_every_renewal(void **state)
{
    struct place place;
    struct seen before;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    bed_register(&place.bed, place.service, "i", "k=v,cloudmap:lease=30s");
    before = look(&place, "i");
    for (int round = 0; round < 12; round++) {
        bed_advance(&place.bed, LEASE - 1000);
        assert_true(look(&place, "i").served);
        if (round % 3 == 0)
            bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s,k=v"); /* a new token each time */
        else if (round % 3 == 1)
            assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_HEALTHY), 0);
        else
            assert_int_equal(renew(&place, "i"), 0);
    }
    assert_true(look(&place, "i").revision == before.revision);
    bed_advance(&place.bed, LEASE - 1);
    assert_true(look(&place, "i").served);
    bed_advance(&place.bed, 1);
    assert_false(look(&place, "i").served);
    place_fini(&place);
}

static void test_renewals_make_no_commit(void **state)
{
    char operation[ID_OPERATION_SIZE];
    struct place place;
    uint64_t before;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s");
    memcpy(operation, place.bed.caller.change.operation_id, sizeof(operation));
    before = commits(&place);
    for (int round = 0; round < 40; round++) {
        bed_advance(&place.bed, LEASE / 4);
        bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s");
        assert_string_equal(place.bed.caller.change.operation_id, operation);
    }
    assert_true(commits(&place) == before);
    assert_true(look(&place, "i").served);
    place_fini(&place);
}

static void test_a_renewal_after_the_end(void **state)
{
    struct place place;
    struct seen before;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s,cloudmap:lease-remove=10m");
    bed_register(&place.bed, place.service, "sick", "cloudmap:lease=30s,AWS_INIT_HEALTH_STATUS=UNHEALTHY");
    before = look(&place, "i"); /* the service's revision is that of the last registration */
    bed_advance(&place.bed, LEASE);
    assert_false(look(&place, "i").served);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s,cloudmap:lease-remove=10m");
    assert_true(look(&place, "i").served);
    assert_int_equal(look(&place, "i").shown, HEALTH_HEALTHY);
    assert_true(look(&place, "sick").revision == before.revision);
    bed_check_reopen(&place.bed);
    bed_advance(&place.bed, LEASE);
    assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_UNHEALTHY), 0);
    assert_int_equal(look(&place, "i").shown, HEALTH_UNHEALTHY); /* alive, and says that it is not well */
    assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_HEALTHY), 0);
    assert_true(look(&place, "i").served);
    assert_int_equal(renew(&place, "sick"), 0); /* a lease makes nobody healthy */
    assert_int_equal(look(&place, "sick").shown, HEALTH_UNHEALTHY);
    bed_advance(&place.bed, REMOVE - 1);
    assert_true(look(&place, "i").there);
    place_fini(&place);
}

static void test_a_renewal_whose_operation_is_forgotten(void **state)
{
    char operation[ID_OPERATION_SIZE];
    struct place place;
    struct seen before;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    place.bed.config.operations_keep_ms = 1000;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=7d");
    memcpy(operation, place.bed.caller.change.operation_id, sizeof(operation));
    assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_UNHEALTHY), 0);
    before = look(&place, "i");
    bed_advance(&place.bed, BED_DAY_MS);
    assert_int_equal(bed_count_records(&place.bed, "operation/"), 0);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=7d");
    assert_string_not_equal(place.bed.caller.change.operation_id, operation);
    assert_true(look(&place, "i").revision == before.revision);
    assert_int_equal(look(&place, "i").shown, HEALTH_UNHEALTHY);
    memcpy(operation, place.bed.caller.change.operation_id, sizeof(operation));
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=7d");
    assert_string_equal(place.bed.caller.change.operation_id, operation);
    bed_reopen(&place.bed);
    place_fini(&place);
}

static void test_what_is_no_renewal(void **state)
{
    struct place place;
    uint64_t revision;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "");
    assert_int_equal(renew(&place, "i"), CHANGE_INVALID_INPUT);
    assert_int_equal(renew(&place, "none"), CHANGE_INSTANCE_NOT_FOUND);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s");
    revision = look(&place, "i").revision;
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s,k=v");
    assert_true(look(&place, "i").revision > revision);
    bed_register(&place.bed, place.service, "i", "k=v"); /* without a lease from now on */
    bed_advance(&place.bed, BED_DAY_MS);
    assert_true(look(&place, "i").served);
    place.bed.config.plain_attributes = true;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s");
    bed_advance(&place.bed, BED_DAY_MS);
    assert_true(look(&place, "i").served);
    place_fini(&place);
}

static void test_leases_that_are_none(void **state)
{
    static const char *const wrong[] = { "cloudmap:lease=",
                                         "cloudmap:lease=30",
                                         "cloudmap:lease=999ms",
                                         "cloudmap:lease=8d",
                                         "cloudmap:lease=30s,cloudmap:lease-remove=later",
                                         "cloudmap:lease=30s,cloudmap:lease-remove=366d",
                                         "cloudmap:lease-remove=10m" };
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    for (size_t i = 0; i < TEST_COUNT(wrong); i++)
        assert_int_equal(caller_register(&place.bed.caller, place.service, "i", wrong[i]), CHANGE_INVALID_INPUT);
    place_fini(&place);
}

/* --- restarts and clocks ------------------------------------------------------------------------------------------ */

static void test_a_restart_gives_a_whole_lease(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s,cloudmap:lease-remove=1s");
    clock_manual_advance(&place.bed.clock, BED_DAY_MS); /* nobody could renew meanwhile */
    bed_reopen(&place.bed);
    bed_advance(&place.bed, LEASE - 1);
    assert_true(look(&place, "i").served);
    bed_advance(&place.bed, 1);
    assert_false(look(&place, "i").served);
    clock_manual_advance(&place.bed.clock, BED_DAY_MS); /* nor before the removal */
    bed_reopen(&place.bed);
    bed_advance(&place.bed, LEASE - 1);
    assert_true(look(&place, "i").there);
    bed_advance(&place.bed, 1);
    assert_false(look(&place, "i").there);
    place_fini(&place);
}

static void test_a_clock_that_jumps(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s,cloudmap:lease-remove=10m");
    bed_jump(&place.bed, BED_DAY_MS);
    bed_advance(&place.bed, LEASE - 1);
    assert_true(look(&place, "i").served);
    bed_advance(&place.bed, 1);
    assert_false(look(&place, "i").served);
    bed_jump(&place.bed, -2 * BED_DAY_MS); /* back before the lease ran out: nothing lasts longer for it */
    bed_reopen(&place.bed);
    bed_advance(&place.bed, REMOVE);
    assert_false(look(&place, "i").there);
    place_fini(&place);
}

static void test_a_lease_beside_a_drain(void **state)
{
    struct place place;
    struct change *change;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s");
    change = caller_new(&place.bed.caller, CHANGE_DRAIN);
    change->service_id = place.service;
    change->instance_id = STR("i");
    change->reason = STR("x");
    change->drain_for_ms = 2 * LEASE;
    assert_int_equal(caller_do(&place.bed.caller), 0);
    bed_advance(&place.bed, LEASE - 1);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s"); /* renews, and goes on draining */
    assert_int_equal(look(&place, "i").shown, HEALTH_UNHEALTHY);
    assert_int_equal(discover(&place, PICK_ALL), 0);
    bed_advance(&place.bed, LEASE);
    assert_int_equal(discover(&place, PICK_ALL), 0);
    bed_advance(&place.bed, 1); /* the drain is over, and so is the lease */
    assert_int_equal(discover(&place, PICK_ALL), 1);
    assert_false(look(&place, "i").served);
    bed_check_reopen(&place.bed);
    place_fini(&place);
}

static void test_many_run_out_together(void **state)
{
    enum { N = 1500 }; /* more than one commit does by itself */
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    for (int i = 0; i < N; i++) {
        char id[16];
        snprintf(id, sizeof(id), "i%d", i);
        bed_register(&place.bed, place.service, id, i % 2 ? "cloudmap:lease=30s" : "");
    }
    clock_manual_advance(&place.bed.clock, LEASE);
    for (int round = 0; round < 3; round++)
        bed_settle(&place.bed);
    assert_false(look(&place, "i1499").served);
    assert_true(look(&place, "i1498").served);
    bed_check_reopen(&place.bed);
    place_fini(&place);
}

static void test_memory_runs_out(void **state)
{
    struct place place;
    bool delivered = true;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "cloudmap:lease=30s");
    for (long k = 1; delivered; k++) {
        clock_manual_advance(&place.bed.clock, LEASE);
        caller_fail_at(&place.bed.caller, k, false);
        bed_settle(&place.bed);
        bed_settle(&place.bed);
        delivered = place.bed.caller.delivered;
        assert_false(look(&place, "i").served);
        assert_int_equal(renew(&place, "i"), 0);
        assert_true(look(&place, "i").served);
        delivered = delivered && k < 40;
    }
    place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lease_runs_out),
        cmocka_unit_test(test_a_service_without_check_and_without_what_ran_out),
        cmocka_unit_test(test_the_removal),
        cmocka_unit_test(test_every_renewal),
        cmocka_unit_test(test_renewals_make_no_commit),
        cmocka_unit_test(test_a_renewal_after_the_end),
        cmocka_unit_test(test_a_renewal_whose_operation_is_forgotten),
        cmocka_unit_test(test_what_is_no_renewal),
        cmocka_unit_test(test_leases_that_are_none),
        cmocka_unit_test(test_a_restart_gives_a_whole_lease),
        cmocka_unit_test(test_a_clock_that_jumps),
        cmocka_unit_test(test_a_lease_beside_a_drain),
        cmocka_unit_test(test_many_run_out_together),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
