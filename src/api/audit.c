/* SPDX-License-Identifier: Apache-2.0
 *
 * Records in CloudTrail's form. What is known before the outcome is rendered first, in the call's arena; whoever knows
 * the outcome, the writer or the worker, adds it. */
#include "api/audit.h"

#include "api/api_worker.h"
#include "base/metric.h"
#include "base/text.h"
#include "model/audit_event.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define AUDIT_MAX_TEXT (512u << 10)
#define AUDIT_MAX_INPUT (100u << 10) /* CloudTrail's own limits */
#define AUDIT_MAX_REFUSED (4u << 10) /* of the input of a call that was refused */
#define AUDIT_MAX_AGENT 1024
#define AUDIT_MAX_MESSAGE 1024

/* --- who --------------------------------------------------------------------------------------------------------- */

static void put_issuer(struct json_writer *writer, const struct principal *principal)
{
    struct str id = principal->id;

    id.n = str_find_char(id, ':');
    json_key(writer, STR("sessionContext"));
    json_open_object(writer);
    json_key(writer, STR("sessionIssuer"));
    json_open_object(writer);
    json_field_string(writer, STR("type"), STR("Role"));
    json_field_string(writer, STR("principalId"), id);
    json_field_string(writer, STR("arn"), principal_lasting_arn(principal));
    json_field_string(writer, STR("accountId"), principal->account);
    json_field_string(writer, STR("userName"), principal->name);
    json_close_object(writer);
    json_key(writer, STR("attributes"));
    json_open_object(writer);
    json_field_string(writer, STR("mfaAuthenticated"), STR("false"));
    json_close_object(writer);
    json_close_object(writer);
}

static void put_identity(struct json_writer *writer, const struct principal *principal)
{
    static const char *const types[] = {
        [PRINCIPAL_ROOT] = "Root", [PRINCIPAL_USER] = "IAMUser", [PRINCIPAL_ROLE] = "AssumedRole"
    };

    json_key(writer, STR("userIdentity"));
    json_open_object(writer);
    json_field_string(writer, STR("type"), str_of(types[principal->kind]));
    json_field_string(writer, STR("principalId"), principal->id);
    json_field_string(writer, STR("arn"), principal->arn);
    json_field_string(writer, STR("accountId"), principal->account);
    json_field_optional(writer, STR("accessKeyId"), principal->access_key_id);
    if (principal->kind == PRINCIPAL_USER)
        json_field_string(writer, STR("userName"), principal->name);
    if (principal->kind == PRINCIPAL_ROLE)
        put_issuer(writer, principal);
    json_close_object(writer);
}

/* --- what is known before the outcome ---------------------------------------------------------------------------- */

/* A caller's text, which need not be UTF-8, cut to `max` bytes. */
static void put_text(struct json_writer *writer, struct str key, struct str text, size_t max)
{
    if (text.n > max)
        text = text_utf8_trim((struct str){ text.p, max });
    if (str_is_set(text) && text_is_utf8(text))
        json_field_string(writer, key, text);
}

static void put_omitted(struct json_writer *writer, struct str why)
{
    json_key(writer, STR("additionalEventData"));
    json_open_object(writer);
    json_field_string(writer, STR("requestParametersOmitted"), why);
    json_close_object(writer);
}

static void put_input(struct json_writer *writer, struct api_call *call)
{
    struct buf text;

    json_key(writer, STR("requestParameters"));
    buf_init(&text, AUDIT_MAX_INPUT);
    if (call->audit.in)
        shape_render_with(&text, call->op->input, call->audit.in, SHAPE_LOWER_CAMEL);
    else if (str_is_set(call->audit.input))
        buf_put_str(&text, call->audit.input);
    call->audit.input_at = writer->buf->n;
    if (text.n && !text.failed)
        json_put_raw(writer, buf_str(&text));
    else
        json_put_null(writer);
    call->audit.input_n = writer->buf->n - call->audit.input_at;
    if (text.failed)
        put_omitted(writer, STR("larger than 100 KB"));
    buf_fini(&text);
}

