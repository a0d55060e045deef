/* SPDX-License-Identifier: Apache-2.0
 *
 * Draining instances: by their attribute and by an operator, with an end and without, over restarts. */
#include "bed.h"

#include "model/cloudmap_attribute.h"

#define MINUTE 60000

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
    bed_check_reopen(&place->bed);
    bed_fini(&place->bed);
}

enum where { GONE, SERVING, DRAINING };

/* What is known of one instance. */
struct seen {
    enum where where;
    uint64_t revision; /* of the service */
    enum health_status health;
    size_t n_attributes, n_indexed, n_registered;
    int64_t create_ms;
    char reason[64];
};

static struct seen look(struct place *place, const char *id)
{
    const struct tenant *tenant = bed_tenant(&place->bed, bed_hold(&place->bed));
    const struct service_node *node = state_find_service(tenant, place->service);
    const struct instance *instance = state_find_registered(node, str_of(id));
    struct seen seen = { .revision = node->revision,
                         .n_indexed = tree_size(&node->index).count,
                         .n_registered = state_count_registered(node) };

    if (instance) {
        struct str reason = instance_find_attribute(instance, CLOUDMAP_ATTRIBUTE_DRAINING);
        seen.where = state_find_instance(node, str_of(id)) ? SERVING : DRAINING;
        seen.health = (enum health_status)instance->health;
        seen.n_attributes = instance->n_attributes;
        seen.create_ms = instance->create_ms;
        snprintf(seen.reason, sizeof(seen.reason), "%.*s", (int)reason.n, reason.p ? reason.p : "");
    }
    bed_release(&place->bed);
    return seen;
}

static int drain(struct place *place, const char *id, const char *reason, int64_t for_ms, enum tenure_then then)
{
    struct change *change = caller_new(&place->bed.caller, CHANGE_DRAIN);

    change->service_id = place->service;
    change->instance_id = str_of(id);
    change->reason = str_of(reason);
    change->drain_for_ms = for_ms;
    change->drain_then = then;
    return caller_do(&place->bed.caller);
}

static int undrain(struct place *place, const char *id)
{
    struct change *change = caller_new(&place->bed.caller, CHANGE_UNDRAIN);

    change->service_id = place->service;
    change->instance_id = str_of(id);
    return caller_do(&place->bed.caller);
}

static int delete_service(struct place *place)
{
    caller_new(&place->bed.caller, CHANGE_DELETE_SERVICE)->service_id = place->service;
    return caller_do(&place->bed.caller);
}

/* --- by the attribute --------------------------------------------------------------------------------------------- */

static void test_the_attribute_drains(void **state)
{
    struct place place;
    struct seen before, seen;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    bed_register(&place.bed, place.service, "a.B", "k=v"); /* an id that DNS keeps apart */
    before = look(&place, "a.B");
    assert_int_equal(before.where, SERVING);
    bed_register(&place.bed, place.service, "a.B", "k=v,cloudmap:draining=disk swap");
    seen = look(&place, "a.B");
    assert_int_equal(seen.where, DRAINING);
    assert_string_equal(seen.reason, "disk swap");
    assert_true(seen.revision > before.revision);
    assert_int_equal(seen.n_indexed, 0);
    assert_int_equal(seen.n_registered, 1);
    assert_int_equal(delete_service(&place), CHANGE_IN_USE);
    bed_check_reopen(&place.bed);
    assert_int_equal(look(&place, "a.B").where, DRAINING);
    bed_register(&place.bed, place.service, "a.B", "k=v");
    assert_int_equal(look(&place, "a.B").where, SERVING);
    bed_register(&place.bed, place.service, "a.B", "cloudmap:draining=again");
    assert_int_equal(caller_deregister(&place.bed.caller, place.service, "a.B"), 0);
    assert_int_equal(look(&place, "a.B").n_registered, 0);
    assert_int_equal(delete_service(&place), 0);
    place_fini(&place);
}

