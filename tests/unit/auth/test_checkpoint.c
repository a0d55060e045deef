/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints of the audit trail: one spelling, one signature, found in any text. tests/e2e/test_audit_checkpoints.py
 * has openssl check one. */
#include "../test.h"

#include "auth/checkpoint.h"

static struct seal *new_seal(uint8_t first)
{
    struct seal *seal = seal_new();
    uint8_t key[AEAD_KEY_LEN] = { first };
    char id[SEAL_KEY_ID_LEN];

    assert_non_null(seal);
    assert_int_equal(seal_add(seal, key), 0);
    seal_key_id(key, id);
    assert_int_equal(seal_use(seal, (struct str){ id, sizeof(id) }), 0);
    return seal;
}

static const struct store_trail_head head = { .last = 42, .hash = { 1, 2, 0xab } };

static void test_signed_and_read(void **state)
{
    struct seal *seal = new_seal(1), *other = new_seal(2), *empty = seal_new();
    char room[CHECKPOINT_ROOM], bent[CHECKPOINT_ROOM];
    uint8_t key[SEAL_PUBLIC_KEY_LEN];
    struct checkpoint checkpoint;
    struct str word;

    (void)state;
    assert_false(str_is_set(checkpoint_sign(empty, &head, 1700000000123, room)));
    word = checkpoint_sign(seal, &head, 1700000000123, room);
    assert_true(str_starts(word, STR("cloudmap-checkpoint:42:0102ab00")));
    assert_int_equal(checkpoint_read(word, &checkpoint), 0);
    assert_int_equal(checkpoint.number, 42);
    assert_int_equal(checkpoint.time_ms, 1700000000123);
    assert_memory_equal(checkpoint.hash, head.hash, sizeof(head.hash));
    assert_int_equal(seal_public_key(seal, 0, key), 0);
    assert_int_equal(seal_public_key(seal, 1, key), 1);
    assert_memory_equal(checkpoint.key, key, sizeof(key));
    assert_int_equal(seal_public_key(other, 0, key), 0);
    assert_memory_not_equal(checkpoint.key, key, sizeof(key));
    for (size_t n = 0; n < word.n; n++)
        assert_int_equal(checkpoint_read((struct str){ word.p, n }, &checkpoint), 1);
    for (size_t i = 0; i < word.n; i++) {
        memcpy(bent, room, word.n + 1);
        bent[i] = bent[i] == '1' ? '2' : '1';
        assert_int_equal(checkpoint_read((struct str){ bent, word.n }, &checkpoint), 1);
    }
    memcpy(bent, room, word.n + 1);
    *strstr(bent, "ab") = 'A';
    assert_int_equal(checkpoint_read((struct str){ bent, word.n }, &checkpoint), 1);
    seal_free(seal);
    seal_free(other);
    seal_free(empty);
}

static void test_found(void **state)
{
    struct seal *seal = new_seal(1);
    struct str word, found, rest;
    char room[CHECKPOINT_ROOM], text[3 * CHECKPOINT_ROOM];

    (void)state;
    word = checkpoint_sign(seal, &head, 1, room);
    snprintf(text, sizeof(text), "x {\"checkpoint\":\"%s\"} cloudmap-checkpoint: %s", word.p, word.p);
    rest = str_of(text);
    assert_true(checkpoint_find(&rest, &found));
    assert_true(str_eq(found, word));
    assert_true(checkpoint_find(&rest, &found));
    assert_int_equal(found.n, 20);
    assert_true(checkpoint_find(&rest, &found));
    assert_true(str_eq(found, word));
    assert_false(checkpoint_find(&rest, &found));
    assert_false(checkpoint_find(&(struct str){ NULL, 0 }, &found));
    seal_free(seal);
}

/* What is derived is the key's and the purpose's. */
static void test_derived(void **state)
{
    struct seal *seal = new_seal(1), *other = new_seal(2), *empty = seal_new();
    uint8_t keys[4][AEAD_KEY_LEN];

    (void)state;
    assert_int_not_equal(seal_derive(empty, STR("a"), keys[0]), 0);
    assert_int_equal(seal_derive(seal, STR("a"), keys[0]), 0);
    assert_int_equal(seal_derive(seal, STR("a"), keys[1]), 0);
    assert_int_equal(seal_derive(seal, STR("b"), keys[2]), 0);
    assert_int_equal(seal_derive(other, STR("a"), keys[3]), 0);
    assert_memory_equal(keys[0], keys[1], AEAD_KEY_LEN);
    assert_memory_not_equal(keys[0], keys[2], AEAD_KEY_LEN);
    assert_memory_not_equal(keys[0], keys[3], AEAD_KEY_LEN);
    seal_free(seal);
    seal_free(other);
    seal_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed_and_read),
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
