/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "registry/pairs.h"

#include <errno.h>

static struct str_pair pair(const char *key, const char *value)
{
    return (struct str_pair){ str_of(key), str_of(value) };
}

/* `k=v` joined by blanks. */
static void check(const struct str_pair *pairs, size_t n, const char *wanted)
{
    char text[256] = "";
    size_t at = 0;

    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s" STR_FMT "=" STR_FMT, i ? " " : "",
                               STR_ARG(pairs[i].key), STR_ARG(pairs[i].value));
    assert_string_equal(text, wanted);
}

static void test_sorting_copies(void **state)
{
    const struct str_pair unsorted[] = { pair("b", "1"), pair("a", "2"), pair("c", "3") };
    const struct str_pair twice[] = { pair("b", "1"), pair("a", "2"), pair("b", "1") };
    struct str_pair *sorted;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    assert_int_equal(pairs_sort(&arena, unsorted, 3, &sorted), 0);
    check(sorted, 3, "a=2 b=1 c=3");
    check(unsorted, 3, "b=1 a=2 c=3");
    assert_int_equal(pairs_sort(&arena, twice, 3, &sorted), 1);
    assert_int_equal(pairs_sort(&arena, NULL, 0, &sorted), 0);
    assert_non_null(sorted);
    arena_fini(&arena);
}

static void test_merging(void **state)
{
    const struct str_pair old[] = { pair("b", "1"), pair("d", "2") };
    const struct str_pair more[] = { pair("a", "3"), pair("b", "4"), pair("c", "5"), pair("e", "6") };
    struct str_pair *pairs;
    struct arena arena;
    size_t n;

    (void)state;
    arena_init(&arena, 4096);
    assert_int_equal(pairs_merge(&arena, old, 2, more, 4, &pairs, &n), 0);
    check(pairs, n, "a=3 b=4 c=5 d=2 e=6");
    assert_int_equal(pairs_merge(&arena, old, 2, NULL, 0, &pairs, &n), 0);
    check(pairs, n, "b=1 d=2");
    assert_int_equal(pairs_merge(&arena, NULL, 0, more, 4, &pairs, &n), 0);
    check(pairs, n, "a=3 b=4 c=5 e=6");
    assert_int_equal(pairs_merge(&arena, NULL, 0, NULL, 0, &pairs, &n), 0);
    assert_int_equal(n, 0);
    arena_fini(&arena);
}

static void test_taking_out(void **state)
{
    const struct str_pair old[] = { pair("a", "1"), pair("b", "2"), pair("c", "3") };
    const struct str keys[] = { STR("c"), STR("none"), STR("a"), STR("a") };
    struct str_pair *pairs;
    struct arena arena;
    size_t n;

    (void)state;
    arena_init(&arena, 4096);
    assert_int_equal(pairs_without(&arena, old, 3, keys, 4, &pairs, &n), 0);
    check(pairs, n, "b=2");
    assert_int_equal(pairs_without(&arena, old, 3, NULL, 0, &pairs, &n), 0);
    check(pairs, n, "a=1 b=2 c=3");
    assert_int_equal(pairs_without(&arena, NULL, 0, keys, 4, &pairs, &n), 0);
    assert_int_equal(n, 0);
    arena_fini(&arena);
}

static void test_comparing(void **state)
{
    const struct str_pair a[] = { pair("a", "1"), pair("b", "2") }, b[] = { pair("a", "1"), pair("b", "3") };

    (void)state;
    assert_true(pairs_equal(a, 2, a, 2));
    assert_true(pairs_equal(a, 1, b, 1));
    assert_true(pairs_equal(NULL, 0, a, 0));
    assert_false(pairs_equal(a, 2, b, 2));
    assert_false(pairs_equal(a, 2, a, 1));
}

static void test_no_room(void **state)
{
    const struct str_pair old[] = { pair("a", "1"), pair("b", "2") };
    struct str_pair *pairs;
    struct arena arena;
    size_t n;

    (void)state;
    arena_init(&arena, 16);
    assert_int_equal(pairs_sort(&arena, old, 2, &pairs), -ENOMEM);
    assert_int_equal(pairs_merge(&arena, old, 2, old, 2, &pairs, &n), -ENOMEM);
    assert_int_equal(pairs_without(&arena, old, 2, NULL, 0, &pairs, &n), -ENOMEM);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorting_copies), cmocka_unit_test(test_merging), cmocka_unit_test(test_taking_out),
        cmocka_unit_test(test_comparing),      cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
