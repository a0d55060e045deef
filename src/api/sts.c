/* SPDX-License-Identifier: Apache-2.0
 *
 * The form parser and the documents. */
#include "api/sts.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/timestamp.h"

#include <stdio.h>

#define NAMESPACE "https://sts.amazonaws.com/doc/2011-06-15/"
#define SHOWN_MAX 128

struct sts_error_row {
    const char *code, *message, *fault;
    unsigned status;
};

static const struct sts_error_row rows[] = {
    [STS_MALFORMED] = { "MalformedQueryString", "The request body is not a form.", "Sender", 400 },
    [STS_MISSING_ACTION] = { "MissingAction", "The request has no Action.", "Sender", 400 },
    [STS_INVALID_ACTION] = { "InvalidAction", "Only GetCallerIdentity and AssumeRole of version 2011-06-15 exist here.",
                             "Sender", 400 },
    [STS_INVALID_INPUT] = { "ValidationError", "A parameter is wrong.", "Sender", 400 },
    [STS_MALFORMED_POLICY] = { "MalformedPolicyDocument", "The policy is not valid.", "Sender", 400 },
    [STS_LARGE_POLICY] = { "PackedPolicyTooLarge", "The policy is too large.", "Sender", 400 },
    [STS_ACCESS_DENIED] = { "AccessDenied", "Access denied", "Sender", 403 },
    [STS_MISSING_TOKEN] = { "MissingAuthenticationToken", "Request is missing Authentication Token", "Sender", 403 },
    [STS_INCOMPLETE] = { "IncompleteSignature", "The request signature does not conform to AWS standards.", "Sender",
                         400 },
    [STS_MISMATCH] = { "SignatureDoesNotMatch",
                       "The request signature we calculated does not match the signature you provided. Check your AWS "
                       "Secret Access Key and signing method. Consult the service documentation for details.",
                       "Sender", 403 },
    [STS_UNKNOWN_KEY] = { "InvalidClientTokenId", "The security token included in the request is invalid.", "Sender",
                          403 },
    [STS_EXPIRED_TOKEN] = { "ExpiredToken", "The security token included in the request is expired", "Sender", 403 },
    [STS_THROTTLED] = { "Throttling", "Rate exceeded", "Sender", 400 },
    [STS_INTERNAL] = { "InternalFailure", "An internal failure occurred.", "Receiver", 500 },
};

/* --- the form ---------------------------------------------------------------------------------------------------- */

struct sts_form {
    struct str action, version, role_arn, session_name, policy, external_id, duration;
    struct str unknown; /* the name of the first one that is none of these */
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
static int store(struct str name, struct str value, struct sts_form *form)
{
    const struct {
        struct str name;
        struct str *value;
    } known[] = {
        { STR("Action"), &form->action },
        { STR("Version"), &form->version },
        { STR("RoleArn"), &form->role_arn },
        { STR("RoleSessionName"), &form->session_name },
        { STR("Policy"), &form->policy },
        { STR("ExternalId"), &form->external_id },
        { STR("DurationSeconds"), &form->duration },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!str_eq(name, known[i].name))
            continue;
        if (str_is_set(*known[i].value))
            return 1;
        *known[i].value = value;
        return 0;
    }
    /* A presigned request has its signature among them. */
    if (!str_is_set(form->unknown) && name.n > 0 && !str_starts_nocase(name, STR("X-Amz-")))
        form->unknown = name;
    return 0;
}

static int parse_form(char *p, size_t n, struct sts_form *form)
{
    char *end = p + n;
    for (size_t n_parameters = 0; p < end; n_parameters++) {
        char *next = memchr(p, '&', (size_t)(end - p));
        char *stop = next ? next : end;
        char *equals = memchr(p, '=', (size_t)(stop - p));
        struct str name, value = STR("");
        if (n_parameters == STS_MAX_PARAMETERS || unescape(p, equals ? equals : stop, &name) ||
            (equals && unescape(equals + 1, stop, &value)) || store(name, value, form))
            return STS_MALFORMED;
        p = next ? next + 1 : end;
    }
    return 0;
}

/* --- checking ---------------------------------------------------------------------------------------------------- */

