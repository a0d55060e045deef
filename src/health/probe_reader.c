/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of answers; see probe_reader.h. Each part of an answer has a function that takes one octet of it. */
#include "health/probe_reader.h"

#define MAX_LENGTH ((uint64_t)1 << 40) /* longer is no different from endless */

enum known_header { WANTED, CONTENT_LENGTH, TRANSFER_ENCODING, KNOWN_HEADER_COUNT };

static struct str header_name(const struct probe_reader *reader, enum known_header header)
{
    return header == WANTED           ? reader->check->expect.header
           : header == CONTENT_LENGTH ? STR("content-length")
                                      : STR("transfer-encoding");
}

void probe_reader_init(struct probe_reader *reader, const struct check *check)
{
    *reader = (struct probe_reader){ .check = check };
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* --- the head ----------------------------------------------------------------------------------------------------- */

static void begin_line(struct probe_reader *reader)
{
    reader->part = PROBE_READER_NAME;
    reader->at = 0;
    reader->names = str_is_set(reader->check->expect.header) ? (1u << KNOWN_HEADER_COUNT) - 1
                                                             : (1u << KNOWN_HEADER_COUNT) - 1 - (1u << WANTED);
}

/* The status line is whole. An interim answer ends with its head, and another one follows. */
static enum probe_result end_status(struct probe_reader *reader)
{
    bool interim = reader->status >= 100 && reader->status < 200 && reader->status != 101;

    begin_line(reader);
    if (interim)
        return PROBE_PENDING;
    if (reader->status < 200 || reader->status >= 400)
        return PROBE_BAD_STATUS;
    return str_is_set(reader->check->expect.header) || str_is_set(reader->check->expect.body) ? PROBE_PENDING
                                                                                              : PROBE_OK;
}

/* `HTTP/1.x NNN` and what ends the number. */
static enum probe_result put_status(struct probe_reader *reader, char c)
{
    static const char form[] = "HTTP/1.0 000";
    size_t at = reader->at++;

    if (at < sizeof(form) - 1) {
        if (form[at] == '0' ? !is_digit(c) : c != form[at])
            return PROBE_BAD_ANSWER;
        if (at > 8)
            reader->status = (at == 9 ? 0 : reader->status * 10) + (unsigned)(c - '0');
        return PROBE_PENDING;
    }
    if (c != ' ' && c != '\r' && c != '\n')
        return PROBE_BAD_ANSWER;
    reader->part = PROBE_READER_REASON;
    return c == '\n' ? end_status(reader) : PROBE_PENDING;
}

static bool has_no_body(const struct probe_reader *reader)
{
    return reader->status == 204 || reader->status == 304 || (reader->has_length && reader->length == 0);
}

static enum probe_result end_head(struct probe_reader *reader)
{
    if (reader->status < 200) {
        *reader = (struct probe_reader){ .check = reader->check, .n_head = reader->n_head };
        return PROBE_PENDING;
    }
    if (str_is_set(reader->check->expect.header) && !reader->has_header)
        return PROBE_OTHER_HEADER;
    if (reader->check->expect.body.n == 0)
        return PROBE_OK;
    if (!reader->is_chunked && has_no_body(reader))
        return PROBE_OTHER_BODY;
    reader->match.n = 0;
    reader->at = 0;
    reader->rest = reader->is_chunked ? 0 : reader->has_length ? reader->length : MAX_LENGTH;
    reader->part = reader->is_chunked ? PROBE_READER_CHUNK_SIZE : PROBE_READER_BODY;
    return PROBE_PENDING;
}

static void begin_value(struct probe_reader *reader, enum known_header header)
{
    reader->part = PROBE_READER_VALUE;
    reader->names = 1u << header;
    reader->match.n = 0;
    reader->at = 0;
    if (header == WANTED && reader->check->expect.header_value.n == 0)
        reader->has_header = true;
    if (header == CONTENT_LENGTH)
        reader->length = 0;
}

/* A line that starts with a blank continues the one before; it holds no name. */
static enum probe_result put_name(struct probe_reader *reader, char c)
{
    size_t at = reader->at++;

    if (at == 0 && c == '\r')
        return reader->at--, PROBE_PENDING;
    if (c == '\n')
        return at == 0 ? end_head(reader) : (begin_line(reader), PROBE_PENDING);
    for (int i = 0; i < KNOWN_HEADER_COUNT; i++) {
        struct str name = header_name(reader, (enum known_header)i);
        if (!(reader->names & 1u << i))
            continue;
        if (c == ':' && at == name.n) {
            begin_value(reader, (enum known_header)i);
            return PROBE_PENDING;
        }
        if (at >= name.n || str_fold_char(c) != str_fold_char(name.p[at]))
            reader->names &= ~(1u << i);
    }
    if (!reader->names || c == ':')
        reader->part = PROBE_READER_SKIP;
    return PROBE_PENDING;
}

static enum probe_result put_value(struct probe_reader *reader, char c)
{
    static const uint16_t no_borders[7] = { 0 }; /* `chunked` begins with the only c in it */
    const struct check *check = reader->check;

    if (c == '\n') {
        bool ready = reader->has_header && !str_is_set(check->expect.body);
        begin_line(reader);
        return ready && reader->status >= 200 ? PROBE_OK : PROBE_PENDING;
    }
    if (c == '\r')
        return PROBE_PENDING;
    if (reader->names == 1u << WANTED) {
        if (check->expect.header_value.n &&
            text_match_put(&reader->match, check->expect.header_value, check->header_value_borders, c))
            reader->has_header = true;
    } else if (reader->names == 1u << TRANSFER_ENCODING) {
        if (text_match_put(&reader->match, STR("chunked"), no_borders, str_fold_char(c)))
            reader->is_chunked = true;
    } else if (is_digit(c)) {
        reader->has_length = true;
        reader->length = reader->length < MAX_LENGTH ? reader->length * 10 + (uint64_t)(c - '0') : MAX_LENGTH;
    }
    return PROBE_PENDING;
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

static enum probe_result put_body(struct probe_reader *reader, char c)
{
    if (text_match_put(&reader->match, reader->check->expect.body, reader->check->body_borders, c))
        return PROBE_OK;
    if (--reader->rest > 0)
        return PROBE_PENDING;
    if (reader->part == PROBE_READER_BODY)
        return PROBE_OTHER_BODY;
    reader->part = PROBE_READER_CHUNK_END;
    return PROBE_PENDING;
}

static int hex_value(char c)
{
    char folded = str_fold_char(c);

    return is_digit(c) ? c - '0' : folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

static enum probe_result put_chunk_size(struct probe_reader *reader, char c)
{
    int value = hex_value(c);

    if (value >= 0) {
        reader->at++;
        reader->rest = reader->rest < MAX_LENGTH ? reader->rest * 16 + (uint64_t)value : MAX_LENGTH;
        return PROBE_PENDING;
    }
    if (reader->at == 0)
        return PROBE_BAD_ANSWER;
    if (c != '\n') {
        reader->part = PROBE_READER_CHUNK_EXTENSION;
        return PROBE_PENDING;
    }
    reader->part = PROBE_READER_CHUNK;
    return reader->rest ? PROBE_PENDING : PROBE_OTHER_BODY;
}

static enum probe_result put_chunk_extension(struct probe_reader *reader, char c)
{
    if (c != '\n')
        return PROBE_PENDING;
    reader->part = PROBE_READER_CHUNK;
    return reader->rest ? PROBE_PENDING : PROBE_OTHER_BODY;
}

static enum probe_result put_chunk_end(struct probe_reader *reader, char c)
{
    if (c == '\r')
        return PROBE_PENDING;
    if (c != '\n')
        return PROBE_BAD_ANSWER;
    reader->part = PROBE_READER_CHUNK_SIZE;
    reader->at = 0;
    reader->rest = 0;
    return PROBE_PENDING;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static enum probe_result put(struct probe_reader *reader, char c)
{
    switch (reader->part) {
    case PROBE_READER_STATUS:
        return put_status(reader, c);
    case PROBE_READER_REASON:
        break;
    case PROBE_READER_NAME:
        return put_name(reader, c);
    case PROBE_READER_VALUE:
        return put_value(reader, c);
    case PROBE_READER_SKIP:
        if (c == '\n')
            begin_line(reader);
        return PROBE_PENDING;
    case PROBE_READER_BODY:
    case PROBE_READER_CHUNK:
        return put_body(reader, c);
    case PROBE_READER_CHUNK_SIZE:
        return put_chunk_size(reader, c);
    case PROBE_READER_CHUNK_EXTENSION:
        return put_chunk_extension(reader, c);
    case PROBE_READER_CHUNK_END:
        return put_chunk_end(reader, c);
    }
    return c == '\n' ? end_status(reader) : PROBE_PENDING;
}

/* The cap, or the peer, has ended it: what is missing? */
static enum probe_result miss(const struct probe_reader *reader, enum probe_result without_status)
{
    const struct check_expect *expect = &reader->check->expect;

    if (reader->part == PROBE_READER_STATUS || reader->part == PROBE_READER_REASON || reader->status < 200)
        return without_status;
    if (str_is_set(expect->header) && !reader->has_header)
        return PROBE_OTHER_HEADER;
    return str_is_set(expect->body) ? PROBE_OTHER_BODY : PROBE_OK;
}

enum probe_result probe_reader_put(struct probe_reader *reader, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t *n_read = reader->part < PROBE_READER_BODY ? &reader->n_head : &reader->n_body;
        if (++*n_read > PROBE_READER_MAX)
            return miss(reader, PROBE_BAD_ANSWER);
        enum probe_result result = put(reader, p[i]);
        if (result != PROBE_PENDING)
            return result;
    }
    return PROBE_PENDING;
}

enum probe_result probe_reader_end(const struct probe_reader *reader)
{
    return miss(reader, PROBE_CLOSED);
}