/* The namespace that the call found with another account. */
static void put_resources(struct json_writer *writer, const struct share *share)
{
    json_key(writer, STR("resources"));
    json_open_array(writer);
    json_open_object(writer);
    json_field_string(writer, STR("accountId"), share->arn.account);
    json_field_string(writer, STR("type"), STR("AWS::ServiceDiscovery::Namespace"));
    json_field_string(writer, STR("ARN"), share->text);
    json_close_object(writer);
    json_close_array(writer);
}

/* An open object. */
static void put_request(struct json_writer *writer, struct api_call *call)
{
    const struct call_audit *audit = &call->audit;

    json_open_object(writer);
    json_field_string(writer, STR("eventVersion"), STR("1.11"));
    put_identity(writer, call->principal ? call->principal : &call->worker->api->root);
    json_field_string(writer, STR("eventSource"), audit->source);
    json_field_string(writer, STR("eventName"), audit->name);
    json_field_string(writer, STR("awsRegion"), call->region);
    json_field_string(writer, STR("sourceIPAddress"), http_request_peer(call->request));
    put_text(writer, STR("userAgent"), http_request_header(call->request, "User-Agent"), AUDIT_MAX_AGENT);
    put_input(writer, call);
    json_field_string(writer, STR("requestID"), http_request_id(call->request));
    audit_event_put_id(writer, call_rand(call));
    json_key(writer, STR("readOnly"));
    json_put_bool(writer, audit->is_read_only);
    json_field_string(writer, STR("eventType"), STR("AwsApiCall"));
    json_key(writer, STR("managementEvent"));
    json_put_bool(writer, !audit->is_data);
    if (call->share)
        put_resources(writer, call->share);
    json_field_string(writer, STR("recipientAccountId"), call->account);
    json_field_string(writer, STR("eventCategory"), audit->is_data ? STR("Data") : STR("Management"));
}

/* --- the outcome ------------------------------------------------------------------------------------------------- */

static void put_error(struct json_writer *writer, const struct api_error *error)
{
    /* CloudTrail's own word for it */
    struct str code = error->id == ERROR_ACCESS_DENIED ? STR("AccessDenied") : error_name(error->id);

    json_field_string(writer, STR("errorCode"), code);
    put_text(writer, STR("errorMessage"), error->message, AUDIT_MAX_MESSAGE);
}

static void put_service(struct json_writer *writer, const struct service *service)
{
    char arn[128];
    int n = snprintf(arn, sizeof(arn), "arn:aws:servicediscovery:" STR_FMT ":" STR_FMT ":service/" STR_FMT,
                     STR_ARG(service->region), STR_ARG(service->account), STR_ARG(service->id));

    json_open_object(writer);
    json_key(writer, STR("service"));
    json_open_object(writer);
    json_field_string(writer, STR("id"), service->id);
    json_field_string(writer, STR("arn"), (struct str){ arn, n < (int)sizeof(arn) ? (size_t)n : sizeof(arn) - 1 });
    json_field_string(writer, STR("name"), service->name);
    json_field_string(writer, STR("namespaceId"), service->namespace_id);
    json_close_object(writer);
    json_close_object(writer);
}

static void put_response(struct json_writer *writer, const struct api_call *call, const struct change *change,
                         bool done)
{
    json_key(writer, STR("responseElements"));
    if (done && str_is_set(call->audit.response)) {
        json_put_raw(writer, call->audit.response);
    } else if (change && (call->op->flags & OP_ASYNC) && change->operation_id[0]) {
        json_open_object(writer);
        json_field_string(writer, STR("operationId"), str_of(change->operation_id));
        json_close_object(writer);
    } else if (change && change->created) {
        put_service(writer, change->created);
    } else {
        json_put_null(writer);
    }
}

