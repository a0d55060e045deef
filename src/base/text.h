/* SPDX-License-Identifier: Apache-2.0
 *
 * Small text codecs. Usable from any thread. Writers return the number of characters written (no NUL). */
#pragma once

#include "base/str.h"

/* RFC 4648 base32, lower-case alphabet a-z2-7, without padding; ret holds (n * 8 + 4) / 5 characters. */
size_t text_base32(const void *p, size_t n, char *ret);
/* 0-9a-z, no leading zeros; ret holds 13 characters. */
size_t text_base36(uint64_t value, char *ret);
/* 0, or 1 when s is empty, not base36 or too large. */
int text_parse_base36(struct str s, uint64_t *ret_value);
size_t text_hex(const void *p, size_t n, char *ret); /* lower case, 2n characters */
/* Two hex digits a byte into ret (s.n / 2 bytes). 0, or 1 when s is not hex. */
int text_parse_hex(struct str s, void *ret);
/* RFC 4122 version 4 from 16 random bytes; ret holds 36 characters. */
size_t text_uuid(const uint8_t random[16], char ret[36]);
/* Bytes of the UTF-8 character at p, of which n > 0 bytes are there: 1 to 4, or 0 when it is not valid. */
size_t text_utf8_step(const char *p, size_t n);
/* Valid UTF-8 (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF)? */
bool text_is_utf8(struct str s);
/* UTF-8 that was cut anywhere, without the part of a character that is left at its end. */
struct str text_utf8_trim(struct str s);
/* Code points in valid UTF-8. */
size_t text_utf8_len(struct str s);