/* `Value 'x' at 'roleArn' failed to satisfy constraint: Member must ...`, as AWS says it. */
static int invalid(struct arena *arena, const char *name, struct str value, const char *constraint,
                   struct str *ret_message)
{
    struct str text = text_utf8_trim((struct str){ value.p, value.n < SHOWN_MAX ? value.n : SHOWN_MAX });
    if (!text_is_utf8(text))
        text = STR("...");
    if (str_is_set(value))
        *ret_message = arena_printf(arena,
                                    "1 validation error detected: Value '" STR_FMT
                                    "' at '%s' failed to satisfy constraint: Member must %s",
                                    STR_ARG(text), name, constraint);
    else
        *ret_message = arena_printf(
            arena,
            "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null",
            name);
    return STS_INVALID_INPUT;
}

/* [\w+=,.@-]* and further characters. */
static bool is_word(struct str text, const char *further)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                    (c && (strchr("_+=,.@-", c) || strchr(further, c)));
        if (!good)
            return false;
    }
    return true;
}

static int check_length(struct arena *arena, const char *name, struct str value, size_t least, size_t most,
                        struct str *ret_message)
{
    char constraint[64];
    size_t n = text_is_utf8(value) ? text_utf8_len(value) : value.n;
    if (!str_is_set(value))
        return invalid(arena, name, value, "", ret_message);
    if (n >= least && n <= most)
        return 0;
    snprintf(constraint, sizeof(constraint), "have length %s than or equal to %zu", n < least ? "greater" : "less",
             n < least ? least : most);
    return invalid(arena, name, value, constraint, ret_message);
}

static int check_duration(struct arena *arena, struct str value, int64_t *ret_duration_s, struct str *ret_message)
{
    uint64_t seconds = 0;
    if (str_is_set(value) && str_parse_u64(value, &seconds))
        return invalid(arena, "durationSeconds", value, "be a number", ret_message);
    if (str_is_set(value) && seconds < STS_DURATION_MIN_S)
        return invalid(arena, "durationSeconds", value, "have value greater than or equal to 900", ret_message);
    if (str_is_set(value) && seconds > STS_DURATION_MAX_S)
        return invalid(arena, "durationSeconds", value, "have value less than or equal to 43200", ret_message);
    *ret_duration_s = (int64_t)seconds;
    return 0;
}

static int check_assume_role(const struct sts_form *form, struct arena *arena, struct sts_request *request,
                             struct str *ret_message)
{
    /* What it would narrow or record must not be passed over. */
    if (str_is_set(form->unknown))
        return invalid(arena, "parameters", form->unknown, "be one that this server knows", ret_message);
    int r = check_length(arena, "roleArn", form->role_arn, 20, 2048, ret_message);
    if (r == 0)
        r = check_length(arena, "roleSessionName", form->session_name, 2, 64, ret_message);
    if (r == 0 && !is_word(form->session_name, ""))
        r = invalid(arena, "roleSessionName", form->session_name, "satisfy regular expression pattern: [\\w+=,.@-]*",
                    ret_message);
    if (r == 0 && str_is_set(form->external_id))
        r = check_length(arena, "externalId", form->external_id, 2, 1224, ret_message);
    if (r == 0 && !is_word(form->external_id, ":/"))
        r = invalid(arena, "externalId", form->external_id, "satisfy regular expression pattern: [\\w+=,.@:\\/-]*",
                    ret_message);
    if (r == 0 && str_is_set(form->policy))
        r = check_length(arena, "policy", form->policy, 1, STS_POLICY_MAX, ret_message);
    if (r == 0)
        r = check_duration(arena, form->duration, &request->duration_s, ret_message);
    request->role_arn = form->role_arn;
    request->session_name = form->session_name;
    request->external_id = form->external_id;
    request->policy = form->policy;
    return r;
}