static void test_values_that_are_no_reason(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    assert_int_equal(caller_register(&place.bed.caller, place.service, "i", "cloudmap:draining="),
                     CHANGE_INVALID_INPUT);
    assert_int_equal(caller_register(&place.bed.caller, place.service, "i", "cloudmap:draining=false"),
                     CHANGE_INVALID_INPUT);
    assert_int_equal(caller_register(&place.bed.caller, place.service, "i", "cloudmap:drainig=x"),
                     CHANGE_INVALID_INPUT);
    place.bed.config.plain_attributes = true; /* as to AWS: words like others */
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", "cloudmap:draining=false,cloudmap:x=y");
    bed_register(&place.bed, place.service, "k", "cloudmap:draining=true");
    assert_int_equal(look(&place, "k").where, SERVING);
    place.bed.config.plain_attributes = false; /* what was no reason then is none now */
    bed_reopen(&place.bed);
    assert_int_equal(look(&place, "i").where, SERVING);
    assert_int_equal(look(&place, "k").where, DRAINING);
    place_fini(&place);
}

static void test_limits_count_who_drains(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    place.bed.config.limits.instances_per_service = 1;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", "cloudmap:draining=x");
    assert_int_equal(caller_register(&place.bed.caller, place.service, "k", ""), CHANGE_LIMIT);
    place.bed.config.limits.instances_per_service = 0;
    place.bed.config.limits.instances_per_namespace = 1;
    bed_reopen(&place.bed);
    assert_int_equal(caller_register(&place.bed.caller, place.service, "k", ""), CHANGE_LIMIT);
    place_fini(&place);
}

static void test_all_are_walked_in_order(void **state)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e" };
    struct state_registered_iter iter;
    const struct service_node *node;
    const struct instance *instance;
    struct place place;
    size_t n = 0;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    for (size_t i = 0; i < TEST_COUNT(ids); i++)
        bed_register(&place.bed, place.service, ids[i], i % 2 ? "cloudmap:draining=x" : "");
    node = state_find_service(bed_tenant(&place.bed, bed_hold(&place.bed)), place.service);
    state_iter_registered(&iter, node, (struct str){ 0 });
    while ((instance = state_next_registered(&iter)))
        assert_true(str_eq(instance_id(instance), str_of(ids[n++])));
    assert_int_equal(n, TEST_COUNT(ids));
    state_iter_registered(&iter, node, STR("bb"));
    assert_true(str_eq(instance_id(state_next_registered(&iter)), STR("c")));
    bed_release(&place.bed);
    place_fini(&place);
}

/* --- by an operator ----------------------------------------------------------------------------------------------- */

static void test_an_operator_drains(void **state)
{
    char operation[ID_OPERATION_SIZE];
    struct place place;
    struct seen before, seen;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    bed_register(&place.bed, place.service, "i", "k=v");
    memcpy(operation, place.bed.caller.change.operation_id, sizeof(operation));
    before = look(&place, "i");
    assert_int_equal(drain(&place, "i", "kernel update", 0, 0), 0);
    seen = look(&place, "i");
    assert_int_equal(seen.where, DRAINING);
    assert_string_equal(seen.reason, "kernel update");
    assert_true(seen.create_ms == before.create_ms && seen.health == HEALTH_HEALTHY);
    assert_true(seen.revision > before.revision);

    /* Its owner says again what it said: nothing changes, and the answer is the old one. */
    bed_register(&place.bed, place.service, "i", "k=v");
    assert_string_equal(place.bed.caller.change.operation_id, operation);
    assert_int_equal(look(&place, "i").where, DRAINING);

    /* Health goes on beside it. */
    assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_UNHEALTHY), 0);
    assert_int_equal(look(&place, "i").where, DRAINING);
    assert_int_equal(drain(&place, "i", "takes longer", 0, 0), 0);
    bed_check_reopen(&place.bed);
    seen = look(&place, "i");
    assert_string_equal(seen.reason, "takes longer");
    assert_int_equal(seen.n_attributes, 2);
    assert_int_equal(undrain(&place, "i"), 0);
    seen = look(&place, "i");
    assert_int_equal(seen.where, SERVING);
    assert_int_equal(seen.n_attributes, 1);
    assert_int_equal(seen.health, HEALTH_UNHEALTHY);
    assert_int_equal(undrain(&place, "i"), 0); /* there is nothing to end */
    assert_true(look(&place, "i").revision == seen.revision);

    /* What is registered otherwise is another instance. */
    assert_int_equal(drain(&place, "i", "x", 0, 0), 0);
    bed_register(&place.bed, place.service, "i", "k=w");
    assert_int_equal(look(&place, "i").where, SERVING);
    place_fini(&place);
}

