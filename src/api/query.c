/* SPDX-License-Identifier: Apache-2.0
 *
 * The form is the body of a POST or the query of a GET. What the gates refuse is said in the words of the Query
 * protocol. */
#include "api/query.h"

#include "api/api_worker.h"
#include "api/audit.h"
#include "api/authorise.h"
#include "api/gate.h"
#include "api/sts.h"
#include "auth/access_lookup.h"
#include "auth/assume_role.h"
#include "base/log.h"
#include "base/text.h"
#include "json/writer.h"

#define QUERY_MAX_ANSWER 65536

/* What the gates refuse with. */
static enum sts_result query_refusal(enum error_id id)
{
    switch (id) {
    case ERROR_MISSING_AUTHENTICATION_TOKEN:
        return STS_MISSING_TOKEN;
    case ERROR_INCOMPLETE_SIGNATURE:
        return STS_INCOMPLETE;
    case ERROR_INVALID_SIGNATURE:
        return STS_MISMATCH;
    case ERROR_UNRECOGNIZED_CLIENT:
        return STS_UNKNOWN_KEY;
    case ERROR_EXPIRED_TOKEN:
        return STS_EXPIRED_TOKEN;
    case ERROR_THROTTLING:
        return STS_THROTTLED;
    default:
        return STS_INTERNAL;
    }
}

static void query_respond(struct api_worker *worker, struct http_request *request, unsigned status, unsigned outcome,
                          struct buf *body)
{
    static const struct http_header headers[] = { { "Content-Type", "text/xml" } };
    size_t n = body->failed ? 0 : body->n;

    call_count(worker, request, NULL, outcome);
    http_respond(request, body->failed ? 500 : status, headers, 1, buf_take(body, NULL), n);
}

static void query_refuse(struct api_worker *worker, struct http_request *request, enum sts_result result,
                         unsigned outcome, struct str message)
{
    struct buf body;

    if (result == STS_INTERNAL)
        log_event(LOG_REQUEST_FAILED, LOG_C("operation", "sts"), LOG_S("request_id", http_request_id(request)));
    buf_init(&body, QUERY_MAX_ANSWER);
    sts_render_error(&body, result, message, http_request_id(request));
    query_respond(worker, request, sts_status(result), outcome, &body);
    buf_fini(&body);
}

/* Of a POST the body, of a GET the query. The absent slice when memory is out. */
static struct str query_form(struct api_call *call)
{
    struct str form;

    if (str_eq(http_request_method(call->request), STR("GET")))
        return arena_dup(&call->arena, http_request_query(call->request));
    form.p = http_request_body(call->request, &form.n);
    return form;
}

static const struct principal *query_principal(const struct api_call *call)
{
    return call->principal ? call->principal : &call->worker->api->root;
}

/* The fields that are set, as an object for the audit record; absent when memory is out. */
static struct str query_object(struct arena *arena, const struct str_pair *fields, size_t n)
{
    struct json_writer writer;
    struct buf text;
    struct str object;

    buf_init(&text, QUERY_MAX_ANSWER);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    for (size_t i = 0; i < n; i++)
        if (text_is_utf8(fields[i].value))
            json_field_optional(&writer, fields[i].key, fields[i].value);
    json_close_object(&writer);
    object = text.failed ? (struct str){ 0 } : arena_dup(arena, buf_str(&text));
    buf_fini(&text);
    return object;
}

static int query_assume_role(struct api_call *call, const struct sts_request *sts, struct buf *body,
                             struct str *ret_message)
{
    const struct str_pair asked[] = { { STR("roleArn"), sts->role_arn },
                                      { STR("roleSessionName"), sts->session_name } };
    static const enum sts_result results[] = { [ASSUME_ROLE_DENIED] = STS_ACCESS_DENIED,
                                               [ASSUME_ROLE_INVALID] = STS_INVALID_INPUT,
                                               [ASSUME_ROLE_BAD_POLICY] = STS_MALFORMED_POLICY,
                                               [ASSUME_ROLE_LARGE_POLICY] = STS_LARGE_POLICY };
    struct context context = { 0 };
    struct assume_role_outcome outcome;
    const struct assume_role_call assume = { .principal = call->principal,
                                             .context = &context,
                                             .role_arn = sts->role_arn,
                                             .session_name = sts->session_name,
                                             .policy = sts->policy,
                                             .duration_s = sts->duration_s,
                                             .now_s = call_wall_ms(call) / 1000 };
    int r;

