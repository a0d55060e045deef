/* SPDX-License-Identifier: Apache-2.0
 *
 * Every kind of planned fault, over both backends: what the commit answers, what the store holds at once, and what it
 * holds after it was opened again. STORE_FAULT_CRASH is test_store_crash.c's. */
#include "fixture.h"

#include <errno.h>

#define VALUE_SIZE 100

struct plan {
    struct store_fault fault;
    int answer;
    bool for_good, durable;
};

static int ignore_record(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    (void)arg, (void)key, (void)value, (void)n, (void)sum;
    return 0;
}

static void assert_holds(struct store *store, uint64_t commits)
{
    struct buf want, got;
    buf_init(&want, 1 << 20);
    buf_init(&got, 1 << 20);
    fixture_work_contents(commits, VALUE_SIZE, &want);
    assert_int_equal(fixture_contents(store, &got, NULL), 0);
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    buf_fini(&want);
    buf_fini(&got);
}

static void run(struct store *store, const struct plan *plan)
{
    struct fixture_work work;
    struct store_stat stat;
    fixture_work_init(&work, VALUE_SIZE);
    for (uint64_t i = 1; i < plan->fault.at; i++)
        assert_int_equal(fixture_work_commit(&work, store), 0);
    uint64_t revision = store_revision(store);
    assert_int_equal(fixture_work_commit(&work, store), plan->answer);
    assert_int_equal(store_revision(store), revision);
    store_stat(store, &stat);
    assert_int_equal(stat.lost, plan->for_good);
    assert_int_equal(stat.failed_commits, 1);
    assert_int_equal(stat.commits, plan->fault.at - 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_work_commit(&work, store), plan->for_good ? STORE_LOST : 0);
    if (!plan->for_good)
        assert_holds(store, plan->fault.at + 2);
    else
        assert_holds(store, plan->fault.at - !plan->durable);
    fixture_work_free(&work);
}

static void test_plan(void **state)
{
    const struct plan *plan = *state;
    for (int sqlite = 0; sqlite < 2; sqlite++) {
        char dir[FIXTURE_PATH];
        struct store *inner, *store;
        fixture_dir(true, dir);
        if (sqlite) {
            inner = fixture_open(dir);
        } else {
            assert_int_equal(store_open_memory(clock_system(), &inner), 0);
            assert_int_equal(store_load(inner, ignore_record, NULL, NULL), 0);
        }
        assert_int_equal(store_open_fault(&inner, &plan->fault, &store), 0);
        assert_null(inner);
        run(store, plan);
        store_close(store);
        if (sqlite) {
            store = fixture_open(dir);
            assert_holds(store, !plan->for_good ? plan->fault.at + 2 : plan->fault.at - !plan->durable);
            store_close(store);
        }
        fixture_remove(dir);
    }
}

#define PLAN(kind_, at_, answer_, for_good_, durable_)                           \
    {                                                                            \
#kind_ " " #at_, test_plan, NULL, NULL, &(struct plan)                   \
        {                                                                        \
            { .kind = (kind_), .at = (at_) }, (answer_), (for_good_), (durable_) \
        }                                                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAN(STORE_FAULT_FULL, 1, STORE_FULL, false, false), PLAN(STORE_FAULT_FULL, 6, STORE_FULL, false, false),
        PLAN(STORE_FAULT_LOST, 1, STORE_LOST, true, false),  PLAN(STORE_FAULT_LOST, 6, STORE_LOST, true, false),
        PLAN(STORE_FAULT_TORN, 1, STORE_LOST, true, true),   PLAN(STORE_FAULT_TORN, 6, STORE_LOST, true, true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
