/* SPDX-License-Identifier: Apache-2.0
 *
 * The gates of an AWS call and what handlers lean on; see call.h and worker.h. */
#include "api/call.h"

#include "api/api_worker.h"
#include "api/audit.h"
#include "api/authorise.h"
#include "api/gate.h"
#include "api/lookup.h"
#include "api/page.h"
#include "api/query.h"
#include "api/share.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/instance.h"
#include "model/policy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* What a request decodes to, which the reader's own caps keep below 8 MiB, and what handlers make for the answer. */
#define CALL_MAX_ARENA (40u << 20)
/* Discovery: a thousand instances of 5,000 characters each, 25 MB when all are keys or escaped. */
#define CALL_MAX_ANSWER (64u << 20)
#define CALL_MAX_FREE 256
#define CALL_TARGET_PREFIX STR("Route53AutoNaming_v20170314.")

static const struct http_header json_headers[] = { { "Content-Type", "application/x-amz-json-1.1" } };

/* --- the life of a call ------------------------------------------------------------------------------------------ */

struct api_call *call_new(struct api_worker *worker, struct http_request *request, const struct op *op)
{
    struct api_call *call = worker->free_calls;

    if (call) {
        worker->free_calls = call->next;
        worker->n_free_calls--;
    } else {
        call = mem_zalloc(sizeof(*call));
        if (!call)
            return NULL;
        arena_init(&call->arena, CALL_MAX_ARENA);
    }
    call->worker = worker;
    call->request = request;
    call->op = op;
    call->named.is_found = false;
    call->out = NULL;
    call->finish = NULL;
    call->snapshot = NULL;
    call->tenant = NULL;
    call->share = NULL;
    call->owner = (struct str){ 0 };
    call->principal = NULL;
    call->error = (struct api_error){ .id = ERROR_COUNT };
    call->audit = (struct call_audit){ .state = AUDIT_NOT };
    buf_init(&call->body, 0);
    return call;
}

void call_free(struct api_call *call)
{
    struct api_worker *worker = call->worker;

    if (call->principal)
        policy_free((struct policy *)(uintptr_t)call->principal->session_policy);
    if (worker->n_free_calls == CALL_MAX_FREE) {
        arena_fini(&call->arena);
        mem_free(call);
        return;
    }
    arena_reset(&call->arena);
    call->next = worker->free_calls;
    worker->free_calls = call;
    worker->n_free_calls++;
}

void call_free_all(struct api_worker *worker)
{
    while (worker->free_calls) {
        struct api_call *call = worker->free_calls;
        worker->free_calls = call->next;
        arena_fini(&call->arena);
        mem_free(call);
    }
}

/* --- answering --------------------------------------------------------------------------------------------------- */

void call_count(struct api_worker *worker, const struct http_request *request, const struct op *op, unsigned outcome)
{
    int64_t ns = clock_mono_ns(worker->api->clock) - http_request_arrival_ns(request);

    stats_count(&worker->api->stats, op, outcome, ns);
    if (log_is_on(LOG_REQUEST))
        log_event(LOG_REQUEST, LOG_S("operation", op ? op->name : STR("none")),
                  LOG_S("code", outcome == STATS_OK ? STR("OK") : error_name((enum error_id)outcome)),
                  LOG_I("us", ns / 1000), LOG_S("peer", http_request_peer(request)),
                  LOG_S("request_id", http_request_id(request)));
}

void call_refuse_request(struct api_worker *worker, struct http_request *request, const struct op *op,
                         const struct api_error *error)
{
    struct str name = error_name(error->id);
    char type[64];
    struct http_header headers[] = { json_headers[0], { "x-amzn-ErrorType", type }, { "Allow", "POST" } };
    struct buf body;
    size_t n;

    snprintf(type, sizeof(type), STR_FMT, STR_ARG(name));
    buf_init(&body, CALL_MAX_ANSWER);
    error_render(&body, error);
    call_count(worker, request, op, error->id);
    if (error->id == ERROR_INTERNAL_FAILURE)
        log_event(LOG_REQUEST_FAILED, LOG_S("operation", op ? op->name : STR("none")),
                  LOG_S("request_id", http_request_id(request)));
    n = body.n;
    http_respond(request, error_status(error->id), headers, error->id == ERROR_METHOD_NOT_ALLOWED ? 3 : 2,
                 buf_take(&body, &n), n);
}

