/* SPDX-License-Identifier: Apache-2.0
 *
 * Operations over the clock: their statuses, locks and repetitions, restarts at each stage, failure when they are due.
 */
#include "slow.h"

#include "base/mem.h"

static bool has_http_name(struct slow *slow, const char *name)
{
    bool has = state_find_http_name(bed_tenant(&slow->bed, bed_hold(&slow->bed)), str_of(name));

    bed_release(&slow->bed);
    return has;
}

static int update_service(struct slow *slow, const char *description)
{
    struct change *change = caller_new(&slow->bed.caller, CHANGE_UPDATE_SERVICE);

    change->service_id = slow->service;
    change->service.description = str_of(description);
    return caller_do(&slow->bed.caller);
}

static int change_namespace(struct slow *slow, enum change_kind kind, struct str id, const char *description)
{
    struct change *change = caller_new(&slow->bed.caller, kind);

    change->namespace_id = id;
    change->ns.kind = NAMESPACE_HTTP;
    change->ns.description = str_of(description);
    return caller_do(&slow->bed.caller);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static void test_statuses_over_time(void **state)
{
    const char *operation;
    struct id_operation id;
    struct slow slow;

    (void)state;
    slow_init(&slow);
    assert_int_equal(caller_register(&slow.bed.caller, slow.service, "new", "a=b"), 0);
    operation = slow_last(&slow);
    bed_advance(&slow.bed, SLOW_DELAY / 2 - 1);
    slow_expect(&slow, operation, "SUBMITTED");
    bed_advance(&slow.bed, 1);
    slow_expect(&slow, operation, "PENDING");
    bed_advance(&slow.bed, SLOW_DELAY / 2 - 1);
    slow_expect(&slow, operation, "PENDING");
    assert_false(slow_has_instance(&slow, "new"));
    bed_advance(&slow.bed, 1);
    slow_expect(&slow, operation, "SUCCESS");
    assert_true(slow_has_instance(&slow, "new"));

    assert_int_equal(id_parse_operation(str_of(operation), &id), 0);
    {
        const struct operation *done = state_find_operation(bed_tenant(&slow.bed, bed_hold(&slow.bed)), &id);
        assert_int_equal(done->id.create_ms, BED_WALL_MS + 1);
        assert_int_equal(done->update_ms, BED_WALL_MS + 1 + SLOW_DELAY);
        assert_true(str_eq(done->namespace_id, slow.http));
        assert_true(str_eq(done->service_id, slow.service));
        assert_str(done->instance_id, "new");
        assert_str(done->action, "RegisterInstance");
        assert_false(str_is_set(done->request));
        bed_release(&slow.bed);
    }
    slow_fini(&slow);
}

static void test_effects_come_with_success(void **state)
{
    const char *operations[6];
    const struct service_node *node;
    struct slow slow;
    struct str doomed;

    (void)state;
    slow_init(&slow);
    slow.bed.config.operations_delay_ms = 0;
    bed_reopen(&slow.bed);
    doomed = bed_namespace(&slow.bed, NAMESPACE_HTTP, "doomed");
    clock_manual_advance(&slow.bed.clock, 1);
    slow.bed.config.operations_delay_ms = SLOW_DELAY;
    bed_reopen(&slow.bed);

    assert_int_equal(caller_create_namespace(&slow.bed.caller, NAMESPACE_DNS_PRIVATE, "new.example", "t"), 0);
    operations[0] = slow_last(&slow);
    assert_int_equal(change_namespace(&slow, CHANGE_DELETE_NAMESPACE, doomed, NULL), 0);
    operations[1] = slow_last(&slow);
    assert_int_equal(change_namespace(&slow, CHANGE_UPDATE_NAMESPACE, slow.http, "text"), 0);
    operations[2] = slow_last(&slow);
    assert_int_equal(update_service(&slow, "text"), 0);
    operations[3] = slow_last(&slow);
    assert_int_equal(caller_register(&slow.bed.caller, slow.service, "new", ""), 0);
    operations[4] = slow_last(&slow);
    assert_int_equal(caller_deregister(&slow.bed.caller, slow.service, "old"), 0);
    operations[5] = slow_last(&slow);
    for (int step = 0; step < 2; step++) {
        for (int i = 0; i < 6; i++)
            slow_expect(&slow, operations[i], step ? "PENDING" : "SUBMITTED");
        assert_false(has_http_name(&slow, "new.example"));
        assert_true(has_http_name(&slow, "doomed"));
        assert_true(slow_has_instance(&slow, "old"));
        assert_false(slow_has_instance(&slow, "new"));
        bed_check_reopen(&slow.bed);
        bed_advance(&slow.bed, SLOW_DELAY / 2);
    }
    for (int i = 0; i < 6; i++)
        slow_expect(&slow, operations[i], "SUCCESS");
    assert_true(has_http_name(&slow, "new.example"));
    assert_false(has_http_name(&slow, "doomed"));
    assert_false(slow_has_instance(&slow, "old"));
    assert_true(slow_has_instance(&slow, "new"));
    node = state_find_service(bed_tenant(&slow.bed, bed_hold(&slow.bed)), slow.service);
    assert_str(node->config->description, "text");
    assert_str(state_find_namespace(bed_tenant(&slow.bed, bed_hold(&slow.bed)), slow.http)->description, "text");
    bed_release(&slow.bed);
    bed_release(&slow.bed);
    slow_fini(&slow);
}

static void test_the_namespace_of_a_creation_is_known_from_the_start(void **state)
{
    const struct operation *operation;
    struct id_operation id;
    struct slow slow;
    struct str ns;

    (void)state;
    slow_init(&slow);
    assert_int_equal(caller_create_namespace(&slow.bed.caller, NAMESPACE_HTTP, "new", "t"), 0);
    assert_int_equal(id_parse_operation(str_of(slow.bed.caller.change.operation_id), &id), 0);
    operation = state_find_operation(bed_tenant(&slow.bed, bed_hold(&slow.bed)), &id);
    ns = arena_dup(&slow.bed.names, operation->namespace_id);
    bed_release(&slow.bed);
    assert_true(str_starts(ns, STR("ns-")));
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    assert_non_null(state_find_namespace(bed_tenant(&slow.bed, bed_hold(&slow.bed)), ns));
    bed_release(&slow.bed);
    slow_fini(&slow);
}

/* --- locks and repetitions --------------------------------------------------------------------------------------- */

static void expect_duplicate(struct slow *slow, int result, const char *action, const char *operation)
{
    char text[256];

    snprintf(text, sizeof(text), "Another operation of type %s and id %s is in progress", action, operation);
    assert_int_equal(result, CHANGE_DUPLICATE_REQUEST);
    assert_true(str_eq(slow->bed.caller.change.message, str_of(text)));
    assert_string_equal(slow->bed.caller.change.operation_id, operation);
}

static void test_one_operation_a_target(void **state)
{
    const char *operation;
    struct slow slow;
    struct caller *caller = &slow.bed.caller;

    (void)state;
    slow_init(&slow);
    assert_int_equal(caller_create_namespace(caller, NAMESPACE_HTTP, "n.example", "t"), 0);
    operation = slow_last(&slow);
    expect_duplicate(&slow, caller_create_namespace(caller, NAMESPACE_DNS_PRIVATE, "n.example", "t"),
                     "CreateHttpNamespace", operation);
    expect_duplicate(&slow, caller_create_namespace(caller, NAMESPACE_HTTP, "n.example", "u"), "CreateHttpNamespace",
                     operation);
    assert_int_equal(caller_create_namespace(caller, NAMESPACE_HTTP, "other", "t"), 0);

    assert_int_equal(change_namespace(&slow, CHANGE_UPDATE_NAMESPACE, slow.http, "text"), 0);
    operation = slow_last(&slow);
    expect_duplicate(&slow, change_namespace(&slow, CHANGE_UPDATE_NAMESPACE, slow.http, "text"), "UpdateHttpNamespace",
                     operation);
    expect_duplicate(&slow, change_namespace(&slow, CHANGE_DELETE_NAMESPACE, slow.http, NULL), "UpdateHttpNamespace",
                     operation);

    assert_int_equal(update_service(&slow, "text"), 0);
    expect_duplicate(&slow, update_service(&slow, "text"), "UpdateService", slow_last(&slow));

    assert_int_equal(caller_register(caller, slow.service, "new", "a=b"), 0);
    operation = slow_last(&slow);
    expect_duplicate(&slow, caller_register(caller, slow.service, "new", "a=c"), "RegisterInstance", operation);
    expect_duplicate(&slow, caller_deregister(caller, slow.service, "new"), "RegisterInstance", operation);
    assert_int_equal(caller_deregister(caller, slow.service, "old"), 0);
    operation = slow_last(&slow);
    expect_duplicate(&slow, caller_deregister(caller, slow.service, "old"), "DeregisterInstance", operation);
    expect_duplicate(&slow, caller_register(caller, slow.service, "old", ""), "DeregisterInstance", operation);

    bed_advance(&slow.bed, SLOW_DELAY / 2);
    expect_duplicate(&slow, caller_deregister(caller, slow.service, "old"), "DeregisterInstance", operation);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    assert_int_equal(caller_deregister(caller, slow.service, "old"), CHANGE_INSTANCE_NOT_FOUND);
    assert_int_equal(caller_register(caller, slow.service, "new", "a=c"), 0);
    slow_fini(&slow);
}

static void test_a_token_gets_its_operation_again(void **state)
{
    const char *creation, *registration;
    struct slow slow;
    struct caller *caller = &slow.bed.caller;

    (void)state;
    slow_init(&slow);
    for (int stage = 0; stage < 3; stage++) {
        assert_int_equal(caller_create_namespace(caller, NAMESPACE_DNS_PRIVATE, "n", "token"), 0);
        creation = stage ? creation : slow_last(&slow);
        assert_string_equal(slow_last(&slow), creation);
        assert_int_equal(caller_register(caller, slow.service, "new", "b=2,a=1"), 0);
        registration = stage ? registration : slow_last(&slow);
        assert_string_equal(slow_last(&slow), registration);
        bed_check_reopen(&slow.bed);
        /* The token of a registration is the time here. */
        clock_manual_advance(&slow.bed.clock, SLOW_DELAY / 2);
        bed_jump(&slow.bed, -SLOW_DELAY / 2);
        bed_settle(&slow.bed);
    }
    slow_expect(&slow, creation, "SUCCESS");
    slow_expect(&slow, registration, "SUCCESS");
    slow_fini(&slow);
}

static void test_many_operations_in_one_millisecond(void **state)
{
    static char ids[200][ID_OPERATION_SIZE];
    struct bed bed;
    struct str service;

    (void)state;
    bed_init(&bed);
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    for (size_t i = 0; i < TEST_COUNT(ids); i += 2) {
        bed_register(&bed, service, "i", "k=v");
        memcpy(ids[i], bed.caller.change.operation_id, ID_OPERATION_SIZE);
        assert_int_equal(caller_deregister(&bed.caller, service, "i"), 0);
        memcpy(ids[i + 1], bed.caller.change.operation_id, ID_OPERATION_SIZE);
    }
    for (size_t i = 0; i < TEST_COUNT(ids); i++) {
        assert_memory_equal(ids[i], ids[0], 33);
        assert_string_equal(bed_operation(&bed, ids[i]), "SUCCESS");
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(ids[i], ids[k]);
    }
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

/* --- restarts ---------------------------------------------------------------------------------------------------- */

static void test_a_restart_keeps_the_deadline(void **state)
{
    const char *operation;
    struct slow slow;

    (void)state;
    slow_init(&slow);
    assert_int_equal(caller_register(&slow.bed.caller, slow.service, "new", ""), 0);
    operation = slow_last(&slow);
    bed_advance(&slow.bed, 200);
    slow.bed.config.operations_delay_ms = 0; /* what was accepted keeps its time */
    bed_reopen(&slow.bed);
    bed_advance(&slow.bed, 299);
    slow_expect(&slow, operation, "SUBMITTED");
    bed_advance(&slow.bed, 1);
    slow_expect(&slow, operation, "SUCCESS"); /* the second half is as now configured */
    assert_true(slow_has_instance(&slow, "new"));
    slow_fini(&slow);
}

static void test_what_became_due_while_down_is_done_at_once(void **state)
{
    const char *operation;
    struct slow slow;

    (void)state;
    slow_init(&slow);
    assert_int_equal(caller_register(&slow.bed.caller, slow.service, "new", ""), 0);
    operation = slow_last(&slow);
    clock_manual_advance(&slow.bed.clock, 10 * SLOW_DELAY);
    slow.bed.config.operations_delay_ms = 0;
    bed_reopen(&slow.bed);
    bed_settle(&slow.bed);
    slow_expect(&slow, operation, "SUCCESS");
    assert_true(slow_has_instance(&slow, "new"));
    slow_fini(&slow);
}

static void test_a_clock_that_jumps_back_does_not_lengthen_the_wait(void **state)
{
    const char *operation;
    struct slow slow;

    (void)state;
    slow_init(&slow);
    assert_int_equal(caller_register(&slow.bed.caller, slow.service, "new", ""), 0);
    operation = slow_last(&slow);
    bed_jump(&slow.bed, -BED_DAY_MS);
    bed_reopen(&slow.bed);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    slow_expect(&slow, operation, "PENDING");
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    slow_expect(&slow, operation, "SUCCESS");
    slow_fini(&slow);
}

static void test_the_writer_wakes_by_itself(void **state)
{
    const char *operation;
    struct slow slow;

    (void)state;
    slow_init(&slow);
    assert_int_equal(caller_register(&slow.bed.caller, slow.service, "new", ""), 0);
    operation = slow_last(&slow);
    for (int step = 0; step < 2; step++) {
        clock_manual_advance(&slow.bed.clock, SLOW_DELAY / 2);
        registry_wake(slow.bed.registry);
        while (strcmp(bed_operation(&slow.bed, operation), step ? "SUCCESS" : "PENDING") != 0)
            sched_yield();
    }
    slow_fini(&slow);
}

/* --- refused when due -------------------------------------------------------------------------------------------- */

static void test_refused_when_due(void **state)
{
    const char *registration, *deletion, *update;
    const struct operation *operation;
    struct id_operation id;
    struct slow slow;
    struct caller *caller = &slow.bed.caller;
    struct str other;

    (void)state;
    slow_init(&slow);
    other = bed_service(&slow.bed, slow.http, "other", SERVICE_CHECK_NONE);
    assert_int_equal(caller_register(caller, other, "i", ""), 0);
    registration = slow_last(&slow);
    caller_new(caller, CHANGE_UPDATE_SERVICE)->service_id = other;
    assert_int_equal(caller_do(caller), 0);
    update = slow_last(&slow);
    caller_new(caller, CHANGE_DELETE_SERVICE)->service_id = other;
    assert_int_equal(caller_do(caller), 0);
    assert_int_equal(caller_create_namespace(caller, NAMESPACE_HTTP, "n", "t"), 0);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    slow_expect(&slow, registration, "FAIL INTERNAL_FAILURE");
    slow_expect(&slow, update, "FAIL INTERNAL_FAILURE");
    {
        const struct tenant *tenant = bed_tenant(&slow.bed, bed_hold(&slow.bed));
        assert_int_equal(id_parse_operation(str_of(registration), &id), 0);
        operation = state_find_operation(tenant, &id);
        assert_str(operation->error_message, "Service not found");
        other = arena_dup(&slow.bed.names, state_find_http_name(tenant, STR("n"))->id);
        bed_release(&slow.bed);
    }
    assert_int_equal(change_namespace(&slow, CHANGE_DELETE_NAMESPACE, other, NULL), 0);
    deletion = slow_last(&slow);
    bed_service(&slow.bed, other, "late", SERVICE_CHECK_NONE);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    slow_expect(&slow, deletion, "FAIL INTERNAL_FAILURE");
    assert_true(has_http_name(&slow, "n"));
    slow_fini(&slow);
}

/* A service that is deleted and made again has its old id: what waits for the old one must not meet the new one. */
static void test_a_service_made_again_is_another(void **state)
{
    const char *registration, *update;
    struct slow slow;
    struct caller *caller = &slow.bed.caller;
    struct str id;

    (void)state;
    slow_init(&slow);
    id = bed_service(&slow.bed, slow.http, "again", SERVICE_CHECK_NONE);
    assert_int_equal(caller_register(caller, id, "i", ""), 0);
    registration = slow_last(&slow);
    caller_new(caller, CHANGE_UPDATE_SERVICE)->service_id = id;
    assert_int_equal(caller_do(caller), 0);
    update = slow_last(&slow);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    bed_check_reopen(&slow.bed);
    caller_new(caller, CHANGE_DELETE_SERVICE)->service_id = id;
    assert_int_equal(caller_do(caller), 0);
    assert_true(str_eq(bed_service(&slow.bed, slow.http, "again", SERVICE_CHECK_NONE), id));
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    slow_expect(&slow, registration, "FAIL INTERNAL_FAILURE");
    slow_expect(&slow, update, "FAIL INTERNAL_FAILURE");
    assert_int_equal(tree_size(&state_find_service(bed_tenant(&slow.bed, bed_hold(&slow.bed)), id)->instances).count,
                     0);
    bed_release(&slow.bed);
    slow_fini(&slow);
}

static void check_zone_fails(struct slow *slow, struct str vpc, const char *name, const char *part)
{
    struct change *change = caller_new(&slow->bed.caller, CHANGE_CREATE_NAMESPACE);
    const struct operation *operation;
    const char *text;
    size_t n;

    change->ns.kind = NAMESPACE_DNS_PRIVATE;
    change->ns.name = str_of(name);
    change->ns.vpc = vpc;
    change->ns.creator_request_id = STR("second");
    assert_int_equal(caller_do(&slow->bed.caller), 0);
    bed_advance(&slow->bed, SLOW_DELAY / 2);
    bed_advance(&slow->bed, SLOW_DELAY / 2);
    {
        const struct tenant *tenant = bed_tenant(&slow->bed, bed_hold(&slow->bed));
        operation = tree_select(&tenant->operations, TREE_BY_COUNT, tree_size(&tenant->operations).count - 1);
        n = tree_size(&tenant->namespaces).count;
        text = arena_dup(&slow->bed.names, operation->error_message).p;
        assert_int_equal(operation->status, OPERATION_FAIL);
        assert_str(operation->error_code, "CANNOT_CREATE_HOSTED_ZONE");
        assert_null(state_find_namespace(tenant, operation->namespace_id));
        bed_release(&slow->bed);
    }
    assert_non_null(strstr(text, part));
    assert_int_equal(n, 2);
}

static void test_zones_that_cannot_be_made(void **state)
{
    struct slow slow;

    (void)state;
    slow_init(&slow);
    assert_int_equal(caller_create_namespace(&slow.bed.caller, NAMESPACE_DNS_PRIVATE, "Corp.example", "t"), 0);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    bed_advance(&slow.bed, SLOW_DELAY / 2);
    for (int delay = 1; delay >= 0; delay--) {
        slow.bed.config.operations_delay_ms = delay * SLOW_DELAY;
        bed_reopen(&slow.bed);
        check_zone_fails(&slow, STR("vpc-1"), "corp.example", "ConflictingDomainExists");
        check_zone_fails(&slow, STR("vpc-1"), "corp.example", "The VPC that you chose, vpc-1 in region us-east-1,");
        check_zone_fails(&slow, STR("vpc-1"), "a..b", "InvalidDomainName");
    }
    slow_fini(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses_over_time),
        cmocka_unit_test(test_effects_come_with_success),
        cmocka_unit_test(test_the_namespace_of_a_creation_is_known_from_the_start),
        cmocka_unit_test(test_one_operation_a_target),
        cmocka_unit_test(test_a_token_gets_its_operation_again),
        cmocka_unit_test(test_many_operations_in_one_millisecond),
        cmocka_unit_test(test_a_restart_keeps_the_deadline),
        cmocka_unit_test(test_what_became_due_while_down_is_done_at_once),
        cmocka_unit_test(test_a_clock_that_jumps_back_does_not_lengthen_the_wait),
        cmocka_unit_test(test_the_writer_wakes_by_itself),
        cmocka_unit_test(test_refused_when_due),
        cmocka_unit_test(test_a_service_made_again_is_another),
        cmocka_unit_test(test_zones_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
