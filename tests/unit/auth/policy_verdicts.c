/* SPDX-License-Identifier: Apache-2.0
 *
 * Decides requests that are given as text, for the comparison with other evaluators: a line of JSON in, a line out.
 *
 *   {"identity": [DOCUMENT...], "session": DOCUMENT, "resource": DOCUMENT, "trust": DOCUMENT,
 *    "principal": {"kind": "user" | "role" | "root", "account": A, "arn": ARN, "name": N},
 *    "action": ACTION, "arn": ARN, "account": A, "context": {KEY: VALUE or [VALUES]}}
 *
 * Documents are JSON in a string. The answer is `allow`, `deny` (explicit), `none` (nothing allows it), or
 * `bad LINE: REASON` when a document is refused. */
#include "auth/evaluate.h"
#include "base/mem.h"
#include "json/reader.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_DOCUMENTS 8
#define MAX_KEYS 64
#define MAX_VALUES 16

struct request {
    struct policy *identity[MAX_DOCUMENTS], *session, *resource;
    size_t n_identity;
    struct principal principal;
    struct str values[MAX_KEYS][MAX_VALUES];
    struct context_extra extras[MAX_KEYS];
    struct context context;
    struct evaluate_query query;
    char refusal[512];
};

/* The text of the caller is wrong, not a document. */
static void check(bool is_right, const char *what)
{
    if (is_right)
        return;
    fprintf(stderr, "policy_verdicts: %s\n", what);
    exit(1);
}

static struct str read_string(struct json_reader *reader)
{
    struct str text;

    check(json_string(reader, &text) == 0, "a string is missing");
    return text;
}

static struct policy *read_document(struct json_reader *reader, enum policy_kind kind, struct request *request)
{
    struct policy_error error;
    struct policy *policy = NULL;
    int r = policy_compile(read_string(reader), kind, &policy, &error);

    check(r >= 0, "out of memory");
    if (r && !request->refusal[0])
        snprintf(request->refusal, sizeof(request->refusal), "bad %u: %s", error.line, error.text);
    return policy;
}

static void read_principal(struct json_reader *reader, struct principal *principal)
{
    struct str key, value;
    bool more;

    check(json_object(reader) == 0, "principal");
    while (check(json_member(reader, &more, &key) == 0, "principal"), more) {
        value = read_string(reader);
        if (str_eq(key, STR("kind")))
            principal->kind = str_eq(value, STR("root"))   ? PRINCIPAL_ROOT
                              : str_eq(value, STR("role")) ? PRINCIPAL_ROLE
                                                           : PRINCIPAL_USER;
        else if (str_eq(key, STR("account")))
            principal->account = value;
        else if (str_eq(key, STR("arn")))
            principal->arn = value;
        else
            principal->name = value;
    }
}

static void read_context(struct json_reader *reader, struct request *request)
{
    struct str key;
    bool more;

    check(json_object(reader) == 0, "context");
    while (check(json_member(reader, &more, &key) == 0, "context"), more) {
        size_t i = request->context.n_extras++;
        struct context_extra *extra = &request->extras[i];
        enum json_type type;
        check(i < MAX_KEYS && json_peek(reader, &type) == 0, "context");
        *extra = (struct context_extra){ .name = key, .values = request->values[i], .is_list = type == JSON_ARRAY };
        if (!extra->is_list) {
            request->values[i][extra->n++] = read_string(reader);
            continue;
        }
        check(json_array(reader) == 0, "context");
        while (check(json_element(reader, &more) == 0 && extra->n < MAX_VALUES, "context"), more)
            request->values[i][extra->n++] = read_string(reader);
    }
    request->context.extras = request->extras;
}

static void read_identity(struct json_reader *reader, struct request *request)
{
    bool more;

    check(json_array(reader) == 0, "identity");
    while (check(json_element(reader, &more) == 0 && request->n_identity < MAX_DOCUMENTS, "identity"), more)
        request->identity[request->n_identity++] = read_document(reader, POLICY_IDENTITY, request);
}

static void read_member(struct json_reader *reader, struct str key, struct request *request)
{
    struct evaluate_query *query = &request->query;

    if (str_eq(key, STR("identity"))) {
        read_identity(reader, request);
    } else if (str_eq(key, STR("session"))) {
        request->session = read_document(reader, POLICY_SESSION, request);
    } else if (str_eq(key, STR("resource"))) {
        request->resource = read_document(reader, POLICY_RESOURCE, request);
    } else if (str_eq(key, STR("trust"))) {
        request->resource = read_document(reader, POLICY_TRUST, request);
        query->is_trust = true;
    } else if (str_eq(key, STR("principal"))) {
        read_principal(reader, &request->principal);
    } else if (str_eq(key, STR("context"))) {
        read_context(reader, request);
    } else if (str_eq(key, STR("action"))) {
        query->action_text = read_string(reader);
        query->action = action_find(query->action_text);
    } else if (str_eq(key, STR("arn"))) {
        query->resource = read_string(reader);
    } else {
        check(str_eq(key, STR("account")), "an unknown member");
        query->resource_account = read_string(reader);
    }
}

static void answer(struct request *request)
{
    struct evaluate_query *query = &request->query;
    struct decision decision;

    if (request->refusal[0]) {
        puts(request->refusal);
        return;
    }
    query->policies = (const struct policy *const *)request->identity;
    query->n_policies = request->n_identity;
    query->resource_policy = request->resource;
    query->principal = &request->principal;
    query->context = &request->context;
    request->principal.session_policy = request->session;
    decision = evaluate_decide(query);
    puts(decision.is_allowed ? "allow" : decision.statement ? "deny" : "none");
}

static void free_request(struct request *request)
{
    for (size_t i = 0; i < request->n_identity; i++)
        policy_free(request->identity[i]);
    policy_free(request->session);
    policy_free(request->resource);
}

int main(void)
{
    static struct request request;
    struct arena arena;
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    arena_init(&arena, 16u << 20);
    while ((n = getline(&line, &size, stdin)) > 0) {
        struct json_reader reader;
        struct str key;
        bool more;
        request = (struct request){ 0 };
        arena_reset(&arena);
        json_reader_init(&reader, line, (size_t)n, &arena);
        check(json_object(&reader) == 0, "a request is an object");
        while (check(json_member(&reader, &more, &key) == 0, "a request is an object"), more)
            read_member(&reader, key, &request);
        answer(&request);
        free_request(&request);
    }
    free(line);
    arena_fini(&arena);
    return fflush(stdout) == 0 ? 0 : 1;
}
