/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of the audit trail: one with each change that tells of itself, in the same commit, done or refused; notes within
 * a second or with the next commit; the oldest go by age and by size. */
#include "bed.h"

#include "base/metric.h"
#include "registry/trail.h"

#include <stdio.h>

static void tell(const struct change *change, int64_t wall_ms, struct buf *text)
{
    assert_int_equal(wall_ms, BED_WALL_MS);
    buf_printf(text, "{\"instance\":\"" STR_FMT "\",\"result\":%d}", STR_ARG(change->instance_id), change->result);
}

static void expect(struct store_trail_head *head, const char *text)
{
    struct store_row row = { .time_ms = BED_WALL_MS, .text = str_of(text) };

    store_trail_chain(head, &row);
}

static void test_changes(void **state)
{
    struct store_trail_head wanted = { 0 };
    struct store_stat before, after;
    struct change *change;
    struct str service;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    registry_keep_trail(bed.registry, &(struct registry_signer){ 0 });
    service = bed_service(&bed, bed_namespace(&bed, NAMESPACE_HTTP, "h"), "s", SERVICE_CHECK_NONE);
    assert_int_equal(store_head(bed.store)->last, 0);
    store_stat(bed.store, &before);
    change = caller_new(&bed.caller, CHANGE_REGISTER_INSTANCE);
    change->service_id = service;
    change->instance_id = STR("a");
    change->creator_request_id = STR("t");
    change->audit = tell;
    assert_int_equal(caller_do(&bed.caller), 0);
    store_stat(bed.store, &after);
    assert_int_equal(after.commits - before.commits, 1);
    expect(&wanted, "{\"instance\":\"a\",\"result\":0}");
    assert_memory_equal(store_head(bed.store), &wanted, sizeof(wanted));

    change = caller_new(&bed.caller, CHANGE_DEREGISTER_INSTANCE);
    change->service_id = service;
    change->instance_id = STR("b");
    change->audit = tell;
    assert_int_equal(caller_do(&bed.caller), CHANGE_INSTANCE_NOT_FOUND);
    expect(&wanted, "{\"instance\":\"b\",\"result\":4}");
    assert_memory_equal(store_head(bed.store), &wanted, sizeof(wanted));
    bed_check_reopen(&bed);
    bed_fini(&bed);
}

static void test_notes(void **state)
{
    struct store_trail_head wanted = { 0 };
    struct bed bed;
    int n = 0;

    (void)state;
    bed_init(&bed);
    assert_int_equal(registry_note(bed.registry, STR("{\"n\":1}")), 0);
    assert_int_equal(registry_note(bed.registry, STR("{\"n\":2}")), 0);
    bed_settle(&bed);
    assert_int_equal(store_head(bed.store)->last, 0); /* gathered */
    bed_jump(&bed, -500);
    bed_advance(&bed, 500);
    expect(&wanted, "{\"n\":1}");
    expect(&wanted, "{\"n\":2}");
    assert_memory_equal(store_head(bed.store), &wanted, sizeof(wanted));
    /* a commit takes them along */
    assert_int_equal(registry_note(bed.registry, STR("{\"n\":3}")), 0);
    bed_namespace(&bed, NAMESPACE_HTTP, "h");
    expect(&wanted, "{\"n\":3}");
    assert_memory_equal(store_head(bed.store), &wanted, sizeof(wanted));
    /* so many and no more */
    while (registry_note(bed.registry, STR("{\"long\":\"0123456789012345678901234567890123456789\"}")) == 0)
        n++;
    assert_in_range(n, (1 << 20) / 52 - 1, (1 << 20) / 50);
    assert_int_equal(metric_get(METRIC_AUDIT_DROPPED), 1);
    /* what waits at the end is kept */
    bed_reopen(&bed);
    assert_int_equal(store_head(bed.store)->last, 3 + n);
    bed_fini(&bed);
}

static void test_keeping(void **state)
{
    struct store_stat stat;
    struct bed bed;

    (void)state;
    bed_init(&bed);
    bed.config.trail_keep_ms = BED_DAY_MS;
    bed_reopen(&bed);
    for (int day = 0; day < 5; day++) {
        assert_int_equal(registry_note(bed.registry, STR("{\"n\":1}")), 0);
        bed_advance(&bed, BED_DAY_MS / 2);
        bed_settle(&bed);
    }
    store_stat(bed.store, &stat);
    assert_in_range(stat.trail_rows, 1, 3);
    assert_int_equal(store_head(bed.store)->last, 5);
    bed.config.trail_keep_bytes = 1000;
    bed_reopen(&bed);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(registry_note(bed.registry, STR("{\"n\":1}")), 0);
    bed_advance(&bed, 500);
    bed_settle(&bed);
    bed_settle(&bed);
    store_stat(bed.store, &stat);
    assert_true(stat.trail_bytes <= 1000);
    bed_fini(&bed);
}