static void call_respond_error(struct api_call *call)
{
    call_refuse_request(call->worker, call->request, call->op, &call->error);
}

static void call_respond(struct api_call *call, struct buf *body)
{
    size_t n = body->n;

    if (body->failed) {
        call->error.id = ERROR_INTERNAL_FAILURE;
        buf_fini(body);
        call_respond_error(call);
        return;
    }
    call_count(call->worker, call->request, call->op, STATS_OK);
    http_respond(call->request, 200, json_headers, 1, buf_take(body, &n), n);
}

/* Registrations and removals that were done, and are no heartbeats. */
static void call_count_change(struct api_call *call)
{
    const struct api *api = call->worker->api;
    const struct principal *principal = call->principal ? call->principal : &api->root;

    if (call->op->index == OP_INDEX_RegisterInstance && !call->change.is_repeated)
        spike_count(api->spike, SPIKE_REGISTRATIONS, principal, call->region);
    else if (call->op->index == OP_INDEX_DeregisterInstance)
        spike_count(api->spike, SPIKE_REMOVALS, principal, call->region);
}

/* Whatever a gate or a handler returned, as an answer. The snapshot is still held. */
static void call_answer(struct api_call *call, int r)
{
    struct buf body;

    if (r < 0) {
        call->error = (struct api_error){ .id = ERROR_INTERNAL_FAILURE };
        r = CALL_ERROR;
    }
    audit_end(call, r == 0);
    if (r == 0 && call->op)
        call_count_change(call);
    buf_init(&body, CALL_MAX_ANSWER);
    if (r == 0 && call->op)
        shape_render(&body, call->op->output, call->out);
    call_release_snapshot(call);
    if (r == 0 && !call->op)
        call_respond(call, &call->body);
    else if (r == 0)
        call_respond(call, &body);
    else
        call_respond_error(call);
    buf_fini(&body);
    buf_fini(&call->body);
    call_free(call);
}

void call_release_snapshot(struct api_call *call)
{
    if (call->snapshot)
        snapshot_release(registry_head(call->worker->api->registry));
    call->snapshot = NULL;
    call->tenant = NULL;
    call->share = NULL;
}

/* --- errors ------------------------------------------------------------------------------------------------------ */

int call_refuse(struct api_call *call, enum error_id id)
{
    call->error = (struct api_error){ .id = id };
    return CALL_ERROR;
}

int call_refuse_text(struct api_call *call, enum error_id id, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    call->error = (struct api_error){ .id = id, .message = arena_dup(&call->arena, text_utf8_trim(str_of(text))) };
    return str_is_set(call->error.message) ? CALL_ERROR : -ENOMEM;
}

/* What a change_result is on the wire. */
static const enum error_id change_errors[] = {
    [CHANGE_INVALID_INPUT] = ERROR_INVALID_INPUT,
    [CHANGE_NAMESPACE_NOT_FOUND] = ERROR_NAMESPACE_NOT_FOUND,
    [CHANGE_SERVICE_NOT_FOUND] = ERROR_SERVICE_NOT_FOUND,
    [CHANGE_INSTANCE_NOT_FOUND] = ERROR_INSTANCE_NOT_FOUND,
    [CHANGE_RESOURCE_NOT_FOUND] = ERROR_RESOURCE_NOT_FOUND,
    [CHANGE_CUSTOM_HEALTH_NOT_FOUND] = ERROR_CUSTOM_HEALTH_NOT_FOUND,
    [CHANGE_NAMESPACE_EXISTS] = ERROR_NAMESPACE_ALREADY_EXISTS,
    [CHANGE_SERVICE_EXISTS] = ERROR_SERVICE_ALREADY_EXISTS,
    [CHANGE_DUPLICATE_REQUEST] = ERROR_DUPLICATE_REQUEST,
    [CHANGE_IN_USE] = ERROR_RESOURCE_IN_USE,
    [CHANGE_NOT_YOURS] = ERROR_ACCESS_DENIED,
    [CHANGE_LIMIT] = ERROR_RESOURCE_LIMIT_EXCEEDED,
    [CHANGE_TOO_MANY_TAGS] = ERROR_TOO_MANY_TAGS,
    [CHANGE_TOO_MANY_ATTRIBUTES] = ERROR_SERVICE_ATTRIBUTES_LIMIT_EXCEEDED,
    [CHANGE_STORE_FULL] = ERROR_SERVICE_UNAVAILABLE,
    [CHANGE_STORE_LOST] = ERROR_SERVICE_UNAVAILABLE,
    [CHANGE_AUDIT_BEHIND] = ERROR_SERVICE_UNAVAILABLE,
    [CHANGE_OVERLOADED] = ERROR_SERVICE_UNAVAILABLE,
};

