/* SPDX-License-Identifier: Apache-2.0
 *
 * The trie against a plain table: every version that was published stays as it was, whatever is done to later ones. */
#include "../test.h"

#include "base/mem.h"
#include "base/rand.h"
#include "registry/trie.h"

#define KEYS 400

struct thing {
    struct trie_item item;
    uint8_t key[4];
};

static struct thing *new_thing(uint64_t hash, uint32_t key)
{
    struct thing *thing = mem_zalloc(sizeof(*thing));

    assert_non_null(thing);
    memcpy(thing->key, &key, sizeof(key));
    thing->item = (struct trie_item){ .hash = hash, .key = thing->key, .key_n = sizeof(thing->key) };
    return thing;
}

static struct str key_of(const struct thing *thing)
{
    return (struct str){ (const char *)thing->key, sizeof(thing->key) };
}

static void check_all(const struct trie *trie, struct thing *const *things, const bool *present)
{
    for (unsigned i = 0; i < KEYS; i++) {
        const struct trie_item *found = trie_find(trie, things[i]->item.hash, key_of(things[i]));
        if (present[i])
            assert_ptr_equal(found, &things[i]->item);
        else
            assert_null(found);
    }
}

static void count(void *arg, const struct trie_item *item)
{
    (void)item;
    ++*(unsigned *)arg;
}

/* Random insertions and deletions over epochs; spread: how many different hashes there are. */
static void churn(uint64_t spread, uint64_t seed)
{
    struct thing *things[KEYS];
    bool present[KEYS] = { false }, before[KEYS];
    struct trie trie = { 0 }, old;
    struct edit edit = { 0 };
    struct rand rand;

    rand_init_seed(&rand, seed);
    for (uint32_t i = 0; i < KEYS; i++)
        things[i] = new_thing(spread ? rand_below(&rand, spread) * UINT64_C(0x20000000001) : rand_u64(&rand), i);
    for (uint32_t epoch = 1; epoch < 200; epoch++) {
        struct edit_list replaced;
        unsigned n = 0, wanted = 0;
        old = trie;
        memcpy(before, present, sizeof(before));
        edit_begin(&edit, epoch, false);
        for (unsigned i = rand_below(&rand, 40) + 1; i > 0; i--) {
            unsigned at = (unsigned)rand_below(&rand, KEYS);
            if (rand_below(&rand, 3)) {
                assert_ptr_equal(trie_put(&edit, &trie, &things[at]->item), present[at] ? &things[at]->item : NULL);
                present[at] = true;
            } else {
                assert_ptr_equal(trie_del(&edit, &trie, things[at]->item.hash, key_of(things[at])),
                                 present[at] ? &things[at]->item : NULL);
                present[at] = false;
            }
        }
        assert_false(edit.failed);
        check_all(&old, things, before);
        check_all(&trie, things, present);
        edit_finish(&edit, &replaced);
        edit_list_free(&replaced);
        check_all(&trie, things, present);
        trie_each(&trie, count, &n);
        for (unsigned i = 0; i < KEYS; i++)
            wanted += present[i];
        assert_int_equal(n, wanted);
    }
    trie_free(&trie);
    for (unsigned i = 0; i < KEYS; i++)
        mem_free(things[i]);
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++)
        churn(0, seed);
}

/* Hashes that agree in their lower bits, and some that are the same. */
static void test_collisions(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 10; seed++)
        churn(64, seed);
}

static void test_abandon(void **state)
{
    struct thing *things[64];
    struct edit edit = { 0 };
    struct trie trie = { 0 }, kept;
    struct edit_list replaced;
    struct rand rand;

    (void)state;
    rand_init_seed(&rand, 7);
    for (uint32_t i = 0; i < 64; i++)
        things[i] = new_thing(rand_u64(&rand), i);
    edit_begin(&edit, 1, false);
    for (unsigned i = 0; i < 32; i++)
        trie_put(&edit, &trie, &things[i]->item);
    edit_finish(&edit, &replaced);
    edit_list_free(&replaced);
    for (long k = 1; k < 40; k++) {
        kept = trie;
        edit_begin(&edit, (uint32_t)k + 1, false);
        mem_fail_at(k, 0);
        for (unsigned i = 16; i < 64; i++)
            if (i < 32)
                trie_del(&edit, &trie, things[i]->item.hash, key_of(things[i]));
            else
                trie_put(&edit, &trie, &things[i]->item);
        mem_fail_at(0, 0);
        edit_abandon(&edit);
        trie = kept;
        for (unsigned i = 0; i < 64; i++)
            assert_ptr_equal(trie_find(&trie, things[i]->item.hash, key_of(things[i])),
                             i < 32 ? &things[i]->item : NULL);
    }
    trie_free(&trie);
    for (unsigned i = 0; i < 64; i++)
        mem_free(things[i]);
}

static void test_too_many_of_one_hash(void **state)
{
    struct thing *things[TRIE_WAYS + 1];
    struct edit edit = { 0 };
    struct trie trie = { 0 };

    (void)state;
    edit_begin(&edit, 1, false);
    for (uint32_t i = 0; i <= TRIE_WAYS; i++) {
        things[i] = new_thing(UINT64_C(0x0123456789abcde), i);
        trie_put(&edit, &trie, &things[i]->item);
        assert_int_equal(edit.failed, i == TRIE_WAYS);
    }
    edit_abandon(&edit);
    for (unsigned i = 0; i <= TRIE_WAYS; i++)
        mem_free(things[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_collisions),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_too_many_of_one_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
