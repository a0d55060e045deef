/* SPDX-License-Identifier: Apache-2.0
 *
 * GetCallerIdentity, the one call that every principal may make. */
#include "aws/sts_client.h"
#include "aws/form.h"
#include "aws/xml_path.h"

#include <errno.h>

#define ANSWER_MAX ((size_t)64 << 10)

enum node { ROOT = 1, RESULT, ARN, ACCOUNT, METADATA, REQUEST_ID };

static const struct xml_path_row rows[] = {
    { 0, ROOT, XML_PATH_ONCE, "GetCallerIdentityResponse" }, { ROOT, RESULT, XML_PATH_ONCE, "GetCallerIdentityResult" },
    { ROOT, METADATA, XML_PATH_ONCE, "ResponseMetadata" },   { RESULT, ARN, XML_PATH_TEXT, "Arn" },
    { RESULT, ACCOUNT, XML_PATH_TEXT, "Account" },           { METADATA, REQUEST_ID, XML_PATH_TEXT, "RequestId" },
};

static const struct xml_path_schema schema = { "https://sts.amazonaws.com/doc/", rows, sizeof(rows) / sizeof(rows[0]) };

struct answer {
    struct arena *arena;
    struct aws_error *error;
    bool has_request_id;
    struct sts_client_identity identity;
};

static int on_open(void *arg, unsigned node)
{
    (void)arg, (void)node;
    return 0;
}

static int keep(struct answer *answer, struct str text, struct str *ret)
{
    *ret = arena_dup(answer->arena, text);
    return str_is_set(*ret) ? 0 : -ENOMEM;
}

static int close_root(const struct answer *answer)
{
    const struct str account = answer->identity.account;
    bool is_number = account.n > 0;
    for (size_t i = 0; i < account.n; i++)
        is_number = is_number && account.p[i] >= '0' && account.p[i] <= '9';
    if (answer->has_request_id && is_number && answer->identity.arn.n > 0)
        return 0;
    return aws_client_fail(answer->error, AWS_ODD, "GetCallerIdentity: no Account, Arn or RequestId");
}

static int on_close(void *arg, unsigned node, struct str text)
{
    struct answer *answer = arg;
    switch (node) {
    case ROOT:
        return close_root(answer);
    case ARN:
        return keep(answer, text, &answer->identity.arn);
    case ACCOUNT:
        return keep(answer, text, &answer->identity.account);
    case REQUEST_ID:
        answer->has_request_id = text.n > 0;
        return 0;
    default:
        return 0;
    }
}

int sts_client_get_identity(struct aws_client *client, struct arena *arena, struct sts_client_identity *ret_identity,
                            struct aws_error *ret_error)
{
    struct answer answer = { .arena = arena, .error = ret_error };
    const struct xml_path_handler handler = { on_open, on_close, &answer };
    struct buf form, body;
    int r = -ENOMEM;
    buf_init(&form, 1024);
    buf_init(&body, ANSWER_MAX);
    form_add(&form, STR("Action"), STR("GetCallerIdentity"));
    form_add(&form, STR("Version"), STR("2011-06-15"));
    if (!form.failed)
        r = aws_client_call(
            client,
            &(struct aws_call){ .action = "GetCallerIdentity", .body = buf_str(&form), .answer_max = ANSWER_MAX },
            &body, ret_error);
    if (r == 0)
        r = xml_path_read(buf_str(&body), &schema, &handler, ret_error);
    buf_fini(&form);
    buf_fini(&body);
    if (r == 0)
        *ret_identity = answer.identity;
    return r;
}
