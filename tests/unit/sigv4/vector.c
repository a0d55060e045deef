/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a case. They hold what no HTTP parser takes (bare line feeds, raw spaces, folded lines), so they have a
 * parser of their own. */
#include "vector.h"
#include "base/mem.h"
#include "json/reader.h"

#include <inttypes.h>

#define FILE_MAX 65536

static struct str read_file(const char *folder, const char *name, const char *file, struct arena *arena)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
    FILE *stream = fopen(path, "rb");
    if (!stream)
        print_error("%s cannot be opened\n", path);
    assert_non_null(stream);
    char *text = arena_alloc(arena, FILE_MAX);
    assert_non_null(text);
    size_t n = fread(text, 1, FILE_MAX, stream);
    fclose(stream);
    assert_true(n < FILE_MAX);
    return (struct str){ text, n };
}

static struct str read_line_file(const char *folder, const char *name, const char *file, struct arena *arena)
{
    struct str text = read_file(folder, name, file, arena);
    while (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    return text;
}

/* --- context.json ------------------------------------------------------------------------------------------------ */

static void read_member(struct json_reader *reader, struct str key, struct vector *vector)
{
    const struct {
        struct str key;
        struct str *text;
        bool *flag;
        int64_t *number;
    } members[] = {
        { .key = STR("access_key_id"), .text = &vector->access_key_id },
        { .key = STR("secret_access_key"), .text = &vector->secret },
        { .key = STR("token"), .text = &vector->token },
        { .key = STR("region"), .text = &vector->region },
        { .key = STR("service"), .text = &vector->service },
        { .key = STR("expiration_in_seconds"), .number = &vector->expires_s },
        { .key = STR("normalize"), .flag = &vector->normalizes },
        { .key = STR("sign_body"), .flag = &vector->signs_body },
        { .key = STR("omit_session_token"), .flag = &vector->omits_token },
    };
    struct str timestamp;
    for (size_t i = 0; i < TEST_COUNT(members); i++) {
        if (!str_eq(members[i].key, key))
            continue;
        int r = members[i].text   ? json_string(reader, members[i].text)
                : members[i].flag ? json_bool(reader, members[i].flag)
                                  : json_int(reader, members[i].number);
        assert_int_equal(r, 0);
        return;
    }
    assert_str(key, "timestamp");
    assert_int_equal(json_string(reader, &timestamp), 0);
    assert_str(timestamp, "2015-08-30T12:36:00Z");
}

static void read_context(struct json_reader *reader, struct vector *vector)
{
    bool more;
    struct str key;
    assert_int_equal(json_object(reader), 0);
    while (json_member(reader, &more, &key) == 0 && more) {
        if (str_eq(key, STR("credentials")))
            read_context(reader, vector);
        else
            read_member(reader, key, vector);
    }
    assert_int_equal(reader->error, JSON_OK);
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

void vector_add_header(struct vector_request *request, struct str name, struct str value)
{
    assert_true(request->request.n_headers < VECTOR_HEADERS_MAX);
    request->headers[request->request.n_headers++] = (struct str_pair){ name, value };
}

static struct str take_line(struct str *text)
{
    struct str line = { text->p, str_find_char(*text, '\n') };
    *text = str_skip(*text, line.n < text->n ? line.n + 1 : line.n);
    return line;
}

static void parse_request_line(struct str line, struct verifier_request *request)
{
    size_t n = str_find_char(line, ' ');
    request->method = (struct str){ line.p, n };
    struct str target = str_skip(line, n + 1);
    while (target.p[target.n - 1] != ' ') /* before the version */
        target.n--;
    target.n--;
    n = str_find_char(target, '?');
    request->path = (struct str){ target.p, n };
    request->query = n < target.n ? str_skip(target, n + 1) : (struct str){ 0 };
}

static void parse_request(struct str text, struct arena *arena, struct vector_request *ret_request)
{
    struct verifier_request *request = &ret_request->request;
    uint64_t n_body = 0;
    *ret_request = (struct vector_request){ .request = { .body = STR("") } };
    parse_request_line(take_line(&text), request);
    while (text.n > 0) {
        struct str line = take_line(&text);
        if (line.n == 0)
            break;
        if (line.p[0] == ' ') { /* goes on with the value before it */
            struct str *value = &ret_request->headers[request->n_headers - 1].value;
            *value = arena_printf(arena, STR_FMT STR_FMT, STR_ARG(*value), STR_ARG(line));
            continue;
        }
        size_t n = str_find_char(line, ':');
        struct str name = { line.p, n }, value = str_skip(line, n + 1);
        vector_add_header(ret_request, name, value);
        if (str_eq_nocase(name, STR("Content-Length")))
            assert_int_equal(str_parse_u64(value, &n_body), 0);
    }
    assert_true(n_body <= text.n);
    request->body = (struct str){ text.p, n_body };
}

/* --- all --------------------------------------------------------------------------------------------------------- */

static void load_form(const char *folder, const char *name, enum vector_form form, struct arena *arena,
                      struct vector *vector)
{
    const char *prefix = form == VECTOR_HEADER ? "header" : "query";
    char file[64];
    snprintf(file, sizeof(file), "%s-canonical-request.txt", prefix);
    vector->forms[form].canonical = read_line_file(folder, name, file, arena);
    snprintf(file, sizeof(file), "%s-string-to-sign.txt", prefix);
    vector->forms[form].string_to_sign = read_line_file(folder, name, file, arena);
    snprintf(file, sizeof(file), "%s-signature.txt", prefix);
    vector->forms[form].signature = read_line_file(folder, name, file, arena);
    snprintf(file, sizeof(file), "%s-signed-request.txt", prefix);
    parse_request(read_file(folder, name, file, arena), arena, &vector->forms[form].signed_request);
}

void vector_load(const char *folder, const char *name, struct arena *arena, struct vector *ret_vector)
{
    struct json_reader reader;
    *ret_vector = (struct vector){ .name = name };
    struct str context = arena_dup(arena, read_file(folder, name, "context.json", arena));
    json_reader_init(&reader, (char *)context.p, context.n, arena);
    read_context(&reader, ret_vector);
    assert_int_equal(json_end(&reader), 0);
    parse_request(read_file(folder, name, "request.txt", arena), arena, &ret_vector->plain);
    for (int form = 0; form < VECTOR_FORM_COUNT; form++)
        load_form(folder, name, (enum vector_form)form, arena, ret_vector);
}
