/* SPDX-License-Identifier: Apache-2.0
 *
 * What probes found, who is served by it, and who is told of changes. */
#include "bed.h"

#include "registry/pick.h"

struct place {
    struct bed bed;
    struct str http, service;
    unsigned noted, published; /* by the registry's watcher */
};

#define TARGET "AWS_INSTANCE_IPV4=10.0.0.1,AWS_INSTANCE_PORT=80"

static void place_init(struct place *place, enum service_check check)
{
    bed_init(&place->bed);
    place->bed.config.targets.private_targets = true;
    bed_reopen(&place->bed);
    place->http = bed_namespace(&place->bed, NAMESPACE_HTTP, "h");
    place->service = bed_service(&place->bed, place->http, "s", check);
}

static void place_fini(struct place *place)
{
    bed_check_reopen(&place->bed);
    bed_fini(&place->bed);
}

struct seen {
    uint64_t revision;
    enum health_status health;
    int64_t since_ms;
    bool served, there;
    unsigned n_served; /* of the service, as its tree counts */
};

static struct seen look(struct place *place, const char *id)
{
    const struct tenant *tenant = bed_tenant(&place->bed, bed_hold(&place->bed));
    const struct service_node *node = state_find_service(tenant, place->service);
    const struct instance *instance = state_find_instance(node, str_of(id));
    struct seen seen = { .revision = node->revision,
                         .there = instance,
                         .n_served = tree_size(&node->instances).weight };

    if (instance) {
        seen.health = (enum health_status)instance->health;
        seen.since_ms = instance->health_since_ms;
        seen.served = instance->is_served;
    }
    bed_release(&place->bed);
    return seen;
}

static void expect(struct place *place, const char *id, enum health_status health, bool served)
{
    struct seen seen = look(place, id);

    assert_true(seen.there);
    assert_int_equal(seen.health, health);
    assert_int_equal(seen.served, served);
}

/* The registration of an instance as a verdict names it. */
static struct change_verdict verdict_on(struct place *place, const char *id, enum health_status health)
{
    const struct tenant *tenant = bed_tenant(&place->bed, bed_hold(&place->bed));
    const struct instance *instance = state_find_instance(state_find_service(tenant, place->service), str_of(id));
    struct change_verdict verdict = { .account = BED_ACCOUNT,
                                      .region = BED_REGION,
                                      .service_id = place->service,
                                      .instance_id = str_of(id),
                                      .create_ms = instance->create_ms,
                                      .health = health };

    bed_release(&place->bed);
    return verdict;
}

static void judge(struct place *place, const struct change_verdict *verdicts, size_t n)
{
    struct change *change = caller_new(&place->bed.caller, CHANGE_PROBE_HEALTH);

    change->verdicts = verdicts;
    change->n_verdicts = n;
    assert_int_equal(caller_do(&place->bed.caller), 0);
}

static void found(struct place *place, const char *id, enum health_status health)
{
    struct change_verdict verdict = verdict_on(place, id, health);

    judge(place, &verdict, 1);
}

static int tag(struct place *place, const char *key, const char *value)
{
    const struct str_pair pair = { str_of(key), str_of(value) };
    struct change *change = caller_new(&place->bed.caller, CHANGE_TAG);

    change->service_id = place->service;
    change->pairs = &pair;
    change->n_pairs = 1;
    return caller_do(&place->bed.caller);
}

static void untag(struct place *place, const char *key)
{
    const struct str keys[] = { str_of(key) };
    struct change *change = caller_new(&place->bed.caller, CHANGE_UNTAG);

    change->service_id = place->service;
    change->keys = keys;
    change->n_keys = 1;
    assert_int_equal(caller_do(&place->bed.caller), 0);
}

static int update(struct place *place, enum service_check check, const char *path, int64_t threshold)
{
    struct change *change = caller_new(&place->bed.caller, CHANGE_UPDATE_SERVICE);

    change->action = STR("UPDATE_SERVICE");
    change->service_id = place->service;
    change->service.check = check;
    change->service.check_path = str_of(path);
    change->service.check_threshold = threshold;
    return caller_do(&place->bed.caller);
}

/* --- verdicts ---------------------------------------------------------------------------------------------------- */

