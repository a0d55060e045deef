/* SPDX-License-Identifier: Apache-2.0
 *
 * Principal and NotPrincipal: "*", or { "AWS": ... } with accounts and ARNs. */
#include "model/policy_priv.h"

#include <errno.h>

#define ACCOUNT_LEN 12

static bool is_account(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
    return text.n == ACCOUNT_LEN;
}

/* The next part of an ARN. */
static struct str cut_part(struct str *rest)
{
    size_t n = str_find_char(*rest, ':');
    struct str part = { rest->p, n };

    *rest = str_skip(*rest, n < rest->n ? n + 1 : n);
    return part;
}

/* A principal of IAM or STS; the whole account is its root. */
static int read_arn(struct policy_reader *reader, struct str text, struct policy_principal *principal)
{
    struct str rest = text, service, region, account;
    bool is_iam, is_sts;

    cut_part(&rest);
    cut_part(&rest);
    service = cut_part(&rest);
    region = cut_part(&rest);
    account = cut_part(&rest);
    is_iam = str_eq(service, STR("iam")) && (str_starts(rest, STR("user/")) || str_starts(rest, STR("role/")));
    is_sts = str_eq(service, STR("sts")) &&
             (str_starts(rest, STR("assumed-role/")) || str_starts(rest, STR("federated-user/")));
    if (!str_starts(text, STR("arn:")) || region.n || !is_account(account) || str_find_char(text, '*') < text.n ||
        !(is_iam || is_sts || (str_eq(service, STR("iam")) && str_eq(rest, STR("root")))))
        return policy_refuse(reader, text.p, "principal \"%.*s\" is no *, account, user, role or role session",
                             POLICY_QUOTE(text));
    if (is_iam || is_sts)
        *principal = (struct policy_principal){ .kind = POLICY_ARN, .text = text };
    else
        *principal = (struct policy_principal){ .kind = POLICY_ACCOUNT, .text = account };
    return 0;
}

static int read_principal(struct policy_reader *reader, struct str text, struct policy_principal *principal)
{
    if (str_eq(text, STR("*")))
        *principal = (struct policy_principal){ .kind = POLICY_ANYONE };
    else if (is_account(text))
        *principal = (struct policy_principal){ .kind = POLICY_ACCOUNT, .text = text };
    else
        return read_arn(reader, text, principal);
    return 0;
}

/* One type's names, behind those that are there. */
static int add_principals(struct policy_reader *reader, struct str type, struct policy_statement *statement)
{
    struct arena *arena = &reader->arena;
    bool is_aws = str_eq(type, STR("AWS"));
    struct policy_texts texts;
    struct policy_principal *items;
    int r;

    if (!is_aws && !str_eq(type, STR("Service")) && !str_eq(type, STR("Federated")) &&
        !str_eq(type, STR("CanonicalUser")))
        return policy_refuse(reader, type.p, "Principal has no type \"%.*s\"", POLICY_QUOTE(type));
    r = policy_read_texts(reader, "Principal", false, &texts);
    if (r)
        return r;
    items = ARENA_ARRAY(arena, struct policy_principal, statement->n_principals + texts.n + 1);
    if (!items)
        return -ENOMEM;
    if (statement->n_principals)
        memcpy(items, statement->principals, statement->n_principals * sizeof(*items));
    for (size_t i = 0; i < texts.n && !r; i++) {
        struct policy_principal *item = &items[statement->n_principals++];
        *item = (struct policy_principal){ .kind = POLICY_NOBODY, .text = texts.items[i] };
        if (is_aws)
            r = read_principal(reader, texts.items[i], item);
    }
    statement->principals = items;
    return r;
}

int policy_read_principals(struct policy_reader *reader, struct policy_statement *statement)
{
    static const struct policy_principal anyone = { .kind = POLICY_ANYONE };
    const char *begin = policy_at(reader);
    enum json_type type;
    struct str text;
    bool more = true;
    int r;

    if (json_peek(&reader->json, &type))
        return policy_refuse_json(reader);
    if (type == JSON_STRING) {
        r = policy_read_string(reader, "Principal", &text);
        if (!r && !str_eq(text, STR("*")))
            r = policy_refuse(reader, begin, "Principal is \"%.*s\", not * or an object such as { \"AWS\": ... }",
                              POLICY_QUOTE(text));
        statement->principals = &anyone;
        statement->n_principals = 1;
        return r;
    }
    r = policy_read_object(reader, "Principal");
    while (!r && !(r = policy_read_member(reader, &more, &text)) && more)
        r = add_principals(reader, text, statement);
    if (!r && !statement->n_principals)
        r = policy_refuse(reader, begin, "Principal is empty");
    return r;
}
