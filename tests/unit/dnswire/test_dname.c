/* SPDX-License-Identifier: Apache-2.0
 *
 * Names: what is one and what is not, in wire and in presentation form; folding, comparing, hashing. */
#include "../test.h"

#include "base/rand.h"
#include "dnswire/dname.h"

#include <stdlib.h>

#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static const char *text_of(const struct dname *name)
{
    static char text[DNAME_TEXT_MAX];

    size_t n = dname_text(name, text);

    assert_int_equal(n, strlen(text));
    return text;
}

/* --- wire --------------------------------------------------------------------------------------------------------- */

static void test_read(void **state)
{
    struct dname name;
    size_t end;

    (void)state;
    assert_int_equal(dname_read(BYTES("\3wWw\7example\0rest"), 0, &name, &end), 0);
    assert_string_equal(text_of(&name), "wWw.example.");
    assert_int_equal(end, 13);
    assert_int_equal(name.n, 13);
    assert_int_equal(name.n_labels, 2);
    assert_int_equal(name.at[1], 4);
    assert_int_equal(dname_read(BYTES("\0"), 0, &name, &end), 0);
    assert_string_equal(text_of(&name), ".");
    assert_int_equal(end, 1);
}

static void test_pointers(void **state)
{
    static const uint8_t message[] = "\3com\0\1a\xc0\0\1b\xc0\5\xc0\x09";
    struct dname name;
    size_t end;

    (void)state;
    assert_int_equal(dname_read(message, sizeof(message) - 1, 9, &name, &end), 0);
    assert_string_equal(text_of(&name), "b.a.com.");
    assert_int_equal(end, 13);
    assert_int_equal(dname_read(message, sizeof(message) - 1, 13, &name, &end), 0); /* a pointer and nothing else */
    assert_string_equal(text_of(&name), "b.a.com.");
    assert_int_equal(end, 15);
    assert_int_equal(dname_skip(message, sizeof(message) - 1, 9, &end), 0);
    assert_int_equal(end, 13);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *p;
        size_t n, at;
    } cases[] = {
        { "", 0, 0 },      /* nothing */
        { "\3ww", 3, 0 },  /* a label that ends early */
        { "\3www", 4, 0 }, /* no root */
        { "\x40"
          "a",
          2, 0 }, /* a length that is none */
        { "\x80"
          "a",
          2, 0 },
        { "\xc0", 1, 0 },               /* half a pointer */
        { "\xc0\0", 2, 0 },             /* to itself */
        { "\1a\xc0\0", 4, 0 },          /* to its own beginning */
        { "\0\xc0\5\0\0\1", 6, 1 },     /* forwards */
        { "\1a\xc0\4\1b\xc0\0", 8, 4 }, /* back and forth */
        { "\1a\xc0\xff", 4, 0 },        /* out of the message */
    };
    struct dname name;
    size_t end;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        assert_int_equal(dname_read((const uint8_t *)cases[i].p, cases[i].n, cases[i].at, &name, &end), 1);
        assert_int_equal(dname_skip((const uint8_t *)cases[i].p, cases[i].n, cases[i].at, &end), 1);
    }
}

/* A name of as many octets as are allowed, and of one more; by labels at once and over pointers. */
static void test_length(void **state)
{
    uint8_t message[600];
    struct dname name;
    size_t n = 0, end;

    (void)state;
    for (unsigned i = 0; i < 127; i++) {
        message[n++] = 1;
        message[n++] = 'a';
    }
    message[n++] = 0;
    assert_int_equal(n, DNAME_MAX);
    assert_int_equal(dname_read(message, n, 0, &name, &end), 0);
    assert_int_equal(name.n, 255);
    assert_int_equal(name.n_labels, 127);
    message[n++] = 1;
    message[n++] = 'b';
    message[n++] = 0xc0;
    message[n++] = 2; /* one label less: as long as before */
    assert_int_equal(dname_read(message, n, DNAME_MAX, &name, &end), 0);
    assert_int_equal(name.n, 255);
    message[n - 1] = 0;
    assert_int_equal(dname_read(message, n, DNAME_MAX, &name, &end), 1);
    assert_int_equal(dname_skip(message, n, DNAME_MAX, &end), 1);
    memset(message, 1, sizeof(message)); /* labels of one octet without an end */
    assert_int_equal(dname_read(message, sizeof(message), 0, &name, &end), 1);
    assert_int_equal(dname_skip(message, sizeof(message), 0, &end), 1);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static void test_text(void **state)
{
    static const char *const same[] = {
        ".", "a.", "a.b.c.", "_http._tcp.x.", "big/id:x\\@y_.x.", "a\\.b.c.", "\\000\\255\\032.x.", "\\\\.x."
    };
    static const char *const bad[] = { "", "..", "a..b", ".a", "\\", "a\\", "a\\25", "a\\256", "a\\2x5" };
    struct dname name;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(same); i++) {
        assert_int_equal(dname_of_text(str_of(same[i]), &name), 0);
        assert_string_equal(text_of(&name), same[i]);
    }
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        assert_int_equal(dname_of_text(str_of(bad[i]), &name), 1);
    assert_int_equal(dname_of_text(STR("a\\046b.c"), &name), 0);
    assert_string_equal(text_of(&name), "a\\.b.c.");
}

