/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is probed and how, as it follows from what is registered. Nothing is probed: the loop never runs. */
#include "../registry/bed.h"

#include "health/roster.h"

struct stage {
    struct bed bed;
    uv_loop_t loop;
    struct target_policy policy;
    struct judge judge;
    struct roster roster;
    unsigned n_dropped;
    struct str ns, service;
};

static void on_outcome(void *arg, void *owner, const struct probe_outcome *outcome)
{
    (void)arg;
    (void)owner;
    (void)outcome;
}

static void on_turned(void *arg, struct judge_target *target)
{
    (void)arg;
    (void)target;
}

static void on_dropped(void *arg, struct roster_target *target)
{
    struct stage *stage = arg;

    (void)target;
    stage->n_dropped++;
}

static void stage_init(struct stage *stage, enum service_check check)
{
    struct schedule_config schedule = { .loop = &stage->loop,
                                        .clock = clock_system(),
                                        .policy = &stage->policy,
                                        .limits = PROBE_LIMITS_AWS,
                                        .on_outcome = on_outcome };
    struct roster_config roster = { .judge = &stage->judge, .interval_ms = 30000, .dropped = on_dropped, .arg = stage };
    char why[256];

    memset(stage, 0, sizeof(*stage));
    bed_init(&stage->bed);
    stage->bed.config.targets.private_targets = true;
    bed_reopen(&stage->bed);
    stage->ns = bed_namespace(&stage->bed, NAMESPACE_DNS_PUBLIC, "shop.example");
    stage->service = bed_dns_service(&stage->bed, stage->ns, "web", "A", 60, SERVICE_WEIGHTED, check);
    assert_int_equal(uv_loop_init(&stage->loop), 0);
    assert_int_equal(schedule_new(&schedule, &roster.schedule, why, sizeof(why)), 0);
    judge_init(&stage->judge,
               &(struct judge_settings){ .doubt_max = 1, .doubt_min = 1, .doubt_for_ms = 1, .turned = on_turned });
    roster_init(&stage->roster, &roster);
}

static void stage_fini(struct stage *stage)
{
    struct schedule *schedule = stage->roster.config.schedule;

    roster_fini(&stage->roster);
    assert_int_equal(stage->judge.n_targets, 0);
    judge_fini(&stage->judge);
    schedule_free(schedule);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&stage->loop), 0);
    bed_fini(&stage->bed);
}

/* The service's targets, as they are after a look at it; NULL when it has none. */
static struct roster_group *look(struct stage *stage)
{
    const struct snapshot *snapshot = bed_hold(&stage->bed);

    assert_int_equal(roster_refresh(&stage->roster, snapshot, BED_ACCOUNT, BED_REGION, stage->service), 0);
    bed_release(&stage->bed);
    return roster_find(&stage->roster, BED_ACCOUNT, BED_REGION, stage->service);
}

static const struct roster_target *target_of(struct stage *stage, const char *id)
{
    struct roster_group *group = look(stage);

    assert_non_null(group);
    return roster_find_target(group, str_of(id));
}

static int update(struct stage *stage, enum service_check check, const char *path, int64_t threshold)
{
    struct change *change = caller_new(&stage->bed.caller, CHANGE_UPDATE_SERVICE);

    change->action = STR("UPDATE_SERVICE");
    change->service_id = stage->service;
    change->service.has_dns = true;
    change->service.n_records = 1;
    change->service.records[0] = (struct service_record){ SERVICE_A, 60 };
    change->service.check = check;
    change->service.check_path = str_of(path);
    change->service.check_threshold = threshold;
    return caller_do(&stage->bed.caller);
}

static void tag(struct stage *stage, const char *key, const char *value)
{
    const struct str_pair pair = { str_of(key), str_of(value) };
    struct change *change = caller_new(&stage->bed.caller, CHANGE_TAG);

    change->service_id = stage->service;
    change->pairs = &pair;
    change->n_pairs = 1;
    assert_int_equal(caller_do(&stage->bed.caller), 0);
}

static void test_what_a_check_asks(void **state)
{
    const struct roster_target *target;
    struct stage stage;

    (void)state;
    stage_init(&stage, SERVICE_CHECK_HTTP);
    bed_register(&stage.bed, stage.service, "both",
                 "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_IPV6=2001:db8::1,AWS_INSTANCE_PORT=8080");
    bed_register(&stage.bed, stage.service, "usual", "AWS_INSTANCE_IPV4=10.0.0.2,AWS_INSTANCE_PORT=80");
    target = target_of(&stage, "both");
    assert_false(target->check->address.is_ipv6);
    assert_int_equal(target->check->address.octets[3], 1);
    assert_int_equal(target->check->port, 8080);
    assert_true(str_eq(target->check->host, STR("web.shop.example:8080")));
    assert_int_equal(target->check->interval_ms, 30000);
    assert_int_equal(target->judge.threshold, 1);
    assert_int_equal(target->judge.verdict, HEALTH_UNKNOWN);
    assert_true(str_eq(target_of(&stage, "usual")->check->host, STR("web.shop.example")));
    stage_fini(&stage);
}

