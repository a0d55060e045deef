/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kind of change, and everything that happens by itself, with each allocation of the writer failing once: the
 * answer is -ENOMEM and nothing happened, or the change happened. Afterwards it can be done, and a restart agrees. */
#include "bed.h"

#include "base/mem.h"

#include <errno.h>

#define DELAY 1000

/* What the acts below work on. */
struct stage {
    struct bed bed;
    struct str http, private, empty, service, vacant;
    int n_waits;
};

static void stage_init(struct stage *stage)
{
    struct caller *caller = &stage->bed.caller;
    struct change *change;

    stage->n_waits = 0;
    bed_init(&stage->bed);
    stage->http = bed_namespace(&stage->bed, NAMESPACE_HTTP, "h");
    stage->private = bed_namespace(&stage->bed, NAMESPACE_DNS_PRIVATE, "p");
    stage->empty = bed_namespace(&stage->bed, NAMESPACE_HTTP, "e");
    stage->service = bed_service(&stage->bed, stage->http, "s", SERVICE_CHECK_CUSTOM);
    stage->vacant = bed_service(&stage->bed, stage->http, "v", SERVICE_CHECK_NONE);
    for (int i = 0; i < 12; i++) {
        char id[16];
        snprintf(id, sizeof(id), "i%d", i);
        bed_register(&stage->bed, stage->service, id, i % 2 ? "k=v,l=w" : "k=v,m=x");
    }
    change = caller_new(caller, CHANGE_PUT_SERVICE_ATTRIBUTES);
    change->service_id = stage->service;
    change->pairs = caller_pairs(caller, "a=b,c=d", &change->n_pairs);
    assert_int_equal(caller_do(caller), 0);
    clock_manual_advance(&stage->bed.clock, 1);
}

/* --- acts -------------------------------------------------------------------------------------------------------- */

static void act_create_http(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_CREATE_NAMESPACE);

    (void)stage;
    change->ns.name = STR("new");
    change->ns.creator_request_id = STR("t");
    change->ns.tags = caller_pairs(caller, "k=v", &change->ns.n_tags);
}

static void act_create_private(struct stage *stage, struct caller *caller)
{
    act_create_http(stage, caller);
    caller->change.ns.kind = NAMESPACE_DNS_PRIVATE;
    caller->change.ns.name = STR("h"); /* its HttpName needs an ending */
    caller->change.ns.vpc = STR("vpc");
}

static void act_create_conflicting(struct stage *stage, struct caller *caller)
{
    act_create_private(stage, caller);
    caller->change.ns.name = STR("p");
    caller->change.ns.vpc = STR("vpc-1");
    caller->change.ns.creator_request_id = STR("u");
}

static void act_create_taken(struct stage *stage, struct caller *caller)
{
    act_create_http(stage, caller);
    caller->change.ns.name = STR("h");
}

static void act_delete_namespace(struct stage *stage, struct caller *caller)
{
    caller_new(caller, CHANGE_DELETE_NAMESPACE)->namespace_id = stage->empty;
}

static void act_update_namespace(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_UPDATE_NAMESPACE);

    change->namespace_id = stage->private;
    change->ns.kind = NAMESPACE_DNS_PRIVATE;
    change->ns.description = STR("text");
}

static void act_create_service(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_CREATE_SERVICE);

    change->service.namespace_id = stage->private;
    change->service.name = STR("new");
    change->service.has_dns = true;
    change->service.n_records = 1;
    change->service.records[0] = (struct service_record){ SERVICE_A, 60 };
    change->service.tags = caller_pairs(caller, "k=v", &change->service.n_tags);
}

static void act_repeat_service(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_CREATE_SERVICE);

    change->service.namespace_id = stage->http;
    change->service.name = STR("s");
    change->service.creator_request_id = STR("t");
    change->service.request_digest = hash_crc32(0, "s", 1);
}

static void act_update_service(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_UPDATE_SERVICE);

    change->service_id = stage->service;
    change->service.description = STR("text");
}

static void act_delete_service(struct stage *stage, struct caller *caller)
{
    caller_new(caller, CHANGE_DELETE_SERVICE)->service_id = stage->vacant;
}

static void act_put_attributes(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_PUT_SERVICE_ATTRIBUTES);

    change->service_id = stage->service;
    change->pairs = caller_pairs(caller, "b=1,a=2", &change->n_pairs);
}

