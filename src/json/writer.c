/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON writer. A string without anything to escape costs one check of room and one copy. */
#include "json/writer.h"
#include "json/scan.h"

#include <inttypes.h>

void json_writer_init(struct json_writer *writer, struct buf *buf)
{
    *writer = (struct json_writer){ .buf = buf };
}

static inline void before_value(struct json_writer *writer)
{
    if (writer->comma)
        buf_put_char(writer->buf, ',');
    writer->comma = true;
}

static inline void open_level(struct json_writer *writer, char c)
{
    before_value(writer);
    buf_put_char(writer->buf, c);
    writer->comma = false;
}

static inline void close_level(struct json_writer *writer, char c)
{
    buf_put_char(writer->buf, c);
    writer->comma = true;
}

void json_open_object(struct json_writer *writer)
{
    open_level(writer, '{');
}

void json_close_object(struct json_writer *writer)
{
    close_level(writer, '}');
}

void json_open_array(struct json_writer *writer)
{
    open_level(writer, '[');
}

void json_close_array(struct json_writer *writer)
{
    close_level(writer, ']');
}

static void escape_char(struct buf *buf, unsigned char c)
{
    /* Control characters with a short form (RFC 8259 section 7). */
    static const char letters[0x20] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
    static const char hex[] = "0123456789abcdef";
    if (c >= 0x20)
        buf_put(buf, (char[]){ '\\', (char)c }, 2);
    else if (letters[c])
        buf_put(buf, (char[]){ '\\', letters[c] }, 2);
    else
        buf_put(buf, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
}

void json_escape(struct buf *buf, struct str value)
{
    const char *p = value.p, *end = value.p + value.n;
    buf_put_char(buf, '"');
    while (p < end) {
        const char *special = scan_special(p, end, false);
        buf_put(buf, p, (size_t)(special - p));
        p = special;
        if (p < end)
            escape_char(buf, (unsigned char)*p++);
    }
    buf_put_char(buf, '"');
}

void json_key(struct json_writer *writer, struct str key)
{
    before_value(writer);
    json_escape(writer->buf, key);
    buf_put_char(writer->buf, ':');
    writer->comma = false;
}

void json_put_string(struct json_writer *writer, struct str value)
{
    before_value(writer);
    json_escape(writer->buf, value);
}

void json_put_int(struct json_writer *writer, int64_t value)
{
    before_value(writer);
    buf_put_i64(writer->buf, value);
}

void json_put_bool(struct json_writer *writer, bool value)
{
    json_put_raw(writer, value ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *writer)
{
    json_put_raw(writer, STR("null"));
}

void json_put_timestamp(struct json_writer *writer, int64_t ms)
{
    before_value(writer);
    uint64_t magnitude = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
    unsigned fraction = (unsigned)(magnitude % 1000);
    if (ms < 0)
        buf_put_char(writer->buf, '-');
    buf_put_u64(writer->buf, magnitude / 1000);
    buf_put(
        writer->buf,
        (char[]){ '.', (char)('0' + fraction / 100), (char)('0' + fraction / 10 % 10), (char)('0' + fraction % 10) },
        4);
}

void json_put_raw(struct json_writer *writer, struct str json)
{
    before_value(writer);
    buf_put_str(writer->buf, json);
}

void json_field_string(struct json_writer *writer, struct str key, struct str value)
{
    json_key(writer, key);
    json_put_string(writer, value);
}

void json_field_optional(struct json_writer *writer, struct str key, struct str value)
{
    if (str_is_set(value))
        json_field_string(writer, key, value);
}

void json_field_int(struct json_writer *writer, struct str key, int64_t value)
{
    json_key(writer, key);
    json_put_int(writer, value);
}

void json_field_timestamp(struct json_writer *writer, struct str key, int64_t ms)
{
    json_key(writer, key);
    json_put_timestamp(writer, ms);
}
