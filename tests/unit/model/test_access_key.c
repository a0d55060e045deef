/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/mem.h"
#include "model/access_key.h"

static void test_a_copy_is_one_block_of_its_own(void **state)
{
    char id[] = "AKIAABCDEFGHIJKLMNOP", user[] = "u", sealed[] = "k.text";
    struct access_key draft = { .id = { id, 20 },
                                .account = STR("000000000000"),
                                .user = { user, 1 },
                                .sealed = { sealed, 6 },
                                .create_ms = 1,
                                .is_disabled = true,
                                .record_sum = 2 };
    struct access_key *key = access_key_dup(&draft);

    (void)state;
    assert_non_null(key);
    memset(id, 'x', 20);
    user[0] = sealed[0] = 'x';
    assert_str(key->id, "AKIAABCDEFGHIJKLMNOP");
    assert_str(key->account, "000000000000");
    assert_str(key->user, "u");
    assert_str(key->sealed, "k.text");
    assert_str(access_key_seal(key->sealed), "k");
    assert_int_equal(key->create_ms, 1);
    assert_true(key->is_disabled);
    assert_int_equal(key->record_sum, 2);
    mem_free(key);
    draft.user = (struct str){ 0 };
    key = access_key_dup(&draft);
    assert_false(str_is_set(key->user));
    mem_free(key);
    mem_fail_at(1, 0);
    assert_null(access_key_dup(&draft));
    assert_true(mem_fail_at(0, 0));
}

static void test_ids_and_secrets(void **state)
{
    static const char *bad_ids[] = { "", "AKIAABCDEFGHIJK", "AKIA ABCDEFGHIJKLMN", "AKIA/ABCDEFGHIJKLMN" };
    static const char *bad_secrets[] = { "", "fifteen-letters", "sixteen letters!", "sixteen\xc3\xa9letters" };
    char long_text[129];

    (void)state;
    assert_true(access_key_is_id(STR("AKIAABCDEFGHIJKL")));
    assert_true(access_key_is_id(STR("my_own_key_id_007")));
    assert_true(access_key_is_secret(STR("sixteen-letters!")));
    for (size_t i = 0; i < TEST_COUNT(bad_ids); i++)
        assert_false(access_key_is_id(str_of(bad_ids[i])));
    for (size_t i = 0; i < TEST_COUNT(bad_secrets); i++)
        assert_false(access_key_is_secret(str_of(bad_secrets[i])));
    memset(long_text, 'a', sizeof(long_text));
    assert_true(access_key_is_id((struct str){ long_text, 128 }));
    assert_false(access_key_is_id((struct str){ long_text, 129 }));
    assert_true(access_key_is_secret((struct str){ long_text, 128 }));
    assert_false(access_key_is_secret((struct str){ long_text, 129 }));
}

static void test_new_ones(void **state)
{
    char id[2][ACCESS_KEY_ID_LEN], secret[2][ACCESS_KEY_SECRET_LEN];
    bool seen[256] = { false };
    unsigned n_seen = 0;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(access_key_new_id(id[i % 2]), 0);
        assert_int_equal(access_key_new_secret(secret[i % 2]), 0);
        assert_memory_equal(id[i % 2], "AKIA", 4);
        assert_true(access_key_is_id((struct str){ id[i % 2], ACCESS_KEY_ID_LEN }));
        assert_true(access_key_is_secret((struct str){ secret[i % 2], ACCESS_KEY_SECRET_LEN }));
        for (size_t j = 4; j < ACCESS_KEY_ID_LEN; j++)
            assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", id[i % 2][j]));
        for (size_t j = 0; j < ACCESS_KEY_SECRET_LEN; j++)
            seen[(unsigned char)secret[i % 2][j]] = true;
    }
    assert_memory_not_equal(id[0], id[1], ACCESS_KEY_ID_LEN);
    assert_memory_not_equal(secret[0], secret[1], ACCESS_KEY_SECRET_LEN);
    for (size_t i = 0; i < TEST_COUNT(seen); i++)
        n_seen += seen[i];
    assert_int_equal(n_seen, 64); /* the whole alphabet, and nothing else */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_one_block_of_its_own),
        cmocka_unit_test(test_ids_and_secrets),
        cmocka_unit_test(test_new_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