/* A signer that says what it signs. */
static void sign(void *arg, const struct store_trail_head *head, int64_t wall_ms, struct buf *text)
{
    (void)wall_ms;
    if (!*(bool *)arg)
        buf_printf(text, "{\"signed\":%d}", (int)head->last);
}

static void note(struct bed *bed, int n)
{
    while (n--)
        assert_int_equal(registry_note(bed->registry, STR("{\"n\":1}")), 0);
    bed_jump(bed, -500);
    bed_advance(bed, 500);
}

static uint64_t last(const struct bed *bed)
{
    return store_head(bed->store)->last;
}

static void test_checkpoints(void **state)
{
    bool is_mute = false;
    struct registry_signer signer = { .sign = sign, .arg = &is_mute };
    struct store_trail_head wanted = { 0 };
    struct bed bed;

    (void)state;
    bed_init(&bed);
    note(&bed, 3);
    registry_keep_trail(bed.registry, &signer); /* what is there, at once */
    bed_settle(&bed);
    for (int i = 0; i < 3; i++)
        expect(&wanted, "{\"n\":1}");
    expect(&wanted, "{\"signed\":3}");
    assert_memory_equal(store_head(bed.store), &wanted, sizeof(wanted));
    note(&bed, 1);
    bed_advance(&bed, TRAIL_SIGN_MS - 1000);
    assert_int_equal(last(&bed), 5);
    bed_jump(&bed, -TRAIL_SIGN_MS); /* either clock will do */
    bed_advance(&bed, 1000);
    bed_jump(&bed, BED_WALL_MS - bed.clock.wall_ms);
    assert_int_equal(last(&bed), 6);
    bed_advance(&bed, 10 * TRAIL_SIGN_MS); /* nothing new, nothing to sign */
    assert_int_equal(last(&bed), 6);
    bed_jump(&bed, BED_WALL_MS - bed.clock.wall_ms);
    note(&bed, 1);
    bed_jump(&bed, TRAIL_SIGN_MS);
    bed_settle(&bed);
    assert_int_equal(last(&bed), 8);
    bed_jump(&bed, BED_WALL_MS - bed.clock.wall_ms);
    note(&bed, TRAIL_SIGN_ROWS);
    bed_settle(&bed);
    assert_int_equal(last(&bed), 9 + TRAIL_SIGN_ROWS);
    /* a signer that cannot is asked again a minute later */
    note(&bed, 1);
    is_mute = true;
    bed_advance(&bed, TRAIL_SIGN_MS);
    is_mute = false;
    bed_settle(&bed);
    assert_int_equal(last(&bed), 10 + TRAIL_SIGN_ROWS);
    bed_advance(&bed, TRAIL_SIGN_MS);
    assert_int_equal(last(&bed), 11 + TRAIL_SIGN_ROWS);
    /* the end signs, too */
    bed_jump(&bed, BED_WALL_MS - bed.clock.wall_ms);
    note(&bed, 1);
    bed_reopen(&bed);
    assert_int_equal(last(&bed), 13 + TRAIL_SIGN_ROWS);
    bed_fini(&bed);
}

/* How often it was asked. */
static void sign_counted(void *arg, const struct store_trail_head *head, int64_t wall_ms, struct buf *text)
{
    bool is_mute = false;

    ++*(unsigned *)arg;
    sign(&is_mute, head, wall_ms, text);
}

/* A checkpoint that is not committed is in the next commit, but not signed again: that would tell the log of one with
 * each change that a full disk refuses. */
static void test_lost_checkpoint(void **state)
{
    const struct store_fault fault = { .kind = STORE_FAULT_FULL, .at = 2 };
    unsigned n_signed = 0;
    struct registry_signer signer = { .sign = sign_counted, .arg = &n_signed };
    struct bed bed;

    (void)state;
    bed_init_fault(&bed, &fault);
    note(&bed, 1);
    bed_pause(&bed);
    registry_keep_trail(bed.registry, &signer);
    caller_new(&bed.caller, CHANGE_TAG)->service_id = STR("none");
    caller_submit(&bed.caller);
    bed_resume(&bed);
    assert_int_equal(caller_wait(&bed.caller), CHANGE_STORE_FULL);
    assert_int_equal(last(&bed), 1);
    bed_settle(&bed);
    assert_int_equal(last(&bed), 2);
    assert_int_equal(n_signed, 1);
    bed_fini(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),     cmocka_unit_test(test_notes),           cmocka_unit_test(test_keeping),
        cmocka_unit_test(test_checkpoints), cmocka_unit_test(test_lost_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
