/* SPDX-License-Identifier: Apache-2.0 */
#include "json_copy.h"

#define ARENA_CAP ((size_t)3 << 20)

static int copy_object(struct json_reader *reader, struct json_writer *writer)
{
    bool more;
    struct str key;
    int r = json_object(reader);
    json_open_object(writer);
    while (r == 0 && (r = json_member(reader, &more, &key)) == 0 && more) {
        json_key(writer, key);
        r = json_copy_value(reader, writer);
    }
    json_close_object(writer);
    return r;
}

static int copy_array(struct json_reader *reader, struct json_writer *writer)
{
    bool more;
    int r = json_array(reader);
    json_open_array(writer);
    while (r == 0 && (r = json_element(reader, &more)) == 0 && more)
        r = json_copy_value(reader, writer);
    json_close_array(writer);
    return r;
}

int json_copy_value(struct json_reader *reader, struct json_writer *writer)
{
    enum json_type type;
    bool truth;
    struct str text;
    int r = json_peek(reader, &type);
    if (r != 0)
        return r;
    switch (type) {
    case JSON_OBJECT:
        return copy_object(reader, writer);
    case JSON_ARRAY:
        return copy_array(reader, writer);
    case JSON_STRING:
        r = json_string(reader, &text);
        if (r == 0)
            json_put_string(writer, text);
        return r;
    case JSON_BOOL:
        r = json_bool(reader, &truth);
        if (r == 0)
            json_put_bool(writer, truth);
        return r;
    case JSON_NUMBER:
        text.p = reader->at;
        r = json_skip(reader);
        text.n = (size_t)(reader->at - text.p);
        if (r == 0)
            json_put_raw(writer, text);
        return r;
    case JSON_NULL:
        r = json_null(reader);
        if (r == 0)
            json_put_null(writer);
        return r;
    }
    return JSON_SYNTAX;
}

int json_copy_text(char *text, size_t n, struct buf *buf, size_t *ret_error_at)
{
    struct arena arena;
    struct json_reader reader;
    struct json_writer writer;
    arena_init(&arena, ARENA_CAP);
    json_reader_init(&reader, text, n, &arena);
    json_writer_init(&writer, buf);
    int r = json_copy_value(&reader, &writer);
    if (r == 0)
        r = json_end(&reader);
    if (r != 0)
        *ret_error_at = reader.error_at;
    arena_fini(&arena);
    return r;
}
