/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared namespaces: their policies, whose services and instances are there, and what each account may do to them. */
#include "bed.h"

#include "base/mem.h"

#include <stdio.h>

#define ARN "arn:aws:servicediscovery:us-east-1:000000000000:namespace/"
#define CONSUMER STR("222222222222")
#define OTHER STR("333333333333")
#define POLICY                                                                                                  \
    "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"222222222222\"}," \
    "\"Action\":\"servicediscovery:*\",\"Resource\":\"*\"}}"

#define OPEN_POLICY                                                                                          \
    "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"servicediscovery:GetNamespace\"," \
    "\"Resource\":\"*\"}}"

struct shared {
    struct bed bed; /* first */
    struct str namespace_id, service_id;
    struct caller consumer, other;
};

static int share(struct bed *bed, struct str namespace_id, const char *document)
{
    struct change *change = caller_new(&bed->caller, CHANGE_SHARE);

    change->namespace_id = namespace_id;
    change->document = str_of(document);
    return caller_do(&bed->caller);
}

static int end_share(struct bed *bed, struct str namespace_id)
{
    caller_new(&bed->caller, CHANGE_UNSHARE)->namespace_id = namespace_id;
    return caller_do(&bed->caller);
}

static int setup(void **state)
{
    static struct shared s;

    bed_init(&s.bed);
    s.namespace_id = bed_namespace(&s.bed, NAMESPACE_DNS_PUBLIC, "shop.test");
    s.service_id = bed_service(&s.bed, s.namespace_id, "web", SERVICE_CHECK_CUSTOM);
    caller_init(&s.consumer, &s.bed, BED_ACCOUNT, BED_REGION);
    caller_init(&s.other, &s.bed, BED_ACCOUNT, BED_REGION);
    s.consumer.consumer = CONSUMER;
    s.other.consumer = OTHER;
    assert_int_equal(share(&s.bed, s.namespace_id, POLICY), 0);
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct shared *s = *state;

    bed_check_reopen(&s->bed);
    caller_fini(&s->consumer);
    caller_fini(&s->other);
    bed_fini(&s->bed);
    return 0;
}

/* The document of the namespace's policy as the snapshot has it compiled; absent: it is not shared. */
static struct str policy_of(struct shared *s)
{
    char arn[128];
    const struct share *found;

    snprintf(arn, sizeof(arn), ARN STR_FMT, STR_ARG(s->namespace_id));
    found = access_state_find_share(&bed_hold(&s->bed)->access, str_of(arn));
    bed_release(&s->bed);
    if (found) {
        assert_true(str_eq(found->arn.id, s->namespace_id));
        assert_true(str_eq(found->arn.account, BED_ACCOUNT));
    }
    return found ? found->policy->document : (struct str){ 0 };
}

static void test_share_and_unshare(void **state)
{
    struct shared *s = *state;
    struct bed *bed = &s->bed;

    assert_str(policy_of(s), POLICY);
    assert_int_equal(share(bed, s->namespace_id, OPEN_POLICY), 0); /* it takes the old one's place */
    assert_str(policy_of(s), OPEN_POLICY);
    bed_check_reopen(bed);
    assert_int_equal(share(bed, STR("ns-none"), POLICY), CHANGE_RESOURCE_NOT_FOUND);
    assert_str(bed->caller.change.message, "there is no namespace ns-none in account 000000000000 and that region");
    assert_int_equal(
        share(bed, s->namespace_id, "{\"Statement\":\n{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"),
        CHANGE_INVALID_INPUT);
    assert_str(bed->caller.change.message, "the policy, line 2: Statement 1: Principal is missing");
    assert_str(policy_of(s), OPEN_POLICY);
    assert_int_equal(end_share(bed, s->namespace_id), 0);
    assert_false(str_is_set(policy_of(s)));
    assert_int_equal(end_share(bed, s->namespace_id), CHANGE_RESOURCE_NOT_FOUND);
    assert_int_equal(share(bed, s->namespace_id, POLICY), 0);
    /* Tags leave the policy alone. */
    caller_new(&bed->caller, CHANGE_TAG)->namespace_id = s->namespace_id;
    bed->caller.change.pairs = caller_pairs(&bed->caller, "k=v", &bed->caller.change.n_pairs);
    assert_int_equal(caller_do(&bed->caller), 0);
    assert_str(policy_of(s), POLICY);
}

