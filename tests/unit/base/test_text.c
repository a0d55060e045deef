/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/rand.h"
#include "base/text.h"

/* RFC 4648 section 10, in lower case and without padding. */
static void test_base32(void **state)
{
    (void)state;
    static const struct {
        struct str plain, coded;
    } cases[] = {
        { STR(""), STR("") },
        { STR("f"), STR("my") },
        { STR("fo"), STR("mzxq") },
        { STR("foo"), STR("mzxw6") },
        { STR("foob"), STR("mzxw6yq") },
        { STR("fooba"), STR("mzxw6ytb") },
        { STR("foobar"), STR("mzxw6ytboi") },
        { STR("\0\0\0\0\0"), STR("aaaaaaaa") },
        { STR("\xff\xff\xff\xff\xff"), STR("77777777") },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char coded[16];
        size_t n = text_base32(cases[i].plain.p, cases[i].plain.n, coded);
        assert_int_equal(n, (cases[i].plain.n * 8 + 4) / 5);
        assert_true(str_eq((struct str){ coded, n }, cases[i].coded));
    }
}

static void test_base36(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        struct str coded;
    } cases[] = {
        { 0, STR("0") },
        { 35, STR("z") },
        { 36, STR("10") },
        { 1295, STR("zz") },
        { 1763712000123, STR("mi8kl4zf") },
        { UINT64_MAX, STR("3w5e11264sgsf") },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        char coded[13];
        size_t n = text_base36(cases[i].value, coded);
        uint64_t value = 1;
        assert_true(str_eq((struct str){ coded, n }, cases[i].coded));
        assert_int_equal(text_parse_base36((struct str){ coded, n }, &value), 0);
        assert_true(value == cases[i].value);
    }
    static const struct str bad[] = {
        STR(""),   STR("A"), STR(" 1"), STR("-1"), STR("3w5e11264sgsg"), STR("zzzzzzzzzzzzz"), STR("10000000000000"),
        STR("a\0")
    };
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        uint64_t value = 42;
        assert_int_equal(text_parse_base36(bad[i], &value), 1);
        assert_int_equal(value, 42);
    }
}

static void test_hex(void **state)
{
    (void)state;
    char hex[8];
    uint8_t bytes[4] = { 0 };
    assert_int_equal(text_hex("\x00\x1f\xa0\xff", 4, hex), 8);
    assert_memory_equal(hex, "001fa0ff", 8);
    assert_int_equal(text_parse_hex(STR("001fA0Ff"), bytes), 0);
    assert_memory_equal(bytes, "\x00\x1f\xa0\xff", 4);
    assert_int_equal(text_parse_hex(STR(""), bytes), 0);
    static const struct str bad[] = { STR("0"), STR("001"), STR("0g"), STR("g0"), STR(" 0"), STR("0x"), STR("-1") };
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(text_parse_hex(bad[i], bytes), 1);
    assert_memory_equal(bytes, "\x00\x1f\xa0\xff", 4);
}

static void test_uuid(void **state)
{
    (void)state;
    char uuid[36];
    uint8_t random[16];
    memset(random, 0xff, sizeof(random));
    assert_int_equal(text_uuid(random, uuid), 36);
    assert_memory_equal(uuid, "ffffffff-ffff-4fff-bfff-ffffffffffff", 36);
    memset(random, 0, sizeof(random));
    text_uuid(random, uuid);
    assert_memory_equal(uuid, "00000000-0000-4000-8000-000000000000", 36);
    for (uint8_t i = 0; i < sizeof(random); i++)
        random[i] = i;
    text_uuid(random, uuid);
    assert_memory_equal(uuid, "00010203-0405-4607-8809-0a0b0c0d0e0f", 36);
}

/* UTF-8 by its definition: decode, then look whether encoding gives the same bytes. 0 when not valid. */
static size_t step_by_definition(const unsigned char *u, size_t n)
{
    size_t len = u[0] < 0x80 ? 1 : u[0] < 0xc0 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf8 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    uint32_t c = len == 1 ? u[0] : u[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (u[i] >> 6 != 2)
            return 0;
        c = c << 6 | (u[i] & 0x3f);
    }
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

static void test_utf8_step(void **state)
{
    (void)state;
    static const unsigned char tails[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            for (size_t i = 0; i < TEST_COUNT(tails) * TEST_COUNT(tails); i++) {
                unsigned char u[4] = { (unsigned char)a, (unsigned char)b, tails[i / TEST_COUNT(tails)],
                                       tails[i % TEST_COUNT(tails)] };
                for (size_t n = 1; n <= 4; n++)
                    if (text_utf8_step((char *)u, n) != step_by_definition(u, n))
                        fail_msg("%02x %02x %02x %02x, %zu", u[0], u[1], u[2], u[3], n);
            }
        }
    }
}

/* Random mixes of valid characters; one broken byte makes them invalid. */
static void test_is_utf8(void **state)
{
    (void)state;
    static const struct str pieces[] = { STR("a"), STR("plain text"), STR("\xc3\xa9"), STR("\xe2\x82\xac"),
                                         STR("\xf0\x9f\x98\x80") };
    struct rand rand;
    rand_init_seed(&rand, 3);
    for (int round = 0; round < 20000; round++) {
        char text[256];
        size_t n = 0, characters = 0;
        for (uint64_t k = rand_below(&rand, 12); k > 0; k--) {
            struct str piece = pieces[rand_below(&rand, TEST_COUNT(pieces))];
            memcpy(text + n, piece.p, piece.n);
            n += piece.n;
            characters += (unsigned char)piece.p[0] < 0x80 ? piece.n : 1;
        }
        assert_true(text_is_utf8((struct str){ text, n }));
        assert_int_equal(text_utf8_len((struct str){ text, n }), characters);
        if (n > 0) {
            text[rand_below(&rand, n)] = (char)0xff;
            assert_false(text_is_utf8((struct str){ text, n }));
        }
    }
    assert_true(text_is_utf8((struct str){ 0 }));
    assert_false(text_is_utf8(STR("12345678\xc3")));
    assert_true(text_is_utf8(STR("1234567\xc3\xa9")));
}

static void test_utf8_trim(void **state)
{
    (void)state;
    const struct str text = STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
    const size_t whole[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };

    for (size_t n = 0; n <= text.n; n++)
        assert_int_equal(text_utf8_trim((struct str){ text.p, n }).n, whole[n]);
    assert_int_equal(text_utf8_trim((struct str){ 0 }).n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base32),    cmocka_unit_test(test_base36),    cmocka_unit_test(test_hex),
        cmocka_unit_test(test_uuid),      cmocka_unit_test(test_utf8_step), cmocka_unit_test(test_is_utf8),
        cmocka_unit_test(test_utf8_trim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
