/* SPDX-License-Identifier: Apache-2.0
 *
 * One set of credentials and the JSON document that processes and endpoints send it in. What is not fit for a header is
 * refused here, so that no source can smuggle a line into a request. */
#include "aws/credentials_priv.h"
#include "aws/secret.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "json/reader.h"

#include <errno.h>
#include <stdio.h>

#define KEY_MAX 256
#define TOKEN_MAX 16384
#define JSON_MEMORY_MAX ((size_t)4 << 20)

void credentials_set_fini(struct credentials_set *set)
{
    secret_free(set->access_key_id);
    secret_free(set->secret_access_key);
    secret_free(set->session_token);
    *set = (struct credentials_set){ 0 };
}

/* Visible ASCII. */
static bool is_fit(struct str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return s.n > 0 && s.n <= max;
}

int credentials_set_fill(struct credentials_set *ret_set, const char *source, struct str access_key_id,
                         struct str secret_access_key, struct str session_token, struct aws_error *ret_error)
{
    const char *fault = !is_fit(access_key_id, KEY_MAX)                        ? "the access key id"
                        : !is_fit(secret_access_key, KEY_MAX)                  ? "the secret access key"
                        : session_token.n && !is_fit(session_token, TOKEN_MAX) ? "the session token"
                                                                               : NULL;
    if (fault)
        return aws_client_fail(ret_error, AWS_NO_CREDENTIALS,
                               "%s: %s is empty, too long, or holds a blank or another character that cannot be in it.",
                               source, fault);
    struct credentials_set set = { .access_key_id = secret_dup(access_key_id),
                                   .secret_access_key = secret_dup(secret_access_key) };
    if (session_token.n)
        set.session_token = secret_dup(session_token);
    if (!set.access_key_id || !set.secret_access_key || (session_token.n && !set.session_token)) {
        credentials_set_fini(&set);
        return -ENOMEM;
    }
    snprintf(set.source, sizeof(set.source), "%s", source);
    *ret_set = set;
    return 0;
}

/* --- the document ------------------------------------------------------------------------------------------------ */

struct document {
    struct str access_key_id, secret_access_key, session_token, expiration, code, message;
};

/* A string, or null for none. */
static int read_text(struct json_reader *reader, struct str *ret_text)
{
    enum json_type type;
    int r = json_peek(reader, &type);
    if (r)
        return r;
    return type == JSON_NULL ? json_null(reader) : json_string(reader, ret_text);
}

static int read_member(struct json_reader *reader, struct str key, const char *token_key, struct document *document)
{
    struct str *text = str_eq(key, STR("AccessKeyId"))       ? &document->access_key_id
                       : str_eq(key, STR("SecretAccessKey")) ? &document->secret_access_key
                       : str_eq(key, str_of(token_key))      ? &document->session_token
                       : str_eq(key, STR("Expiration"))      ? &document->expiration
                       : str_eq_nocase(key, STR("code"))     ? &document->code
                       : str_eq_nocase(key, STR("message"))  ? &document->message
                                                             : NULL;
    return text ? read_text(reader, text) : json_skip(reader);
}

static int read_document(struct json_reader *reader, const char *token_key, struct document *ret_document,
                         int64_t *ret_version)
{
    struct str key;
    bool more;
    int r = json_object(reader);
    while (r == 0 && (r = json_member(reader, &more, &key)) == 0 && more)
        r = str_eq(key, STR("Version")) ? json_int(reader, ret_version)
                                        : read_member(reader, key, token_key, ret_document);
    return r ? r : json_end(reader);
}

/* For a message to people: cut, and without what could break a line. */
static void copy_visible(struct str s, char *ret, size_t size)
{
    size_t n = 0;
    for (; n < s.n && n + 1 < size; n++)
        ret[n] = s.p[n] < ' ' || s.p[n] > '~' ? '?' : s.p[n];
    ret[n] = '\0';
}

static int fill(struct credentials_set *ret_set, const char *source, const struct document *document,
                struct aws_error *error)
{
    int64_t expires_ms = 0;
    bool is_success = !str_is_set(document->code) || str_eq(document->code, STR("Success"));
    if (!is_success || (!str_is_set(document->access_key_id) && str_is_set(document->message))) {
        char code[96], message[200];
        copy_visible(document->code, code, sizeof(code));
        copy_visible(document->message, message, sizeof(message));
        return aws_client_fail(error, AWS_NO_CREDENTIALS, "%s: the answer holds no credentials but %s (%s).", source,
                               code[0] ? code : "an error", message);
    }
    if (document->expiration.n && timestamp_parse_ms(document->expiration, &expires_ms))
        return aws_client_fail(error, AWS_NO_CREDENTIALS, "%s: Expiration is no time such as 2026-01-02T03:04:05Z.",
                               source);
    int r = credentials_set_fill(ret_set, source, document->access_key_id, document->secret_access_key,
                                 document->session_token, error);
    if (r == 0)
        ret_set->expires_ms = expires_ms;
    return r;
}

int credentials_set_read_json(struct credentials_set *ret_set, const char *source, const char *token_key,
                              bool has_version, char *text, size_t n, struct aws_error *ret_error)
{
    struct json_reader reader;
    struct arena arena;
    struct document document = { 0 };
    int64_t version = has_version ? 0 : 1;
    arena_init(&arena, JSON_MEMORY_MAX);
    char nothing[1];
    json_reader_init(&reader, n ? text : nothing, n, &arena);
    int r = read_document(&reader, token_key, &document, &version);
    if (r == JSON_MEMORY)
        r = -ENOMEM;
    else if (r)
        r = aws_client_fail(ret_error, AWS_NO_CREDENTIALS, "%s: the answer is not the expected JSON object (%s).",
                            source, json_error_text(r));
    else if (version != 1)
        r = aws_client_fail(ret_error, AWS_NO_CREDENTIALS, "%s: the answer's Version is not 1.", source);
    else
        r = fill(ret_set, source, &document, ret_error);
    arena_fini(&arena);
    return r;
}
