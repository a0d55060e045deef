/* SPDX-License-Identifier: Apache-2.0
 *
 * Best effort, but only what stands in its place counts: a code somewhere in a proxy's page is none. */
#include "aws/aws_failure.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/reader.h"

#include <expat.h>

#define BODY_MAX ((size_t)1 << 20) /* more is not looked at */
#define KEYS_MAX ((size_t)4 << 20)
#define DEPTH_MAX 8
#define PATH_MAX_BYTES 128

void aws_failure_copy(char *ret_text, size_t size, struct str text)
{
    struct str part = { text.p, text.n < size - 1 ? text.n : size - 1 };
    if (part.n < text.n)
        part = text_utf8_trim(part);
    for (size_t i = 0; i < part.n; i++)
        ret_text[i] = (unsigned char)part.p[i] < ' ' || part.p[i] == 0x7f ? ' ' : part.p[i];
    ret_text[part.n] = '\0';
    if (!text_is_utf8((struct str){ ret_text, part.n }))
        ret_text[0] = '\0';
}

/* A code is a word, perhaps between `namespace#` and `:http://...`. */
static void copy_code(struct str text, struct aws_error *error)
{
    text.n = str_find_char(text, ':');
    size_t n = str_find_char(text, '#');
    if (n < text.n)
        text = str_skip(text, n + 1);
    if (text.n >= sizeof(error->code))
        return;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == '"' || text.p[i] == '\\')
            return;
    if (error->code[0] == '\0')
        aws_failure_copy(error->code, sizeof(error->code), text);
}

/* --- JSON -------------------------------------------------------------------------------------------------------- */

static int read_member(struct json_reader *reader, struct str key, struct aws_error *error)
{
    enum json_type type;
    struct str value;
    int r = json_peek(reader, &type);
    if (r != 0)
        return r;
    bool is_code = str_eq(key, STR("__type"));
    if (type != JSON_STRING || (!is_code && !str_eq_nocase(key, STR("message"))))
        return json_skip(reader);
    r = json_string(reader, &value);
    if (r != 0)
        return r;
    if (is_code)
        copy_code(value, error);
    else
        aws_failure_copy(error->message, sizeof(error->message), value);
    return 0;
}

static void read_json(char *text, size_t n, struct aws_error *error)
{
    struct arena arena;
    struct json_reader reader;
    struct aws_error found = { 0 };
    bool more;
    struct str key;
    arena_init(&arena, KEYS_MAX);
    json_reader_init(&reader, text, n, &arena);
    int r = json_object(&reader);
    while (r == 0 && (r = json_member(&reader, &more, &key)) == 0 && more)
        r = read_member(&reader, key, &found);
    if (r == 0 && json_end(&reader) == 0) {
        memcpy(error->code, found.code, sizeof(found.code));
        memcpy(error->message, found.message, sizeof(found.message));
    }
    arena_fini(&arena);
}

/* --- XML --------------------------------------------------------------------------------------------------------- */

struct xml {
    XML_Parser parser;
    unsigned depth, n_kept; /* of the path: names that are kept in it */
    size_t lengths[DEPTH_MAX + 1];
    char path[PATH_MAX_BYTES];
    struct buf text; /* of the element that is being read */
    struct aws_error *error;
};

static void on_open(void *arg, const char *name, const char **attributes)
{
    struct xml *xml = arg;
    (void)attributes;
    buf_clear(&xml->text);
    size_t at = xml->lengths[xml->n_kept], n = strlen(name);
    if (xml->depth++ > xml->n_kept || xml->n_kept == DEPTH_MAX || at + n + 1 >= sizeof(xml->path))
        return; /* too deep or too long to matter */
    xml->path[at] = '/';
    memcpy(xml->path + at + 1, name, n);
    xml->lengths[++xml->n_kept] = at + 1 + n;
}