static void test_a_verdict_is_kept_with_its_time(void **state)
{
    struct place place;
    struct seen seen;

    (void)state;
    place_init(&place, SERVICE_CHECK_HTTP);
    bed_register(&place.bed, place.service, "i", TARGET);
    seen = look(&place, "i");
    expect(&place, "i", HEALTH_UNKNOWN, true);
    bed_advance(&place.bed, 1000);
    found(&place, "i", HEALTH_UNHEALTHY);
    expect(&place, "i", HEALTH_UNHEALTHY, false);
    assert_int_equal(look(&place, "i").revision, seen.revision); /* membership is the same */
    assert_int_equal(look(&place, "i").since_ms, seen.since_ms + 1000);
    bed_advance(&place.bed, 1000);
    found(&place, "i", HEALTH_UNHEALTHY); /* nothing new */
    assert_int_equal(look(&place, "i").since_ms, seen.since_ms + 1000);
    bed_check_reopen(&place.bed);
    expect(&place, "i", HEALTH_UNHEALTHY, false);
    assert_int_equal(look(&place, "i").since_ms, seen.since_ms + 1000);
    found(&place, "i", HEALTH_HEALTHY);
    expect(&place, "i", HEALTH_HEALTHY, true);
    place_fini(&place);
}

static void test_a_verdict_on_what_is_gone_changes_nothing(void **state)
{
    struct change_verdict verdicts[4];
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_TCP);
    bed_register(&place.bed, place.service, "i", TARGET);
    bed_register(&place.bed, place.service, "k", TARGET);
    verdicts[0] = verdict_on(&place, "i", HEALTH_UNHEALTHY);
    verdicts[1] = verdicts[2] = verdicts[3] = verdicts[0];
    verdicts[1].service_id = STR("srv-none");
    verdicts[2].account = STR("999999999999");
    verdicts[3] = verdict_on(&place, "k", HEALTH_UNHEALTHY);
    bed_advance(&place.bed, 1);
    bed_register(&place.bed, place.service, "i", TARGET ",v=2"); /* starts over */
    judge(&place, verdicts, 4);
    expect(&place, "i", HEALTH_UNKNOWN, true);
    expect(&place, "k", HEALTH_UNHEALTHY, false);
    found(&place, "i", HEALTH_UNHEALTHY);
    bed_advance(&place.bed, 1);
    bed_register(&place.bed, place.service, "i", TARGET ",v=3");
    expect(&place, "i", HEALTH_UNKNOWN, true);
    assert_int_equal(caller_deregister(&place.bed.caller, place.service, "i"), 0);
    judge(&place, verdicts, 1);
    assert_false(look(&place, "i").there);
    place_fini(&place);
}

/* A renewal may have an operation of its own; the registration is the same. */
static void test_a_renewal_leaves_verdicts_their_instance(void **state)
{
    struct change_verdict verdict;
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_TCP);
    place.bed.config.operations_keep_ms = 1000;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", TARGET ",cloudmap:lease=7d");
    verdict = verdict_on(&place, "i", HEALTH_UNHEALTHY);
    bed_advance(&place.bed, BED_DAY_MS); /* its operation is forgotten */
    bed_register(&place.bed, place.service, "i", TARGET ",cloudmap:lease=7d");
    judge(&place, &verdict, 1);
    expect(&place, "i", HEALTH_UNHEALTHY, false);
    bed_fini(&place.bed);
}

static void drain(struct place *place, enum change_kind kind)
{
    struct change *change = caller_new(&place->bed.caller, kind);

    change->service_id = place->service;
    change->instance_id = STR("i");
    change->reason = STR("x");
    assert_int_equal(caller_do(&place->bed.caller), 0);
}

static void test_a_verdict_reaches_a_draining_instance(void **state)
{
    struct change_verdict verdict;
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_TCP);
    bed_register(&place.bed, place.service, "i", TARGET);
    verdict = verdict_on(&place, "i", HEALTH_UNHEALTHY);
    drain(&place, CHANGE_DRAIN);
    judge(&place, &verdict, 1);
    assert_false(look(&place, "i").there); /* it goes on draining */
    drain(&place, CHANGE_UNDRAIN);
    expect(&place, "i", HEALTH_UNHEALTHY, false);
    place_fini(&place);
}

