/* SPDX-License-Identifier: Apache-2.0
 *
 * Against a search through all of them. */
#include "../test.h"

#include "base/mem.h"
#include "base/rand.h"
#include "health/due_heap.h"

#define N 200

static int64_t earliest(const struct due_node *nodes)
{
    int64_t best = INT64_MAX;

    for (size_t i = 0; i < N; i++)
        if (nodes[i].place && nodes[i].due_ns < best)
            best = nodes[i].due_ns;
    return best;
}

static void test_as_a_search(void **state)
{
    struct due_node nodes[N] = { 0 };
    struct due_heap heap = { 0 };
    struct rand rand;

    (void)state;
    rand_init_seed(&rand, 7);
    assert_int_equal(due_heap_reserve(&heap, N), 0);
    for (int i = 0; i < 20000; i++) {
        struct due_node *node = &nodes[rand_below(&rand, N)];
        if (node->place)
            due_heap_remove(&heap, node);
        else
            due_heap_put(&heap, node, (int64_t)rand_below(&rand, 50));
        struct due_node *first = due_heap_first(&heap, INT64_MAX);
        assert_int_equal(first ? first->due_ns : INT64_MAX, earliest(nodes));
        if (first) {
            assert_null(due_heap_first(&heap, first->due_ns - 1));
            assert_ptr_equal(due_heap_first(&heap, first->due_ns), first);
        }
    }
    due_heap_remove(&heap, &(struct due_node){ 0 });
    due_heap_fini(&heap);
}

static void test_without_memory(void **state)
{
    struct due_heap heap = { 0 };

    (void)state;
    mem_fail_at(1, false);
    assert_true(due_heap_reserve(&heap, 10) < 0);
    mem_fail_at(0, false);
    assert_int_equal(due_heap_reserve(&heap, 10), 0);
    due_heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_as_a_search), cmocka_unit_test(test_without_memory) };

    return cmocka_run_group_tests_name("due_heap", tests, NULL, NULL);
}