static void act_del_attributes(struct stage *stage, struct caller *caller)
{
    static const struct str key = { "a", 1 };
    struct change *change = caller_new(caller, CHANGE_DEL_SERVICE_ATTRIBUTES);

    change->service_id = stage->service;
    change->keys = &key;
    change->n_keys = 1;
}

static void act_register(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_REGISTER_INSTANCE);

    change->service_id = stage->service;
    change->instance_id = STR("new");
    change->attributes = caller_pairs(caller, "l=w,k=v", &change->n_attributes);
    change->creator_request_id = STR("t");
}

static void act_replace(struct stage *stage, struct caller *caller)
{
    act_register(stage, caller);
    caller->change.instance_id = STR("i4");
}

static void act_deregister(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_DEREGISTER_INSTANCE);

    change->service_id = stage->service;
    change->instance_id = STR("i6");
}

static void act_health(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_CUSTOM_HEALTH);

    change->service_id = stage->service;
    change->instance_id = STR("i6");
    change->health = HEALTH_UNHEALTHY;
}

static void act_tag_namespace(struct stage *stage, struct caller *caller)
{
    struct change *change = caller_new(caller, CHANGE_TAG);

    change->namespace_id = stage->http;
    change->pairs = caller_pairs(caller, "b=1,a=2", &change->n_pairs);
}

static void act_tag_service(struct stage *stage, struct caller *caller)
{
    act_tag_namespace(stage, caller);
    caller->change.namespace_id = (struct str){ 0 };
    caller->change.service_id = stage->service;
}

static void act_untag(struct stage *stage, struct caller *caller)
{
    static const struct str key = { "none", 4 };
    struct change *change = caller_new(caller, CHANGE_UNTAG);

    change->namespace_id = stage->http;
    change->keys = &key;
    change->n_keys = 1;
}

/* Nothing but what becomes due. */
static void act_wait(struct stage *stage, struct caller *caller)
{
    caller_new(caller, CHANGE_TAG)->service_id = STR("none");
    clock_manual_advance(&stage->bed.clock, DELAY / 2);
}

/* Long enough for operations to expire; later each time, since they are looked for once a minute. */
static void act_wait_long(struct stage *stage, struct caller *caller)
{
    act_wait(stage, caller);
    clock_manual_advance(&stage->bed.clock, 31 * BED_DAY_MS + 61000 * stage->n_waits++);
}

typedef void act_fn(struct stage *stage, struct caller *caller);

static const struct act {
    act_fn *fill;
    int result;
    bool varies; /* what it makes depends on the clock or on random numbers, and so on the attempts before */
} acts[] = {
    { act_create_http, 0, true },
    { act_create_private, 0, true },
    { act_create_conflicting, 0, true },
    { act_create_taken, CHANGE_NAMESPACE_EXISTS, false },
    { act_delete_namespace, 0, false },
    { act_update_namespace, 0, false },
    { act_create_service, 0, false },
    { act_repeat_service, 0, false },
    { act_update_service, 0, false },
    { act_delete_service, 0, false },
    { act_put_attributes, 0, false },
    { act_del_attributes, 0, false },
    { act_register, 0, false },
    { act_replace, 0, false },
    { act_deregister, 0, false },
    { act_health, 0, false },
    { act_tag_namespace, 0, false },
    { act_tag_service, 0, false },
    { act_untag, 0, false },
};

/* --- sweeps ------------------------------------------------------------------------------------------------------ */

/* How the stage is set before the act that runs out of memory. */
typedef void set_fn(struct stage *stage);

static char *reference(set_fn *set, const struct act *act)
{
    struct stage stage;
    char *dump;

    stage_init(&stage);
    set(&stage);
    act->fill(&stage, &stage.bed.caller);
    assert_int_equal(caller_do(&stage.bed.caller), act->result);
    bed_check_reopen(&stage.bed);
    dump = bed_dump(&stage.bed);
    bed_fini(&stage.bed);
    return dump;
}