static void test_the_policy_goes_with_the_namespace(void **state)
{
    struct shared *s = *state;

    caller_new(&s->bed.caller, CHANGE_DELETE_SERVICE)->service_id = s->service_id;
    assert_int_equal(caller_do(&s->bed.caller), 0);
    assert_int_equal(caller_create_service(&s->consumer, s->namespace_id, "theirs", SERVICE_CHECK_NONE), 0);
    caller_new(&s->bed.caller, CHANGE_DELETE_NAMESPACE)->namespace_id = s->namespace_id;
    assert_int_equal(caller_do(&s->bed.caller), CHANGE_IN_USE);
    caller_new(&s->bed.caller, CHANGE_DELETE_SERVICE)->service_id =
        arena_dup(&s->bed.names, s->consumer.change.created->id);
    assert_int_equal(caller_do(&s->bed.caller), 0);
    caller_new(&s->bed.caller, CHANGE_DELETE_NAMESPACE)->namespace_id = s->namespace_id;
    assert_int_equal(caller_do(&s->bed.caller), 0);
    assert_false(str_is_set(policy_of(s)));
}

/* How many namespaces can be shared at once; sharing one of them anew is none more. */
static void test_how_many(void **state)
{
    struct shared *s = *state;
    struct str id = { 0 };

    for (unsigned i = 1; i <= 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i);
        id = bed_namespace(&s->bed, NAMESPACE_HTTP, name);
        assert_int_equal(share(&s->bed, id, POLICY), i < 1000 ? 0 : CHANGE_LIMIT);
    }
    assert_str(s->bed.caller.change.message, "1000 namespaces are shared already, which is the most");
    assert_int_equal(share(&s->bed, s->namespace_id, POLICY), 0);
    assert_int_equal(end_share(&s->bed, s->namespace_id), 0);
    assert_int_equal(share(&s->bed, id, POLICY), 0);
}

/* --- whose things they are --------------------------------------------------------------------------------------- */

static int delete_service(struct caller *caller, struct str service_id)
{
    caller_new(caller, CHANGE_DELETE_SERVICE)->service_id = service_id;
    return caller_do(caller);
}

static int put_attributes(struct caller *caller, struct str service_id)
{
    struct change *change = caller_new(caller, CHANGE_PUT_SERVICE_ATTRIBUTES);

    change->service_id = service_id;
    change->pairs = caller_pairs(caller, "k=v", &change->n_pairs);
    return caller_do(caller);
}

static int update_service(struct caller *caller, struct str service_id)
{
    struct change *change = caller_new(caller, CHANGE_UPDATE_SERVICE);

    change->service_id = service_id;
    change->service.description = STR("other");
    return caller_do(caller);
}

static void test_services(void **state)
{
    struct shared *s = *state;
    struct str theirs;

    assert_int_equal(caller_create_service(&s->consumer, s->namespace_id, "theirs", SERVICE_CHECK_CUSTOM), 0);
    theirs = arena_dup(&s->bed.names, s->consumer.change.created->id);
    assert_true(str_eq(s->consumer.change.created->account, BED_ACCOUNT));
    assert_str(service_creator(s->consumer.change.created), "222222222222");
    /* The same again is the same, and another's is not. */
    assert_int_equal(caller_create_service(&s->consumer, s->namespace_id, "theirs", SERVICE_CHECK_CUSTOM), 0);
    assert_int_equal(caller_create_service(&s->other, s->namespace_id, "theirs", SERVICE_CHECK_CUSTOM),
                     CHANGE_SERVICE_EXISTS);
    assert_int_equal(put_attributes(&s->other, theirs), CHANGE_NOT_YOURS);
    assert_int_equal(update_service(&s->other, theirs), CHANGE_NOT_YOURS);
    assert_int_equal(delete_service(&s->other, theirs), CHANGE_NOT_YOURS);
    assert_int_equal(put_attributes(&s->consumer, s->service_id), CHANGE_NOT_YOURS);
    assert_int_equal(update_service(&s->consumer, s->service_id), CHANGE_NOT_YOURS);
    assert_int_equal(delete_service(&s->consumer, s->service_id), CHANGE_NOT_YOURS);
    assert_int_equal(put_attributes(&s->consumer, theirs), 0);
    assert_int_equal(update_service(&s->consumer, theirs), 0);
    bed_check_reopen(&s->bed);
    assert_int_equal(delete_service(&s->consumer, theirs), 0);
    assert_int_equal(caller_create_service(&s->consumer, s->namespace_id, "theirs", SERVICE_CHECK_CUSTOM), 0);
    assert_int_equal(delete_service(&s->bed.caller, theirs), 0);
}

static struct str creator(struct shared *s, const char *id)
{
    const struct service_node *node = state_find_service(bed_tenant(&s->bed, bed_hold(&s->bed)), s->service_id);
    struct str by = instance_created_by(state_find_registered(node, str_of(id)));

    by = str_is_set(by) ? arena_dup(&s->bed.names, by) : by;
    bed_release(&s->bed);
    return by;
}

