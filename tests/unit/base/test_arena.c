/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/rand.h"

static void test_aligned_zeroed_apart(void **state)
{
    (void)state;
    struct arena arena;
    struct rand rand;
    unsigned char *pieces[2000];
    size_t sizes[2000];
    rand_init_seed(&rand, 1);
    arena_init(&arena, (size_t)64 << 20);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < TEST_COUNT(pieces); i++) {
            sizes[i] = rand_below(&rand, i % 50 == 0 ? 100000 : 100);
            pieces[i] = arena_alloc(&arena, sizes[i]);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(pieces[i][k], 0);
            memset(pieces[i], (int)(i % 255) + 1, sizes[i]);
        }
        for (size_t i = 0; i < TEST_COUNT(pieces); i++)
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(pieces[i][k], i % 255 + 1);
        arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
    arena_fini(&arena);
}

static void test_cap_is_exact(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 160);
    for (int i = 0; i < 10; i++)
        assert_non_null(arena_alloc(&arena, 16));
    assert_int_equal(arena.used, 160);
    assert_false(arena.failed);
    assert_null(arena_alloc(&arena, 1));
    assert_true(arena.failed);
    arena_reset(&arena);
    assert_false(arena.failed);
    assert_null(arena_alloc(&arena, 161));
    arena_fini(&arena);

    arena_init(&arena, 0);
    assert_null(arena_alloc(&arena, 0));
    arena_fini(&arena);
}

static void test_failure_is_sticky(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    assert_null(arena_alloc(&arena, 1001));
    assert_null(arena_alloc(&arena, 1));
    assert_null(arena_array(&arena, 1, 1));
    assert_false(str_is_set(arena_dup(&arena, STR("a"))));
    assert_false(str_is_set(arena_printf(&arena, "a")));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 1));
    arena_fini(&arena);
}

static void test_overflow(void **state)
{
    (void)state;
    static const struct {
        size_t count, size;
    } cases[] = { { SIZE_MAX, 2 }, { SIZE_MAX / 2 + 1, 2 }, { SIZE_MAX, 1 }, { SIZE_MAX - 14, 1 }, { 1, SIZE_MAX } };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct arena arena;
        arena_init(&arena, SIZE_MAX);
        assert_null(arena_array(&arena, cases[i].count, cases[i].size));
        assert_true(arena.failed);
        arena_fini(&arena);
    }
}

static void test_empty_pieces_differ(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    void *a = arena_alloc(&arena, 0), *b = arena_alloc(&arena, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    arena_fini(&arena);
}

static void test_dup(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1000);
    struct str copy = arena_dup(&arena, STR("a\0b"));
    assert_str(copy, "a\0b");
    assert_int_equal(copy.p[copy.n], 0);
    copy = arena_dup(&arena, STR(""));
    assert_true(str_is_set(copy));
    assert_int_equal(copy.n, 0);
    copy = arena_dup(&arena, (struct str){ 0 });
    assert_false(str_is_set(copy));
    assert_false(arena.failed);
    arena_fini(&arena);
}

static void test_printf(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 5000);
    assert_str(arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    assert_str(arena_printf(&arena, "%s", ""), "");
    for (int n = 250; n < 262; n++) {
        struct str text = arena_printf(&arena, "%0*d", n, 1);
        assert_int_equal(text.n, n);
        assert_int_equal(text.p[n - 1], '1');
        assert_int_equal(text.p[n], 0);
    }
    assert_false(str_is_set(arena_printf(&arena, "%5000d", 1)));
    assert_true(arena.failed);
    arena_fini(&arena);
}

/* What the arena takes from the heap stays near what it hands out. */
static void test_little_is_wasted(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    size_t blocks = 0;
    /* The worst order for a naive list: small and large in turn. */
    while (!arena.failed) {
        arena_alloc(&arena, 16);
        arena_alloc(&arena, 40000);
    }
    /* One block of its own for each large piece, and one for all small ones. */
    for (char *block = (char *)arena.blocks; block; memcpy(&block, block, sizeof(block)))
        blocks++;
    assert_true(blocks <= ((size_t)1 << 20) / 40000 + 2);
    arena_fini(&arena);
}

static void test_grow(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    size_t room = 0;
    uint32_t *numbers = NULL;
    for (uint32_t i = 0; i < 100; i++) {
        if (i == room)
            numbers = arena_grow(&arena, numbers, &room, 3, sizeof(*numbers));
        assert_non_null(numbers);
        numbers[i] = i;
    }
    assert_int_equal(room, 192);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(numbers[i], i);
    room = 2048;
    assert_null(arena_grow(&arena, numbers, &room, 3, sizeof(*numbers)));
    assert_int_equal(room, 2048);
    assert_int_equal(numbers[99], 99);
    arena_fini(&arena);
}

static void test_memory(void **state)
{
    (void)state;
    int delivered = 1;
    long k = 1;
    for (; delivered; k++) {
        struct arena arena;
        arena_init(&arena, (size_t)1 << 20);
        mem_fail_at(k, 0);
        bool good = true;
        for (size_t i = 0; i < 1000; i++)
            good &= arena_alloc(&arena, i % 100 ? i : 20000) != NULL;
        delivered = mem_fail_at(0, 0);
        assert_int_equal(arena.failed, delivered);
        assert_int_equal(good, !delivered);
        arena_reset(&arena);
        assert_non_null(arena_alloc(&arena, 100));
        arena_fini(&arena);
    }
    assert_true(k > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned_zeroed_apart),
        cmocka_unit_test(test_cap_is_exact),
        cmocka_unit_test(test_failure_is_sticky),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_empty_pieces_differ),
        cmocka_unit_test(test_dup),
        cmocka_unit_test(test_printf),
        cmocka_unit_test(test_little_is_wasted),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