static struct str call_unavailable_text(int result)
{
    switch (result) {
    case CHANGE_STORE_FULL:
        return STR("The disk of the store is full; nothing was changed. Free space and try again.");
    case CHANGE_STORE_LOST:
        return STR("The store lost a write and takes no more until the daemon is restarted; reads go on.");
    case CHANGE_AUDIT_BEHIND:
        return STR(
            "The audit file cannot be written and is too far behind; nothing was changed. Mend it and try again.");
    default:
        return STR("Too many changes wait already. Try again.");
    }
}

struct api_error call_error_of_change(struct api_call *call, const struct change *change)
{
    struct api_error error = { .id = change_errors[change->result], .message = change->message };

    switch (change->result) {
    case CHANGE_NAMESPACE_EXISTS:
        error.namespace_id = change->existing_id;
        error.creator_request_id = change->existing_token;
        break;
    case CHANGE_SERVICE_EXISTS:
        error.service_id = change->existing_id;
        error.creator_request_id = change->existing_token;
        error.service_arn = arn_format(&call->arena, &(struct arn){ .kind = ARN_SERVICE,
                                                                    .region = call->region,
                                                                    .account = call->owner,
                                                                    .id = change->existing_id });
        break;
    case CHANGE_DUPLICATE_REQUEST:
        error.duplicate_operation_id = str_of(change->operation_id);
        break;
    case CHANGE_STORE_FULL:
    case CHANGE_STORE_LOST:
    case CHANGE_AUDIT_BEHIND:
    case CHANGE_OVERLOADED:
        error.message = call_unavailable_text(change->result);
        break;
    case CHANGE_TOO_MANY_TAGS:
        error.resource_name = call->error.resource_name; /* set by handlers that name a resource */
        break;
    default:
        break;
    }
    return error;
}

/* --- gates ------------------------------------------------------------------------------------------------------- */

