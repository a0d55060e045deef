/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "api/lookup_token.h"

static void make_key(uint8_t first, struct aead *aead)
{
    struct seal *seal = seal_new();
    uint8_t key[AEAD_KEY_LEN] = { first };
    char id[SEAL_KEY_ID_LEN];

    assert_non_null(seal);
    assert_int_not_equal(lookup_token_key(seal, aead), 0);
    assert_int_equal(seal_add(seal, key), 0);
    seal_key_id(key, id);
    assert_int_equal(seal_use(seal, (struct str){ id, sizeof(id) }), 0);
    assert_int_equal(lookup_token_key(seal, aead), 0);
    seal_free(seal);
}

static void test_tokens(void **state)
{
    char text[LOOKUP_TOKEN_LEN], again[LOOKUP_TOKEN_LEN];
    struct str token = { text, sizeof(text) };
    struct aead aead, same, other;
    uint64_t number = 0;

    (void)state;
    make_key(1, &aead);
    make_key(1, &same);
    make_key(2, &other);
    assert_int_equal(lookup_token_write(&aead, STR("a/r"), 1234567, text), 0);
    assert_int_equal(lookup_token_write(&aead, STR("a/r"), 1234567, again), 0);
    assert_memory_not_equal(text, again, sizeof(text));
    assert_int_equal(lookup_token_read(&same, STR("a/r"), token, &number), 0);
    assert_int_equal(number, 1234567);
    assert_int_equal(lookup_token_read(&aead, STR("b/r"), token, &number), 1);
    assert_int_equal(lookup_token_read(&other, STR("a/r"), token, &number), 1);
    for (size_t n = 0; n < sizeof(text); n++)
        assert_int_equal(lookup_token_read(&aead, STR("a/r"), (struct str){ text, n }, &number), 1);
    for (size_t i = 0; i < sizeof(text); i++) {
        memcpy(again, text, sizeof(text));
        again[i] = again[i] == '0' ? '1' : '0';
        assert_int_equal(lookup_token_read(&aead, STR("a/r"), (struct str){ again, sizeof(again) }, &number), 1);
    }
    assert_int_equal(lookup_token_read(&aead, STR("a/r"), STR("17"), &number), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_tokens) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