static void test_services_without_a_check_take_no_verdict(void **state)
{
    static const enum service_check checks[] = { SERVICE_CHECK_NONE, SERVICE_CHECK_CUSTOM };

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(checks); i++) {
        struct place place;
        place_init(&place, checks[i]);
        bed_register(&place.bed, place.service, "i", TARGET);
        found(&place, "i", HEALTH_UNHEALTHY);
        expect(&place, "i", checks[i] == SERVICE_CHECK_NONE ? HEALTH_UNKNOWN : HEALTH_HEALTHY, true);
        place_fini(&place);
    }
}

static void test_many_verdicts_are_one_commit(void **state)
{
    struct change_verdict verdicts[100];
    struct place place;
    char ids[100][16];
    uint64_t before;

    (void)state;
    place_init(&place, SERVICE_CHECK_HTTP);
    for (int i = 0; i < 100; i++) {
        snprintf(ids[i], sizeof(ids[i]), "i%d", i);
        bed_register(&place.bed, place.service, ids[i], TARGET);
        verdicts[i] = verdict_on(&place, ids[i], i % 2 ? HEALTH_HEALTHY : HEALTH_UNHEALTHY);
    }
    before = store_revision(place.bed.store);
    judge(&place, verdicts, 100);
    assert_int_equal(store_revision(place.bed.store), before + 1);
    assert_int_equal(look(&place, "i0").n_served, 50);
    place_fini(&place);
}

/* --- updates of the check ---------------------------------------------------------------------------------------- */

static void test_a_check_that_goes_takes_its_verdicts_along(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_HTTP);
    bed_register(&place.bed, place.service, "i", TARGET);
    found(&place, "i", HEALTH_UNHEALTHY);
    bed_advance(&place.bed, 1000);
    /* Another path or threshold asks the same instance: what is known stands until the answers say otherwise. */
    assert_int_equal(update(&place, SERVICE_CHECK_HTTP, "/ready", 3), 0);
    expect(&place, "i", HEALTH_UNHEALTHY, false);
    bed_advance(&place.bed, 1000);
    assert_int_equal(update(&place, SERVICE_CHECK_NONE, NULL, 0), 0);
    expect(&place, "i", HEALTH_UNKNOWN, true);
    bed_check_reopen(&place.bed);
    expect(&place, "i", HEALTH_UNKNOWN, true);
    bed_advance(&place.bed, 1000);
    assert_int_equal(update(&place, SERVICE_CHECK_TCP, NULL, 0), 0);
    expect(&place, "i", HEALTH_UNKNOWN, true);
    bed_check_reopen(&place.bed);
    expect(&place, "i", HEALTH_UNKNOWN, true);
    found(&place, "i", HEALTH_UNHEALTHY);
    bed_check_reopen(&place.bed);
    expect(&place, "i", HEALTH_UNHEALTHY, false);
    place_fini(&place);
}

/* --- what UNKNOWN counts as -------------------------------------------------------------------------------------- */

static void test_unknown_is_by_option(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_HTTP);
    place.bed.config.unknown_is_unhealthy = true;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", TARGET);
    expect(&place, "i", HEALTH_UNKNOWN, false);
    found(&place, "i", HEALTH_HEALTHY);
    expect(&place, "i", HEALTH_HEALTHY, true);
    bed_advance(&place.bed, 1);
    bed_register(&place.bed, place.service, "i", TARGET ",v=2");
    expect(&place, "i", HEALTH_UNKNOWN, false);
    bed_check_reopen(&place.bed);
    expect(&place, "i", HEALTH_UNKNOWN, false);
    place.bed.config.unknown_is_unhealthy = false;
    bed_reopen(&place.bed);
    expect(&place, "i", HEALTH_UNKNOWN, true);
    place_fini(&place);
}

