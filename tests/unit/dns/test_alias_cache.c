/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of alias targets: finding, replacing, and what goes when a bucket is full. */
#include "../registry/bed.h"

#include "base/mem.h"
#include "dns/alias_cache.h"

#include <pthread.h>
#include <stdio.h>

#define NAMES (4 * ALIAS_CACHE_BUCKETS * ALIAS_CACHE_WAYS)

struct table {
    struct snapshot_head head;
    struct alias_cache *cache;
    bool is_done; /* atomic */
};

static int setup(void **state)
{
    struct table *table = mem_zalloc(sizeof(*table));

    assert_non_null(table);
    assert_int_equal(snapshot_start(), 0);
    table->cache = mem_alloc(sizeof(*table->cache));
    assert_non_null(table->cache);
    assert_int_equal(alias_cache_init(table->cache, &table->head), 0);
    snapshot_reader_start();
    *state = table;
    return 0;
}

static int teardown(void **state)
{
    struct table *table = *state;

    alias_cache_fini(table->cache);
    snapshot_barrier();
    snapshot_reader_stop();
    mem_free(table->cache);
    mem_free(table);
    return 0;
}

static struct dname name_of(unsigned n)
{
    char text[32];
    struct dname name;

    snprintf(text, sizeof(text), "n%u.example.net", n);
    assert_int_equal(dname_of_text(str_of(text), &name), 0);
    return name;
}

static void put(struct table *table, unsigned n, enum packet_type type, int64_t stale_until_ms, uint8_t octet)
{
    struct dname name = name_of(n);
    struct alias_entry *entry = alias_cache_new_entry(&name, type, 3);

    assert_non_null(entry);
    entry->stale_until_ms = stale_until_ms;
    memset(entry->data, octet, 3 * alias_cache_address_size(type));
    alias_cache_put(table->cache, entry);
}

static const struct alias_entry *find(const struct table *table, unsigned n, enum packet_type type)
{
    struct dname name = name_of(n);

    return alias_cache_find(table->cache, &name, type);
}

static void test_put_and_find(void **state)
{
    struct table *table = *state;

    assert_null(find(table, 1, PACKET_A));
    put(table, 1, PACKET_A, 1, 7);
    assert_int_equal(find(table, 1, PACKET_A)->data[0], 7);
    assert_null(find(table, 1, PACKET_AAAA));
    assert_null(find(table, 11, PACKET_A));
    put(table, 1, PACKET_AAAA, 1, 9);
    put(table, 1, PACKET_A, 2, 8);
    assert_int_equal(find(table, 1, PACKET_A)->data[11], 8);
    assert_int_equal(find(table, 1, PACKET_AAAA)->data[47], 9);
    assert_int_equal(table->cache->n, 2);
}

static void test_full(void **state)
{
    struct table *table = *state;
    unsigned n_old = 0, n_new = 0;

    for (unsigned i = 0; i < NAMES; i++) /* the later ones live longer */
        put(table, i, PACKET_A, i, 1);
    assert_true(table->cache->n <= ALIAS_CACHE_BUCKETS * ALIAS_CACHE_WAYS);
    for (unsigned i = 0; i < NAMES / 2; i++)
        n_old += find(table, i, PACKET_A) != NULL;
    for (unsigned i = NAMES / 2; i < NAMES; i++)
        n_new += find(table, i, PACKET_A) != NULL;
    assert_int_equal(n_old + n_new, table->cache->n);
    assert_true(n_new > 9 * n_old);
}

static void *read_all(void *arg)
{
    struct table *table = arg;

    snapshot_reader_start();
    while (!__atomic_load_n(&table->is_done, __ATOMIC_RELAXED)) {
        const struct alias_entry *entry;
        snapshot_acquire(&table->head);
        entry = find(table, 1, PACKET_AAAA);
        for (unsigned i = 1; entry && i < 48; i++)
            assert_int_equal(entry->data[i], entry->data[0]);
        snapshot_release(&table->head);
    }
    snapshot_reader_stop();
    return NULL;
}

static void test_readers(void **state)
{
    struct table *table = *state;
    pthread_t threads[2];

    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, table), 0);
    for (unsigned i = 0; i < 20000; i++)
        put(table, 1, PACKET_AAAA, i, (uint8_t)i);
    __atomic_store_n(&table->is_done, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void test_no_memory(void **state)
{
    struct dname name = name_of(1);

    (void)state;
    mem_fail_at(1, false);
    assert_null(alias_cache_new_entry(&name, PACKET_A, 1));
    mem_fail_at(0, false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_put_and_find), TEST(test_full), TEST(test_readers),
                                        TEST(test_no_memory) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