static void take_text(struct xml *xml, struct str path)
{
    struct str text = buf_str(&xml->text);
    struct aws_error *error = xml->error;
    if (str_eq(path, STR("/Response/Errors/Error/Code")) || str_eq(path, STR("/ErrorResponse/Error/Code"))) {
        copy_code(text, error);
    } else if (str_eq(path, STR("/Response/Errors/Error/Message")) ||
               str_eq(path, STR("/ErrorResponse/Error/Message"))) {
        if (error->message[0] == '\0')
            aws_failure_copy(error->message, sizeof(error->message), text);
    } else if (str_eq(path, STR("/Response/RequestID")) || str_eq(path, STR("/ErrorResponse/RequestId"))) {
        if (error->request_id[0] == '\0')
            aws_failure_copy(error->request_id, sizeof(error->request_id), text);
    }
}

static void on_close(void *arg, const char *name)
{
    struct xml *xml = arg;
    (void)name;
    if (xml->depth-- == xml->n_kept) {
        take_text(xml, (struct str){ xml->path, xml->lengths[xml->n_kept] });
        xml->n_kept--;
    }
    buf_clear(&xml->text);
}

static void on_text(void *arg, const char *p, int n)
{
    struct xml *xml = arg;
    size_t room = xml->text.max - xml->text.n;
    buf_put(&xml->text, p, (size_t)n < room ? (size_t)n : room);
}

/* No answer of AWS has one; with it entities would come. */
static void on_doctype(void *arg, const char *name, const char *system_id, const char *public_id, int has_internal)
{
    struct xml *xml = arg;
    (void)name, (void)system_id, (void)public_id, (void)has_internal;
    XML_StopParser(xml->parser, XML_FALSE);
}

static void read_xml(struct str text, struct aws_error *error)
{
    static const XML_Memory_Handling_Suite memory = { mem_alloc, mem_realloc, mem_free };
    struct aws_error found = { 0 };
    struct xml xml = { .parser = XML_ParserCreate_MM("UTF-8", &memory, NULL), .error = &found };
    if (!xml.parser)
        return;
    buf_init(&xml.text, sizeof(error->message));
    XML_SetUserData(xml.parser, &xml);
    XML_SetElementHandler(xml.parser, on_open, on_close);
    XML_SetCharacterDataHandler(xml.parser, on_text);
    XML_SetStartDoctypeDeclHandler(xml.parser, on_doctype);
    if (XML_Parse(xml.parser, text.p, (int)text.n, XML_TRUE) == XML_STATUS_OK) {
        found.status = error->status;
        if (error->request_id[0])
            memcpy(found.request_id, error->request_id, sizeof(found.request_id));
        *error = found;
    }
    XML_ParserFree(xml.parser);
    buf_fini(&xml.text);
}

/* --- all --------------------------------------------------------------------------------------------------------- */

static struct str skip_blanks(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\r' || s.p[0] == '\n'))
        s = str_skip(s, 1);
    return s;
}

void aws_failure_read(struct http_client_answer *answer, struct aws_error *ret_error)
{
    struct aws_error error = { .status = answer->status };
    struct str id = http_client_header(answer, "x-amzn-RequestId");
    if (!str_is_set(id))
        id = http_client_header(answer, "x-amz-request-id");
    if (str_is_set(id))
        aws_failure_copy(error.request_id, sizeof(error.request_id), id);
    struct str body = buf_str(&answer->body), begin = skip_blanks(body);
    if (body.n <= BODY_MAX && begin.n > 0 && begin.p[0] == '{')
        read_json(answer->body.p, body.n, &error);
    else if (body.n <= BODY_MAX && begin.n > 0 && begin.p[0] == '<')
        read_xml(body, &error);
    if (error.code[0] == '\0') {
        struct str type = http_client_header(answer, "x-amzn-ErrorType");
        struct str query = http_client_header(answer, "x-amzn-query-error");
        query.n = str_find_char(query, ';');
        copy_code(str_is_set(type) ? type : query, &error);
    }
    *ret_error = error;
}
