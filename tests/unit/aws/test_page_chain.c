/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "aws/page_chain.h"
#include "fake_aws.h"

#include <errno.h>

static int add(struct page_chain *chain, struct arena *arena, unsigned i)
{
    char text[16];
    struct aws_error error;
    struct str kept = { 0 };
    int n = snprintf(text, sizeof(text), "%u", i);
    int r = page_chain_add(chain, arena, (struct str){ text, (size_t)n }, &kept, &error);
    if (r == 0)
        assert_true(kept.p != text && kept.n == (size_t)n && memcmp(kept.p, text, kept.n) == 0);
    return r;
}

static void takes_each_token_once(void **state)
{
    (void)state;
    struct page_chain chain = { 0 };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(add(&chain, &arena, i), 0);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(add(&chain, &arena, i), AWS_ODD);
    assert_int_equal(add(&chain, &arena, 100), 0);
    arena_fini(&arena);
}

static void ends_somewhere(void **state)
{
    (void)state;
    struct page_chain chain = { 0 };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (unsigned i = 0; i < PAGE_CHAIN_MAX; i++)
        assert_int_equal(add(&chain, &arena, i), 0);
    assert_int_equal(add(&chain, &arena, PAGE_CHAIN_MAX), AWS_ODD);
    arena_fini(&arena);
}

static void keeps_to_the_arena(void **state)
{
    (void)state;
    struct page_chain chain = { 0 };
    struct arena arena;
    unsigned i = 0;
    int r = 0;
    arena_init(&arena, 4096);
    while (r == 0)
        r = add(&chain, &arena, i++);
    assert_int_equal(r, -ENOMEM);
    assert_int_equal(chain.n, i - 1);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_each_token_once),
        cmocka_unit_test(ends_somewhere),
        cmocka_unit_test(keeps_to_the_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
