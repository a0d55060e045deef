/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "store/store.h"
#include "store/store_ledger.h"
#include "store/store_seal.h"

static int parse(const char *members)
{
    struct store_ledger ledger = { .revision = 4711 };
    int r = store_ledger_parse(str_of(members), &ledger);
    if (r)
        assert_int_equal(ledger.revision, 4711);
    return r;
}

static void test_write_and_parse(void **state)
{
    (void)state;
    const struct store_ledger ledgers[] = {
        { .revision = 0 },
        { .revision = 111411200000000001, .records = 3, .digest = 0xdeadbeef },
        { .revision = UINT64_MAX, .records = UINT64_MAX, .digest = UINT64_MAX },
    };
    for (size_t i = 0; i < TEST_COUNT(ledgers); i++) {
        char text[STORE_LEDGER_SIZE];
        uint32_t sum, again;
        struct str members;
        struct store_ledger ledger;
        struct str value = store_ledger_write(&ledgers[i], text, &sum);
        assert_int_equal(store_seal_check(STORE_LEDGER_KEY, value, &members, &again), 0);
        assert_int_equal(again, sum);
        assert_int_equal(store_ledger_parse(members, &ledger), 0);
        assert_memory_equal(&ledger, &ledgers[i], sizeof(ledger));
        if (i == 1)
            assert_str(members, "\"revision\":111411200000000001,\"records\":3,\"digest\":\"00000000deadbeef\"}");
    }
}

static void test_parse_is_exact(void **state)
{
    (void)state;
    char text[400] = "";
    assert_int_equal(parse("\"revision\":1,\"records\":3,\"digest\":\"00000000deadbeef\"}"), 0);
    assert_int_equal(parse("\"revision\":01,\"records\":3,\"digest\":\"00000000deadbeef\"}"), STORE_DAMAGED);
    assert_int_equal(parse("\"revision\": 1,\"records\":3,\"digest\":\"00000000deadbeef\"}"), STORE_DAMAGED);
    assert_int_equal(parse("\"revision\":-1,\"records\":3,\"digest\":\"00000000deadbeef\"}"), STORE_DAMAGED);
    assert_int_equal(parse("\"revision\":1,\"records\":3,\"digest\":\"deadbeef\"}"), STORE_DAMAGED);
    assert_int_equal(parse("\"revision\":1,\"records\":3,\"digest\":\"00000000DEADBEEF\"}"), STORE_DAMAGED);
    assert_int_equal(parse("\"revision\":1,\"records\":3,\"digest\":\"00000000deadbeef\"} "), STORE_DAMAGED);
    assert_int_equal(parse("\"revision\":1,\"records\":3,\"digest\":\"00000000deadbeef\",\"x\":1}"), STORE_DAMAGED);
    assert_int_equal(parse("\"revision\":18446744073709551616,\"records\":3,\"digest\":\"00000000deadbeef\"}"),
                     STORE_DAMAGED);
    assert_int_equal(parse(""), STORE_DAMAGED);
    memset(text, '1', sizeof(text) - 1);
    assert_int_equal(parse(text), STORE_DAMAGED);
}

/* The digest depends on the set of records, not on the way to it. */
static void test_digest(void **state)
{
    (void)state;
    struct store_ledger a = { .revision = 1 }, b = { .revision = 1 };
    store_ledger_add(&a, 1);
    store_ledger_add(&a, 2);
    store_ledger_add(&a, 0xffffffff);
    store_ledger_add(&b, 0xffffffff);
    store_ledger_add(&b, 3);
    store_ledger_add(&b, 2);
    assert_true(a.digest != b.digest);
    store_ledger_remove(&b, 3);
    store_ledger_add(&b, 1);
    assert_memory_equal(&a, &b, sizeof(a));
    store_ledger_remove(&a, 2);
    store_ledger_add(&a, 1);
    assert_int_equal(a.records, b.records);
    assert_true(a.digest != b.digest);
}

static void test_first_revision(void **state)
{
    (void)state;
    struct clock_manual clock;
    clock_manual_init(&clock, 1700000000000);
    assert_int_equal(store_ledger_first_revision(&clock.clock), UINT64_C(1700000000000) << 11);
}

/* Ahead as RFC 1982 3.2 compares serials. */
static bool is_ahead(uint64_t revision, uint64_t before)
{
    uint32_t distance = (uint32_t)revision - (uint32_t)before;

    return revision > before && distance > 0 && distance < UINT32_C(1) << 31;
}

static void test_restored_revision(void **state)
{
    (void)state;
    static const int64_t ages_s[] = { 0, 1, 60, 86400, 365 * 86400, 40 * INT64_C(31536000) };
    static const uint64_t lost[] = { 0, 1, 1000, 200000000 };
    struct clock_manual clock;

    for (int64_t made_ms = 1700000000000; made_ms < 1700000000000 + 5000000; made_ms += 123457) {
        clock_manual_init(&clock, made_ms);
        uint64_t copied = store_ledger_first_revision(&clock.clock) + 5;
        for (size_t i = 0; i < sizeof(ages_s) / sizeof(ages_s[0]); i++) {
            clock.wall_ms = made_ms + ages_s[i] * 1000;
            uint64_t first = store_ledger_restored_revision(&clock.clock, copied, 0), again;
            assert_true(first >= store_ledger_first_revision(&clock.clock));
            for (size_t k = 0; k < sizeof(lost) / sizeof(lost[0]); k++) {
                assert_true(is_ahead(first, copied + lost[k]));
                /* in the place where the commits were lost; and the same copy once more over the restored store */
                assert_true(
                    is_ahead(store_ledger_restored_revision(&clock.clock, copied, copied + lost[k]), copied + lost[k]));
                again = store_ledger_restored_revision(&clock.clock, copied, first + lost[k]);
                assert_true(is_ahead(again, first + lost[k]) && is_ahead(again, copied + lost[k]));
            }
            /* over a store of other things, which says nothing */
            assert_true(
                is_ahead(store_ledger_restored_revision(&clock.clock, copied, copied + (UINT64_C(3) << 30)), copied));
            /* the same copy an hour later, in a place that knows nothing of it */
            clock.wall_ms += 3600000;
            if (ages_s[i] <= 365 * 86400)
                assert_true(is_ahead(store_ledger_restored_revision(&clock.clock, copied, 0), first + 50000));
        }
    }
    /* a clock that went back */
    clock_manual_init(&clock, 1000);
    assert_true(is_ahead(store_ledger_restored_revision(&clock.clock, UINT64_C(1) << 52, 0), UINT64_C(1) << 52));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_parse), cmocka_unit_test(test_parse_is_exact),    cmocka_unit_test(test_digest),
        cmocka_unit_test(test_first_revision),  cmocka_unit_test(test_restored_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
