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

/* After a load everything is of epoch 1, the first that comes again: what was not forgotten would be changed under the
 * reader's eyes. */
static void test_everything_forgets_its_epoch(void **state)
{
    enum act { REPLACE, REGISTER, HEALTH, DEREGISTER, N_ACTS };
    struct str http, service;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    http = bed_namespace(&bed, NAMESPACE_HTTP, "h");
    service = bed_service(&bed, http, "s", SERVICE_CHECK_CUSTOM);
    bed.config.custom_health_delay_ms = 1000;
    bed_reopen(&bed);
    for (int i = 0; i < 16; i++) {
        char id[16];
        snprintf(id, sizeof(id), "i%d", i);
        bed_register(&bed, service, id, "k=v,l=w");
        if (i % 2)
            assert_int_equal(caller_health(&bed.caller, service, id, HEALTH_UNHEALTHY), 0);
    }
    for (unsigned act = 0; act < N_ACTS; act++) {
        const struct snapshot *held;
        struct buf before, after;
        bed_check_reopen(&bed);
        bed.registry->apply.edit.epoch = UINT32_MAX;
        buf_init(&before, 1 << 20);
        buf_init(&after, 1 << 20);
        held = bed_hold(&bed);
        dump_snapshot(&before, held);
        if (act == REPLACE)
            bed_register(&bed, service, "i3", "k=x");
        if (act == REGISTER)
            bed_register(&bed, service, "j", "k=v");
        if (act == HEALTH)
            assert_int_equal(caller_health(&bed.caller, service, "i8", HEALTH_UNHEALTHY), 0);
        if (act == DEREGISTER)
            assert_int_equal(caller_deregister(&bed.caller, service, "i5"), 0);
        assert_int_equal(bed.registry->apply.edit.epoch, 1);
        dump_check(held);
        dump_snapshot(&after, held);
        bed_release(&bed);
        assert_true(str_eq(buf_str(&before), buf_str(&after)));
        buf_fini(&before);
        buf_fini(&after);
    }
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs_begin_again),
        cmocka_unit_test(test_everything_forgets_its_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