    call->audit.input = query_object(&call->arena, asked, 2);
    if (!call->principal) {
        *ret_message = STR("Signatures are not checked here, so there is nothing that a session could be less than.");
        return STS_ACCESS_DENIED;
    }
    r = authorise_fill_context(call, access_lookup_principal(call->snapshot, call->principal), &context);
    if (r < 0)
        return STS_INTERNAL;
    context.values[CONDITION_KEY_EXTERNAL_ID] = sts->external_id;
    context.values[CONDITION_KEY_ROLE_SESSION_NAME] = sts->session_name;
    r = assume_role_do(call->snapshot, call->worker->api->seal, &assume, &call->arena, &outcome);
    *ret_message = outcome.message;
    if (r != 0)
        return r < 0 ? STS_INTERNAL : (int)results[r];
    call->audit.response =
        query_object(&call->arena,
                     (const struct str_pair[]){ { STR("assumedRole"), outcome.principal.arn },
                                                { STR("accessKeyId"), outcome.session.access_key_id } },
                     2);
    sts_render_session(body,
                       &(struct sts_session){ .role_id = outcome.principal.id,
                                              .arn = outcome.principal.arn,
                                              .access_key_id = outcome.session.access_key_id,
                                              .secret = outcome.session.secret,
                                              .token = outcome.token,
                                              .expires_s = outcome.session.expires_s },
                       http_request_id(call->request));
    return 0;
}

/* 0 with the answer's body, or an sts_result, perhaps with a message; the outcome that counts in *ret_outcome. */
static int query_run(struct api_call *call, struct buf *body, unsigned *ret_outcome, struct str *ret_message)
{
    struct sts_request sts;
    struct str form;
    int r = gate_authenticate(call, STR("sts"));

    if (r == 0)
        r = gate_throttle(call);
    if (r > 0) {
        *ret_outcome = call->error.id;
        *ret_message = call->error.message;
        return (int)query_refusal(call->error.id);
    }
    form = query_form(call);
    if (r < 0 || !str_is_set(form))
        return STS_INTERNAL;
    r = sts_parse((char *)(uintptr_t)form.p, form.n, &call->arena, &sts, ret_message);
    if (r == 0) {
        audit_begin_other(call, STR("sts.amazonaws.com"),
                          sts.action == STS_ASSUME_ROLE ? STR("AssumeRole") : STR("GetCallerIdentity"));
        call->audit.needs_no_right = sts.action != STS_ASSUME_ROLE;
    }
    if (r == 0 && sts.action == STS_ASSUME_ROLE)
        r = query_assume_role(call, &sts, body, ret_message);
    else if (r == 0)
        sts_render_identity(body, query_principal(call), http_request_id(call->request));
    *ret_outcome = r == 0                   ? STATS_OK
                   : r == STS_ACCESS_DENIED ? ERROR_ACCESS_DENIED
                   : r == STS_INTERNAL      ? ERROR_INTERNAL_FAILURE
                                            : ERROR_INVALID_INPUT;
    if (r)
        call->error = (struct api_error){ .id = (enum error_id) * ret_outcome, .message = *ret_message };
    audit_end(call, r == 0);
    return r;
}

bool query_is_presigned(const struct http_request *request)
{
    struct str query = http_request_query(request);

    return str_is_set(query) && str_eq(http_request_method(request), STR("GET")) &&
           (str_starts(query, STR("Action=")) || memmem(query.p, query.n, "&Action=", 8));
}

void query_handle(struct api_worker *worker, struct http_request *request)
{
    struct api_call *call = call_new(worker, request, NULL);
    unsigned outcome = ERROR_INTERNAL_FAILURE;
    struct str message = { 0 };
    struct buf body;
    int r = STS_INTERNAL;

    buf_init(&body, QUERY_MAX_ANSWER);
    if (call)
        r = query_run(call, &body, &outcome, &message);
    if (r == 0 && body.failed)
        r = STS_INTERNAL;
    if (r == 0)
        query_respond(worker, request, 200, outcome, &body);
    else
        query_refuse(worker, request, (enum sts_result)r, outcome, message);
    buf_fini(&body);
    if (!call)
        return;
    if (call->snapshot)
        snapshot_release(registry_head(worker->api->registry));
    call->snapshot = NULL;
    call_free(call);
}