static void test_unknown_is_by_tag_at_once(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_HTTP);
    bed_register(&place.bed, place.service, "new", TARGET);
    bed_register(&place.bed, place.service, "good", TARGET);
    bed_register(&place.bed, place.service, "bad", TARGET);
    found(&place, "good", HEALTH_HEALTHY);
    found(&place, "bad", HEALTH_UNHEALTHY);
    assert_int_equal(tag(&place, "cloudmap:unknown-is", "unhealthy"), 0);
    expect(&place, "new", HEALTH_UNKNOWN, false);
    expect(&place, "good", HEALTH_HEALTHY, true);
    expect(&place, "bad", HEALTH_UNHEALTHY, false);
    assert_int_equal(look(&place, "new").n_served, 1);
    bed_check_reopen(&place.bed);
    expect(&place, "new", HEALTH_UNKNOWN, false);
    /* Without a check there is nothing to wait for. */
    assert_int_equal(update(&place, SERVICE_CHECK_NONE, NULL, 0), 0);
    assert_int_equal(look(&place, "new").n_served, 3);
    assert_int_equal(update(&place, SERVICE_CHECK_HTTP, NULL, 0), 0);
    assert_int_equal(look(&place, "new").n_served, 0);
    untag(&place, "cloudmap:unknown-is");
    expect(&place, "new", HEALTH_UNKNOWN, true);
    place_fini(&place);
}

static void test_the_tag_comes_before_the_option(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_TCP);
    place.bed.config.unknown_is_unhealthy = true;
    bed_reopen(&place.bed);
    bed_register(&place.bed, place.service, "i", TARGET);
    expect(&place, "i", HEALTH_UNKNOWN, false);
    assert_int_equal(tag(&place, "cloudmap:unknown-is", "healthy"), 0);
    expect(&place, "i", HEALTH_UNKNOWN, true);
    place_fini(&place);
}

static void test_discovery_leaves_out_what_is_not_known(void **state)
{
    static const enum pick_health wishes[] = { PICK_HEALTHY, PICK_HEALTHY_OR_ELSE_ALL, PICK_ALL, PICK_UNHEALTHY };
    static const size_t without[] = { 0, 1, 1, 1 }, with[] = { 1, 1, 2, 1 };
    const struct instance **instances;
    const struct snapshot *snapshot;
    struct place place;
    struct arena arena;
    struct rand rand;
    size_t n;

    (void)state;
    rand_init_seed(&rand, 7);
    arena_init(&arena, 1 << 20);
    place_init(&place, SERVICE_CHECK_HTTP);
    assert_int_equal(tag(&place, "cloudmap:unknown-is", "unhealthy"), 0);
    bed_register(&place.bed, place.service, "new", TARGET);
    for (int known = 0; known < 2; known++) {
        if (known) {
            bed_register(&place.bed, place.service, "good", TARGET);
            found(&place, "good", HEALTH_HEALTHY);
        }
        for (size_t i = 0; i < TEST_COUNT(wishes); i++) {
            const struct pick_query query = { .health = wishes[i], .max = 10 };
            snapshot = bed_hold(&place.bed);
            assert_int_equal(pick_instances(snapshot,
                                            state_find_service(bed_tenant(&place.bed, snapshot), place.service), &query,
                                            &rand, &arena, &instances, &n),
                             0);
            assert_int_equal(n, known ? with[i] : without[i]);
            bed_release(&place.bed);
        }
    }
    arena_fini(&arena);
    place_fini(&place);
}

/* --- tags that are refused --------------------------------------------------------------------------------------- */

static void refuse_tag(struct place *place, const char *key, const char *value, const char *why)
{
    char text[256];

    assert_int_equal(tag(place, key, value), CHANGE_INVALID_INPUT);
    snprintf(text, sizeof(text), "Tag %s is not valid: %s", key, why);
    assert_true(str_eq(place->bed.caller.change.message, str_of(text)));
}

static void test_tags_that_the_check_cannot_keep(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, SERVICE_CHECK_TCP);
    refuse_tag(&place, "cloudmap:health-interval", "1s", "it must be a duration from 2s to 300s");
    refuse_tag(&place, "cloudmap:health-expect-body", "shop", "a TCP health check reads no answer");
    refuse_tag(&place, "cloudmap:health-expect-tls-name", "a.example", "only an HTTPS health check sees a certificate");
    /* A service without a check may be tagged before it gets one, and is then held to it. */
    assert_int_equal(update(&place, SERVICE_CHECK_NONE, NULL, 0), 0);
    assert_int_equal(tag(&place, "cloudmap:health-expect-body", "shop"), 0);
    assert_int_equal(update(&place, SERVICE_CHECK_TCP, NULL, 0), CHANGE_INVALID_INPUT);
    assert_int_equal(update(&place, SERVICE_CHECK_HTTP, NULL, 0), 0);
    place_fini(&place);
}

