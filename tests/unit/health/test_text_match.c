/* SPDX-License-Identifier: Apache-2.0
 *
 * Against memmem, over short texts of few letters, where overlaps are many. */
#include "../test.h"

#include "base/rand.h"
#include "health/text_match.h"

static bool finds(struct str fragment, struct str text)
{
    struct text_match match = { 0 };
    uint16_t borders[16];
    bool found = fragment.n == 0;

    text_match_find_borders(fragment, borders);
    for (size_t i = 0; i < text.n; i++)
        found = text_match_put(&match, fragment, borders, text.p[i]);
    return found;
}

static void test_as_memmem(void **state)
{
    struct rand rand;
    size_t n_found = 0;

    (void)state;
    rand_init_seed(&rand, 5);
    for (int i = 0; i < 50000; i++) {
        char text[24], fragment[8];
        size_t n = rand_below(&rand, sizeof(text) + 1), n_fragment = rand_below(&rand, sizeof(fragment)) + 1;
        for (size_t k = 0; k < n; k++)
            text[k] = (char)('a' + rand_below(&rand, 2));
        for (size_t k = 0; k < n_fragment; k++)
            fragment[k] = (char)('a' + rand_below(&rand, 2));
        bool want = memmem(text, n, fragment, n_fragment) != NULL;
        assert_int_equal(finds((struct str){ fragment, n_fragment }, (struct str){ text, n }), want);
        n_found += want;
    }
    assert_in_range(n_found, 10000, 40000);
}

static void test_borders(void **state)
{
    static const uint16_t want[] = { 0, 0, 1, 2, 0, 1, 2, 3, 4 };
    uint16_t borders[9];

    (void)state;
    text_match_find_borders(STR("ababcabab"), borders);
    assert_memory_equal(borders, want, sizeof(want));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_as_memmem), cmocka_unit_test(test_borders) };

    return cmocka_run_group_tests_name("text_match", tests, NULL, NULL);
}
