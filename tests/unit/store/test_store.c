/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of store.h, held by each backend: SQLite, memory, and the fault wrapper without a fault. */
#include "fixture.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>

enum kind { SQLITE, MEMORY, FAULT };

struct bed {
    enum kind kind;
    char dir[FIXTURE_PATH];
    struct store *store;
    struct store_batch *batch;
};

static struct clock_manual clock;

static void open_store(struct bed *bed)
{
    struct store_message message = { "" };
    if (bed->kind == MEMORY) {
        assert_int_equal(store_open_memory(&clock.clock, &bed->store), 0);
        return;
    }
    assert_int_equal(store_open_sqlite(bed->dir, STORE_CREATE, &clock.clock, &bed->store, &message), 0);
    if (bed->kind == FAULT) {
        struct store *inner = bed->store;
        assert_int_equal(store_open_fault(&inner, &(struct store_fault){ .at = 0 }, &bed->store), 0);
        assert_null(inner);
    }
}

static int set_up(void **state)
{
    struct bed *bed = *state;
    fixture_dir(true, bed->dir);
    clock_manual_init(&clock, 1700000000000);
    open_store(bed);
    bed->batch = store_batch_new();
    assert_non_null(bed->batch);
    return 0;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    store_batch_free(bed->batch);
    store_close(bed->store);
    fixture_remove(bed->dir);
    return 0;
}

/* The contents as the store has them, and after it was closed and opened where that is possible. */
static void assert_contents(struct bed *bed, const char *want)
{
    for (int i = 0; i < 2; i++) {
        struct buf contents;
        struct store_message message;
        buf_init(&contents, 1 << 20);
        uint64_t revision = store_revision(bed->store);
        if (i == 1 && bed->kind != MEMORY) {
            store_close(bed->store);
            open_store(bed);
        }
        assert_int_equal(fixture_contents(bed->store, &contents, &message), 0);
        assert_string_equal(message.text, "");
        if (revision)
            assert_int_equal(store_revision(bed->store), revision);
        buf_put_char(&contents, '\0');
        assert_string_equal(contents.p, want);
        buf_fini(&contents);
    }
}

static void load(struct bed *bed)
{
    assert_contents(bed, "");
}

static int commit(struct bed *bed)
{
    int r = store_commit(bed->store, bed->batch);
    store_batch_clear(bed->batch);
    return r;
}

static void test_empty(void **state)
{
    struct bed *bed = *state;
    struct store_stat stat;
    load(bed);
    assert_int_equal(store_revision(bed->store), UINT64_C(1700000000000) << 11);
    assert_int_equal(store_batch_size(bed->batch), 0);
    assert_int_equal(commit(bed), 0);
    assert_int_equal(store_revision(bed->store), UINT64_C(1700000000000) << 11);
    store_stat(bed->store, &stat);
    assert_int_equal(stat.records, 0);
    assert_int_equal(stat.commits, 0);
    assert_false(stat.lost);
}

/* A revision of nothing, which is there after a restart as any other. */
static void test_touch(void **state)
{
    struct bed *bed = *state;
    load(bed);
    uint64_t revision = store_revision(bed->store);
    store_touch(bed->batch);
    assert_int_equal(store_batch_size(bed->batch), 1);
    assert_int_equal(commit(bed), 0);
    assert_int_equal(store_revision(bed->store), revision + 1);
    load(bed);
    assert_int_equal(store_revision(bed->store), revision + 1);
    assert_int_equal(commit(bed), 0);
    assert_int_equal(store_revision(bed->store), revision + 1);
}

