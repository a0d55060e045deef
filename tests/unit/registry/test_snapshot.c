/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers beside the writer: every snapshot they hold is whole, stays as it is, and is freed once nobody holds it.
 * Meant for the thread sanitizer as much as for the address sanitizer. */
#include "bed.h"
#include "dump.h"
#include "oracle.h"

#include "base/mem.h"
#include "registry/pick.h"

#define N_READERS 3
#define N_CHANGES 1500

struct reader {
    const struct bed *bed;
    pthread_t thread;
    bool *stop; /* atomic */
    unsigned n_snapshots;
};

/* Discovers in every service, as API workers do. */
static void discover(const struct snapshot *snapshot, struct rand *rand, struct arena *arena)
{
    const struct tenant *tenant;
    struct tree_iter tenants;

    tree_iter_init(&tenants, &snapshot->tenants, NULL, NULL);
    while ((tenant = tree_iter_next(&tenants))) {
        const struct service_node *node;
        struct tree_iter services;
        tree_iter_init(&services, &tenant->services, NULL, NULL);
        while ((node = tree_iter_next(&services))) {
            const struct pick_query query = { .health = PICK_HEALTHY_OR_ELSE_ALL, .max = 3 };
            const struct instance **instances;
            size_t n;
            assert_int_equal(pick_instances(snapshot, node, &query, rand, arena, &instances, &n), 0);
            for (size_t i = 0; i < n; i++)
                assert_true(str_starts(instance_element(instances[i]), STR("{\"InstanceId\":\"i/")));
        }
    }
}

static void *read_snapshots(void *arg)
{
    struct reader *reader = arg;
    struct arena arena;
    uint64_t last = 0;
    struct rand rand;

    rand_init_seed(&rand, 1);
    arena_init(&arena, 1 << 20);
    snapshot_reader_start();
    while (!__atomic_load_n(reader->stop, __ATOMIC_ACQUIRE) || reader->n_snapshots == 0) {
        const struct snapshot *snapshot = bed_hold(reader->bed);
        assert_true(snapshot->revision >= last);
        last = snapshot->revision;
        dump_check(snapshot);
        discover(snapshot, &rand, &arena);
        bed_release(reader->bed);
        arena_reset(&arena);
        reader->n_snapshots++;
    }
    snapshot_reader_stop();
    arena_fini(&arena);
    return NULL;
}

static void test_readers_beside_the_writer(void **state)
{
    struct reader readers[N_READERS];
    struct oracle oracle;
    bool stop = false;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    oracle_init(&oracle, &bed, BED_ACCOUNT, BED_REGION, 1);
    for (size_t i = 0; i < N_READERS; i++) {
        readers[i] = (struct reader){ .bed = &bed, .stop = &stop };
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_snapshots, &readers[i]), 0);
    }
    for (int i = 0; i < N_CHANGES; i++)
        oracle_step(&oracle);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < N_READERS; i++) {
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
        assert_true(readers[i].n_snapshots > 0);
    }
    oracle_check(&oracle);
    oracle_fini(&oracle);
    bed_fini(&bed);
}

static char *dump(const struct snapshot *snapshot)
{
    struct buf text;

    buf_init(&text, 64 << 20);
    dump_check(snapshot);
    dump_snapshot(&text, snapshot);
    return buf_take(&text, NULL);
}

static void *make_changes(void *arg)
{
    snapshot_reader_start();
    for (int i = 0; i < 300; i++)
        oracle_step(arg);
    snapshot_reader_stop();
    return NULL;
}

static void test_a_snapshot_that_is_held_stays_as_it_is(void **state)
{
    const struct snapshot *held;
    struct oracle oracle;
    char *before, *after;
    pthread_t thread;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    oracle_init(&oracle, &bed, BED_ACCOUNT, BED_REGION, 2);
    for (int i = 0; i < 100; i++)
        oracle_step(&oracle);
    held = bed_hold(&bed);
    before = dump(held);
    assert_int_equal(pthread_create(&thread, NULL, make_changes, &oracle), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    after = dump(held);
    bed_check_same(before, after);
    bed_release(&bed);
    mem_free(after);
    after = dump(bed_hold(&bed));
    bed_release(&bed);
    assert_string_not_equal(before, after);
    mem_free(before);
    mem_free(after);
    oracle_fini(&oracle);
    bed_fini(&bed);
}

/* --- publishing alone -------------------------------------------------------------------------------------------- */

static void test_what_is_replaced_is_freed_after_the_grace_period(void **state)
{
    struct snapshot_head head = { .newest = mem_zalloc(sizeof(struct snapshot)) };

    (void)state;
    snapshot_reader_start();
    for (int i = 1; i <= 50; i++) {
        struct snapshot *next = mem_zalloc(sizeof(*next));
        struct edit edit = { 0 };
        struct edit_list replaced;
        edit_begin(&edit, 1, false);
        edit_replace(&edit, mem_alloc(100)); /* or the leak checker finds it */
        edit_finish(&edit, &replaced);
        next->revision = (uint64_t)i;
        snapshot_publish(&head, next, &replaced, snapshot_garbage_new());
        assert_int_equal(replaced.n, 0);
        assert_int_equal(snapshot_acquire(&head)->revision, i);
        snapshot_release(&head);
    }
    snapshot_barrier();
    snapshot_reader_stop();
    mem_free(head.newest);
    mem_fail_at(1, 0);
    assert_null(snapshot_garbage_new());
    mem_fail_at(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_beside_the_writer),
        cmocka_unit_test(test_a_snapshot_that_is_held_stays_as_it_is),
        cmocka_unit_test(test_what_is_replaced_is_freed_after_the_grace_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
