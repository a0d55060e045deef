/* SPDX-License-Identifier: Apache-2.0
 *
 * The form parser and the documents. Text from the request never enters an answer. */
#include "api/sts.h"

#include "base/mem.h"
#include "base/text.h"

#define NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"

struct sts_error_row {
    const char *code, *message, *fault;
    unsigned status;
};

static const struct sts_error_row rows[] = {
    [STS_MALFORMED] = { "MalformedQueryString", "The request body is not a form.", "Sender", 400 },
    [STS_MISSING_ACTION] = { "MissingAction", "The request has no Action.", "Sender", 400 },
    [STS_INVALID_ACTION] = { "InvalidAction", "Only GetCallerIdentity of version 2011-06-15 exists here.", "Sender",
                             400 },
    [STS_THROTTLED] = { "Throttling", "Rate exceeded", "Sender", 400 },
    [STS_INTERNAL] = { "InternalFailure", "An internal failure occurred.", "Receiver", 500 },
};

/* Undoes `+` and `%xx` in place, from p to end. 0 and the text, or 1. */
static int unescape(char *p, char *end, struct str *ret_text)
{
    char *to = p;
    struct str text = { .p = p };
    for (; p < end; to++) {
        if (*p == '%') {
            if (end - p < 3 || text_parse_hex((struct str){ p + 1, 2 }, to))
                return 1;
            p += 3;
        } else {
            *to = *p == '+' ? ' ' : *p;
            p++;
        }
    }
    text.n = (size_t)(to - text.p);
    *ret_text = text;
    return 0;
}

/* Stores a parameter that we know; 1 when it was there before. */
static int store(struct str name, struct str value, struct str *action, struct str *version)
{
    struct str *known = str_eq(name, STR("Action")) ? action : str_eq(name, STR("Version")) ? version : NULL;
    if (!known)
        return 0;
    if (str_is_set(*known))
        return 1;
    *known = value;
    return 0;
}

static int parse_form(char *p, size_t n, struct str *action, struct str *version)
{
    char *end = p + n;
    for (size_t n_parameters = 0; p < end; n_parameters++) {
        char *next = memchr(p, '&', (size_t)(end - p));
        char *stop = next ? next : end;
        char *equals = memchr(p, '=', (size_t)(stop - p));
        struct str name, value = STR("");
        if (n_parameters == STS_MAX_PARAMETERS || unescape(p, equals ? equals : stop, &name) ||
            (equals && unescape(equals + 1, stop, &value)) || store(name, value, action, version))
            return STS_MALFORMED;
        p = next ? next + 1 : end;
    }
    return 0;
}

int sts_parse(char *body, size_t n)
{
    struct str action = { 0 }, version = { 0 };
    int r = parse_form(body, n, &action, &version);
    if (r)
        return r;
    if (!str_is_set(action))
        return STS_MISSING_ACTION;
    if (!str_eq(action, STR("GetCallerIdentity")) || !str_eq(version, STR("2011-06-15")))
        return STS_INVALID_ACTION;
    return 0;
}

void sts_render_identity(struct buf *buf, struct str account, struct str request_id)
{
    buf_printf(buf,
               "<GetCallerIdentityResponse xmlns=\"" NAMESPACE "\">\n"
               "  <GetCallerIdentityResult>\n"
               "    <Arn>arn:aws:iam::" STR_FMT ":root</Arn>\n"
               "    <UserId>" STR_FMT "</UserId>\n"
               "    <Account>" STR_FMT "</Account>\n"
               "  </GetCallerIdentityResult>\n"
               "  <ResponseMetadata>\n"
               "    <RequestId>" STR_FMT "</RequestId>\n"
               "  </ResponseMetadata>\n"
               "</GetCallerIdentityResponse>\n",
               STR_ARG(account), STR_ARG(account), STR_ARG(account), STR_ARG(request_id));
}

static const struct sts_error_row *row_of(enum sts_result error)
{
    ASSERT(error >= STS_MALFORMED && error <= STS_INTERNAL);
    return &rows[error];
}

void sts_render_error(struct buf *buf, enum sts_result error, struct str request_id)
{
    const struct sts_error_row *row = row_of(error);
    buf_printf(buf,
               "<ErrorResponse xmlns=\"" NAMESPACE "\">\n"
               "  <Error>\n"
               "    <Type>%s</Type>\n"
               "    <Code>%s</Code>\n"
               "    <Message>%s</Message>\n"
               "  </Error>\n"
               "  <RequestId>" STR_FMT "</RequestId>\n"
               "</ErrorResponse>\n",
               row->fault, row->code, row->message, STR_ARG(request_id));
}

unsigned sts_status(enum sts_result error)
{
    return row_of(error)->status;
}
