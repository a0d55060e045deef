/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages: header and question as asked, names compressed, records that do not fit taken back whole. */
#include "../test.h"

#include "dnswire/composer.h"

static const uint8_t query[] = "\x12\x34\x21\0\0\1\0\0\0\0\0\0\3wWw\7example\0\0\1\0\1";

static void begin(struct composer *composer, uint8_t *p, size_t limit)
{
    struct packet packet = { .p = query,
                             .n = sizeof(query) - 1,
                             .id = 0x1234,
                             .flags = PACKET_RD | 4 << PACKET_OPCODE_SHIFT | PACKET_TC | PACKET_AA | 0xff,
                             .has_question = true,
                             .question_end = sizeof(query) - 1 };

    composer_begin(composer, p, limit, &packet);
}

static void put(struct composer *composer, const char *text, bool plain, bool fits)
{
    struct dname name;

    assert_int_equal(dname_of_text(str_of(text), &name), 0);
    assert_int_equal(composer_put_name(composer, &name, plain), fits);
}

static void test_header(void **state)
{
    struct composer composer;
    uint8_t p[512];

    (void)state;
    begin(&composer, p, sizeof(p));
    composer.counts[COMPOSER_ANSWER] = 0x102;
    composer.counts[COMPOSER_AUTHORITY] = 3;
    composer.counts[COMPOSER_ADDITIONAL] = 4;
    assert_int_equal(composer_end(&composer, PACKET_AA | PACKET_TC, 0x13), sizeof(query) - 1);
    assert_memory_equal(p, "\x12\x34\xa7\3\0\1\1\2\0\3\0\4", 12); /* QR, opcode, AA, TC, RD; no AD, CD, Z */
    assert_memory_equal(p + 12, query + 12, sizeof(query) - 13);  /* its case kept */
}

static void test_compression(void **state)
{
    struct composer composer;
    uint8_t p[512];
    struct dname name;
    size_t end, at;

    (void)state;
    begin(&composer, p, sizeof(p));
    at = composer.n;
    put(&composer, "www.example", false, true);
    assert_int_equal(composer.n - at, 2);
    assert_memory_equal(p + at, "\xc0\x0c", 2);
    at = composer.n;
    put(&composer, "mail.EXAMPLE", false, true);
    assert_int_equal(composer.n - at, 7);
    assert_memory_equal(p + at, "\4mail\xc0\x10", 7);
    at = composer.n;
    put(&composer, "a.mail.example", false, true); /* into a name that ends in a pointer itself */
    assert_int_equal(composer.n - at, 4);
    assert_int_equal(dname_read(p, composer.n, at, &name, &end), 0);
    assert_int_equal(name.n_labels, 3);
    at = composer.n;
    put(&composer, "mail.example", true, true);
    assert_int_equal(composer.n - at, 14);
    at = composer.n;
    put(&composer, ".", false, true);
    assert_int_equal(composer.n - at, 1);
    at = composer.n;
    put(&composer, "example.org", false, true);
    assert_int_equal(composer.n - at, 13);
}

/* Beyond what a pointer reaches names are written out. */
static void test_far(void **state)
{
    static uint8_t p[40000];
    struct composer composer;
    size_t at;

    (void)state;
    begin(&composer, p, sizeof(p));
    composer.n = 0x4000;
    put(&composer, "far.org", false, true);
    at = composer.n;
    put(&composer, "far.org", false, true);
    assert_int_equal(composer.n - at, 9);
    at = composer.n;
    put(&composer, "x.example", false, true);
    assert_int_equal(composer.n - at, 4);
}

static void test_full(void **state)
{
    struct composer composer;
    uint8_t p[64];
    size_t start, data;

    (void)state;
    begin(&composer, p, sizeof(query) - 1 + 20);
    start = composer.n;
    put(&composer, "record.org", false, true);
    data = composer_begin_data(&composer, PACKET_A, 60);
    composer_put(&composer, "\1\2\3\4", 4);
    assert_true(composer.full);
    assert_false(composer_end_record(&composer, COMPOSER_ANSWER, start, data));
    assert_int_equal(composer.n, start);
    assert_int_equal(composer.n_names, 1); /* nothing points into what is gone */
    assert_int_equal(composer.counts[COMPOSER_ANSWER], 0);
    composer_put_pointer(&composer, 12);
    data = composer_begin_data(&composer, PACKET_A, 0x01020304);
    composer_put(&composer, "\1\2\3\4", 4);
    assert_true(composer_end_record(&composer, COMPOSER_ANSWER, start, data));
    assert_memory_equal(p + start, "\xc0\x0c\0\1\0\1\1\2\3\4\0\4\1\2\3\4", 16);
    put(&composer, "five.org", false, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_compression),
        cmocka_unit_test(test_far),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
