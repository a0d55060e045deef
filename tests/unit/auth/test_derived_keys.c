/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"
#include "auth/derived_keys.h"

static struct derived_keys *keys;

static int setup(void **state)
{
    (void)state;
    return derived_keys_new(&keys);
}

static int teardown(void **state)
{
    (void)state;
    derived_keys_free(keys);
    return 0;
}

static void add(const char *credential, uint64_t version, uint8_t mark)
{
    struct signature_key key = { .hmac.state.block = { mark } };
    derived_keys_add(keys, str_of(credential), version, &key);
}

/* The mark of the key, 0 when there is none. */
static int find(const char *credential, uint64_t version)
{
    const struct signature_key *key = derived_keys_find(keys, str_of(credential), version);
    return key ? key->hmac.state.block[0] : 0;
}

static void finds_what_was_added(void **state)
{
    (void)state;
    assert_int_equal(find("a/20230101/r/s/aws4_request", 1), 0);
    add("a/20230101/r/s/aws4_request", 1, 7);
    add("a/20230102/r/s/aws4_request", 1, 8);
    add("a/20230101/r/s/aws4_request", 2, 9);
    assert_int_equal(find("a/20230101/r/s/aws4_request", 1), 7);
    assert_int_equal(find("a/20230102/r/s/aws4_request", 1), 8);
    assert_int_equal(find("a/20230101/r/s/aws4_request", 2), 9);
    assert_int_equal(find("a/20230101/r/s/aws4_reques", 1), 0);
    add("a/20230101/r/s/aws4_request", 1, 6); /* in its place */
    assert_int_equal(find("a/20230101/r/s/aws4_request", 1), 6);
}

static void forgets_what_was_not_used(void **state)
{
    (void)state;
    char name[64];
    unsigned n = 0;
    add("busy", 1, 1);
    for (unsigned i = 0; i < 20 * DERIVED_KEYS_MAX; i++) {
        snprintf(name, sizeof(name), "other-%u", i);
        add(name, 1, 2);
        assert_int_equal(find("busy", 1), 1);
    }
    for (unsigned i = 0; i < 20 * DERIVED_KEYS_MAX; i++) {
        snprintf(name, sizeof(name), "other-%u", i);
        n += find(name, 1) != 0;
    }
    assert_in_range(n, DERIVED_KEYS_MAX / 2, DERIVED_KEYS_MAX - 1);
}

static void keeps_no_long_ones(void **state)
{
    (void)state;
    char name[DERIVED_KEYS_CREDENTIAL_MAX + 2];
    memset(name, 'a', sizeof(name));
    name[DERIVED_KEYS_CREDENTIAL_MAX + 1] = '\0';
    add(name, 1, 1);
    assert_int_equal(find(name, 1), 0);
    name[DERIVED_KEYS_CREDENTIAL_MAX] = '\0';
    add(name, 1, 1);
    assert_int_equal(find(name, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_what_was_added, setup, teardown),
        cmocka_unit_test_setup_teardown(forgets_what_was_not_used, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_no_long_ones, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