int sts_parse(char *form_text, size_t n, struct arena *arena, struct sts_request *ret_request, struct str *ret_message)
{
    struct sts_form form = { 0 };
    int r = parse_form(form_text, n, &form);
    *ret_request = (struct sts_request){ 0 };
    *ret_message = (struct str){ 0 };
    if (r)
        return r;
    if (!str_is_set(form.action))
        return STS_MISSING_ACTION;
    if (!str_eq(form.version, STR("2011-06-15")))
        return STS_INVALID_ACTION;
    if (str_eq(form.action, STR("GetCallerIdentity"))) {
        ret_request->action = STS_GET_CALLER_IDENTITY;
        return 0;
    }
    if (!str_eq(form.action, STR("AssumeRole")))
        return STS_INVALID_ACTION;
    ret_request->action = STS_ASSUME_ROLE;
    return check_assume_role(&form, arena, ret_request, ret_message);
}

/* --- the documents ----------------------------------------------------------------------------------------------- */

/* As character data; control characters that XML cannot hold become `?`. */
static void put_text(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '<')
            buf_put_str(buf, STR("&lt;"));
        else if (c == '>')
            buf_put_str(buf, STR("&gt;"));
        else if (c == '&')
            buf_put_str(buf, STR("&amp;"));
        else
            buf_put_char(buf, c < ' ' && c != '\n' && c != '\t' ? '?' : (char)c);
    }
}

static void put_element(struct buf *buf, int indent, const char *name, struct str text)
{
    buf_printf(buf, "%*s<%s>", indent, "", name);
    put_text(buf, text);
    buf_printf(buf, "</%s>\n", name);
}

static void put_metadata(struct buf *buf, struct str request_id)
{
    buf_put_str(buf, STR("  <ResponseMetadata>\n"));
    put_element(buf, 4, "RequestId", request_id);
    buf_put_str(buf, STR("  </ResponseMetadata>\n"));
}

void sts_render_identity(struct buf *buf, const struct principal *principal, struct str request_id)
{
    buf_put_str(buf, STR("<GetCallerIdentityResponse xmlns=\"" NAMESPACE "\">\n  <GetCallerIdentityResult>\n"));
    put_element(buf, 4, "Arn", principal->arn);
    put_element(buf, 4, "UserId", principal->id);
    put_element(buf, 4, "Account", principal->account);
    buf_put_str(buf, STR("  </GetCallerIdentityResult>\n"));
    put_metadata(buf, request_id);
    buf_put_str(buf, STR("</GetCallerIdentityResponse>\n"));
}

void sts_render_session(struct buf *buf, const struct sts_session *session, struct str request_id)
{
    char expires[TIMESTAMP_ROOM];
    ASSERT(timestamp_format_s(session->expires_s, expires).n);
    buf_put_str(buf,
                STR("<AssumeRoleResponse xmlns=\"" NAMESPACE "\">\n  <AssumeRoleResult>\n    <AssumedRoleUser>\n"));
    put_element(buf, 6, "AssumedRoleId", session->role_id);
    put_element(buf, 6, "Arn", session->arn);
    buf_put_str(buf, STR("    </AssumedRoleUser>\n    <Credentials>\n"));
    put_element(buf, 6, "AccessKeyId", session->access_key_id);
    put_element(buf, 6, "SecretAccessKey", session->secret);
    put_element(buf, 6, "SessionToken", session->token);
    put_element(buf, 6, "Expiration", str_of(expires));
    buf_put_str(buf, STR("    </Credentials>\n  </AssumeRoleResult>\n"));
    put_metadata(buf, request_id);
    buf_put_str(buf, STR("</AssumeRoleResponse>\n"));
}

static const struct sts_error_row *row_of(enum sts_result error)
{
    ASSERT(error >= STS_MALFORMED && error <= STS_INTERNAL);
    return &rows[error];
}

void sts_render_error(struct buf *buf, enum sts_result error, struct str message, struct str request_id)
{
    const struct sts_error_row *row = row_of(error);
    buf_put_str(buf, STR("<ErrorResponse xmlns=\"" NAMESPACE "\">\n  <Error>\n"));
    put_element(buf, 4, "Type", str_of(row->fault));
    put_element(buf, 4, "Code", str_of(row->code));
    put_element(buf, 4, "Message", str_is_set(message) ? message : str_of(row->message));
    buf_put_str(buf, STR("  </Error>\n"));
    put_element(buf, 2, "RequestId", request_id);
    buf_put_str(buf, STR("</ErrorResponse>\n"));
}

unsigned sts_status(enum sts_result error)
{
    return row_of(error)->status;
}
