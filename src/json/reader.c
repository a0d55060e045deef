/* SPDX-License-Identifier: Apache-2.0
 *
 * Structure of a JSON text: which value comes next, levels, commas, the first error. Strings, numbers and key sets are
 * in unescape.c, number.c and member_set.c. */
#include "json/reader.h"
#include "base/mem.h"
#include "json/number.h"
#include "json/scan.h"
#include "json/unescape.h"

void json_reader_init(struct json_reader *reader, char *text, size_t n, struct arena *arena)
{
    reader->at = reader->begin = text;
    reader->end = text + n;
    reader->depth = reader->n_values = 0;
    reader->max_values = JSON_MAX_VALUES;
    reader->error = JSON_OK;
    reader->error_at = 0;
    member_set_init_stack(&reader->stack, arena);
}

static int fail_at(struct json_reader *reader, enum json_error error, const char *at)
{
    reader->error = error;
    reader->error_at = (size_t)(at - reader->begin);
    return error;
}

static int fail(struct json_reader *reader, enum json_error error)
{
    return fail_at(reader, error, reader->at);
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline void skip_space(struct json_reader *reader)
{
    while (reader->at < reader->end && is_space(*reader->at))
        reader->at++;
}

/* The byte at hand, or 0 at the end of the text: no token begins with either. */
static inline char look(const struct json_reader *reader)
{
    return reader->at < reader->end ? *reader->at : '\0';
}

/* What a value that begins with this byte must be, plus one; 0 = no value begins so. */
static const uint8_t types_by_first[256] = {
    ['"'] = JSON_STRING + 1, ['{'] = JSON_OBJECT + 1, ['['] = JSON_ARRAY + 1,  ['t'] = JSON_BOOL + 1,
    ['f'] = JSON_BOOL + 1,   ['n'] = JSON_NULL + 1,   ['-'] = JSON_NUMBER + 1, ['0' ... '9'] = JSON_NUMBER + 1,
};

static inline int peek(struct json_reader *reader, enum json_type *ret_type)
{
    if (reader->error)
        return reader->error;
    skip_space(reader);
    unsigned type = types_by_first[(unsigned char)look(reader)];
    if (type == 0)
        return fail(reader, JSON_SYNTAX);
    *ret_type = type - 1;
    return 0;
}

int json_peek(struct json_reader *reader, enum json_type *ret_type)
{
    return peek(reader, ret_type);
}

/* Every value begins here: its type is checked, it is counted. */
static inline int begin_value(struct json_reader *reader, enum json_type wanted)
{
    enum json_type type;
    int r = peek(reader, &type);
    if (r != 0)
        return r;
    if (type != wanted)
        return fail(reader, JSON_TYPE);
    if (++reader->n_values > reader->max_values)
        return fail(reader, JSON_VALUES);
    return 0;
}

static int read_word(struct json_reader *reader, struct str word)
{
    struct str rest = { reader->at, (size_t)(reader->end - reader->at) };
    if (!str_starts(rest, word))
        return fail(reader, JSON_SYNTAX);
    reader->at += word.n;
    return 0;
}

int json_null(struct json_reader *reader)
{
    int r = begin_value(reader, JSON_NULL);
    return r ? r : read_word(reader, STR("null"));
}

int json_bool(struct json_reader *reader, bool *ret_value)
{
    int r = begin_value(reader, JSON_BOOL);
    if (r != 0)
        return r;
    bool value = *reader->at == 't';
    r = read_word(reader, value ? STR("true") : STR("false"));
    if (r == 0)
        *ret_value = value;
    return r;
}

static int read_number(struct json_reader *reader, struct str *ret_text)
{
    int r = begin_value(reader, JSON_NUMBER);
    if (r != 0)
        return r;
    const char *end = number_end(reader->at, reader->end);
    if (!end)
        return fail(reader, JSON_SYNTAX);
    *ret_text = (struct str){ reader->at, (size_t)(end - reader->at) };
    reader->at += ret_text->n;
    return 0;
}

int json_int(struct json_reader *reader, int64_t *ret_value)
{
    struct str text;
    int r = read_number(reader, &text);
    if (r == 0 && number_to_int(text, ret_value) != 0)
        r = fail_at(reader, JSON_RANGE, text.p);
    return r;
}

/* The string at hand, a key or a value. Most are plain ASCII. */
static inline int read_string(struct json_reader *reader, struct str *ret_value)
{
    char *begin = ++reader->at;
    char *special = (char *)scan_special(begin, reader->end, true);
    if (special < reader->end && *special == '"') {
        reader->at = special + 1;
        *ret_value = (struct str){ begin, (size_t)(special - begin) };
        return 0;
    }
    int r = unescape_string(&reader->at, reader->end, ret_value);
    if (r != 0)
        r = fail(reader, r == UNESCAPE_UTF8 ? JSON_UTF8 : JSON_SYNTAX);
    return r;
}

int json_string(struct json_reader *reader, struct str *ret_value)
{
    int r = begin_value(reader, JSON_STRING);
    return r ? r : read_string(reader, ret_value);
}

static int open_level(struct json_reader *reader, bool is_object)
{
    int r = begin_value(reader, is_object ? JSON_OBJECT : JSON_ARRAY);
    if (r != 0)
        return r;
    if (reader->depth == JSON_MAX_DEPTH)
        return fail(reader, JSON_DEPTH);
    struct json_level *level = &reader->levels[reader->depth++];
    level->is_object = is_object;
    level->begun = false;
    member_set_open(&level->members, &reader->stack);
    reader->at++;
    return 0;
}

int json_object(struct json_reader *reader)
{
    return open_level(reader, true);
}

int json_array(struct json_reader *reader)
{
    return open_level(reader, false);
}

/* Moves to the next element or key of the innermost level, or closes the level. */
static inline int step(struct json_reader *reader, bool is_object, bool *ret_more)
{
    if (reader->error)
        return reader->error;
    ASSERT(reader->depth > 0);
    struct json_level *level = &reader->levels[reader->depth - 1];
    ASSERT(level->is_object == is_object);
    skip_space(reader);
    if (look(reader) == (is_object ? '}' : ']')) {
        reader->at++;
        reader->depth--;
        member_set_close(&level->members, &reader->stack);
        *ret_more = false;
        return 0;
    }
    if (level->begun) {
        if (look(reader) != ',')
            return fail(reader, JSON_SYNTAX);
        reader->at++;
        skip_space(reader);
    }
    level->begun = true;
    *ret_more = true;
    return 0;
}

int json_element(struct json_reader *reader, bool *ret_more)
{
    return step(reader, false, ret_more);
}

int json_member(struct json_reader *reader, bool *ret_more, struct str *ret_key)
{
    bool more;
    int r = step(reader, true, &more);
    if (r != 0)
        return r;
    if (more) {
        const char *begin = reader->at;
        struct str key;
        if (look(reader) != '"')
            return fail(reader, JSON_SYNTAX);
        r = read_string(reader, &key);
        if (r != 0)
            return r;
        r = member_set_add(&reader->levels[reader->depth - 1].members, &reader->stack, key);
        if (r != 0)
            return fail_at(reader, r == MEMBER_SET_DUPLICATE ? JSON_DUPLICATE : JSON_MEMORY, begin);
        skip_space(reader);
        if (look(reader) != ':')
            return fail(reader, JSON_SYNTAX);
        reader->at++;
        *ret_key = key;
    }
    *ret_more = more;
    return 0;
}

/* One value; of an array or object only the opening. */
static int skip_head(struct json_reader *reader)
{
    enum json_type type;
    struct str ignored;
    bool truth;
    int r = json_peek(reader, &type);
    if (r != 0)
        return r;
    switch (type) {
    case JSON_NULL:
        return json_null(reader);
    case JSON_BOOL:
        return json_bool(reader, &truth);
    case JSON_NUMBER:
        return read_number(reader, &ignored);
    case JSON_STRING:
        return json_string(reader, &ignored);
    case JSON_ARRAY:
        return json_array(reader);
    case JSON_OBJECT:
        return json_object(reader);
    }
    return JSON_SYNTAX;
}

int json_skip(struct json_reader *reader)
{
    unsigned outside = reader->depth;
    int r;
    do {
        r = skip_head(reader);
        bool more = false;
        while (r == 0 && reader->depth > outside && !more) {
            struct str key;
            r = reader->levels[reader->depth - 1].is_object ? json_member(reader, &more, &key)
                                                            : json_element(reader, &more);
        }
    } while (r == 0 && reader->depth > outside);
    return r;
}

int json_end(struct json_reader *reader)
{
    if (reader->error)
        return reader->error;
    ASSERT(reader->depth == 0 && reader->n_values > 0);
    skip_space(reader);
    return reader->at == reader->end ? 0 : fail(reader, JSON_SYNTAX);
}

const char *json_error_text(enum json_error error)
{
    switch (error) {
    case JSON_OK:
        return "no error";
    case JSON_SYNTAX:
        return "not valid JSON";
    case JSON_UTF8:
        return "a string is not valid Unicode";
    case JSON_DUPLICATE:
        return "a member appears twice";
    case JSON_DEPTH:
        return "nested too deeply";
    case JSON_VALUES:
        return "too many values";
    case JSON_MEMORY:
        return "out of memory";
    case JSON_TYPE:
        return "a value of another type was expected";
    case JSON_RANGE:
        return "a number is not an integer in range";
    }
    return "unknown error";
}

const char *json_type_text(enum json_type type)
{
    switch (type) {
    case JSON_NULL:
        return "null";
    case JSON_BOOL:
        return "a boolean";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    }
    return "unknown";
}
