/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over a string: plain ASCII is found by words, everything else is looked at where it occurs. Bytes move
 * only behind the first escape. */
#include "json/unescape.h"
#include "base/text.h"
#include "json/scan.h"

/* Skips what stands for itself, UTF-8 checked. 0, with *at at a quote or a backslash. */
static inline int skip_plain(char **at, char *end)
{
    char *p = *at;
    for (;;) {
        *at = p = (char *)scan_special(p, end, true);
        if (p == end)
            return UNESCAPE_SYNTAX;
        if ((unsigned char)*p < 0x80)
            return (unsigned char)*p < 0x20 ? UNESCAPE_SYNTAX : 0;
        do {
            size_t step = text_utf8_step(p, (size_t)(end - p));
            *at = p;
            if (step == 0)
                return UNESCAPE_UTF8;
            p += step;
        } while (p < end && (unsigned char)*p >= 0x80);
    }
}

/* Four hex digits, or -1. */
static int32_t read_hex4(const char *p, const char *end)
{
    uint8_t bytes[2];
    if (end - p < 4 || text_parse_hex((struct str){ p, 4 }, bytes) != 0)
        return -1;
    return bytes[0] << 8 | bytes[1];
}

static char *write_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* The escape `\uXXXX` at *at, of a pair both. Writes at most as many bytes as it reads. */
static int read_unicode(char **at, char *end, char **to)
{
    char *p = *at;
    int32_t c = read_hex4(p + 2, end);
    if (c < 0)
        return UNESCAPE_SYNTAX;
    p += 6;
    if (c >= 0xdc00 && c <= 0xdfff)
        return UNESCAPE_UTF8;
    if (c >= 0xd800 && c <= 0xdbff) {
        int32_t low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? read_hex4(p + 2, end) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return UNESCAPE_UTF8;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        p += 6;
    }
    *to = write_utf8(*to, (uint32_t)c);
    *at = p;
    return 0;
}

/* The escape at *at, a backslash. */
static int read_escape(char **at, char *end, char **to)
{
    if (end - *at < 2)
        return UNESCAPE_SYNTAX;
    char c;
    switch ((*at)[1]) {
    case '"':
    case '\\':
    case '/':
        c = (*at)[1];
        break;
    case 'b':
        c = '\b';
        break;
    case 'f':
        c = '\f';
        break;
    case 'n':
        c = '\n';
        break;
    case 'r':
        c = '\r';
        break;
    case 't':
        c = '\t';
        break;
    case 'u':
        return read_unicode(at, end, to);
    default:
        return UNESCAPE_SYNTAX;
    }
    *at += 2;
    *(*to)++ = c;
    return 0;
}

int unescape_string(char **at, char *end, struct str *ret_value)
{
    char *begin = *at;
    int r = skip_plain(at, end);
    char *to = *at;
    while (r == 0 && **at == '\\') {
        r = read_escape(at, end, &to);
        if (r != 0)
            break;
        char *plain = *at;
        r = skip_plain(at, end);
        if (to != plain)
            memmove(to, plain, (size_t)(*at - plain));
        to += *at - plain;
    }
    if (r != 0)
        return r;
    (*at)++;
    *ret_value = (struct str){ begin, (size_t)(to - begin) };
    return 0;
}