/* The whole record; `error` NULL: the call was done. */
static void put_record(struct buf *text, const struct api_call *call, const struct api_error *error,
                       const struct change *change, int64_t wall_ms)
{
    struct json_writer writer = { .buf = text, .comma = true };
    const struct call_audit *audit = &call->audit;
    bool is_cut = error && audit->input_n > AUDIT_MAX_REFUSED;

    if (is_cut) {
        buf_put_str(text, (struct str){ audit->request.p, audit->input_at });
        buf_put_str(text, STR("null"));
        buf_put_str(text, str_skip(audit->request, audit->input_at + audit->input_n));
        put_omitted(&writer, STR("refused, and larger than 4 KB"));
    } else {
        buf_put_str(text, audit->request);
    }
    audit_event_put_time(&writer, wall_ms);
    if (error)
        put_error(&writer, error);
    put_response(&writer, call, error ? NULL : change, !error);
    json_close_object(&writer);
}

/* --- the life of a record ---------------------------------------------------------------------------------------- */

void audit_begin(struct api_call *call)
{
    const struct audit_settings *settings = &call->worker->api->audit;
    bool is_data = call->op->flags & OP_DATA_PLANE;

    call->audit = (struct call_audit){
        .state = settings->is_on && (!is_data || settings->has_data) ? AUDIT_BEGUN : AUDIT_NOT,
        .source = STR("servicediscovery.amazonaws.com"),
        .name = call->op->name,
        .is_read_only = !(call->op->flags & OP_WRITE),
        .is_data = is_data,
    };
}

void audit_begin_other(struct api_call *call, struct str source, struct str name)
{
    call->audit = (struct call_audit){ .state = call->worker->api->audit.is_on ? AUDIT_BEGUN : AUDIT_NOT,
                                       .source = source,
                                       .name = name,
                                       .is_read_only = true };
}

void audit_set_input(struct api_call *call, const void *in)
{
    call->audit.in = in;
}

/* False when memory is out. */
static bool render_request(struct api_call *call)
{
    struct json_writer writer;
    struct buf text;

    buf_init(&text, AUDIT_MAX_TEXT);
    json_writer_init(&writer, &text);
    put_request(&writer, call);
    call->audit.request = text.failed ? (struct str){ 0 } : arena_dup(&call->arena, buf_str(&text));
    buf_fini(&text);
    return str_is_set(call->audit.request);
}

/* Within the share of records that anybody can make. */
static bool fits(const struct api_call *call, size_t n)
{
    const struct api *api = call->worker->api;

    return audit_quota_take(api->audit_quota, call->principal ? call->principal : &api->root, n,
                            clock_mono_ns(api->clock) / 1000000);
}

static void audit_change(const struct change *change, int64_t wall_ms, struct buf *text)
{
    struct api_call *call = change->owner;
    struct api_error error = { .id = ERROR_INTERNAL_FAILURE };

    if (change->result > 0)
        error = call_error_of_change(call, change);
    put_record(text, call, change->result ? &error : NULL, change, wall_ms);
    if (change->result && !fits(call, text->n))
        buf_clear(text);
}

int audit_submit(struct api_call *call)
{
    if (call->audit.state != AUDIT_BEGUN)
        return 0;
    if (!render_request(call))
        return -ENOMEM;
    call->audit.state = AUDIT_SUBMITTED;
    call->change.audit = audit_change;
    return 0;
}

/* Was the change never applied, or not committed, so that the writer's record is not there? */
static bool is_lost(const struct change *change)
{
    return change->result < 0 || change->result == CHANGE_AUDIT_BEHIND || change->result == CHANGE_STORE_FULL ||
           change->result == CHANGE_STORE_LOST || change->result == CHANGE_OVERLOADED;
}

void audit_end(struct api_call *call, bool done)
{
    struct registry *registry = call->worker->api->registry;
    struct buf text;

    if (call->audit.state == AUDIT_NOT || (call->audit.state == AUDIT_SUBMITTED && !is_lost(&call->change)))
        return;
    if (call->audit.state == AUDIT_BEGUN && !render_request(call)) {
        metric_add(METRIC_AUDIT_DROPPED, 1);
        return;
    }
    buf_init(&text, AUDIT_MAX_TEXT);
    put_record(&text, call, done ? NULL : &call->error, NULL, call_wall_ms(call));
    if (text.failed)
        metric_add(METRIC_AUDIT_DROPPED, 1);
    else if ((done && !call->audit.needs_no_right) || fits(call, text.n))
        registry_note(registry, buf_str(&text));
    buf_fini(&text);
}