static void test_instances(void **state)
{
    struct shared *s = *state;
    struct caller *owner = &s->bed.caller;

    assert_int_equal(caller_register(owner, s->service_id, "ours", "a=1"), 0);
    assert_int_equal(caller_register(&s->consumer, s->service_id, "theirs", "AWS_INSTANCE_IPV6=2001:db8::1"), 0);
    assert_false(str_is_set(creator(s, "ours")));
    assert_str(creator(s, "theirs"), "222222222222");
    assert_int_equal(caller_register(&s->consumer, s->service_id, "ours", "a=2"), CHANGE_NOT_YOURS);
    assert_int_equal(caller_deregister(&s->consumer, s->service_id, "ours"), CHANGE_NOT_YOURS);
    assert_int_equal(caller_health(&s->consumer, s->service_id, "ours", HEALTH_UNHEALTHY), CHANGE_NOT_YOURS);
    assert_int_equal(caller_deregister(&s->other, s->service_id, "theirs"), CHANGE_NOT_YOURS);
    assert_int_equal(caller_health(&s->consumer, s->service_id, "theirs", HEALTH_UNHEALTHY), 0);
    assert_str(creator(s, "theirs"), "222222222222"); /* a changed copy keeps it */
    bed_check_reopen(&s->bed);
    assert_str(creator(s, "theirs"), "222222222222");
    /* An update would touch what other accounts have there. */
    assert_int_equal(update_service(owner, s->service_id), CHANGE_INVALID_INPUT);
    assert_int_equal(caller_register(owner, s->service_id, "theirs", "a=3"), 0);
    assert_false(str_is_set(creator(s, "theirs")));
    assert_int_equal(update_service(owner, s->service_id), 0);
    assert_int_equal(caller_deregister(&s->consumer, s->service_id, "theirs"), CHANGE_NOT_YOURS);
    assert_int_equal(caller_deregister(owner, s->service_id, "theirs"), 0);
}

/* What waits in its operation's record keeps who asked. */
static void test_operations_that_wait(void **state)
{
    struct shared *s = *state;

    s->bed.config.operations_delay_ms = 1000;
    clock_manual_advance(&s->bed.clock, 1);
    bed_reopen(&s->bed);
    assert_int_equal(caller_register(&s->consumer, s->service_id, "late", "a=1"), 0);
    assert_int_equal(caller_register(&s->bed.caller, s->service_id, "ours", "a=1"), 0);
    bed_reopen(&s->bed);
    bed_advance(&s->bed, 500);
    bed_advance(&s->bed, 500);
    assert_str(creator(s, "late"), "222222222222");
    assert_false(str_is_set(creator(s, "ours")));
}

static struct str error_message(struct shared *s, const char *operation_id)
{
    const struct operation *operation;
    struct id_operation id;
    struct str message;

    assert_int_equal(id_parse_operation(str_of(operation_id), &id), 0);
    operation = state_find_operation(bed_tenant(&s->bed, bed_hold(&s->bed)), &id);
    assert_non_null(operation);
    message = arena_dup(&s->bed.names, operation->error_message);
    bed_release(&s->bed);
    return message;
}

static void test_operations_that_wait_end_with_the_share(void **state)
{
    struct shared *s = *state;
    const char *theirs, *ours;
    char want[160];

    s->bed.config.operations_delay_ms = 1000;
    clock_manual_advance(&s->bed.clock, 1);
    bed_reopen(&s->bed);
    assert_int_equal(caller_register(&s->consumer, s->service_id, "late", "a=1"), 0);
    theirs = arena_dup(&s->bed.names, str_of(s->consumer.change.operation_id)).p;
    assert_int_equal(caller_register(&s->bed.caller, s->service_id, "ours", "a=1"), 0);
    ours = arena_dup(&s->bed.names, str_of(s->bed.caller.change.operation_id)).p;
    assert_int_equal(end_share(&s->bed, s->namespace_id), 0);
    bed_advance(&s->bed, 500);
    bed_advance(&s->bed, 500);
    assert_string_equal(bed_operation(&s->bed, theirs), "FAIL ACCESS_DENIED");
    snprintf(want, sizeof(want), "Namespace " STR_FMT " is not shared with account 222222222222 any more",
             STR_ARG(s->namespace_id));
    assert_true(str_eq(error_message(s, theirs), str_of(want)));
    assert_string_equal(bed_operation(&s->bed, ours), "SUCCESS");
}

/* Whatever allocation of the writer fails, nothing is changed. */
static void test_without_memory(void **state)
{
    struct shared *s = *state;
    char *before = bed_dump(&s->bed);
    int delivered = 1;

    for (long k = 1; delivered; k++) {
        char *after;
        caller_fail_at(&s->bed.caller, k, false);
        share(&s->bed, s->namespace_id, OPEN_POLICY);
        delivered = s->bed.caller.delivered;
        assert_int_equal(s->bed.caller.change.result == 0, !delivered);
        after = bed_dump(&s->bed);
        if (delivered)
            bed_check_same(before, after);
        mem_free(after);
    }
    mem_free(before);
    assert_str(policy_of(s), OPEN_POLICY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_share_and_unshare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_policy_goes_with_the_namespace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_how_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_services, setup, teardown),
        cmocka_unit_test_setup_teardown(test_instances, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operations_that_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operations_that_wait_end_with_the_share, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
