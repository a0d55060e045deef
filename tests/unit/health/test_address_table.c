/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "health/address_table.h"

#define SECOND INT64_C(1000000000)

static struct target_address numbered(unsigned i)
{
    return (struct target_address){ .octets = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
}

static void test_a_burst_and_then_the_rate(void **state)
{
    struct target_address address = numbered(1), other = numbered(2);
    struct address_table table;

    (void)state;
    assert_int_equal(address_table_init(&table, SECOND / 10, 3), 0);
    struct address_entry *entry = address_table_hold(&table, &address, 0);
    struct address_entry *neighbour = address_table_hold(&table, &other, 0);
    const struct target_address mapped = { { [10] = 0xff, 0xff, 10, 0, 0, 1 }, true };
    assert_ptr_equal(address_table_hold(&table, &mapped, 0), entry); /* no second rate by another spelling */
    for (int i = 0; i < 3; i++)
        assert_int_equal(address_table_reserve(&table, entry, 5 * SECOND), 5 * SECOND);
    for (int i = 1; i < 50; i++)
        assert_int_equal(address_table_reserve(&table, entry, 5 * SECOND), 5 * SECOND + i * SECOND / 10);
    assert_int_equal(address_table_reserve(&table, neighbour, 5 * SECOND), 5 * SECOND);
    address_table_give_back(&table, entry);
    assert_int_equal(address_table_reserve(&table, entry, 5 * SECOND), 5 * SECOND + 49 * SECOND / 10);
    for (int i = 0; i < 3; i++) /* rested */
        assert_int_equal(address_table_reserve(&table, entry, 60 * SECOND), 60 * SECOND);
    assert_int_equal(address_table_reserve(&table, entry, 60 * SECOND), 60 * SECOND + SECOND / 10);
    address_table_release(entry);
    address_table_release(entry);
    address_table_release(neighbour);
    address_table_fini(&table);
}

static void test_who_leaves_and_comes_back_gains_nothing(void **state)
{
    struct target_address address = numbered(1);
    struct address_table table;
    int64_t last = 0;

    (void)state;
    assert_int_equal(address_table_init(&table, SECOND / 10, 2), 0);
    for (int i = 0; i < 100; i++) {
        struct address_entry *entry = address_table_hold(&table, &address, 0);
        last = address_table_reserve(&table, entry, 0);
        address_table_release(entry);
    }
    assert_int_equal(last, 98 * SECOND / 10);
    address_table_fini(&table);
}

static void test_it_forgets_who_rested(void **state)
{
    struct address_table table;

    (void)state;
    assert_int_equal(address_table_init(&table, SECOND, 1), 0);
    for (unsigned i = 0; i < 100000; i++) {
        struct target_address address = numbered(i);
        struct address_entry *entry = address_table_hold(&table, &address, i * SECOND);
        address_table_reserve(&table, entry, i * SECOND);
        address_table_release(entry);
    }
    assert_in_range(table.size, 1, 64);
    address_table_fini(&table);
}

static void test_many(void **state)
{
    static struct address_entry *entries[5000];
    struct address_table table;

    (void)state;
    assert_int_equal(address_table_init(&table, SECOND, 1), 0);
    for (unsigned i = 0; i < TEST_COUNT(entries); i++) {
        struct target_address address = numbered(i);
        entries[i] = address_table_hold(&table, &address, 0);
    }
    for (unsigned i = 0; i < TEST_COUNT(entries); i++) {
        struct target_address address = numbered(i);
        assert_ptr_equal(address_table_hold(&table, &address, 0), entries[i]);
        address_table_release(entries[i]);
        address_table_release(entries[i]);
    }
    assert_int_equal(table.n, TEST_COUNT(entries));
    address_table_fini(&table);
}

static void test_without_memory(void **state)
{
    struct target_address address = numbered(1);
    struct address_table table;

    (void)state;
    assert_int_equal(address_table_init(&table, SECOND, 1), 0);
    mem_fail_at(1, false);
    assert_null(address_table_hold(&table, &address, 0));
    mem_fail_at(0, false);
    address_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_and_then_the_rate),
        cmocka_unit_test(test_who_leaves_and_comes_back_gains_nothing),
        cmocka_unit_test(test_it_forgets_who_rested),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests_name("address_table", tests, NULL, NULL);
}