static void test_dotted(void **state)
{
    char label[65];
    struct dname name;

    (void)state;
    dname_init(&name);
    assert_int_equal(dname_put_dotted(&name, STR("a\\b.c")), 0);
    assert_int_equal(dname_put_dotted(&name, STR("Example.")), 0);
    assert_int_equal(dname_put_root(&name), 0);
    assert_string_equal(text_of(&name), "a\\\\b.c.Example.");
    dname_init(&name);
    assert_int_equal(dname_put_dotted(&name, STR("a..b")), 1);
    dname_init(&name);
    assert_int_equal(dname_put_dotted(&name, STR("")), 1);
    memset(label, 'x', sizeof(label));
    dname_init(&name);
    assert_int_equal(dname_put_dotted(&name, (struct str){ label, 64 }), 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(dname_put_dotted(&name, (struct str){ label, 63 }), 0);
    assert_int_equal(dname_put_dotted(&name, (struct str){ label, 62 }), 1); /* 255 with the root would be 61 */
    assert_int_equal(dname_put_dotted(&name, (struct str){ label, 61 }), 0);
    assert_int_equal(dname_put_root(&name), 0);
    assert_int_equal(name.n, DNAME_MAX);
    assert_int_equal(dname_put_root(&name), 1);
}

/* --- folding, hashing --------------------------------------------------------------------------------------------- */

static void test_fold(void **state)
{
    struct dname name, plain;
    size_t end;
    uint8_t message[2 + 60];

    (void)state;
    for (unsigned base = 0; base < 256; base += 59) {
        message[0] = 59;
        for (unsigned i = 0; i < 59; i++)
            message[i + 1] = (uint8_t)(base + i);
        message[60] = 0;
        assert_int_equal(dname_read(message, 61, 0, &name, &end), 0);
        plain = name;
        dname_fold(&name);
        for (unsigned i = 1; i < 60; i++)
            assert_int_equal(name.wire[i], (uint8_t)str_fold_char((char)plain.wire[i]));
        assert_int_equal(name.wire[0], 59);
        assert_true(dname_equal(&name, &plain));
    }
}

/* Names that differ give hashes that differ; a suffix hashes as the name it is. */
static void test_hash(void **state)
{
    static const char *const names[] = { ".",      "a.",          "b.",       "a.a.",        "aa.",
                                         "a.aa.",  "aaa.",        "aaaaaaa.", "aaaaaaaa.",   "a.aaaaaa.",
                                         "\\000.", "\\000\\000.", "example.", "www.example." };
    struct dname_key key = dname_key_of(UINT64_C(0x0123456789abcdef));
    uint64_t hash[TEST_COUNT(names)], of[DNAME_MAX_LABELS + 1], suffix[DNAME_MAX_LABELS + 1];
    struct dname name, rest;
    size_t end;

    (void)state;
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        assert_int_equal(dname_of_text(str_of(names[i]), &name), 0);
        dname_hash(&key, &name, of);
        hash[i] = of[0];
        for (size_t k = 0; k < i; k++)
            assert_true(hash[i] != hash[k]);
        for (unsigned k = 0; k <= name.n_labels; k++) {
            struct str octets = dname_suffix(&name, k);
            assert_int_equal(dname_read((const uint8_t *)octets.p, octets.n, 0, &rest, &end), 0);
            dname_hash(&key, &rest, suffix);
            assert_true(suffix[0] == of[k]);
        }
    }
    assert_true(dname_key_of(0).k != 0);
    assert_true(dname_key_of(UINT64_MAX).k < (UINT64_C(1) << 61) - 1);
}

/* Numbered names, as there are most, spread over the lower bits. */
static void test_spread(void **state)
{
    struct dname_key key = dname_key_of(UINT64_C(0x9e3779b97f4a7c15));
    unsigned buckets[1024] = { 0 }, most = 0;
    uint64_t hash[DNAME_MAX_LABELS + 1];
    struct dname name;
    char text[64];

    (void)state;
    for (unsigned i = 0; i < 32 * 1024; i++) {
        snprintf(text, sizeof(text), "service-%05u.shop.example", i);
        assert_int_equal(dname_of_text(str_of(text), &name), 0);
        dname_hash(&key, &name, hash);
        buckets[hash[0] % 1024]++;
    }
    for (unsigned i = 0; i < 1024; i++)
        most = buckets[i] > most ? buckets[i] : most;
    assert_in_range(most, 32, 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),   cmocka_unit_test(test_pointers), cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_length), cmocka_unit_test(test_text),     cmocka_unit_test(test_dotted),
        cmocka_unit_test(test_fold),   cmocka_unit_test(test_hash),     cmocka_unit_test(test_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