static bool call_is_content_type(struct str value, struct str wanted)
{
    value.n = str_find_char(value, ';');
    while (value.n && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
        value.n--;
    return str_eq_nocase(value, wanted);
}

static int call_decode(struct api_call *call, void *in)
{
    struct json_reader reader;
    struct buf message;
    size_t n;
    char *body = http_request_body(call->request, &n);
    char empty[] = "{}";
    int r;

    /* Some SDKs send no body where there is nothing to say. */
    json_reader_init(&reader, n ? body : empty, n ? n : 2, &call->arena);
    buf_init(&message, 64 * 1024);
    r = shape_decode(&reader, call->op->input, in, &call->arena, &message);
    if (r == SHAPE_SYNTAX || r == SHAPE_TYPE) {
        call->error =
            (struct api_error){ .id = ERROR_SERIALIZATION, .message = arena_dup(&call->arena, buf_str(&message)) };
        r = CALL_ERROR;
    } else if (r) {
        r = -ENOMEM;
    }
    buf_fini(&message);
    return r;
}

static int call_validate(struct api_call *call, const void *in)
{
    struct buf message;
    int r;

    buf_init(&message, 64 * 1024);
    r = shape_validate(call->op->input, in, &message);
    if (r) {
        call->error =
            (struct api_error){ .id = ERROR_INVALID_INPUT, .message = arena_dup(&call->arena, buf_str(&message)) };
        r = CALL_ERROR;
    }
    buf_fini(&message);
    return r;
}

static int call_run(struct api_call *call)
{
    struct api *api = call->worker->api;
    void *in;
    int r;

    r = gate_authenticate(call, STR("servicediscovery"));
    if (r)
        return r;
    audit_begin(call);
    r = gate_throttle(call);
    if (r)
        return r;
    in = arena_alloc(&call->arena, call->op->input_size);
    call->out = arena_alloc(&call->arena, call->op->output_size);
    if (!in || !call->out)
        return -ENOMEM;
    r = call_decode(call, in);
    if (r)
        return r;
    audit_set_input(call, in);
    if (!call->snapshot)
        call->snapshot = snapshot_acquire(registry_head(api->registry));
    share_find(call, in);
    r = authorise_call(call, in);
    if (r == 0)
        r = call_validate(call, in);
    return r ? r : call->op->call(call, in, call->out);
}

/* LookupEvents, of another service than all others. */
static void call_look_up(struct api_worker *worker, struct http_request *request)
{
    struct api_call *call = call_new(worker, request, NULL);
    int r;

    if (!call) {
        call_refuse_request(worker, request, NULL, &(struct api_error){ .id = ERROR_INTERNAL_FAILURE });
        return;
    }
    r = gate_authenticate(call, STR("cloudtrail"));
    if (r == 0) {
        audit_begin_other(call, STR("cloudtrail.amazonaws.com"), STR("LookupEvents"));
        r = gate_throttle(call);
    }
    if (r == 0)
        r = authorise_action(call, STR("cloudtrail:LookupEvents"));
    if (r == 0)
        r = lookup_handle(worker->api->lookup, call);
    if (r != CALL_SUBMITTED)
        call_answer(call, r);
}

void call_handle(struct api_worker *worker, struct http_request *request)
{
    struct str target = http_request_header(request, "X-Amz-Target");
    struct str type = http_request_header(request, "Content-Type");
    const struct op *op = NULL;
    struct api_call *call;
    int r;

    if (!str_is_set(target) && call_is_content_type(type, STR("application/x-www-form-urlencoded"))) {
        query_handle(worker, request);
        return;
    }
    if (str_eq(target, LOOKUP_TARGET)) {
        call_look_up(worker, request);
        return;
    }
    if (str_starts(target, CALL_TARGET_PREFIX))
        op = op_find(str_skip(target, CALL_TARGET_PREFIX.n));
    if (!op) {
        call_refuse_request(worker, request, NULL, &(struct api_error){ .id = ERROR_UNKNOWN_OPERATION });
        return;
    }
    if (!call_is_content_type(type, STR("application/x-amz-json-1.1"))) {
        call_refuse_request(worker, request, op, &(struct api_error){ .id = ERROR_UNSUPPORTED_MEDIA_TYPE });
        return;
    }
    call = call_new(worker, request, op);
    if (!call) {
        call_refuse_request(worker, request, op, &(struct api_error){ .id = ERROR_INTERNAL_FAILURE });
        return;
    }
    r = call_run(call);
    if (r != CALL_SUBMITTED)
        call_answer(call, r);
}

/* --- waiting for the writer -------------------------------------------------------------------------------------- */

static void call_done(struct change *change)
{
    http_finish(((struct api_call *)change->owner)->request);
}

struct change *call_new_change(struct api_call *call, enum change_kind kind)
{
    call->change = (struct change){ .kind = kind,
                                    .account = call->owner,
                                    .region = call->region,
                                    .action = call->op->name,
                                    .arena = &call->arena,
                                    .done = call_done,
                                    .owner = call };
    if (call->share)
        call->change.caller = call->account;
    return &call->change;
}

int call_submit(struct api_call *call)
{
    struct http_request *request = call->request;
    int r = audit_submit(call);

    if (r)
        return r;
    call_release_snapshot(call);
    http_request_set_call(request, call);
    http_suspend(request);
    registry_submit(call->worker->api->registry, &call->change);
    return CALL_SUBMITTED;
}

void call_handle_finish(struct api_worker *worker, struct http_request *request, struct api_call *call)
{
    int r = call->change.result;

    (void)worker;
    (void)request;
    if (r > 0) {
        call->error = call_error_of_change(call, &call->change);
        r = CALL_ERROR;
    } else if (r == 0 && call->finish) {
        r = call->finish(call);
    } else if (r == 0 && call->op && (call->op->flags & OP_ASYNC)) {
        ((struct operation_id_output *)call->out)->operation_id = str_of(call->change.operation_id);
    }
    call_answer(call, r);
}

/* --- what handlers lean on --------------------------------------------------------------------------------------- */

struct rand *call_rand(struct api_call *call)
{
    return &call->worker->rand;
}

int64_t call_wall_ms(const struct api_call *call)
{
    return clock_wall_ms(call->worker->api->clock);
}

int call_resolve_id(struct api_call *call, struct str text, enum arn_kind kind, struct str *ret_id)
{
    struct arn arn;

    switch (arn_parse(text, &arn)) {
    case 0:
        if (arn.kind == kind && str_eq(arn.account, call->owner) && str_eq(arn.region, call->region))
            *ret_id = arn.id;
        else
            *ret_id = STR("");
        return 0;
    case ARN_NOT_ARN:
        *ret_id = text;
        return 0;
    default:
        return call_refuse_text(call, ERROR_INVALID_INPUT, "Not the ARN of a %s: %.*s",
                                kind == ARN_NAMESPACE ? "namespace" : "service", STR_ARG(text));
    }
}

int call_find_namespace(struct api_call *call, struct str text, const struct namespace **ret_ns)
{
    struct str id;
    int r = call_resolve_id(call, text, ARN_NAMESPACE, &id);

    if (r)
        return r;
    *ret_ns = state_find_namespace(call->tenant, id);
    return *ret_ns ? 0 : call_refuse(call, ERROR_NAMESPACE_NOT_FOUND);
}

int call_find_service(struct api_call *call, struct str text, const struct service_node **ret_node)
{
    struct str id;
    int r = call_resolve_id(call, text, ARN_SERVICE, &id);

    if (r)
        return r;
    *ret_node = state_find_service(call->tenant, id);
    return *ret_node ? 0 : call_refuse(call, ERROR_SERVICE_NOT_FOUND);
}

struct str call_token(struct api_call *call, struct str token)
{
    uint8_t random[16];
    char uuid[36];

    if (token.n)
        return token;
    rand_id(call_rand(call), random);
    return arena_dup(&call->arena, (struct str){ uuid, text_uuid(random, uuid) });
}

int call_read_tags(struct api_call *call, const struct wire_tag_list *tags, const struct str_pair **ret_pairs,
                   size_t *ret_n)
{
    struct str_pair *pairs = ARENA_ARRAY(&call->arena, struct str_pair, tags->n + 1);

    if (!pairs)
        return -ENOMEM;
    for (size_t i = 0; i < tags->n; i++)
        pairs[i] = (struct str_pair){ tags->items[i].key, tags->items[i].value };
    if (instance_sort_attributes(pairs, tags->n))
        return call_refuse_text(call, ERROR_INVALID_INPUT, "A tag key is given twice");
    *ret_pairs = pairs;
    *ret_n = tags->n;
    return 0;
}

size_t call_page_size(struct opt_int max_results)
{
    return max_results.set ? (size_t)max_results.value : 100;
}

int call_page_start(struct api_call *call, const void *in, struct str token, struct str *ret_key)
{
    int r;

    *ret_key = (struct str){ 0 };
    if (!str_is_set(token))
        return 0;
    r = page_decode(&call->arena, call->op, in, token, ret_key);
    if (r == PAGE_INVALID)
        return call_refuse_text(call, ERROR_INVALID_INPUT, "NextToken is not one of this operation and its parameters");
    return r;
}

int call_page_end(struct api_call *call, const void *in, struct str key, struct str *ret_token)
{
    *ret_token = page_encode(&call->arena, call->op, in, key);
    return str_is_set(*ret_token) ? 0 : -ENOMEM;
}