static void test_put(void **state)
{
    struct bed *bed = *state;
    struct store_stat stat;
    load(bed);
    uint64_t revision = store_revision(bed->store);
    uint32_t sum = store_put(bed->batch, STR("b"), STR("{\"x\":1}"), 0);
    store_put(bed->batch, STR("a/1"), STR("{\"y\":\"\xc3\xa4\",\"z\":{}}"), 0);
    store_put(bed->batch, STR("a"), STR("{\"y\":null}"), 0);
    assert_int_equal(store_batch_size(bed->batch), 3);
    assert_int_equal(store_commit(bed->store, bed->batch), 0);
    assert_int_equal(store_batch_size(bed->batch), 3);
    assert_int_equal(store_revision(bed->store), revision + 1);
    store_stat(bed->store, &stat);
    assert_int_equal(stat.records, 3);
    assert_int_equal(stat.commits, 1);
    assert_int_equal(stat.failed_commits, 0);
    assert_true(sum != 0);
    assert_contents(bed, "a {\"y\":null} c4d45618\na/1 {\"y\":\"\xc3\xa4\",\"z\":{}} 1926d1dd\nb {\"x\":1} bf047a5c\n");
}

static void test_replace_and_delete(void **state)
{
    struct bed *bed = *state;
    load(bed);
    uint32_t a = store_put(bed->batch, STR("a"), STR("{\"x\":1}"), 0);
    uint32_t b = store_put(bed->batch, STR("b"), STR("{\"x\":2}"), 0);
    assert_int_equal(commit(bed), 0);
    assert_int_equal(store_put(bed->batch, STR("a"), STR("{\"x\":1}"), a), a);
    store_del(bed->batch, STR("b"), b);
    assert_int_equal(commit(bed), 0);
    assert_contents(bed, "a {\"x\":1} 318b7dbf\n");
    store_del(bed->batch, STR("a"), a);
    assert_int_equal(commit(bed), 0);
    assert_contents(bed, "");
}

/* The last word stands, whichever way it came about. */
static void test_twice_in_one_batch(void **state)
{
    struct bed *bed = *state;
    load(bed);
    uint32_t a = store_put(bed->batch, STR("a"), STR("{\"x\":1}"), 0);
    uint32_t b = store_put(bed->batch, STR("b"), STR("{\"x\":1}"), 0);
    assert_int_equal(commit(bed), 0);
    a = store_put(bed->batch, STR("a"), STR("{\"x\":2}"), a);
    a = store_put(bed->batch, STR("a"), STR("{\"x\":3}"), a);
    store_del(bed->batch, STR("b"), b);
    b = store_put(bed->batch, STR("b"), STR("{\"x\":4}"), 0);
    uint32_t c = store_put(bed->batch, STR("c"), STR("{\"x\":5}"), 0);
    store_del(bed->batch, STR("c"), c);
    c = store_put(bed->batch, STR("d"), STR("{\"x\":6}"), 0);
    store_del(bed->batch, STR("d"), c);
    c = store_put(bed->batch, STR("d"), STR("{\"x\":7}"), 0);
    assert_int_equal(commit(bed), 0);
    assert_contents(bed, "a {\"x\":3} 03bd1f3d\nb {\"x\":4} c2738e19\nd {\"x\":7} 2f31d45d\n");
}

/* Every way in which an expectation may not hold, in each position of a batch: nothing changes. */
static void test_conflict(void **state)
{
    struct bed *bed = *state;
    load(bed);
    uint32_t a = store_put(bed->batch, STR("a"), STR("{\"x\":1}"), 0);
    assert_int_equal(commit(bed), 0);
    uint64_t revision = store_revision(bed->store);
    for (int wrong = 0; wrong < 5; wrong++) {
        for (int position = 0; position < 3; position++) {
            for (int i = 0; i < 3; i++) {
                char name[8];
                struct str key = { name, (size_t)snprintf(name, sizeof(name), "n%d", i) };
                if (i != position)
                    store_put(bed->batch, key, STR("{\"x\":9}"), 0);
                else if (wrong == 0) /* there already */
                    store_put(bed->batch, STR("a"), STR("{\"x\":2}"), 0);
                else if (wrong == 1) /* another value is there */
                    store_put(bed->batch, STR("a"), STR("{\"x\":2}"), a + 1);
                else if (wrong == 2) /* not there */
                    store_put(bed->batch, STR("b"), STR("{\"x\":2}"), 5);
                else if (wrong == 3)
                    store_del(bed->batch, STR("a"), a - 1);
                else
                    store_del(bed->batch, STR("b"), 5);
            }
            assert_int_equal(commit(bed), STORE_CONFLICT);
        }
    }
    assert_int_equal(store_revision(bed->store), revision);
    struct store_stat stat;
    store_stat(bed->store, &stat);
    assert_int_equal(stat.failed_commits, 15);
    assert_int_equal(stat.commits, 1);
    assert_int_equal(stat.records, 1);
    assert_contents(bed, "a {\"x\":1} 318b7dbf\n");
    store_put(bed->batch, STR("a"), STR("{\"x\":2}"), a);
    assert_int_equal(commit(bed), 0);
}

