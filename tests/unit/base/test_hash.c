/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/hash.h"
#include "base/text.h"

/* Key 00 01 .. 0f, text 00 01 .. (n-1): the vectors of the SipHash paper's reference code. */
static void test_sip(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        uint64_t hash;
    } cases[] = {
        { 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd }, { 2, 0x0d6c8009d9a94f5a },  { 3, 0x85676696d7fb7e2d },
        { 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 },
    };
    struct hash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
    unsigned char text[16];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (unsigned char)i;
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_true(hash_sip(&key, text, cases[i].n) == cases[i].hash);
}

/* The hash depends on every byte, on the length and on the key, wherever the text lies in memory. */
/* The first of the published values for the key 0 to 15: nothing at all, whose one word says so. And what two words
 * give depends on both, and on their order. */
static void test_sip13(void **state)
{
    static const struct hash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
    uint64_t words[][2] = { { 1, 2 }, { 2, 1 }, { 1, 3 }, { 0, 2 } }, seen[4];
    struct hash_sip s;

    (void)state;
    hash_sip_begin(&s, &key);
    hash_sip13_put(&s, 0);
    assert_true(hash_sip13_end(&s) == 0xabac0158050fc4dc);
    for (size_t i = 0; i < 4; i++) {
        hash_sip_begin(&s, &key);
        hash_sip13_put(&s, words[i][0]);
        hash_sip13_put(&s, words[i][1]);
        seen[i] = hash_sip13_end(&s);
        for (size_t k = 0; k < i; k++)
            assert_true(seen[i] != seen[k]);
    }
}

static void test_sip_sees_everything(void **state)
{
    (void)state;
    struct hash_key key = { { 1, 2 } }, other = { { 1, 3 } };
    char text[40] = { 0 }, moved[48];
    for (size_t n = 0; n <= sizeof(text); n++) {
        uint64_t hash = hash_sip(&key, text, n);
        assert_true(hash != hash_sip(&other, text, n));
        if (n > 0)
            assert_true(hash != hash_sip(&key, text, n - 1));
        for (size_t i = 0; i < n; i++) {
            text[i] = 1;
            assert_true(hash != hash_sip(&key, text, n));
            text[i] = 0;
        }
        for (size_t shift = 0; shift < 8; shift++) {
            memcpy(moved + shift, text, n);
            assert_true(hash == hash_sip(&key, moved + shift, n));
        }
    }
}

static void test_sha256(void **state)
{
    (void)state;
    uint8_t digest[HASH_SHA256_LEN];
    char hex[2 * HASH_SHA256_LEN];
    hash_sha256("abc", 3, digest);
    text_hex(digest, sizeof(digest), hex);
    assert_memory_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", sizeof(hex));
    hash_sha256("", 0, digest);
    text_hex(digest, sizeof(digest), hex);
    assert_memory_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sizeof(hex));
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(hash_crc32(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(hash_crc32(0, "", 0), 0);
    assert_int_equal(hash_crc32(0, "a", 1), 0xe8b7be43);
    for (size_t cut = 0; cut <= 9; cut++)
        assert_int_equal(hash_crc32(hash_crc32(0, "123456789", cut), "123456789" + cut, 9 - cut), 0xcbf43926);
    assert_int_equal(hash_crc32(7, NULL, 0), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sip),    cmocka_unit_test(test_sip13), cmocka_unit_test(test_sip_sees_everything),
        cmocka_unit_test(test_sha256), cmocka_unit_test(test_crc32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
