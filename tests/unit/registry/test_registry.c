/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer as a whole: random work of several tenants against oracles, over restarts; group commit; stores that are
 * full or lost; queues that are full; and that it waits for what is due without turning. */
#include "bed.h"
#include "oracle.h"

#include "base/mem.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* --- random work ------------------------------------------------------------------------------------------------- */

#define N_THREADS 4
#define N_PHASES 5
#define N_STEPS 500

static void *work(void *arg)
{
    struct oracle *oracle = arg;

    snapshot_reader_start();
    for (int i = 0; i < N_STEPS; i++) {
        oracle_step(oracle);
        if (i % 50 == 0)
            oracle_check(oracle);
    }
    snapshot_reader_stop();
    return NULL;
}

static void test_random_work_of_several_tenants(void **state)
{
    static const char *accounts[] = { "000000000000", "000000000001" }, *regions[] = { "us-east-1", "us-east-2" };
    static struct oracle oracles[N_THREADS];
    pthread_t threads[N_THREADS];
    struct registry_stat stat;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    for (size_t i = 0; i < N_THREADS; i++)
        oracle_init(&oracles[i], &bed, str_of(accounts[i / 2]), str_of(regions[i % 2]), i + 1);
    for (int phase = 0; phase < N_PHASES; phase++) {
        for (size_t i = 0; i < N_THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, work, &oracles[i]), 0);
        for (size_t i = 0; i < N_THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        bed_check_reopen(&bed);
        for (size_t i = 0; i < N_THREADS; i++)
            oracle_check(&oracles[i]);
        bed_advance(&bed, 1000);
    }
    registry_stat(bed.registry, &stat);
    assert_int_equal(stat.tenants, N_THREADS);
    assert_true(stat.namespaces > 0 && stat.services > 0 && stat.instances > 0 && stat.operations > 1000);
    assert_int_equal(stat.unfinished_operations, 0);
    for (size_t i = 0; i < N_THREADS; i++)
        oracle_fini(&oracles[i]);
    bed_fini(&bed);
}

/* --- group commit ------------------------------------------------------------------------------------------------ */

#define N_CALLERS 600

static struct caller callers[N_CALLERS];

static void submit_registrations(struct bed *bed, struct str service, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct change *change;
        caller_init(&callers[i], bed, BED_ACCOUNT, BED_REGION);
        change = caller_new(&callers[i], CHANGE_REGISTER_INSTANCE);
        change->service_id = service;
        change->instance_id = arena_printf(&callers[i].arena, "i%zu", i);
        change->creator_request_id = STR("t");
        caller_submit(&callers[i]);
    }
}

static void wait_for_all(size_t n, int result)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(caller_wait(&callers[i]), result);
        caller_fini(&callers[i]);
    }
}

static uint64_t count_commits(const struct bed *bed)
{
    struct store_stat stat;

    store_stat(bed->store, &stat);
    return stat.commits;
}

