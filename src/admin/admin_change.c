/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_change.h. */
#include "admin/admin_change.h"

#include "admin/admin_audit.h"
#include "admin/admin_service.h"
#include "base/mem.h"
#include "json/reader.h"
#include "json/writer.h"

#include <errno.h>

#define ARENA_MAX (4 << 20) /* the attributes of an instance are copied there, too */
#define ANSWER_MAX 65536

/* One request and its change. */
struct call {
    struct http_request *request;
    struct arena arena;
    struct change change;
    struct str service; /* as it was named */
    bool all, verdicts;
    size_t n_verdicts; /* released */
};

static const struct {
    struct str path;
    enum change_kind kind;
} paths[] = {
    { { ADMIN_DRAIN_PATH, sizeof(ADMIN_DRAIN_PATH) - 1 }, CHANGE_DRAIN },
    { { ADMIN_GUARD_RELEASE_PATH, sizeof(ADMIN_GUARD_RELEASE_PATH) - 1 }, CHANGE_GUARD_RELEASE },
    { { ADMIN_GUARD_CANCEL_PATH, sizeof(ADMIN_GUARD_CANCEL_PATH) - 1 }, CHANGE_GUARD_CANCEL },
    { { ADMIN_RENEW_PATH, sizeof(ADMIN_RENEW_PATH) - 1 }, CHANGE_RENEW },
    { { ADMIN_UNDRAIN_PATH, sizeof(ADMIN_UNDRAIN_PATH) - 1 }, CHANGE_UNDRAIN },
};

#define PATH_COUNT (sizeof(paths) / sizeof(paths[0]))

bool admin_change_has_path(struct str path)
{
    for (size_t i = 0; i < PATH_COUNT; i++)
        if (str_eq(path, paths[i].path))
            return true;
    return false;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void respond(struct http_request *request, unsigned status, struct buf *buf)
{
    static const struct http_header json = { "Content-Type", "application/json" };
    size_t n = 0;
    char *body = buf_take(buf, &n);

    http_respond(request, body ? status : 500, &json, 1, body, n);
    buf_fini(buf);
}

static void respond_error(struct http_request *request, unsigned status, struct str why)
{
    struct json_writer writer;
    struct buf buf;

    buf_init(&buf, ANSWER_MAX);
    json_writer_init(&writer, &buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("error"), why);
    json_close_object(&writer);
    respond(request, status, &buf);
}

static bool is_of_guard(const struct change *change)
{
    return change->kind == CHANGE_GUARD_RELEASE || change->kind == CHANGE_GUARD_CANCEL;
}

static void respond_done(struct call *call)
{
    struct json_writer writer;
    struct buf buf;

    buf_init(&buf, ANSWER_MAX);
    json_writer_init(&writer, &buf);
    json_open_object(&writer);
    json_field_optional(&writer, STR("service"), call->change.service_id);
    json_field_optional(&writer, STR("instance"), call->change.instance_id);
    if (is_of_guard(&call->change)) {
        json_field_int(&writer, STR("done"), (int64_t)call->change.n_done);
        json_field_int(&writer, STR("verdicts"), (int64_t)call->n_verdicts);
        json_field_int(&writer, STR("left"), (int64_t)call->change.n_left);
    }
    json_close_object(&writer);
    respond(call->request, 200, &buf);
}

static void respond_failed(struct call *call)
{
    static const struct {
        int result;
        unsigned status;
        const char *why;
    } texts[] = {
        { CHANGE_INVALID_INPUT, 400, NULL },
        { CHANGE_SERVICE_NOT_FOUND, 404, "there is no such service" },
        { CHANGE_INSTANCE_NOT_FOUND, 404, "there is no such instance" },
        { CHANGE_IN_USE, 423, NULL },
        { CHANGE_STORE_FULL, 507, "the disk is full" },
        { CHANGE_STORE_LOST, 503, "the store takes no writes until the daemon is started again" },
        { CHANGE_AUDIT_BEHIND, 503, "the audit file is too far behind" },
        { CHANGE_OVERLOADED, 503, "too many changes wait, or the daemon stops" },
    };
    const struct change *change = &call->change;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].result == change->result) {
            respond_error(call->request, texts[i].status,
                          str_is_set(change->message) ? change->message : str_of(texts[i].why));
            return;
        }
    respond_error(call->request, 500, STR("the change failed"));
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static int read_member(struct json_reader *reader, struct str key, struct call *call)
{
    struct change *change = &call->change;
    struct str word;

    if (str_eq(key, STR("service")))
        return json_string(reader, &call->service);
    if (str_eq(key, STR("instance")))
        return json_string(reader, &change->instance_id);
    if (str_eq(key, STR("reason")))
        return json_string(reader, &change->reason);
    if (str_eq(key, STR("for_ms")))
        return json_int(reader, &change->drain_for_ms);
    if (str_eq(key, STR("then")))
        return json_string(reader, &word) || tenure_parse_then(word, &change->drain_then);
    if (str_eq(key, STR("force")))
        return json_bool(reader, &change->force);
    if (str_eq(key, STR("all")))
        return json_bool(reader, &call->all);
    if (str_eq(key, STR("verdicts")))
        return json_bool(reader, &call->verdicts);
    return 1;
}