/* The sum must be the same for the same key and value only. */
static void test_sums(void **state)
{
    struct bed *bed = *state;
    load(bed);
    uint32_t a = store_put(bed->batch, STR("a"), STR("{\"x\":1}"), 0);
    assert_int_equal(store_put(bed->batch, STR("a"), STR("{\"x\":1}"), a), a);
    assert_int_not_equal(store_put(bed->batch, STR("a"), STR("{\"x\":2}"), a), a);
    assert_int_not_equal(store_put(bed->batch, STR("b"), STR("{\"x\":1}"), 0), a);
    store_batch_clear(bed->batch);
}

/* What a caller may not put is refused with the batch; the store goes on. */
static void test_caps(void **state)
{
    struct bed *bed = *state;
    size_t n = ((size_t)8 << 20) + 1;
    char *big = mem_alloc(n);
    assert_non_null(big);
    memset(big, 'x', n);
    memcpy(big, "{\"x\":\"", 6);
    load(bed);
    store_put(bed->batch, (struct str){ big, 4097 }, STR("{\"x\":1}"), 0);
    assert_int_equal(store_batch_size(bed->batch), 1); /* not an empty batch */
    assert_int_equal(commit(bed), -ENOMEM);
    memcpy(big + n - 2, "\"}", 2);
    store_put(bed->batch, STR("a"), (struct str){ big, n }, 0);
    assert_int_equal(commit(bed), -ENOMEM);
    memcpy(big + n - 3, "\"}", 2);
    uint32_t sum = store_put(bed->batch, STR("a"), (struct str){ big, n - 1 }, 0);
    assert_int_equal(commit(bed), 0);
    if (bed->kind == MEMORY) {
        for (int i = 0; i < 32; i++)
            store_put(bed->batch, STR("a"), (struct str){ big, n - 1 }, sum);
        assert_int_equal(commit(bed), -ENOMEM);
    }
    store_del(bed->batch, STR("a"), sum);
    assert_int_equal(commit(bed), 0);
    assert_contents(bed, "");
    mem_free(big);
}

static int count_to_three(void *arg, struct str key, char *value, size_t n, uint32_t sum)
{
    int *count = arg;
    (void)key, (void)sum;
    memset(value, 'x', n); /* the value is the callee's to change */
    return ++*count == 3 ? 4711 : 0;
}

static void test_load_stops(void **state)
{
    struct bed *bed = *state;
    struct store_message message;
    int count = 0;
    load(bed);
    for (int i = 0; i < 5; i++) {
        char name[8];
        struct str key = { name, (size_t)snprintf(name, sizeof(name), "n%d", i) };
        store_put(bed->batch, key, STR("{\"x\":1}"), 0);
    }
    assert_int_equal(commit(bed), 0);
    assert_int_equal(store_load(bed->store, count_to_three, &count, &message), 4711);
    assert_int_equal(count, 3);
    count = 100;
    assert_int_equal(store_load(bed->store, count_to_three, &count, NULL), 0);
    assert_int_equal(count, 105);
}

