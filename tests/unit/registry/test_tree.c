/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree against a sorted array: random edits, some abandoned, some out of memory; older roots stay as they were. */
#include "../test.h"

#include "base/mem.h"
#include "base/rand.h"
#include "registry/tree.h"

#include <math.h>
#include <stdlib.h>

#define N_KEYS 300
#define N_TAGS 3
#define N_WEIGHTS 4

/* An item has a place for each of its tags; another weight is another item of the same key. */
struct item {
    uint32_t key, weight;
};

static int compare(const struct tree_key *key, const struct tree_node *node)
{
    const struct item *item = node->item;

    if (key->n != item->key)
        return key->n < item->key ? -1 : 1;
    return (key->m > node->tag) - (key->m < node->tag);
}

static struct tree_key item_key(const void *item, uint32_t tag)
{
    return (struct tree_key){ .n = ((const struct item *)item)->key, .m = tag };
}

static uint32_t item_weigh(const void *item)
{
    return ((const struct item *)item)->weight;
}

static const struct tree_type type = { .compare = compare, .key = item_key, .weigh = item_weigh };

/* --- the oracle -------------------------------------------------------------------------------------------------- */

struct oracle {
    const struct item *places[N_KEYS * N_TAGS]; /* NULL: nothing there */
};

static struct item items[N_KEYS][N_WEIGHTS];

static void setup_items(void)
{
    for (uint32_t key = 0; key < N_KEYS; key++)
        for (uint32_t weight = 0; weight < N_WEIGHTS; weight++)
            items[key][weight] = (struct item){ key, weight };
}

static uint32_t measure(const struct item *item, enum tree_unit unit)
{
    return unit == TREE_BY_COUNT ? 1 : unit == TREE_BY_WEIGHT ? item->weight : 1 - item->weight;
}

/* Items in order, each as often as it counts in the unit. */
static size_t flatten(const struct oracle *oracle, size_t from, enum tree_unit unit, bool once,
                      const struct item **ret_items)
{
    size_t n = 0;

    for (size_t at = from; at < N_KEYS * N_TAGS; at++)
        for (uint32_t i = 0; oracle->places[at] && i < measure(oracle->places[at], unit) && !(once && i); i++)
            ret_items[n++] = oracle->places[at];
    return n;
}

static void check_walk(struct tree_iter *iter, const struct item *const *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(tree_iter_next(iter), wanted[i]);
    assert_null(tree_iter_next(iter));
    assert_null(tree_iter_next(iter));
}

static void check_unit(const struct tree *tree, const struct oracle *oracle, enum tree_unit unit, struct rand *rand)
{
    static const struct item *all[N_KEYS * N_TAGS * N_WEIGHTS], *once[N_KEYS * N_TAGS];
    size_t n = flatten(oracle, 0, unit, false, all), n_once = flatten(oracle, 0, unit, true, once);
    struct tree_iter iter;

    for (uint32_t rank = 0; rank < n; rank++)
        assert_ptr_equal(tree_select(tree, unit, rank), all[rank]);
    tree_iter_init_rank(&iter, tree, unit, 0);
    check_walk(&iter, once, n_once);
    tree_iter_init_rank(&iter, tree, unit, (uint32_t)n);
    assert_null(tree_iter_next(&iter));
    for (int i = 0; i < 4 && n; i++) {
        /* A rank within an item's weight begins at that item; the same item twice in a row has two tags. */
        uint32_t rank = (uint32_t)rand_below(rand, n), first = rank, before = 0;
        if (unit == TREE_BY_WEIGHT)
            for (size_t at = 0, sum = 0; sum <= rank; at++)
                if (oracle->places[at] && (sum += oracle->places[at]->weight) > rank)
                    first = (uint32_t)(sum - oracle->places[at]->weight);
        for (uint32_t sum = 0; sum < first; before++)
            sum += measure(once[before], unit);
        tree_iter_init_rank(&iter, tree, unit, rank);
        check_walk(&iter, once + before, n_once - before);
    }
}