static int read_body(struct call *call)
{
    struct json_reader reader;
    struct str key;
    size_t n = 0;
    char *body = http_request_body(call->request, &n);
    bool more;

    json_reader_init(&reader, body, n, &call->arena);
    if (json_object(&reader))
        return 1;
    while (!json_member(&reader, &more, &key) && more)
        if (read_member(&reader, key, call))
            return 1;
    if (json_end(&reader) || (unsigned)call->all + call->verdicts + str_is_set(call->service) != 1)
        return 1;
    if (call->verdicts)
        return call->change.kind != CHANGE_GUARD_RELEASE || str_is_set(call->change.instance_id);
    return is_of_guard(&call->change) ? call->all && str_is_set(call->change.instance_id)
                                      : call->all || !str_is_set(call->change.instance_id);
}

/* Fills in which service of which tenant. */
static int find_service(struct registry *registry, struct call *call)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(registry));
    const struct service_node *node;
    int r = admin_service_find(snapshot, call->service, &node);

    if (r == 0) {
        call->change.account = arena_dup(&call->arena, node->config->account);
        call->change.region = arena_dup(&call->arena, node->config->region);
        call->change.service_id = arena_dup(&call->arena, node->config->id);
    }
    snapshot_release(registry_head(registry));
    return call->arena.failed ? -ENOMEM : r;
}

static void free_call(struct call *call)
{
    arena_fini(&call->arena);
    mem_free(call);
}

static void done(struct change *change)
{
    http_finish(((struct call *)change->owner)->request);
}

void admin_change_handle(struct registry *registry, struct health *health, struct http_request *request)
{
    struct call *call = mem_zalloc(sizeof(*call));
    int r;

    if (!call) {
        http_respond(request, 500, NULL, 0, NULL, 0);
        return;
    }
    call->request = request;
    arena_init(&call->arena, ARENA_MAX);
    call->change = (struct change){ .arena = &call->arena, .done = done, .owner = call, .audit = admin_audit_change };
    for (size_t i = 0; i < PATH_COUNT; i++)
        if (str_eq(http_request_path(request), paths[i].path))
            call->change.kind = paths[i].kind;
    if (call->change.kind == CHANGE_RENEW)
        call->change.audit = NULL; /* a renewal writes nothing */
    if (read_body(call)) {
        respond_error(request, 400, STR("that is not what this resource takes"));
        free_call(call);
        return;
    }
    if (call->change.kind == CHANGE_GUARD_RELEASE && (call->all || call->verdicts))
        call->n_verdicts = health_release(health);
    if (call->verdicts) {
        respond_done(call);
        free_call(call);
        return;
    }
    r = call->all ? 0 : find_service(registry, call);
    if (r) {
        respond_error(request, r < 0 ? 500 : 404,
                      r < 0 ? STR("out of memory") : str_of(admin_service_text((enum admin_service_result)r)));
        free_call(call);
        return;
    }
    http_request_set_call(request, call);
    http_suspend(request);
    registry_submit(registry, &call->change);
}

void admin_change_finish(struct http_request *request, void *take_call)
{
    struct call *call = take_call;

    (void)request;
    if (call->change.result == 0)
        respond_done(call);
    else
        respond_failed(call);
    free_call(call);
}
