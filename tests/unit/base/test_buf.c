/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/buf.h"
#include "base/mem.h"

static void test_put(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_str(buf_str(&buf), "");
    assert_true(str_is_set(buf_str(&buf)));
    buf_put(&buf, "ab", 2);
    buf_put(&buf, NULL, 0);
    buf_put_char(&buf, '\0');
    buf_put_str(&buf, STR("cd"));
    buf_put_str(&buf, (struct str){ 0 });
    assert_str(buf_str(&buf), "ab\0cd");
    buf_truncate(&buf, 10);
    assert_str(buf_str(&buf), "ab\0cd");
    buf_truncate(&buf, 1);
    assert_str(buf_str(&buf), "a");
    buf_clear(&buf);
    assert_str(buf_str(&buf), "");
    buf_fini(&buf);
}

static void test_numbers(void **state)
{
    (void)state;
    static const int64_t values[] = { 0, 1, 9, 10, 99, 100, 1234567890, INT64_MAX, -1, -10, INT64_MIN };
    for (size_t i = 0; i < TEST_COUNT(values); i++) {
        struct buf buf;
        char want[32];
        buf_init(&buf, 100);
        buf_put_i64(&buf, values[i]);
        snprintf(want, sizeof(want), "%lld", (long long)values[i]);
        assert_true(str_eq(buf_str(&buf), str_of(want)));
        buf_clear(&buf);
        buf_put_u64(&buf, (uint64_t)values[i]);
        snprintf(want, sizeof(want), "%llu", (unsigned long long)values[i]);
        assert_true(str_eq(buf_str(&buf), str_of(want)));
        buf_fini(&buf);
    }
}

static void test_printf(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    buf_printf(&buf, "%d %s;", 5, "x");
    assert_str(buf_str(&buf), "5 x;");
    for (int n = 250; n < 262; n++) {
        buf_clear(&buf);
        buf_printf(&buf, "%0*d", n, 1);
        assert_int_equal(buf.n, n);
        assert_int_equal(buf.p[n - 1], '1');
    }
    /* Exactly the maximum, without room for a NUL. */
    buf_clear(&buf);
    buf_printf(&buf, "%01000d", 1);
    assert_false(buf.failed);
    assert_int_equal(buf.n, 1000);
    buf_clear(&buf);
    buf_printf(&buf, "%01001d", 1);
    assert_true(buf.failed);
    buf_fini(&buf);
}

/* Grows to each maximum exactly, by steps of each size. */
static void test_every_maximum(void **state)
{
    (void)state;
    for (size_t max = 0; max < 1500; max += max < 300 ? 1 : 37) {
        for (size_t piece = 1; piece < 400; piece += 7) {
            char text[400] = { 0 };
            struct buf buf;
            buf_init(&buf, max);
            for (size_t n = 0; n + piece <= max; n += piece)
                buf_put(&buf, text, piece);
            assert_false(buf.failed);
            assert_true(buf.size <= max);
            buf_put(&buf, text, max - buf.n);
            assert_false(buf.failed);
            assert_int_equal(buf.n, max);
            buf_put(&buf, text, 1);
            assert_true(buf.failed);
            buf_fini(&buf);
        }
    }
}

static void test_failure_is_sticky(void **state)
{
    (void)state;
    struct buf buf;
    size_t n = 42;
    buf_init(&buf, 10);
    buf_put_str(&buf, STR("12345"));
    buf_put_str(&buf, STR("123456"));
    assert_true(buf.failed);
    buf_put_char(&buf, 'x');
    assert_true(buf.failed);
    assert_str(buf_str(&buf), "");
    assert_false(buf_reserve(&buf, 0));
    assert_null(buf_take(&buf, &n));
    assert_int_equal(n, 42);
    buf_clear(&buf);
    buf_put_str(&buf, STR("1234567890"));
    assert_false(buf.failed);
    assert_str(buf_str(&buf), "1234567890");
    assert_false(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    buf_fini(&buf);
}

static void test_take(void **state)
{
    (void)state;
    struct buf buf;
    size_t n;
    buf_init(&buf, 5);
    char *text = buf_take(&buf, &n);
    assert_string_equal(text, "");
    assert_int_equal(n, 0);
    mem_free(text);
    buf_put_str(&buf, STR("12345"));
    text = buf_take(&buf, NULL);
    assert_string_equal(text, "12345");
    mem_free(text);
    assert_str(buf_str(&buf), "");
    buf_put_str(&buf, STR("again"));
    assert_str(buf_str(&buf), "again");
    buf_fini(&buf);
}

static void test_memory(void **state)
{
    (void)state;
    int delivered = 1;
    long k = 1;
    for (; delivered; k++) {
        struct buf buf;
        size_t n;
        buf_init(&buf, 100000);
        mem_fail_at(k, 0);
        for (int i = 0; i < 100; i++)
            buf_printf(&buf, "%0*d", i * 10, i);
        char *text = buf_take(&buf, &n);
        delivered = mem_fail_at(0, 0);
        assert_int_equal(text == NULL, delivered);
        assert_int_equal(buf.failed, delivered);
        if (text)
            assert_int_equal(strlen(text), n);
        mem_free(text);
        buf_fini(&buf);
    }
    assert_true(k > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put),           cmocka_unit_test(test_numbers),           cmocka_unit_test(test_printf),
        cmocka_unit_test(test_every_maximum), cmocka_unit_test(test_failure_is_sticky), cmocka_unit_test(test_take),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
