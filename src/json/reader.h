/* SPDX-License-Identifier: Apache-2.0
 *
 * A pull reader for one JSON text (RFC 8259), driven by the shape the caller expects. Exact: UTF-8 is checked, raw
 * control characters, NaN, leading zeros, trailing commas and trailing bytes are refused, as are duplicate members
 * (also within values that the caller skips). Caps: depth 32, 20,000 values unless max_values says more. Strings are
 * unescaped in place: the text is modified and slices point into it. Nothing is copied; the arena holds only the key
 * sets of large objects. The first error is kept; every later call returns it. One thread at a time. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "json/member_set.h"

#define JSON_MAX_DEPTH 32
#define JSON_MAX_VALUES 20000

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum json_error {
    JSON_OK,
    JSON_SYNTAX,    /* not JSON */
    JSON_UTF8,      /* a string that is not UTF-8, or a lone surrogate */
    JSON_DUPLICATE, /* a member twice in one object */
    JSON_DEPTH,     /* deeper than JSON_MAX_DEPTH */
    JSON_VALUES,    /* more than max_values values */
    JSON_MEMORY,
    JSON_TYPE,  /* the value is not what the caller asked for */
    JSON_RANGE, /* a number that is no integer, or does not fit int64 */
};

/* One open array or object. */
struct json_level {
    bool is_object, begun; /* begun: at least one element or member was announced */
    struct member_set members;
};

/* About 2 KiB, to live on the stack or in another struct; everything in it is the reader's own but max_values, error,
 * error_at. */
struct json_reader {
    char *at, *end, *begin;
    unsigned depth, n_values;
    unsigned max_values; /* JSON_MAX_VALUES; to be set behind json_reader_init for texts that are trusted */
    enum json_error error;
    size_t error_at;           /* byte offset of the first error */
    struct member_stack stack; /* the keys of all open objects */
    struct json_level levels[JSON_MAX_DEPTH];
};

/* `text` is modified. A leading byte order mark is an error. The arena is touched only when an object has more than
 * MEMBER_SET_LINEAR members, or all open ones more than MEMBER_SET_INLINE; at most 3 MiB are taken. The reader must not
 * be copied afterwards. */
void json_reader_init(struct json_reader *reader, char *text, size_t n, struct arena *arena);

/* Type of the value that comes next, without consuming it. 0 or an error. */
int json_peek(struct json_reader *reader, enum json_type *ret_type);

/* Each consumes one value of that type; 0 or an error (JSON_TYPE leaves the value unread and is sticky too). */
int json_null(struct json_reader *reader);
int json_bool(struct json_reader *reader, bool *ret_value);
int json_string(struct json_reader *reader, struct str *ret_value);
/* Any number whose value is an integer in int64 (`10`, `1e2`, `3.0`). JSON_RANGE otherwise. */
int json_int(struct json_reader *reader, int64_t *ret_value);
/* Any value, checked as strictly as one that is read. */
int json_skip(struct json_reader *reader);

/* json_object; then json_member until *ret_more is false: each true gives a key, and its value must be read next. */
int json_object(struct json_reader *reader);
int json_member(struct json_reader *reader, bool *ret_more, struct str *ret_key);
/* json_array; then json_element until *ret_more is false: each true announces a value, which must be read next. */
int json_array(struct json_reader *reader);
int json_element(struct json_reader *reader, bool *ret_more);

/* Only white space may follow. 0 or an error. */
int json_end(struct json_reader *reader);

/* A short English clause for an error, such as "a member appears twice". */
const char *json_error_text(enum json_error error);
const char *json_type_text(enum json_type type); /* "a string", "an object" ... */