/* Random batches, some of them wrong, against the memory backend: same results, same contents. */
static void test_random(void **state)
{
    struct bed *bed = *state;
    struct bed oracle = { .kind = MEMORY, .batch = bed->batch };
    struct rand rand;
    uint32_t sums[40] = { 0 }, next[40];
    rand_init_seed(&rand, fixture_seed());
    open_store(&oracle);
    load(bed);
    load(&oracle);
    for (int round = 0; round < 300; round++) {
        memcpy(next, sums, sizeof(sums));
        store_batch_clear(bed->batch);
        bool wrong = rand_below(&rand, 10) == 0;
        for (uint64_t steps = rand_below(&rand, 30) + 1; steps > 0; steps--) {
            char name[64], json[64];
            size_t i = rand_below(&rand, TEST_COUNT(sums));
            /* keys of many lengths and with bytes above 0x7f: the order is bytewise */
            struct str key = { name, (size_t)snprintf(name, sizeof(name), "%s%.*s%zu", i % 3 ? "a" : "\xc3\xa4",
                                                      (int)(i % 7), "//////////", i) };
            struct str value = { json,
                                 (size_t)snprintf(json, sizeof(json), "{\"r\":%" PRIu64 "}", rand_u64(&rand) % 100) };
            if (wrong && steps == 1)
                store_put(bed->batch, key, value, next[i] ^ 1);
            else if (next[i] && rand_below(&rand, 3) == 0) {
                store_del(bed->batch, key, next[i]);
                next[i] = 0;
            } else
                next[i] = store_put(bed->batch, key, value, next[i]);
        }
        int r = store_commit(bed->store, bed->batch);
        assert_int_equal(store_commit(oracle.store, bed->batch), r);
        assert_int_equal(r, wrong ? STORE_CONFLICT : 0);
        if (r == 0)
            memcpy(sums, next, sizeof(sums));
        if (round % 50 == 49) {
            struct buf want;
            struct store_message message;
            buf_init(&want, 1 << 20);
            assert_int_equal(fixture_contents(oracle.store, &want, &message), 0);
            buf_put_char(&want, '\0');
            assert_contents(bed, want.p);
            buf_fini(&want);
        }
    }
    store_close(oracle.store);
}

static void test_nothing_to_close(void **state)
{
    (void)state;
    store_close(NULL);
    store_batch_free(NULL);
}

static void test_exit_codes(void **state)
{
    (void)state;
    static const int codes[][2] = {
        { 0, 0 },           { STORE_DAMAGED, 65 },    { STORE_MISSING, 65 }, { STORE_EXISTS, 73 }, { STORE_NEWER, 66 },
        { STORE_FULL, 73 }, { STORE_UNWRITABLE, 73 }, { STORE_BUSY, 75 },    { STORE_LOST, 1 },    { -ENOMEM, 1 },
    };
    for (size_t i = 0; i < TEST_COUNT(codes); i++)
        assert_int_equal(store_exit_code(codes[i][0]), codes[i][1]);
}

#define ON_EACH(test)                                                                  \
    { #test " sqlite", test, set_up, tear_down, &(struct bed){ .kind = SQLITE } },     \
        { #test " memory", test, set_up, tear_down, &(struct bed){ .kind = MEMORY } }, \
    {                                                                                  \
#test " fault", test, set_up, tear_down, &(struct bed)                         \
        {                                                                              \
            .kind = FAULT                                                              \
        }                                                                              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(test_empty),
        ON_EACH(test_touch),
        ON_EACH(test_put),
        ON_EACH(test_replace_and_delete),
        ON_EACH(test_twice_in_one_batch),
        ON_EACH(test_conflict),
        ON_EACH(test_sums),
        ON_EACH(test_caps),
        ON_EACH(test_load_stops),
        ON_EACH(test_random),
        cmocka_unit_test(test_nothing_to_close),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
