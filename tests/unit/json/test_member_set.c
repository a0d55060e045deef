/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "base/rand.h"
#include "json/member_set.h"

#define KEYS 3000

/* Keys "k0", "k1" ... that live as long as the test. */
struct keys {
    char text[KEYS][8];
    struct str slice[KEYS];
};

static struct keys *make_keys(void)
{
    struct keys *keys = mem_alloc(sizeof(*keys));
    assert_non_null(keys);
    for (int i = 0; i < KEYS; i++) {
        int n = snprintf(keys->text[i], sizeof(keys->text[i]), "k%d", i);
        keys->slice[i] = (struct str){ keys->text[i], (size_t)n };
    }
    return keys;
}

/* For every size from none to well beyond the index's first growth: each key is new once and a duplicate then. */
static void test_every_size(void **state)
{
    (void)state;
    struct keys *keys = make_keys();
    for (uint32_t n = 0; n < 300; n++) {
        struct arena arena;
        struct member_stack stack;
        struct member_set set;
        arena_init(&arena, 1 << 20);
        member_set_init_stack(&stack, &arena);
        member_set_open(&set, &stack);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(member_set_add(&set, &stack, keys->slice[i]), 0);
        assert_true(n > MEMBER_SET_LINEAR || arena.used == 0);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(member_set_add(&set, &stack, keys->slice[i]), MEMBER_SET_DUPLICATE);
        assert_int_equal(stack.n, n);
        member_set_close(&set, &stack);
        assert_int_equal(stack.n, 0);
        arena_fini(&arena);
    }
    mem_free(keys);
}

static void test_keys_that_look_alike(void **state)
{
    (void)state;
    struct arena arena;
    struct member_stack stack;
    struct member_set set;
    arena_init(&arena, 1 << 20);
    member_set_init_stack(&stack, &arena);
    member_set_open(&set, &stack);
    assert_int_equal(member_set_add(&set, &stack, STR("")), 0);
    assert_int_equal(member_set_add(&set, &stack, STR("\0")), 0);
    assert_int_equal(member_set_add(&set, &stack, STR("\0\0")), 0);
    assert_int_equal(member_set_add(&set, &stack, STR("a\0b")), 0);
    assert_int_equal(member_set_add(&set, &stack, STR("a\0c")), 0);
    assert_int_equal(member_set_add(&set, &stack, STR("A")), 0);
    assert_int_equal(member_set_add(&set, &stack, STR("a")), 0);
    assert_int_equal(member_set_add(&set, &stack, STR("")), MEMBER_SET_DUPLICATE);
    assert_int_equal(member_set_add(&set, &stack, STR("a\0b")), MEMBER_SET_DUPLICATE);
    arena_fini(&arena);
}

/* Nested sets of random sizes, opened and closed at random, against a plain search. */
static void test_nested(void **state)
{
    (void)state;
    struct keys *keys = make_keys();
    struct rand rand;
    rand_init_seed(&rand, 7);
    for (int round = 0; round < 50; round++) {
        struct arena arena;
        struct member_stack stack;
        struct member_set sets[32];
        static bool seen[32][KEYS];
        size_t depth = 0;
        uint64_t range = 1 + rand_below(&rand, KEYS);
        arena_init(&arena, 8 << 20);
        member_set_init_stack(&stack, &arena);
        for (int i = 0; i < 2000; i++) {
            uint64_t what = rand_below(&rand, 100);
            if (depth == 0 || (what == 0 && depth < TEST_COUNT(sets))) {
                memset(seen[depth], 0, sizeof(seen[depth]));
                member_set_open(&sets[depth++], &stack);
            } else if (what == 1) {
                member_set_close(&sets[--depth], &stack);
            } else {
                uint64_t k = rand_below(&rand, range);
                int want = seen[depth - 1][k] ? MEMBER_SET_DUPLICATE : 0;
                assert_int_equal(member_set_add(&sets[depth - 1], &stack, keys->slice[k]), want);
                seen[depth - 1][k] = true;
            }
        }
        arena_fini(&arena);
    }
    mem_free(keys);
}

/* The k-th allocation fails: an error that says so, and no duplicate is ever let through. */
static void test_memory(void **state)
{
    (void)state;
    struct keys *keys = make_keys();
    int delivered = 1;
    long k = 1;
    for (; delivered; k++) {
        struct arena arena;
        struct member_stack stack;
        struct member_set set;
        arena_init(&arena, 8 << 20);
        member_set_init_stack(&stack, &arena);
        member_set_open(&set, &stack);
        mem_fail_at(k, 0);
        int r = 0;
        for (int i = 0; i < KEYS && r == 0; i++)
            r = member_set_add(&set, &stack, keys->slice[i]);
        delivered = mem_fail_at(0, 0);
        assert_int_equal(r, delivered ? MEMBER_SET_MEMORY : 0);
        arena_fini(&arena);
    }
    assert_true(k > 5);
    mem_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_keys_that_look_alike),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
