/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "model/cloudmap_attribute.h"

static int read_one(const char *key, const char *value, struct cloudmap_attributes *ret,
                    struct cloudmap_attribute_fault *fault)
{
    const struct str_pair pairs[] = { { STR("AWS_INSTANCE_PORT"), STR("80") }, { str_of(key), str_of(value) } };

    return cloudmap_attribute_read(pairs, 2, ret, fault);
}

static void test_draining(void **state)
{
    static const char *const wrong[] = { "", "false", "FALSE", "two\nlines", "\x7f", "caf\xc3\xa9" };
    struct cloudmap_attributes own;
    struct cloudmap_attribute_fault fault;
    char longest[CLOUDMAP_ATTRIBUTE_MAX_REASON + 2];

    (void)state;
    assert_int_equal(read_one("cloudmap:draining", "disk swap", &own, &fault), 0);
    assert_true(str_eq(own.draining, STR("disk swap")));
    assert_int_equal(read_one("cloudmap:draining", "true", &own, &fault), 0);
    assert_true(str_eq(own.draining, STR("true")));
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        assert_int_equal(read_one("cloudmap:draining", wrong[i], &own, &fault), 1);
        assert_true(str_eq(fault.pair.value, str_of(wrong[i])));
        assert_non_null(fault.wanted);
        assert_false(str_is_set(own.draining));
    }
    memset(longest, 'x', sizeof(longest));
    longest[CLOUDMAP_ATTRIBUTE_MAX_REASON] = '\0';
    assert_int_equal(read_one("cloudmap:draining", longest, &own, &fault), 0);
    longest[CLOUDMAP_ATTRIBUTE_MAX_REASON] = 'x';
    longest[CLOUDMAP_ATTRIBUTE_MAX_REASON + 1] = '\0';
    assert_int_equal(read_one("cloudmap:draining", longest, &own, &fault), 1);
}

static void test_leases(void **state)
{
    static const char *const wrong[] = { "", "30", "-1s", "0", "999ms", "8d", "soon" };
    const struct str_pair pairs[] = { { STR("cloudmap:lease"), STR("30s") },
                                      { STR("cloudmap:lease-remove"), STR("0") } };
    struct cloudmap_attributes own;
    struct cloudmap_attribute_fault fault;

    (void)state;
    assert_int_equal(read_one("cloudmap:lease", "1s", &own, &fault), 0);
    assert_int_equal(own.lease_ms, 1000);
    assert_int_equal(own.lease_remove_ms, -1);
    assert_int_equal(read_one("cloudmap:lease", "7d", &own, &fault), 0);
    assert_int_equal(cloudmap_attribute_read(pairs, 2, &own, &fault), 0);
    assert_int_equal(own.lease_ms, 30000);
    assert_int_equal(own.lease_remove_ms, 0);
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        assert_int_equal(read_one("cloudmap:lease", wrong[i], &own, &fault), 1);
        assert_non_null(fault.wanted);
        assert_int_equal(own.lease_ms, 0);
    }
    assert_int_equal(read_one("cloudmap:lease-remove", "10m", &own, &fault), 1); /* of what? */
    assert_int_equal(own.lease_remove_ms, -1);
}

static void test_other_keys(void **state)
{
    struct cloudmap_attributes own;
    struct cloudmap_attribute_fault fault;

    (void)state;
    assert_int_equal(read_one("cloudmap", "x", &own, &fault), 0);
    assert_int_equal(read_one("Cloudmap:draining", "x", &own, &fault), 0);
    assert_int_equal(read_one("cloudmap:drain", "x", &own, &fault), 1);
    assert_null(fault.wanted);
    assert_true(str_eq(fault.pair.key, STR("cloudmap:drain")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draining),
        cmocka_unit_test(test_leases),
        cmocka_unit_test(test_other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
