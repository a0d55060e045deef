/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/rand.h"

/* The state 1, 2, 3, 4 gives the sequence of the authors' reference code. */
static void test_sequence(void **state)
{
    (void)state;
    static const uint64_t want[] = {
        11520,
        0,
        1509978240,
        1215971899390074240,
        1216172134540287360,
        607988272756665600,
        16172922978634559625u,
        8476171486693032832,
        10595114339597558777u,
        2904607092377533576,
    };
    struct rand rand = { .s = { 1, 2, 3, 4 }, .n_ids = 0 };
    for (size_t i = 0; i < TEST_COUNT(want); i++)
        assert_true(rand_u64(&rand) == want[i]);
}

/* splitmix64 from this seed is published with its algorithm. */
static void test_seeding(void **state)
{
    (void)state;
    struct rand rand;
    rand_init_seed(&rand, 1477776061723855037);
    assert_true(rand.s[0] == 1985237415132408290 && rand.s[1] == 2979275885539914483);
    assert_true(rand.s[2] == 13511426838097143398u && rand.s[3] == 8488337342461049707);
}

static void test_seeds_differ(void **state)
{
    (void)state;
    struct rand a, b;
    rand_init_seed(&a, 1);
    rand_init_seed(&b, 1);
    for (int i = 0; i < 100; i++)
        assert_true(rand_u64(&a) == rand_u64(&b));
    rand_init_seed(&b, 2);
    assert_true(rand_u64(&a) != rand_u64(&b));
    rand_init(&a);
    rand_init(&b);
    assert_true(rand_u64(&a) != rand_u64(&b));
}

/* All differ, those of one seed are the same again, and numbers drawn between them do not matter. */
static void test_ids(void **state)
{
    (void)state;
    enum { IDS = 1000 };
    static uint8_t ids[IDS][16];
    struct rand a, b;
    uint8_t id[16];
    rand_init_seed(&a, 1);
    rand_init_seed(&b, 1);
    for (size_t i = 0; i < IDS; i++) {
        rand_id(&a, ids[i]);
        rand_u64(&b);
        rand_id(&b, id);
        assert_memory_equal(id, ids[i], sizeof(id));
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(ids[j], ids[i], sizeof(ids[i]));
    }
    rand_init(&a);
    rand_init(&b);
    rand_id(&a, ids[0]);
    rand_id(&b, ids[1]);
    assert_memory_not_equal(ids[0], ids[1], sizeof(id));
}

/* Chi-squared over n equal cells: with a fixed seed the figure is fixed too, and must lie where chance puts it (the
 * bound is the mean plus six deviations). */
static void test_below_is_uniform(void **state)
{
    (void)state;
    static const uint64_t ranges[] = { 1, 2, 3, 7, 10, 36, 100 };
    enum { DRAWS = 200000 };
    struct rand rand;
    rand_init_seed(&rand, 5);
    for (size_t i = 0; i < TEST_COUNT(ranges); i++) {
        uint64_t n = ranges[i];
        unsigned counts[100] = { 0 };
        for (int k = 0; k < DRAWS; k++) {
            uint64_t value = rand_below(&rand, n);
            assert_true(value < n);
            counts[value]++;
        }
        double expected = (double)DRAWS / (double)n, chi = 0, freedom = (double)n - 1;
        for (uint64_t k = 0; k < n; k++)
            chi += (counts[k] - expected) * (counts[k] - expected) / expected;
        /* (chi - f)^2 < 36 * 2f, without a square root. */
        assert_true(n == 1 || chi < freedom || (chi - freedom) * (chi - freedom) < 72 * freedom);
    }
}

/* Two thirds of 2^64: plain modulo would give the lower half twice as often as the rest. */
static void test_below_large_range(void **state)
{
    (void)state;
    struct rand rand;
    uint64_t n = UINT64_MAX / 3 * 2;
    int low = 0;
    rand_init_seed(&rand, 6);
    for (int i = 0; i < 100000; i++) {
        uint64_t value = rand_below(&rand, n);
        assert_true(value < n);
        low += value < n / 2;
    }
    assert_in_range(low, 49000, 51000);
}

static void test_secret(void **state)
{
    (void)state;
    unsigned char a[1000] = { 0 }, b[1000] = { 0 };
    assert_int_equal(rand_secret(a, sizeof(a)), 0);
    assert_int_equal(rand_secret(b, sizeof(b)), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(rand_secret(a, 0), 0);
    int zeros = 0;
    for (size_t i = 0; i < sizeof(a); i++)
        zeros += a[i] == 0;
    assert_in_range(zeros, 0, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequence),         cmocka_unit_test(test_seeding),
        cmocka_unit_test(test_seeds_differ),     cmocka_unit_test(test_ids),
        cmocka_unit_test(test_below_is_uniform), cmocka_unit_test(test_below_large_range),
        cmocka_unit_test(test_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
