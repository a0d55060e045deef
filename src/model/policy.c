/* SPDX-License-Identifier: Apache-2.0
 *
 * Documents: version, list of statements, and what the readers of their parts lean on. A document is read twice: once
 * for its version, which says whether statements before it may hold variables, and then whole. */
#include "model/policy_pack.h"
#include "model/policy_priv.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* A policy of POLICY_MAX_BYTES bytes: its texts twice, and what each of its values compiles to. */
#define POLICY_MAX_ARENA (8u << 20)

static const size_t max_characters[POLICY_KIND_COUNT] = {
    [POLICY_IDENTITY] = 6144, [POLICY_SESSION] = 2048, [POLICY_TRUST] = 4096, [POLICY_RESOURCE] = 10240
};

size_t policy_max_characters(enum policy_kind kind)
{
    ASSERT(kind < POLICY_KIND_COUNT);
    return max_characters[kind];
}

/* --- refusing ---------------------------------------------------------------------------------------------------- */

static int refuse_at(struct policy_reader *reader, size_t offset, const char *format, va_list args)
{
    struct policy_error *error = reader->error;
    size_t n = 0;

    error->line = 1;
    for (size_t i = 0; i < offset && i < reader->document.n; i++)
        error->line += reader->document.p[i] == '\n';
    if (reader->n_statement)
        n = (size_t)snprintf(error->text, sizeof(error->text), "Statement %u: ", reader->n_statement);
    vsnprintf(error->text + n, sizeof(error->text) - n, format, args);
    n = text_utf8_trim(str_of(error->text)).n;
    error->text[n] = '\0';
    return POLICY_INVALID;
}

int policy_refuse(struct policy_reader *reader, const char *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    refuse_at(reader, (size_t)(at - reader->json.begin), format, args);
    va_end(args);
    return POLICY_INVALID;
}

int policy_refuse_json(struct policy_reader *reader)
{
    if (reader->json.error == JSON_MEMORY)
        return -ENOMEM;
    return policy_refuse(reader, reader->json.begin + reader->json.error_at, "%s", json_error_text(reader->json.error));
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

const char *policy_at(struct policy_reader *reader)
{
    enum json_type type;

    (void)json_peek(&reader->json, &type); /* skips white space */
    return reader->json.at;
}

/* What comes next must be of that type. */
static int expect(struct policy_reader *reader, const char *what, enum json_type wanted)
{
    enum json_type type;

    if (json_peek(&reader->json, &type))
        return policy_refuse_json(reader);
    if (type != wanted)
        return policy_refuse(reader, reader->json.at, "%s is %s, not %s", what, json_type_text(type),
                             json_type_text(wanted));
    return 0;
}

int policy_read_object(struct policy_reader *reader, const char *what)
{
    int r = expect(reader, what, JSON_OBJECT);

    if (!r && json_object(&reader->json))
        r = policy_refuse_json(reader);
    return r;
}

/* IAM's characters: U+0009, U+000A, U+000D, U+0020 to U+00FF. */
static int check_characters(struct policy_reader *reader, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c > 0xc3)
            return policy_refuse(reader, text.p, "a character that policies may not hold, in \"%.*s\"",
                                 POLICY_QUOTE(text));
    }
    return 0;
}

int policy_read_member(struct policy_reader *reader, bool *ret_more, struct str *ret_key)
{
    if (json_member(&reader->json, ret_more, ret_key))
        return policy_refuse_json(reader);
    return *ret_more ? check_characters(reader, *ret_key) : 0;
}

int policy_read_string(struct policy_reader *reader, const char *what, struct str *ret_text)
{
    int r = expect(reader, what, JSON_STRING);

    if (r)
        return r;
    if (json_string(&reader->json, ret_text))
        return policy_refuse_json(reader);
    return check_characters(reader, *ret_text);
}