static void test_what_cannot_be_probed_stays_unknown(void **state)
{
    struct stage stage;

    (void)state;
    stage_init(&stage, SERVICE_CHECK_NONE);
    bed_register(&stage.bed, stage.service, "alias", "AWS_ALIAS_DNS_NAME=lb.example");
    bed_register(&stage.bed, stage.service, "portless", "AWS_INSTANCE_IPV4=10.0.0.1");
    assert_null(look(&stage));
    assert_int_equal(update(&stage, SERVICE_CHECK_TCP, NULL, 0), 0);
    assert_null(target_of(&stage, "alias")->check);
    assert_null(target_of(&stage, "portless")->check);
    assert_int_equal(stage.judge.n_targets, 0); /* they have no part in doubt */
    stage_fini(&stage);
}

static void test_who_came_went_and_came_again(void **state)
{
    const struct roster_target *first;
    struct stage stage;

    (void)state;
    stage_init(&stage, SERVICE_CHECK_TCP);
    assert_null(look(&stage));
    for (int i = 0; i < 9; i++) {
        char id[] = { (char)('a' + i), 0 };
        bed_register(&stage.bed, stage.service, id, "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    }
    first = target_of(&stage, "c");
    assert_int_equal(look(&stage)->n, 9);
    assert_int_equal(caller_deregister(&stage.bed.caller, stage.service, "a"), 0);
    assert_int_equal(caller_deregister(&stage.bed.caller, stage.service, "i"), 0);
    bed_register(&stage.bed, stage.service, "bb", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80");
    assert_int_equal(look(&stage)->n, 8);
    assert_null(target_of(&stage, "a"));
    assert_ptr_equal(target_of(&stage, "c"), first); /* those that stayed are the same */
    assert_int_equal(stage.n_dropped, 2);
    bed_advance(&stage.bed, 1);
    bed_register(&stage.bed, stage.service, "c", "AWS_INSTANCE_IPV4=10.0.0.9,AWS_INSTANCE_PORT=80");
    assert_int_equal(target_of(&stage, "c")->check->address.octets[3], 9);
    assert_int_equal(stage.n_dropped, 3);
    assert_int_equal(update(&stage, SERVICE_CHECK_NONE, NULL, 0), 0);
    assert_null(look(&stage));
    assert_int_equal(stage.n_dropped, 11);
    stage_fini(&stage);
}

static void test_a_renewal_changes_no_target(void **state)
{
    static const char lease[] = "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80,cloudmap:lease=7d";
    const struct roster_target *target;
    struct stage stage;

    (void)state;
    stage_init(&stage, SERVICE_CHECK_TCP);
    stage.bed.config.operations_keep_ms = 1000;
    bed_reopen(&stage.bed);
    bed_register(&stage.bed, stage.service, "i", lease);
    target = target_of(&stage, "i");
    bed_advance(&stage.bed, BED_DAY_MS); /* its operation is forgotten */
    bed_register(&stage.bed, stage.service, "i", lease);
    assert_ptr_equal(target_of(&stage, "i"), target);
    assert_int_equal(stage.n_dropped, 0);
    stage_fini(&stage);
}

static void test_settings_reach_those_that_are_there(void **state)
{
    const struct roster_target *target;
    struct stage stage;

    (void)state;
    stage_init(&stage, SERVICE_CHECK_HTTPS);
    bed_register(&stage.bed, stage.service, "i", "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=443");
    target = target_of(&stage, "i");
    assert_true(str_eq(target->check->host, STR("web.shop.example")));
    tag(&stage, "cloudmap:health-interval", "2s");
    tag(&stage, "cloudmap:health-expect-header", "X-Service: shop");
    tag(&stage, "cloudmap:health-expect-body", "hello");
    tag(&stage, "cloudmap:health-expect-tls-name", "other.example");
    tag(&stage, "cloudmap:health-expect-tls-ca", "inner");
    assert_int_equal(update(&stage, SERVICE_CHECK_HTTPS, "ready", 4), 0);
    assert_ptr_equal(target_of(&stage, "i"), target);
    assert_int_equal(target->check->interval_ms, 2000);
    assert_int_equal(target->judge.interval_ms, 2000);
    assert_int_equal(target->judge.threshold, 4);
    assert_true(str_starts(target->check->request, STR("GET /ready HTTP/1.1\r\n")));
    assert_true(str_eq(target->check->expect.header, STR("X-Service")));
    assert_true(str_eq(target->check->expect.header_value, STR("shop")));
    assert_true(str_eq(target->check->expect.body, STR("hello")));
    assert_true(str_eq(target->check->expect.tls_name, STR("other.example")));
    assert_true(str_eq(target->check->expect.tls_ca, STR("inner")));
    assert_int_equal(stage.n_dropped, 0);
    /* A check that went and came between two looks is another one. */
    assert_int_equal(update(&stage, SERVICE_CHECK_NONE, NULL, 0), 0);
    bed_advance(&stage.bed, 5);
    assert_int_equal(update(&stage, SERVICE_CHECK_HTTPS, "ready", 4), 0);
    look(&stage);
    assert_int_equal(stage.n_dropped, 1);
    stage_fini(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_check_asks),
        cmocka_unit_test(test_what_cannot_be_probed_stays_unknown),
        cmocka_unit_test(test_who_came_went_and_came_again),
        cmocka_unit_test(test_a_renewal_changes_no_target),
        cmocka_unit_test(test_settings_reach_those_that_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