/* Attempts with the k-th allocation failing, k = 1, 2, ..., until none is left to fail. Returns how many failed. */
static long sweep(set_fn *set, const struct act *act)
{
    char *done = reference(set, act), *before, *after;
    int r = -ENOMEM, delivered = 1;
    struct stage stage;
    struct caller *caller = &stage.bed.caller;
    long k;

    stage_init(&stage);
    set(&stage);
    before = bed_dump(&stage.bed);
    for (k = 0; delivered && r == -ENOMEM; k++) {
        int64_t wall_ms = stage.bed.clock.wall_ms;
        caller_fail_at(caller, k + 1, k % 2);
        act->fill(&stage, caller);
        r = caller_do(caller);
        delivered = caller->delivered;
        after = bed_dump(&stage.bed);
        if (r == -ENOMEM) {
            assert_true(delivered);
            bed_check_same(before, after);
            clock_manual_advance(&stage.bed.clock, wall_ms - stage.bed.clock.wall_ms);
        } else if (!act->varies) {
            bed_check_same(done, after);
        }
        mem_free(after);
        assert_true(k < 2000);
    }
    assert_int_equal(r, act->result);
    bed_check_reopen(&stage.bed);
    bed_fini(&stage.bed);
    mem_free(before);
    mem_free(done);
    return k - 1;
}

static void set_nothing(struct stage *stage)
{
    (void)stage;
}

static void test_every_kind_of_change(void **state)
{
    long n = 0;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(acts); i++)
        n += sweep(set_nothing, &acts[i]);
    assert_true(n > 200);
}

static void set_delays(struct stage *stage)
{
    stage->bed.config.operations_delay_ms = DELAY;
    stage->bed.config.custom_health_delay_ms = DELAY;
    bed_reopen(&stage->bed);
}

static void test_changes_that_wait(void **state)
{
    static const struct act slow[] = { { act_create_http, 0, true },
                                       { act_register, 0, false },
                                       { act_health, 0, false } };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(slow); i++)
        assert_true(sweep(set_delays, &slow[i]) > 5);
}

/* A change of every kind waits. */
static void set_submitted(struct stage *stage)
{
    static act_fn *const waiting[] = { act_create_private,   act_create_conflicting, act_delete_namespace,
                                       act_update_namespace, act_update_service,     act_replace,
                                       act_deregister };

    set_delays(stage);
    for (size_t i = 0; i < TEST_COUNT(waiting); i++) {
        waiting[i](stage, &stage->bed.caller);
        assert_int_equal(caller_do(&stage->bed.caller), 0);
    }
    act_health(stage, &stage->bed.caller);
    assert_int_equal(caller_do(&stage->bed.caller), 0);
}

static void set_pending(struct stage *stage)
{
    set_submitted(stage);
    bed_advance(&stage->bed, DELAY / 2);
}

static void test_what_happens_by_itself(void **state)
{
    const struct act wait = { act_wait, CHANGE_RESOURCE_NOT_FOUND, true };
    const struct act expire = { act_wait_long, CHANGE_RESOURCE_NOT_FOUND, true };

    (void)state;
    assert_true(sweep(set_submitted, &wait) > 20);
    assert_true(sweep(set_pending, &wait) > 50);
    assert_true(sweep(set_nothing, &expire) > 5);
}

/* --- arenas ------------------------------------------------------------------------------------------------------ */

static void test_a_caller_whose_arena_is_full_fails_alone(void **state)
{
    static const struct act needing[] = { { act_create_service, 0, false },
                                          { act_repeat_service, 0, false },
                                          { act_put_attributes, 0, false },
                                          { act_tag_service, 0, false } };
    struct caller other;
    struct stage stage;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(needing); i++) {
        struct caller *caller = &stage.bed.caller;
        stage_init(&stage);
        caller_init(&other, &stage.bed, BED_ACCOUNT, BED_REGION);
        bed_pause(&stage.bed);
        needing[i].fill(&stage, caller);
        caller->arena.cap = caller->arena.used;
        caller_submit(caller);
        act_register(&stage, &other);
        caller_submit(&other);
        bed_resume(&stage.bed);
        assert_int_equal(caller_wait(caller), -ENOMEM);
        assert_int_equal(caller_wait(&other), 0);
        caller->arena.cap = 4 << 20;
        bed_check_reopen(&stage.bed);
        caller_fini(&other);
        bed_fini(&stage.bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_change),
        cmocka_unit_test(test_changes_that_wait),
        cmocka_unit_test(test_what_happens_by_itself),
        cmocka_unit_test(test_a_caller_whose_arena_is_full_fails_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
