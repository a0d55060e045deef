/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of the specification that NIST took up (McGrew and Viega, "The Galois/Counter Mode of Operation", test cases
 * 13 to 16), and what does not open. */
#include "../test.h"

#include "auth/aead.h"
#include "base/text.h"

struct vector {
    const char *key, *nonce, *context, *plain, *sealed;
};

#define ZERO_KEY "0000000000000000000000000000000000000000000000000000000000000000"
#define KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define TEXT                                                           \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"

static const struct vector vectors[] = {
    { ZERO_KEY, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b" },
    { ZERO_KEY, "000000000000000000000000", "", "00000000000000000000000000000000",
      "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
    { KEY, "cafebabefacedbaddecaf888", "", TEXT "1aafd255",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
      "c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c" },
    { KEY, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", TEXT,
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
      "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b" },
};

static struct str parse(const char *hex, uint8_t *ret)
{
    assert_true(!*hex || text_parse_hex(str_of(hex), ret) == 0);
    return (struct str){ (const char *)ret, strlen(hex) / 2 };
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(vectors); i++) {
        uint8_t key[32], nonce[12], context[64], plain[128], wanted[128], sealed[128], back[128];
        struct aead aead;
        parse(vectors[i].key, key);
        parse(vectors[i].nonce, nonce);
        struct str context_text = parse(vectors[i].context, context), plain_text = parse(vectors[i].plain, plain);
        size_t n = parse(vectors[i].sealed, wanted).n;
        aead_init(&aead, key);
        assert_int_equal(n, plain_text.n + AEAD_TAG_LEN);
        aead_encrypt(&aead, nonce, context_text, plain_text, sealed);
        assert_memory_equal(sealed, wanted, n);
        assert_int_equal(aead_decrypt(&aead, nonce, context_text, sealed, n, back), 0);
        assert_memory_equal(back, plain, plain_text.n);
    }
}

/* One bit of anything. */
static void test_what_does_not_open(void **state)
{
    uint8_t key[32] = { 1 }, nonce[12] = { 2 }, sealed[8 + AEAD_TAG_LEN], back[8];
    const uint8_t nothing[8] = { 0 };
    struct aead aead;

    (void)state;
    aead_init(&aead, key);
    aead_encrypt(&aead, nonce, STR("record"), STR("a secret"), sealed);
    for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(aead_decrypt(&aead, nonce, STR("record"), sealed, sizeof(sealed), back), 1);
        assert_memory_equal(back, nothing, sizeof(back));
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(aead_decrypt(&aead, nonce, STR("recorD"), sealed, sizeof(sealed), back), 1);
    assert_int_equal(aead_decrypt(&aead, nonce, STR("record"), sealed, sizeof(sealed) - 1, back), 1);
    assert_int_equal(aead_decrypt(&aead, nonce, STR("record"), sealed, AEAD_TAG_LEN - 1, back), 1);
    nonce[11] ^= 1;
    assert_int_equal(aead_decrypt(&aead, nonce, STR("record"), sealed, sizeof(sealed), back), 1);
    nonce[11] ^= 1;
    assert_int_equal(aead_decrypt(&aead, nonce, STR("record"), sealed, sizeof(sealed), back), 0);
    assert_memory_equal(back, "a secret", 8);
    key[31] ^= 1;
    aead_init(&aead, key);
    assert_int_equal(aead_decrypt(&aead, nonce, STR("record"), sealed, sizeof(sealed), back), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_what_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