static void test_what_cannot_be_drained(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    assert_int_equal(drain(&place, "i", "x", 0, 0), CHANGE_INSTANCE_NOT_FOUND);
    assert_int_equal(undrain(&place, "i"), CHANGE_INSTANCE_NOT_FOUND);
    bed_register(&place.bed, place.service, "i", "");
    assert_int_equal(drain(&place, "i", "", 0, 0), CHANGE_INVALID_INPUT);
    assert_int_equal(drain(&place, "i", "a\nb", 0, 0), CHANGE_INVALID_INPUT);
    assert_int_equal(drain(&place, "i", "x", -1, 0), CHANGE_INVALID_INPUT);
    assert_int_equal(drain(&place, "i", "x", TENURE_MAX_DRAIN_MS + 1, 0), CHANGE_INVALID_INPUT);
    assert_int_equal(look(&place, "i").where, SERVING);
    place.service = STR("srv-none");
    assert_int_equal(drain(&place, "i", "x", 0, 0), CHANGE_SERVICE_NOT_FOUND);
    bed_fini(&place.bed);
}

static void test_an_instance_that_is_full_can_be_drained(void **state)
{
    char text[INSTANCE_MAX_ATTRIBUTES_LEN + 2], reason[CLOUDMAP_ATTRIBUTE_MAX_REASON + 1];
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    memset(text, 'x', sizeof(text) - 1);
    memset(reason, 'r', sizeof(reason) - 1);
    text[1] = '=';
    text[sizeof(text) - 1] = reason[sizeof(reason) - 1] = '\0';
    bed_register(&place.bed, place.service, "i", text);
    assert_int_equal(drain(&place, "i", reason, 0, 0), 0);
    bed_check_reopen(&place.bed);
    assert_int_equal(look(&place, "i").where, DRAINING);
    place_fini(&place);
}

/* --- with an end -------------------------------------------------------------------------------------------------- */

static void test_a_drain_ends(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "goes", "k=v");
    bed_register(&place.bed, place.service, "stays", "k=v");
    assert_int_equal(drain(&place, "goes", "x", MINUTE, TENURE_DEREGISTER), 0);
    assert_int_equal(drain(&place, "stays", "x", MINUTE, TENURE_UNDRAIN), 0);
    bed_check_reopen(&place.bed);
    bed_advance(&place.bed, MINUTE - 1);
    assert_int_equal(look(&place, "goes").where, DRAINING);
    assert_int_equal(look(&place, "stays").where, DRAINING);
    bed_advance(&place.bed, 1);
    assert_int_equal(look(&place, "goes").where, GONE);
    assert_int_equal(look(&place, "stays").where, SERVING);
    assert_int_equal(look(&place, "stays").n_attributes, 1);
    place_fini(&place);
}

static void test_an_end_that_is_taken_back(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "undrained", "k=v");
    bed_register(&place.bed, place.service, "again", "k=v");
    bed_register(&place.bed, place.service, "endless", "k=v");
    bed_register(&place.bed, place.service, "new", "k=v");
    bed_register(&place.bed, place.service, "repeated", "k=v");
    assert_int_equal(drain(&place, "undrained", "x", MINUTE, TENURE_DEREGISTER), 0);
    assert_int_equal(drain(&place, "again", "x", MINUTE, TENURE_DEREGISTER), 0);
    assert_int_equal(drain(&place, "endless", "x", MINUTE, TENURE_DEREGISTER), 0);
    assert_int_equal(drain(&place, "new", "x", MINUTE, TENURE_DEREGISTER), 0);
    assert_int_equal(drain(&place, "repeated", "x", MINUTE, TENURE_DEREGISTER), 0);
    assert_int_equal(undrain(&place, "undrained"), 0);
    assert_int_equal(drain(&place, "again", "x", 2 * MINUTE, TENURE_DEREGISTER), 0);
    assert_int_equal(drain(&place, "endless", "x", 0, 0), 0);
    bed_register(&place.bed, place.service, "new", "k=w");
    bed_register(&place.bed, place.service, "repeated", "k=v");
    bed_advance(&place.bed, MINUTE);
    assert_int_equal(look(&place, "undrained").where, SERVING);
    assert_int_equal(look(&place, "again").where, DRAINING);
    assert_int_equal(look(&place, "endless").where, DRAINING);
    assert_int_equal(look(&place, "new").where, SERVING);
    assert_int_equal(look(&place, "repeated").where, GONE);
    bed_advance(&place.bed, MINUTE);
    assert_int_equal(look(&place, "again").where, GONE);
    place_fini(&place);
}