static void test_what_waits_goes_into_one_commit(void **state)
{
    uint64_t revision;
    struct registry_stat stat;
    struct str service;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    for (size_t n = 1; n <= N_CALLERS; n = n * 10 < N_CALLERS ? n * 10 : n == N_CALLERS ? n + 1 : N_CALLERS) {
        uint64_t commits = count_commits(&bed);
        size_t n_operations = bed_count_records(&bed, "operation/");
        bed_pause(&bed);
        submit_registrations(&bed, service, n);
        registry_stat(bed.registry, &stat);
        assert_int_equal(stat.queue_depth, n);
        revision = stat.revision;
        bed_resume(&bed);
        wait_for_all(n, 0);
        /* One commit takes up to 512 changes: one record of operations, one of the service. */
        assert_int_equal(count_commits(&bed) - commits, n > 512 ? 2 : 1);
        assert_int_equal(bed_count_records(&bed, "operation/") - n_operations, n > 512 ? 2 : 1);
        registry_stat(bed.registry, &stat);
        assert_int_equal(stat.revision - revision, n > 512 ? 2 : 1);
        assert_int_equal(stat.instances, n);
        assert_int_equal(stat.queue_depth, 0);
        clock_manual_advance(&bed.clock, 1);
        for (size_t i = 0; i < n; i++) {
            char id[16];
            snprintf(id, sizeof(id), "i%zu", i);
            assert_int_equal(caller_deregister(&bed.caller, service, id), 0);
        }
        clock_manual_advance(&bed.clock, 1);
    }
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_one_commit_for_several_tenants(void **state)
{
    struct bed bed;
    size_t n = 30;

    (void)state;
    bed_init(&bed);
    bed_pause(&bed);
    for (size_t i = 0; i < n; i++) {
        static const char *regions[] = { "a", "b", "c" };
        struct change *change;
        caller_init(&callers[i], &bed, BED_ACCOUNT, str_of(regions[i % 3]));
        change = caller_new(&callers[i], CHANGE_CREATE_NAMESPACE);
        change->ns.name = arena_printf(&callers[i].arena, "n%zu", i);
        change->ns.creator_request_id = STR("t");
        caller_submit(&callers[i]);
    }
    bed_resume(&bed);
    wait_for_all(n, 0);
    assert_int_equal(count_commits(&bed), 1);
    assert_int_equal(bed_count_records(&bed, "operation/"), 3);
    assert_int_equal(bed_count_records(&bed, "namespace/"), 30);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_changes_of_one_commit_see_each_other(void **state)
{
    static const int results[] = { 0, 0, CHANGE_NAMESPACE_EXISTS, 0 };
    struct bed bed;

    (void)state;
    bed_init(&bed);
    bed_pause(&bed);
    for (size_t i = 0; i < TEST_COUNT(results); i++) {
        struct change *change;
        caller_init(&callers[i], &bed, BED_ACCOUNT, BED_REGION);
        change = caller_new(&callers[i], CHANGE_CREATE_NAMESPACE);
        change->ns.name = i == 3 ? STR("other") : STR("n");
        change->ns.creator_request_id = i == 2 ? STR("u") : STR("t");
        caller_submit(&callers[i]);
    }
    bed_resume(&bed);
    for (size_t i = 0; i < TEST_COUNT(results); i++)
        assert_int_equal(caller_wait(&callers[i]), results[i]);
    assert_string_equal(callers[0].change.operation_id, callers[1].change.operation_id);
    for (size_t i = 0; i < TEST_COUNT(results); i++)
        caller_fini(&callers[i]);
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

/* --- stores that fail -------------------------------------------------------------------------------------------- */

#define N_FAULTS 25

/* The state after each commit of one oracle's work on a good store; [0] is the empty one. */
struct reference {
    char *dumps[N_FAULTS + 1];
};

static void reference_init(struct reference *reference)
{
    struct oracle oracle;
    struct bed bed;

    bed_init(&bed);
    oracle_init(&oracle, &bed, BED_ACCOUNT, BED_REGION, 1);
    reference->dumps[0] = bed_dump(&bed);
    for (uint64_t n = 0; n < N_FAULTS;) {
        oracle_step(&oracle);
        if (count_commits(&bed) == n)
            continue;
        assert_int_equal(count_commits(&bed), ++n);
        reference->dumps[n] = bed_dump(&bed);
    }
    oracle_fini(&oracle);
    bed_fini(&bed);
}

static void reference_fini(struct reference *reference)
{
    for (size_t i = 0; i <= N_FAULTS; i++)
        mem_free(reference->dumps[i]);
}

static void check_dump(const struct bed *bed, const char *wanted)
{
    char *dump = bed_dump(bed);

    bed_check_same(wanted, dump);
    mem_free(dump);
}

/* Works until the store fails; what the failed change was answered with. */
static int work_until_failure(struct oracle *oracle)
{
    int r;

    oracle->may_fail = true;
    do
        r = oracle_step(oracle);
    while (r != CHANGE_STORE_FULL && r != CHANGE_STORE_LOST);
    return r;
}

static void test_a_full_store_changes_nothing(void **state)
{
    struct reference reference;
    struct oracle oracle;
    struct bed bed;

    (void)state;
    reference_init(&reference);
    for (uint64_t k = 1; k <= N_FAULTS; k++) {
        bed_init_fault(&bed, &(struct store_fault){ .kind = STORE_FAULT_FULL, .at = k });
        oracle_init(&oracle, &bed, BED_ACCOUNT, BED_REGION, 1);
        assert_int_equal(work_until_failure(&oracle), CHANGE_STORE_FULL);
        check_dump(&bed, reference.dumps[k - 1]);
        oracle.may_fail = false; /* it was full once */
        for (int i = 0; i < 40; i++)
            oracle_step(&oracle);
        oracle_check(&oracle);
        bed_check_reopen(&bed);
        oracle_check(&oracle);
        oracle_fini(&oracle);
        bed_fini(&bed);
    }
    reference_fini(&reference);
}

static void check_lost(enum store_fault_kind kind)
{
    struct reference reference;
    struct oracle oracle;
    struct bed bed;

    reference_init(&reference);
    for (uint64_t k = 1; k <= N_FAULTS; k++) {
        uint64_t commits;
        bed_init_fault(&bed, &(struct store_fault){ .kind = kind, .at = k });
        oracle_init(&oracle, &bed, BED_ACCOUNT, BED_REGION, 1);
        assert_int_equal(work_until_failure(&oracle), CHANGE_STORE_LOST);
        check_dump(&bed, reference.dumps[k - 1]); /* reads go on, of what was before */
        commits = count_commits(&bed);
        for (int i = 0; i < 20; i++)
            oracle_step(&oracle);
        assert_int_equal(count_commits(&bed), commits); /* for good */
        check_dump(&bed, reference.dumps[k - 1]);
        bed_reopen(&bed);
        check_dump(&bed, reference.dumps[kind == STORE_FAULT_TORN ? k : k - 1]);
        oracle_fini(&oracle);
        bed_fini(&bed);
    }
    reference_fini(&reference);
}

static void test_a_lost_store_refuses_all_writes(void **state)
{
    (void)state;
    check_lost(STORE_FAULT_LOST);
}

static void test_a_torn_commit_is_there_after_a_restart(void **state)
{
    (void)state;
    check_lost(STORE_FAULT_TORN);
}

static void test_all_changes_of_a_failed_commit_are_told(void **state)
{
    struct registry_stat stat;
    struct str service;
    struct bed bed;

    (void)state;
    bed_init_fault(&bed, &(struct store_fault){ .kind = STORE_FAULT_FULL, .at = 3 });
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    bed_pause(&bed);
    submit_registrations(&bed, service, 50);
    bed_resume(&bed);
    wait_for_all(50, CHANGE_STORE_FULL);
    registry_stat(bed.registry, &stat);
    assert_int_equal(stat.instances, 0);
    bed_register(&bed, service, "i1", "");
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_what_is_due_does_not_turn_on_a_lost_store(void **state)
{
    struct store_stat before, after;
    struct str service;
    struct bed bed;

    (void)state;
    bed_init_fault(&bed, &(struct store_fault){ .kind = STORE_FAULT_LOST, .at = 5 });
    bed.config.custom_health_delay_ms = 1000;
    bed_reopen(&bed);
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_CUSTOM);
    bed_register(&bed, service, "i", "");
    assert_int_equal(caller_health(&bed.caller, service, "i", HEALTH_UNHEALTHY), 0);
    clock_manual_advance(&bed.clock, 1000);
    assert_int_equal(caller_deregister(&bed.caller, service, "i"), CHANGE_STORE_LOST);
    store_stat(bed.store, &before);
    usleep(100 * 1000);
    store_stat(bed.store, &after);
    assert_int_equal(after.failed_commits, before.failed_commits);
    bed_fini(&bed);
}

/* --- queues ------------------------------------------------------------------------------------------------------ */

static unsigned n_answered, n_overloaded;

static void count_answer(struct change *change)
{
    __atomic_add_fetch(&n_answered, 1, __ATOMIC_SEQ_CST);
    if (change->result == CHANGE_OVERLOADED)
        __atomic_add_fetch(&n_overloaded, 1, __ATOMIC_SEQ_CST);
    else
        assert_int_equal(change->result, CHANGE_SERVICE_NOT_FOUND);
}

static void test_a_full_queue_refuses_at_once(void **state)
{
    const unsigned n = 16384 + 10;
    struct change *changes = mem_zalloc(n * sizeof(*changes));
    struct bed bed;

    (void)state;
    assert_non_null(changes);
    n_answered = n_overloaded = 0;
    bed_init(&bed);
    bed_pause(&bed);
    for (unsigned i = 0; i < n; i++) {
        changes[i] = (struct change){ .kind = CHANGE_DELETE_SERVICE,
                                      .account = BED_ACCOUNT,
                                      .region = BED_REGION,
                                      .service_id = STR("none"),
                                      .done = count_answer };
        registry_submit(bed.registry, &changes[i]);
    }
    assert_int_equal(n_answered, 10);
    bed_resume(&bed);
    bed_fini(&bed); /* finishes what is queued */
    assert_int_equal(n_answered, n);
    assert_int_equal(n_overloaded, 10);
    mem_free(changes);
}

static void test_closing_finishes_what_waits(void **state)
{
    struct str service;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    submit_registrations(&bed, service, N_CALLERS);
    bed_reopen(&bed);
    wait_for_all(N_CALLERS, 0);
    {
        struct registry_stat stat;
        registry_stat(bed.registry, &stat);
        assert_int_equal(stat.instances, N_CALLERS);
        assert_int_equal(stat.operations, N_CALLERS + 1);
    }
    bed_fini(&bed);
    registry_close(NULL);
}

static void test_ids_are_of_the_seed_or_of_nobody(void **state)
{
    char ids[3][ID_NAMESPACE_SIZE];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct bed bed;
        struct str id;
        bed_init(&bed);
        if (i == 2) {
            bed.config.seed = UINT64_MAX; /* opening makes it 0 */
            bed_reopen(&bed);
        }
        id = bed_namespace(&bed, NAMESPACE_HTTP, "h");
        snprintf(ids[i], sizeof(ids[i]), STR_FMT, STR_ARG(id));
        bed_fini(&bed);
    }
    assert_string_equal(ids[0], ids[1]);
    assert_string_not_equal(ids[0], ids[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_work_of_several_tenants),
        cmocka_unit_test(test_what_waits_goes_into_one_commit),
        cmocka_unit_test(test_one_commit_for_several_tenants),
        cmocka_unit_test(test_changes_of_one_commit_see_each_other),
        cmocka_unit_test(test_a_full_store_changes_nothing),
        cmocka_unit_test(test_a_lost_store_refuses_all_writes),
        cmocka_unit_test(test_a_torn_commit_is_there_after_a_restart),
        cmocka_unit_test(test_all_changes_of_a_failed_commit_are_told),
        cmocka_unit_test(test_what_is_due_does_not_turn_on_a_lost_store),
        cmocka_unit_test(test_a_full_queue_refuses_at_once),
        cmocka_unit_test(test_closing_finishes_what_waits),
        cmocka_unit_test(test_ids_are_of_the_seed_or_of_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
