/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/clock.h"
#include "base/queue.h"

#include <pthread.h>
#include <sched.h>

struct item {
    struct queue_item link; /* first: a link is an item */
    int producer, number;
};

static int number_of(const struct queue_item *link)
{
    return ((const struct item *)link)->number;
}

static void test_order_and_bound(void **state)
{
    (void)state;
    struct queue queue;
    struct item items[5];
    struct queue_item *list;
    size_t n;
    assert_int_equal(queue_init(&queue, 4), 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 5; i++) {
            items[i] = (struct item){ .number = i };
            assert_int_equal(queue_push(&queue, &items[i].link), i < 4 ? 0 : QUEUE_FULL);
        }
        assert_int_equal(queue_depth(&queue), 4);
        assert_int_equal(queue_drain(&queue, 3, QUEUE_FOREVER, &list, &n), 0);
        assert_int_equal(n, 3);
        assert_int_equal(queue_depth(&queue), 1);
        for (int i = 0; i < 3; i++, list = list->next)
            assert_int_equal(number_of(list), i);
        assert_null(list);
        assert_int_equal(queue_push(&queue, &items[4].link), 0);
        assert_int_equal(queue_drain(&queue, SIZE_MAX, QUEUE_FOREVER, &list, &n), 0);
        assert_int_equal(n, 2);
        assert_int_equal(number_of(list), 3);
        assert_int_equal(number_of(list->next), 4);
        assert_null(list->next->next);
        assert_int_equal(queue_depth(&queue), 0);
    }
    queue_fini(&queue);
}

static void test_deadline(void **state)
{
    (void)state;
    struct queue queue;
    struct queue_item *list = (struct queue_item *)&queue;
    size_t n = 1;
    assert_int_equal(queue_init(&queue, 4), 0);
    assert_int_equal(queue_drain(&queue, 4, 0, &list, &n), 0);
    assert_int_equal(n, 0);
    assert_null(list);
    int64_t deadline = clock_mono_ns(clock_system()) + 20000000;
    n = 1;
    assert_int_equal(queue_drain(&queue, 4, deadline, &list, &n), 0);
    assert_int_equal(n, 0);
    assert_true(clock_mono_ns(clock_system()) >= deadline);
    queue_fini(&queue);
}

static void test_close(void **state)
{
    (void)state;
    struct queue queue;
    struct item item = { .number = 7 };
    struct queue_item *list;
    size_t n;
    assert_int_equal(queue_init(&queue, 4), 0);
    assert_int_equal(queue_push(&queue, &item.link), 0);
    queue_close(&queue);
    assert_int_equal(queue_push(&queue, &item.link), QUEUE_CLOSED);
    assert_int_equal(queue_drain(&queue, 4, QUEUE_FOREVER, &list, &n), 0);
    assert_int_equal(n, 1);
    list = NULL;
    n = 42;
    assert_int_equal(queue_drain(&queue, 4, QUEUE_FOREVER, &list, &n), QUEUE_CLOSED);
    assert_int_equal(n, 42);
    queue_fini(&queue);
}

/* A wake before the drain is not lost, and counts once. */
static void test_wake_is_kept(void **state)
{
    (void)state;
    struct queue queue;
    struct queue_item *list;
    size_t n = 1;
    assert_int_equal(queue_init(&queue, 4), 0);
    queue_wake(&queue);
    queue_wake(&queue);
    assert_int_equal(queue_drain(&queue, 4, QUEUE_FOREVER, &list, &n), 0);
    assert_int_equal(n, 0);
    int64_t deadline = clock_mono_ns(clock_system()) + 10000000;
    assert_int_equal(queue_drain(&queue, 4, deadline, &list, &n), 0);
    assert_true(clock_mono_ns(clock_system()) >= deadline);
    queue_fini(&queue);
}

struct drain {
    struct queue *queue;
    struct queue_item *list;
    size_t n;
    int r;
};

static void *drain_forever(void *arg)
{
    struct drain *drain = arg;
    drain->r = queue_drain(drain->queue, 4, QUEUE_FOREVER, &drain->list, &drain->n);
    return NULL;
}

/* A sleeping (or not yet sleeping) consumer returns for each of the three reasons. */
static void test_sleeper_returns(void **state)
{
    (void)state;
    for (int reason = 0; reason < 3; reason++) {
        struct queue queue;
        struct item item = { .number = 7 };
        pthread_t thread;
        assert_int_equal(queue_init(&queue, 4), 0);
        struct drain drain = { .queue = &queue, .n = 42 };
        assert_int_equal(pthread_create(&thread, NULL, drain_forever, &drain), 0);
        if (reason == 0)
            assert_int_equal(queue_push(&queue, &item.link), 0);
        else if (reason == 1)
            queue_wake(&queue);
        else
            queue_close(&queue);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(drain.r, reason == 2 ? QUEUE_CLOSED : 0);
        assert_int_equal(drain.n, reason == 0 ? 1 : reason == 1 ? 0 : 42);
        queue_fini(&queue);
    }
}

enum { PRODUCERS = 4, ITEMS = 20000, QUEUE_MAX = 64 };

struct producer {
    struct queue *queue;
    int id;
    uint64_t refused;
    struct item items[ITEMS];
};

static void *produce(void *arg)
{
    struct producer *producer = arg;
    for (int i = 0; i < ITEMS; i++) {
        producer->items[i] = (struct item){ .producer = producer->id, .number = i };
        while (queue_push(producer->queue, &producer->items[i].link) == QUEUE_FULL) {
            producer->refused++;
            sched_yield();
        }
    }
    return NULL;
}

/* Everything arrives once, each producer's items in their order, never more than the bound at a time. */
static void test_many_producers(void **state)
{
    (void)state;
    static struct producer producers[PRODUCERS];
    struct queue queue;
    pthread_t threads[PRODUCERS];
    int next[PRODUCERS] = { 0 };
    assert_int_equal(queue_init(&queue, QUEUE_MAX), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i].queue = &queue;
        producers[i].id = i;
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    size_t total = 0;
    for (size_t max = 1; total < (size_t)PRODUCERS * ITEMS; max = max % 100 + 1) {
        struct queue_item *list;
        size_t n, counted = 0;
        assert_int_equal(queue_drain(&queue, max, QUEUE_FOREVER, &list, &n), 0);
        assert_true(n <= max && n <= QUEUE_MAX);
        for (; list; list = list->next, counted++) {
            const struct item *item = (const struct item *)list;
            assert_int_equal(item->number, next[item->producer]);
            next[item->producer]++;
        }
        assert_int_equal(counted, n);
        assert_true(queue_depth(&queue) <= QUEUE_MAX);
        total += n;
    }
    for (int i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(next[i], ITEMS);
    }
    assert_int_equal(queue_depth(&queue), 0);
    queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_bound), cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_close),           cmocka_unit_test(test_wake_is_kept),
        cmocka_unit_test(test_sleeper_returns), cmocka_unit_test(test_many_producers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
