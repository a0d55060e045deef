/* SPDX-License-Identifier: Apache-2.0
 *
 * After 2^32 - 1 commits epochs begin again. Nobody waits for that: the writer's structure is brought in by its source.
 */
#include "registry/registry.c" /* for struct registry */

#include "bed.h"
#include "dump.h"
#include "oracle.h"

#define N_HELD 4

static sem_t held_one;

static void *hold_a_snapshot(void *arg)
{
    const struct bed *bed = arg;
    struct buf before, after;
    const struct snapshot *held;

    buf_init(&before, 64 << 20);
    buf_init(&after, 64 << 20);
    snapshot_reader_start();
    held = bed_hold(bed);
    dump_snapshot(&before, held);
    sem_post(&held_one);
    while (__atomic_load_n(&bed->registry->head.newest, __ATOMIC_ACQUIRE)->revision < held->revision + 10)
        sched_yield();
    dump_snapshot(&after, held);
    bed_release(bed);
    snapshot_reader_stop();
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    buf_fini(&before);
    buf_fini(&after);
    return NULL;
}

static void test_epochs_begin_again(void **state)
{
    pthread_t threads[N_HELD];
    struct oracle oracle;
    struct edit *edit;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    edit = &bed.registry->apply.edit;
    assert_int_equal(sem_init(&held_one, 0, 0), 0);
    oracle_init(&oracle, &bed, BED_ACCOUNT, BED_REGION, 1);
    for (int i = 0; i < 100; i++)
        oracle_step(&oracle);
    for (int round = 0; round < 3; round++) {
        uint64_t revision;
        edit->epoch = UINT32_MAX - 5; /* the writer waits for the next change */
        for (size_t i = 0; i < N_HELD; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, hold_a_snapshot, &bed), 0);
        for (size_t i = 0; i < N_HELD; i++)
            while (sem_wait(&held_one))
                ;
        revision = store_revision(bed.store);
        while (store_revision(bed.store) < revision + 40)
            oracle_step(&oracle);
        assert_in_range(edit->epoch, 1, 1000);
        for (size_t i = 0; i < N_HELD; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        oracle_check(&oracle);
        bed_check_reopen(&bed);
        edit = &bed.registry->apply.edit;
        oracle_check(&oracle);
    }
    oracle_fini(&oracle);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs_begin_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