static void check_key(const struct tree *tree, const struct oracle *oracle, uint32_t key, uint32_t tag)
{
    static const struct item *rest[N_KEYS * N_TAGS];
    struct tree_key wanted = { .n = key, .m = tag };
    struct tree_rank rank = tree_rank(tree, &type, &wanted);
    size_t at = key * N_TAGS + tag, n;
    struct tree_iter iter;
    uint32_t count = 0, weight = 0;

    for (size_t i = 0; i < at; i++)
        if (oracle->places[i]) {
            count++;
            weight += oracle->places[i]->weight;
        }
    assert_int_equal(rank.count, count);
    assert_int_equal(rank.weight, weight);
    assert_ptr_equal(tree_find(tree, &type, &wanted), oracle->places[at]);
    n = flatten(oracle, at, TREE_BY_COUNT, true, rest);
    tree_iter_init(&iter, tree, &type, &wanted);
    check_walk(&iter, rest, n);
}

static void check(const struct tree *tree, const struct oracle *oracle, uint32_t max_weight, struct rand *rand)
{
    static const struct item *all[N_KEYS * N_TAGS];
    static const void *read[N_KEYS * N_TAGS];
    struct tree_rank size = tree_size(tree), wanted = { 0 };

    assert_true(tree_is_sound(tree, &type));
    assert_int_equal(flatten(oracle, 0, TREE_BY_COUNT, true, all), size.count);
    tree_read(tree, read);
    for (uint32_t i = 0; i < size.count; i++)
        assert_ptr_equal(read[i], all[i]);
    for (size_t i = 0; i < N_KEYS * N_TAGS; i++)
        if (oracle->places[i]) {
            wanted.count++;
            wanted.weight += oracle->places[i]->weight;
        }
    assert_int_equal(size.count, wanted.count);
    assert_int_equal(size.weight, wanted.weight);
    check_unit(tree, oracle, TREE_BY_COUNT, rand);
    check_unit(tree, oracle, TREE_BY_WEIGHT, rand);
    if (max_weight == 1)
        check_unit(tree, oracle, TREE_BY_LACK, rand);
    for (int i = 0; i < 8; i++)
        check_key(tree, oracle, (uint32_t)rand_below(rand, N_KEYS), (uint32_t)rand_below(rand, N_TAGS));
}

/* --- random edits ------------------------------------------------------------------------------------------------ */

/* One put or delete; phases make the tree grow and shrink. */
static void step(struct edit *edit, struct tree *tree, struct oracle *oracle, uint32_t max_weight, bool grow,
                 struct rand *rand)
{
    uint32_t key = (uint32_t)rand_below(rand, N_KEYS), tag = (uint32_t)rand_below(rand, N_TAGS);
    const struct item **place = &oracle->places[key * N_TAGS + tag], *old = *place;
    const void *got;

    if (rand_below(rand, 4) < (grow ? 3 : 1)) {
        const struct item *item = &items[key][rand_below(rand, max_weight + 1)];
        got = tree_put(edit, tree, &type, item, tag);
        *place = item;
    } else {
        got = tree_del(edit, tree, &type, &(struct tree_key){ .n = key, .m = tag });
        *place = NULL;
    }
    if (!edit->failed)
        assert_ptr_equal(got, old);
}

#define N_VERSIONS 6

/* The last few roots, each with what it must hold and what the edit after it replaced. */
struct versions {
    struct tree trees[N_VERSIONS];
    struct oracle oracles[N_VERSIONS];
    struct edit_list replaced[N_VERSIONS];
    unsigned n; /* ever made; the newest is (n - 1) % N_VERSIONS */
};

static void keep_version(struct versions *versions, struct tree tree, const struct oracle *oracle,
                         struct edit_list *take_replaced)
{
    unsigned at = versions->n % N_VERSIONS;

    /* The oldest version goes, and with it what only it could reach. */
    edit_list_free(&versions->replaced[at]);
    if (versions->n)
        versions->replaced[(versions->n - 1) % N_VERSIONS] = *take_replaced;
    else
        edit_list_free(take_replaced);
    versions->trees[at] = tree;
    versions->oracles[at] = *oracle;
    versions->n++;
}

