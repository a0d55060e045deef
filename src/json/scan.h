/* SPDX-License-Identifier: Apache-2.0
 *
 * The inner loop of reader and writer: finds the first byte of a string that needs a closer look, eight at a time.
 * Usable from any thread. */
#pragma once

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SCAN_EACH(byte) (0x0101010101010101u * (uint64_t)(byte))

/* The first byte in [p, end) that is a quote, a backslash or a control character, or, if `high`, not ASCII; or end.
 *
 * A subtraction borrows out of a byte only when that byte is a hit, so bytes before the first hit are judged exactly,
 * and the first hit is what is asked for. */
static inline const char *scan_special(const char *p, const char *end, bool high)
{
    for (; end - p >= 8; p += 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        w = le64toh(w);
        uint64_t quote = (w ^ SCAN_EACH('"')) - SCAN_EACH(1);
        uint64_t backslash = (w ^ SCAN_EACH('\\')) - SCAN_EACH(1);
        uint64_t control = w - SCAN_EACH(0x20);
        uint64_t hits = quote | backslash | control;
        hits = (high ? hits | w : hits & ~w) & SCAN_EACH(0x80);
        if (hits)
            return p + (__builtin_ctzll(hits) >> 3);
    }
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c == '"' || c == '\\' || (high && c >= 0x80))
            break;
    }
    return p;
}
