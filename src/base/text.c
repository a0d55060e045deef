/* SPDX-License-Identifier: Apache-2.0
 *
 * Codecs: base32, base36, hex, UUID, UTF-8. */
#include "base/text.h"

size_t text_base32(const void *p, size_t n, char *ret)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    const uint8_t *bytes = p;
    unsigned bits = 0, held = 0; /* `held` low bits of `bits` wait to be written */
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | bytes[i]) & 0xfff;
        held += 8;
        while (held >= 5) {
            held -= 5;
            ret[out++] = alphabet[bits >> held & 31];
        }
    }
    if (held)
        ret[out++] = alphabet[bits << (5 - held) & 31];
    return out;
}

size_t text_base36(uint64_t value, char *ret)
{
    char digits[13];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
        value /= 36;
    } while (value);
    memcpy(ret, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

int text_parse_base36(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (s.n == 0)
        return 1;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        uint64_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'z')
            digit = (uint64_t)(c - 'a') + 10;
        else
            return 1;
        if (__builtin_mul_overflow(value, (uint64_t)36, &value) || __builtin_add_overflow(value, digit, &value))
            return 1;
    }
    *ret_value = value;
    return 0;
}

size_t text_hex(const void *p, size_t n, char *ret)
{
    static const char alphabet[] = "0123456789abcdef";
    const uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = alphabet[bytes[i] >> 4];
        ret[2 * i + 1] = alphabet[bytes[i] & 15];
    }
    return 2 * n;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int text_parse_hex(struct str s, void *ret)
{
    uint8_t *bytes = ret;
    if (s.n % 2)
        return 1;
    for (size_t i = 0; i < s.n; i++)
        if (hex_digit(s.p[i]) < 0)
            return 1;
    for (size_t i = 0; i < s.n; i += 2)
        bytes[i / 2] = (uint8_t)(hex_digit(s.p[i]) << 4 | hex_digit(s.p[i + 1]));
    return 0;
}

size_t text_uuid(const uint8_t random[16], char ret[36])
{
    uint8_t bytes[16];
    memcpy(bytes, random, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); /* variant of RFC 4122 */
    static const uint8_t groups[] = { 4, 2, 2, 2, 6 };
    size_t in = 0, out = 0;
    for (size_t i = 0; i < sizeof(groups); i++) {
        if (i)
            ret[out++] = '-';
        out += text_hex(bytes + in, groups[i], ret + out);
        in += groups[i];
    }
    return out;
}

static inline bool continues(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t text_utf8_step(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xc2) /* a continuation, or an overlong form of ASCII */
        return 0;
    if (u[0] < 0xe0)
        return n >= 2 && continues(u[1]) ? 2 : 0;
    if (u[0] < 0xf0) {
        if (n < 3 || !continues(u[1]) || !continues(u[2]))
            return 0;
        bool overlong = u[0] == 0xe0 && u[1] < 0xa0;
        bool surrogate = u[0] == 0xed && u[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    if (u[0] > 0xf4 || n < 4 || !continues(u[1]) || !continues(u[2]) || !continues(u[3]))
        return 0;
    bool overlong = u[0] == 0xf0 && u[1] < 0x90;
    bool beyond = u[0] == 0xf4 && u[1] >= 0x90;
    return overlong || beyond ? 0 : 4;
}

bool text_is_utf8(struct str s)
{
    size_t at = 0;
    while (at < s.n) {
        uint64_t word;
        if (s.n - at >= sizeof(word)) {
            memcpy(&word, s.p + at, sizeof(word));
            if (!(word & 0x8080808080808080)) {
                at += sizeof(word);
                continue;
            }
        }
        size_t step = text_utf8_step(s.p + at, s.n - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

struct str text_utf8_trim(struct str s)
{
    size_t last = s.n;

    while (last > 0 && s.n - last < 4 && (last == s.n || continues((unsigned char)s.p[last])))
        last--;
    if (last < s.n && text_utf8_step(s.p + last, s.n - last) == 0)
        s.n = last;
    return s;
}

size_t text_utf8_len(struct str s)
{
    size_t len = 0;
    for (size_t i = 0; i < s.n; i++)
        len += !continues((unsigned char)s.p[i]);
    return len;
}