static void free_versions(struct versions *versions)
{
    for (unsigned i = 0; i < N_VERSIONS; i++)
        edit_list_free(&versions->replaced[i]);
    tree_free(&versions->trees[(versions->n - 1) % N_VERSIONS]);
}

static void run_edits(uint64_t seed, uint32_t max_weight, unsigned n_edits)
{
    static struct versions versions;
    struct edit_list replaced;
    struct edit edit = { 0 };
    struct rand rand;

    setup_items();
    rand_init_seed(&rand, seed);
    versions = (struct versions){ .n = 0 };
    keep_version(&versions, (struct tree){ 0 }, &(struct oracle){ { NULL } }, &(struct edit_list){ 0 });
    for (unsigned i = 0; i < n_edits; i++) {
        unsigned newest = (versions.n - 1) % N_VERSIONS, old = (unsigned)rand_below(&rand, N_VERSIONS);
        struct tree tree = versions.trees[newest];
        struct oracle oracle = versions.oracles[newest];
        edit_begin(&edit, i + 1, false);
        for (uint64_t n = rand_below(&rand, 40); n > 0; n--)
            step(&edit, &tree, &oracle, max_weight, i / 100 % 2 == 0, &rand);
        assert_false(edit.failed);
        check(&tree, &oracle, max_weight, &rand);
        if (rand_below(&rand, 4) == 0) {
            edit_abandon(&edit);
        } else {
            edit_finish(&edit, &replaced);
            keep_version(&versions, tree, &oracle, &replaced);
        }
        if (old < versions.n)
            check(&versions.trees[old], &versions.oracles[old], max_weight, &rand);
    }
    for (unsigned i = 0; i < N_VERSIONS; i++)
        check(&versions.trees[i], &versions.oracles[i], max_weight, &rand);
    free_versions(&versions);
}

static void test_edits_with_weights_of_0_and_1(void **state)
{
    (void)state;
    run_edits(1, 1, 400);
}

static void test_edits_with_larger_weights(void **state)
{
    (void)state;
    run_edits(2, N_WEIGHTS - 1, 400);
}

/* --- edits without memory ---------------------------------------------------------------------------------------- */

/* A tree of about half of all places, made in one solo edit. */
static void fill(struct edit *edit, struct tree *tree, struct oracle *oracle, struct rand *rand)
{
    setup_items();
    edit_begin(edit, 1, true);
    for (int i = 0; i < N_KEYS * N_TAGS; i++)
        step(edit, tree, oracle, 1, true, rand);
    assert_false(edit->failed);
}

static void test_an_edit_that_runs_out_of_memory_changes_nothing(void **state)
{
    struct oracle oracle = { { NULL } };
    struct tree tree = { 0 };
    struct edit edit = { 0 };
    struct rand rand;
    int delivered = 1;

    (void)state;
    rand_init_seed(&rand, 3);
    fill(&edit, &tree, &oracle, &rand);
    for (long k = 1; delivered; k++) {
        struct oracle next_oracle = oracle;
        struct tree next = tree;
        struct rand steps;
        rand_init_seed(&steps, 4);
        edit_begin(&edit, (uint32_t)k + 1, false);
        mem_fail_at(k, k % 2 == 0);
        for (int i = 0; i < 30; i++)
            step(&edit, &next, &next_oracle, 1, i % 2, &steps);
        delivered = mem_fail_at(0, 0);
        assert_int_equal(edit.failed, delivered);
        if (!delivered)
            check(&next, &next_oracle, 1, &rand);
        edit_abandon(&edit);
        check(&tree, &oracle, 1, &rand);
    }
    tree_free(&tree);
}