/* One value of a list; numbers and booleans as they stand in the document. */
static int read_text(struct policy_reader *reader, const char *what, bool any, struct str *ret_text)
{
    enum json_type type;
    const char *begin;

    if (json_peek(&reader->json, &type))
        return policy_refuse_json(reader);
    if (!any || (type != JSON_NUMBER && type != JSON_BOOL))
        return policy_read_string(reader, what, ret_text);
    begin = reader->json.at;
    if (json_skip(&reader->json))
        return policy_refuse_json(reader);
    *ret_text = (struct str){ begin, (size_t)(reader->json.at - begin) };
    return 0;
}

int policy_read_texts(struct policy_reader *reader, const char *what, bool any, struct policy_texts *ret_texts)
{
    struct policy_texts texts = { 0 };
    size_t room = 0;
    enum json_type type;
    bool is_list, more = true;
    int r = 0;

    if (json_peek(&reader->json, &type))
        return policy_refuse_json(reader);
    is_list = type == JSON_ARRAY;
    if (is_list && json_array(&reader->json))
        return policy_refuse_json(reader);
    while (more && !r) {
        if (is_list && json_element(&reader->json, &more))
            return policy_refuse_json(reader);
        if (!more)
            break;
        if (texts.n == room) {
            texts.items = arena_grow(&reader->arena, texts.items, &room, 4, sizeof(struct str));
            if (!texts.items)
                return -ENOMEM;
        }
        r = read_text(reader, what, any, &texts.items[texts.n++]);
        more = is_list;
    }
    *ret_texts = texts;
    return r;
}

int policy_read_glob(struct policy_reader *reader, struct str text, unsigned flags, struct glob *ret_glob)
{
    int r = glob_compile(&reader->arena, text, reader->has_variables ? flags : flags & ~(unsigned)GLOB_VARIABLES,
                         &reader->variables, ret_glob);

    if (r == GLOB_BAD_VARIABLE)
        return policy_refuse(reader, text.p, "a policy variable without a name or without its }: \"%.*s\"",
                             POLICY_QUOTE(text));
    if (r == GLOB_TOO_MANY)
        return policy_refuse(reader, text.p, "more than %u different policy variables", GLOB_MAX_VARIABLES);
    return r;
}

/* --- the document ------------------------------------------------------------------------------------------------ */

static int read_version(struct policy_reader *reader, bool *ret_has_variables)
{
    struct str version;
    int r = policy_read_string(reader, "Version", &version);

    if (r)
        return r;
    *ret_has_variables = str_eq(version, STR("2012-10-17"));
    if (!*ret_has_variables && !str_eq(version, STR("2008-10-17")))
        return policy_refuse(reader, version.p, "Version is \"%.*s\", not 2012-10-17 or 2008-10-17",
                             POLICY_QUOTE(version));
    return 0;
}

/* The first time through: all of it is JSON, and what its version is. Without one it is the old version. */
static int find_version(struct policy_reader *reader)
{
    struct str key;
    bool more = true;
    int r = policy_read_object(reader, "the policy");

    while (!r && !(r = policy_read_member(reader, &more, &key)) && more) {
        if (str_eq(key, STR("Version")))
            r = read_version(reader, &reader->has_variables);
        else if (json_skip(&reader->json))
            r = policy_refuse_json(reader);
    }
    return !r && json_end(&reader->json) ? policy_refuse_json(reader) : r;
}

static int add_statement(struct policy_reader *reader, struct policy_statement **items, size_t *n, size_t *room)
{
    if (*n == POLICY_MAX_STATEMENTS)
        return policy_refuse(reader, policy_at(reader), "more than %u statements", POLICY_MAX_STATEMENTS);
    if (*n == *room) {
        *items = arena_grow(&reader->arena, *items, room, 4, sizeof(**items));
        if (!*items)
            return -ENOMEM;
    }
    reader->n_statement = (unsigned)*n + 1;
    return policy_read_statement(reader, &(*items)[(*n)++]);
}

/* Names of statements are unique. */
static int check_sids(struct policy_reader *reader, const struct policy_statement *items, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (items[i].sid.n && str_eq(items[i].sid, items[k].sid)) {
                reader->n_statement = (unsigned)i + 1;
                return policy_refuse(reader, items[i].sid.p, "another statement has the Sid \"%.*s\"",
                                     POLICY_QUOTE(items[i].sid));
            }
    return 0;
}

