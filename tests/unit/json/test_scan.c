/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "json/scan.h"

/* What scan_special promises, byte by byte. */
static size_t scan_simply(const char *p, size_t n, bool high)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c == '"' || c == '\\' || (high && c >= 0x80))
            return i;
    }
    return n;
}

/* Every byte value at every position of texts up to three words long, behind and before every kind of neighbour. */
static void test_each_byte_at_each_place(void **state)
{
    (void)state;
    static const unsigned char neighbours[] = {
        'a', 0x20, 0x7f, 0x80, 0xff, '!', '#', '[', ']', 0x00, 0x1f, '"', '\\'
    };
    for (size_t k = 0; k < TEST_COUNT(neighbours); k++) {
        for (size_t n = 1; n <= 24; n++) {
            for (size_t at = 0; at < n; at++) {
                for (int c = 0; c < 256; c++) {
                    char text[24];
                    memset(text, 'a', at);
                    memset(text + at, neighbours[k], n - at);
                    text[at] = (char)c;
                    assert_int_equal(scan_special(text, text + n, true) - text, scan_simply(text, n, true));
                    assert_int_equal(scan_special(text, text + n, false) - text, scan_simply(text, n, false));
                }
            }
        }
    }
}

static void test_nothing(void **state)
{
    (void)state;
    const char *p = "";
    assert_ptr_equal(scan_special(p, p, true), p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_at_each_place),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