static void test_solo_edits_free_what_they_replace(void **state)
{
    struct oracle oracle = { { NULL } };
    struct tree tree = { 0 };
    struct edit edit = { 0 };
    struct rand rand;

    (void)state;
    rand_init_seed(&rand, 5);
    fill(&edit, &tree, &oracle, &rand);
    for (uint32_t epoch = 2; epoch < 40; epoch++) {
        edit_begin(&edit, epoch, true);
        for (int i = 0; i < 50; i++)
            step(&edit, &tree, &oracle, 1, epoch < 20, &rand);
        assert_int_equal(edit.made.n, 0);
        assert_int_equal(edit.replaced.n, 0);
        check(&tree, &oracle, 1, &rand);
    }
    edit_abandon(&edit);
    tree_free(&tree);
}

/* --- shape ------------------------------------------------------------------------------------------------------- */

static unsigned height(const struct tree_node *node)
{
    unsigned left, right;

    if (!node)
        return 0;
    left = height(node->left);
    right = height(node->right);
    return 1 + (left > right ? left : right);
}

static void check_height(const struct tree *tree)
{
    double n = tree_size(tree).count;

    /* A child has at most 3/4 of its parent's leaves. */
    assert_true(height(tree->root) <= (unsigned)(log(n + 1) / log(4.0 / 3.0)) + 1);
}

static void test_height_is_bounded(void **state)
{
    const uint32_t n = 50000;
    struct item *many = mem_zalloc(n * sizeof(*many));
    struct edit edit = { 0 };
    struct tree tree = { 0 };

    (void)state;
    assert_non_null(many);
    edit_begin(&edit, 1, true);
    for (uint32_t i = 0; i < n; i++) {
        many[i] = (struct item){ i, i % 2 };
        tree_put(&edit, &tree, &type, &many[i], 0);
    }
    assert_true(tree_is_sound(&tree, &type));
    check_height(&tree);
    for (uint32_t i = 0; i < n; i++)
        if (i % 16 || i < n / 2)
            tree_del(&edit, &tree, &type, &(struct tree_key){ .n = i });
    assert_true(tree_is_sound(&tree, &type));
    assert_int_equal(tree_size(&tree).count, n / 32);
    check_height(&tree);
    assert_true(height(tree.root) < TREE_MAX_HEIGHT / 2);
    edit_abandon(&edit);
    tree_free(&tree);
    mem_free(many);
}

static void test_unsound_trees_are_found(void **state)
{
    struct item a = { 1, 1 }, b = { 2, 0 };
    struct tree_node child = { .item = &a, .count = 1, .weight = 1 };
    struct tree_node top = { .left = &child, .item = &b, .count = 2, .weight = 1 }, saved = top;
    struct tree tree = { &top };

    (void)state;
    assert_true(tree_is_sound(&tree, &type));
    top.count = 3;
    assert_false(tree_is_sound(&tree, &type));
    top = saved;
    top.weight = 0;
    assert_false(tree_is_sound(&tree, &type));
    top = saved;
    top.left = NULL;
    top.right = &child;
    assert_false(tree_is_sound(&tree, &type));
}

static void test_forgotten_epochs_are_0(void **state)
{
    struct oracle oracle = { { NULL } }, later;
    struct edit_list replaced;
    struct tree tree = { 0 }, next;
    struct edit edit = { 0 };
    struct rand rand;

    (void)state;
    rand_init_seed(&rand, 6);
    fill(&edit, &tree, &oracle, &rand);
    tree_forget_epochs(&tree);
    next = tree;
    later = oracle;
    edit_begin(&edit, 1, false); /* the epoch that made the tree: nothing of it may be changed in place now */
    for (int i = 0; i < 100; i++)
        step(&edit, &next, &later, 1, true, &rand);
    check(&next, &later, 1, &rand);
    check(&tree, &oracle, 1, &rand);
    edit_finish(&edit, &replaced);
    edit_list_free(&replaced);
    tree_free(&next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edits_with_weights_of_0_and_1),
        cmocka_unit_test(test_edits_with_larger_weights),
        cmocka_unit_test(test_an_edit_that_runs_out_of_memory_changes_nothing),
        cmocka_unit_test(test_solo_edits_free_what_they_replace),
        cmocka_unit_test(test_height_is_bounded),
        cmocka_unit_test(test_unsound_trees_are_found),
        cmocka_unit_test(test_forgotten_epochs_are_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