/* One statement, or a list of them. */
static int read_statements(struct policy_reader *reader)
{
    struct policy_statement *items = NULL;
    size_t n = 0, room = 0;
    const char *begin = policy_at(reader);
    enum json_type type;
    bool is_list, more = true;
    int r = 0;

    if (json_peek(&reader->json, &type))
        return policy_refuse_json(reader);
    is_list = type == JSON_ARRAY;
    if (is_list && json_array(&reader->json))
        return policy_refuse_json(reader);
    while (more && !r) {
        if (is_list && json_element(&reader->json, &more))
            return policy_refuse_json(reader);
        if (more)
            r = add_statement(reader, &items, &n, &room);
        more = more && is_list;
    }
    if (!r)
        r = check_sids(reader, items, n);
    reader->n_statement = 0;
    if (!r && n == 0)
        return policy_refuse(reader, begin, "Statement is empty");
    reader->policy.statements = items;
    reader->policy.n_statements = n;
    return r;
}

static int read_document(struct policy_reader *reader)
{
    struct policy *policy = &reader->policy;
    struct str key, id;
    bool more = true, version;
    int r = policy_read_object(reader, "the policy");

    while (!r && !(r = policy_read_member(reader, &more, &key)) && more) {
        if (str_eq(key, STR("Version")))
            r = read_version(reader, &version);
        else if (str_eq(key, STR("Statement")))
            r = read_statements(reader);
        else if (!str_eq(key, STR("Id")))
            r = policy_refuse(reader, key.p, "a policy has no element \"%.*s\"", POLICY_QUOTE(key));
        else if (policy->kind == POLICY_IDENTITY || policy->kind == POLICY_SESSION)
            r = policy_refuse(reader, key.p, "Id belongs into policies of resources only");
        else
            r = policy_read_string(reader, "Id", &id);
    }
    if (!r && !policy->n_statements)
        r = policy_refuse(reader, reader->json.begin, "Statement is missing");
    for (size_t i = 0; !r && i < policy->n_statements; i++)
        policy->known_actions |= policy->statements[i].known_actions;
    return r;
}

/* Before anything of it is copied. */
static int check_size(struct policy_reader *reader)
{
    size_t most = max_characters[reader->policy.kind], n = 0;
    struct str document = reader->document;

    reader->json.begin = (char *)(uintptr_t)document.p;
    if (document.n > POLICY_MAX_BYTES)
        return policy_refuse(reader, document.p, "the document has more than %u bytes", POLICY_MAX_BYTES);
    for (size_t i = 0; i < document.n; i++) {
        char c = document.p[i];
        n += c != ' ' && c != '\t' && c != '\n' && c != '\r' && ((unsigned char)c & 0xc0) != 0x80;
        if (n > most)
            return policy_refuse(reader, document.p + i, "the document has more than %zu characters", most);
    }
    return 0;
}

/* A copy that the reader may change, at its beginning. */
static int begin_reading(struct policy_reader *reader)
{
    struct str copy = arena_dup(&reader->arena, reader->document);

    if (!str_is_set(copy))
        return -ENOMEM;
    json_reader_init(&reader->json, (char *)(uintptr_t)copy.p, copy.n, &reader->arena);
    return 0;
}

int policy_compile(struct str document, enum policy_kind kind, struct policy **ret_policy, struct policy_error *error)
{
    struct policy_reader reader = { .policy = { .kind = kind, .document = document },
                                    .document = document,
                                    .error = error };
    int r = check_size(&reader);

    arena_init(&reader.arena, POLICY_MAX_ARENA);
    if (!r)
        r = begin_reading(&reader);
    if (!r)
        r = find_version(&reader);
    if (!r)
        r = begin_reading(&reader);
    if (!r)
        r = read_document(&reader);
    if (!r) {
        reader.policy.variables = reader.variables.items;
        reader.policy.n_variables = reader.variables.n;
        *ret_policy = policy_pack_dup(&reader.policy);
        r = *ret_policy ? 0 : -ENOMEM;
    }
    arena_fini(&reader.arena);
    return r;
}

void policy_free(struct policy *policy)
{
    mem_free(policy);
}