static void test_a_service_is_not_made_with_a_bad_tag(void **state)
{
    static const struct str_pair bad = { STR("cloudmap:health-interval"), STR("soon") };
    struct place place;
    struct change *change;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    change = caller_new(&place.bed.caller, CHANGE_CREATE_SERVICE);
    change->service.namespace_id = place.http;
    change->service.name = STR("other");
    change->service.tags = &bad;
    change->service.n_tags = 1;
    assert_int_equal(caller_do(&place.bed.caller), CHANGE_INVALID_INPUT);
    place_fini(&place);
}

/* --- who is told ------------------------------------------------------------------------------------------------- */

static void note(void *arg, const struct service *service)
{
    struct place *place = arg;

    if (str_eq(service->name, STR("s")))
        __atomic_add_fetch(&place->noted, 1, __ATOMIC_RELAXED);
}

static void publish(void *arg)
{
    struct place *place = arg;

    __atomic_store_n(&place->published, place->noted, __ATOMIC_RELAXED);
}

static unsigned told(struct place *place)
{
    unsigned n;

    bed_settle(&place->bed);
    n = __atomic_exchange_n(&place->noted, 0, __ATOMIC_RELAXED);
    assert_int_equal(__atomic_exchange_n(&place->published, 0, __ATOMIC_RELAXED), n);
    return n;
}

static void test_the_watcher_hears_of_probed_services_only(void **state)
{
    struct place place = { 0 };
    struct str other;

    (void)state;
    place_init(&place, SERVICE_CHECK_NONE);
    place.bed.config.watcher = (struct registry_watcher){ note, publish, &place };
    bed_reopen(&place.bed);
    other = bed_service(&place.bed, place.http, "other", SERVICE_CHECK_HTTP);
    bed_register(&place.bed, place.service, "i", TARGET);
    assert_int_equal(told(&place), 0);
    assert_int_equal(update(&place, SERVICE_CHECK_HTTP, NULL, 0), 0);
    assert_int_equal(told(&place), 1);
    bed_register(&place.bed, other, "i", TARGET);
    assert_int_equal(told(&place), 0);
    found(&place, "i", HEALTH_HEALTHY);
    assert_int_equal(told(&place), 0); /* no target came or went */
    assert_int_equal(tag(&place, "cloudmap:health-interval", "10s"), 0);
    assert_int_equal(told(&place), 1);
    assert_int_equal(update(&place, SERVICE_CHECK_NONE, NULL, 0), 0);
    assert_int_equal(told(&place), 1); /* nobody is to be probed any more */
    assert_int_equal(caller_deregister(&place.bed.caller, place.service, "i"), 0);
    assert_int_equal(told(&place), 1);
    caller_new(&place.bed.caller, CHANGE_DELETE_SERVICE)->service_id = place.service;
    assert_int_equal(caller_do(&place.bed.caller), 0);
    assert_int_equal(told(&place), 0); /* its last instance was told of */
    place.bed.config.watcher = (struct registry_watcher){ 0 };
    bed_reopen(&place.bed);
    bed_fini(&place.bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_verdict_is_kept_with_its_time),
        cmocka_unit_test(test_a_verdict_on_what_is_gone_changes_nothing),
        cmocka_unit_test(test_a_renewal_leaves_verdicts_their_instance),
        cmocka_unit_test(test_a_verdict_reaches_a_draining_instance),
        cmocka_unit_test(test_services_without_a_check_take_no_verdict),
        cmocka_unit_test(test_many_verdicts_are_one_commit),
        cmocka_unit_test(test_a_check_that_goes_takes_its_verdicts_along),
        cmocka_unit_test(test_unknown_is_by_option),
        cmocka_unit_test(test_unknown_is_by_tag_at_once),
        cmocka_unit_test(test_the_tag_comes_before_the_option),
        cmocka_unit_test(test_discovery_leaves_out_what_is_not_known),
        cmocka_unit_test(test_tags_that_the_check_cannot_keep),
        cmocka_unit_test(test_a_service_is_not_made_with_a_bad_tag),
        cmocka_unit_test(test_the_watcher_hears_of_probed_services_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