static void test_an_end_survives_restarts(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "");
    bed_register(&place.bed, place.service, "late", "");
    assert_int_equal(drain(&place, "i", "x", MINUTE, TENURE_DEREGISTER), 0);
    bed_advance(&place.bed, MINUTE / 2);
    bed_reopen(&place.bed);
    bed_advance(&place.bed, MINUTE / 2 - 1);
    assert_int_equal(look(&place, "i").where, DRAINING);
    bed_advance(&place.bed, 1);
    assert_int_equal(look(&place, "i").where, GONE);

    assert_int_equal(drain(&place, "late", "x", MINUTE, TENURE_UNDRAIN), 0);
    clock_manual_advance(&place.bed.clock, BED_DAY_MS); /* over while nobody ran */
    bed_reopen(&place.bed);
    bed_settle(&place.bed);
    assert_int_equal(look(&place, "late").where, SERVING);

    assert_int_equal(drain(&place, "late", "x", MINUTE, TENURE_UNDRAIN), 0);
    bed_jump(&place.bed, BED_DAY_MS); /* a clock that jumps while the daemon runs ends nothing */
    bed_settle(&place.bed);
    assert_int_equal(look(&place, "late").where, DRAINING);
    bed_fini(&place.bed);
}

/* Two deadlines of one instance at one time do not take each other's place. */
static void test_an_end_beside_a_status_that_waits(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_CUSTOM);
    place.bed.config.custom_health_delay_ms = MINUTE;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", "");
    assert_int_equal(caller_health(&place.bed.caller, place.service, "i", HEALTH_UNHEALTHY), 0);
    assert_int_equal(drain(&place, "i", "x", MINUTE, TENURE_UNDRAIN), 0);
    bed_check_reopen(&place.bed);
    bed_advance(&place.bed, MINUTE);
    assert_int_equal(look(&place, "i").where, SERVING);
    assert_int_equal(look(&place, "i").health, HEALTH_UNHEALTHY);
    place_fini(&place);
}

static void test_memory_runs_out(void **state)
{
    struct place place;
    bool delivered = true;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    bed_register(&place.bed, place.service, "i", "k=v");
    for (long k = 1; delivered; k++) {
        int r;
        caller_fail_at(&place.bed.caller, k, false);
        r = drain(&place, "i", "x", MINUTE, TENURE_UNDRAIN);
        delivered = place.bed.caller.delivered;
        assert_int_equal(look(&place, "i").where, r ? SERVING : DRAINING);
        assert_int_equal(undrain(&place, "i"), 0);
    }
    place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_attribute_drains),
        cmocka_unit_test(test_values_that_are_no_reason),
        cmocka_unit_test(test_limits_count_who_drains),
        cmocka_unit_test(test_all_are_walked_in_order),
        cmocka_unit_test(test_an_operator_drains),
        cmocka_unit_test(test_what_cannot_be_drained),
        cmocka_unit_test(test_an_instance_that_is_full_can_be_drained),
        cmocka_unit_test(test_a_drain_ends),
        cmocka_unit_test(test_an_end_that_is_taken_back),
        cmocka_unit_test(test_an_end_survives_restarts),
        cmocka_unit_test(test_an_end_beside_a_status_that_waits),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
