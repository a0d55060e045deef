/* SPDX-License-Identifier: Apache-2.0
 *
 * One mutex over all figures: they change a few times a round. */
#include "unmap/exporter.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/process.h"
#include "http/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define ANSWER_MAX ((size_t)64 << 20)
#define READY_SECONDS 1800 /* older whole rounds mean: something is wrong */
#define NAME "aws_cloud_unmap_"

/* States of aws_cloud_unmap_instances. */
enum state { STATE_MATCH, STATE_TERMINATED, STATE_ABSENT, STATE_MOVED, STATE_SKIPPED, STATE_PENDING, STATE_COUNT };
static const char *const state_words[STATE_COUNT] = { "match", "terminated", "absent", "moved", "skipped", "pending" };
static const char *const result_words[EXPORTER_RESULT_COUNT] = { "ok", "error", "held" };

struct service {
    struct service *next;
    char *id;
    int64_t success_s; /* wall time of the last round that was OK; 0: none */
    int64_t results[EXPORTER_RESULT_COUNT];
    int64_t instances[STATE_COUNT];
    int64_t removed[PLAN_EVIDENCE_COUNT];
    int64_t held[PLAN_RULE_COUNT];
    bool is_guard_open;
    uint64_t round; /* that noted it last */
};

struct call {
    char action[48], code[64];
    int64_t n;
};

struct kind {
    char name[32];
    int64_t n;
};

struct exporter {
    const struct clock *clock;
    struct http_server *server;
    pthread_mutex_t mutex;
    struct service *services, **services_tail;
    size_t n_services;
    struct call *calls;
    size_t n_calls, n_throttled;
    struct call throttled[64]; /* `code` unused */
    struct kind kinds[16];
    size_t n_kinds;
    uint64_t n_rounds;
    struct metric_histogram rounds, lag;
    int64_t known_mono_ns; /* end of the last whole round; 0: none yet */
};

int exporter_new(const struct clock *clock, struct exporter **ret_exporter)
{
    struct exporter *exporter = mem_zalloc(sizeof(*exporter));
    if (!exporter)
        return -ENOMEM;
    exporter->calls = mem_zalloc(EXPORTER_MAX_CALLS * sizeof(*exporter->calls));
    if (!exporter->calls) {
        mem_free(exporter);
        return -ENOMEM;
    }
    exporter->clock = clock;
    exporter->services_tail = &exporter->services;
    pthread_mutex_init(&exporter->mutex, NULL);
    *ret_exporter = exporter;
    return 0;
}

void exporter_free(struct exporter *exporter)
{
    if (!exporter)
        return;
    if (exporter->server)
        http_server_stop(exporter->server);
    for (struct service *service = exporter->services, *next; service; service = next) {
        next = service->next;
        mem_free(service->id);
        mem_free(service);
    }
    pthread_mutex_destroy(&exporter->mutex);
    mem_free(exporter->calls);
    mem_free(exporter);
}

/* --- notes ------------------------------------------------------------------------------------------------------- */

/* Under the mutex. NULL beyond the cap, or when memory is out. */
static struct service *find_service(struct exporter *exporter, struct str id)
{
    for (struct service *service = exporter->services; service; service = service->next)
        if (str_eq(str_of(service->id), id))
            return service;
    if (exporter->n_services == EXPORTER_MAX_SERVICES)
        return NULL;
    struct service *service = mem_zalloc(sizeof(*service));
    char *copy = service ? mem_zalloc(id.n + 1) : NULL;
    if (!copy) {
        mem_free(service);
        return NULL;
    }
    memcpy(copy, id.p, id.n);
    service->id = copy;
    *exporter->services_tail = service;
    exporter->services_tail = &service->next;
    exporter->n_services++;
    return service;
}

void exporter_add_service(struct exporter *exporter, struct str service_id)
{
    pthread_mutex_lock(&exporter->mutex);
    find_service(exporter, service_id);
    pthread_mutex_unlock(&exporter->mutex);
}

static void note_plan(struct service *service, const struct plan *plan)
{
    service->instances[STATE_MATCH] = (int64_t)plan->by_evidence[PLAN_PRESENT];
    service->instances[STATE_TERMINATED] = (int64_t)plan->by_evidence[PLAN_TERMINATED];
    service->instances[STATE_ABSENT] = (int64_t)plan->by_evidence[PLAN_ABSENT];
    service->instances[STATE_MOVED] = (int64_t)plan->by_evidence[PLAN_MOVED];
    service->instances[STATE_SKIPPED] = (int64_t)plan->by_evidence[PLAN_NOT_JUDGED];
    service->instances[STATE_PENDING] = (int64_t)plan->by_action[PLAN_WAIT];
    for (size_t i = 0; i < plan->n; i++)
        if (plan->decisions[i].action == PLAN_HOLD || plan->decisions[i].action == PLAN_WAIT)
            service->held[plan->decisions[i].rule]++;
}

void exporter_note_service(struct exporter *exporter, struct str service_id, enum exporter_result result,
                           const struct plan *plan)
{
    pthread_mutex_lock(&exporter->mutex);
    struct service *service = find_service(exporter, service_id);
    if (service) {
        service->round = exporter->n_rounds + 1;
        service->results[result]++;
        service->is_guard_open = result == EXPORTER_HELD;
        if (result == EXPORTER_OK)
            service->success_s = clock_wall_ms(exporter->clock) / 1000;
        if (plan && plan->outcome != PLAN_UNKNOWN)
            note_plan(service, plan);
    }
    pthread_mutex_unlock(&exporter->mutex);
}

void exporter_note_removal(struct exporter *exporter, struct str service_id, enum plan_evidence evidence)
{
    pthread_mutex_lock(&exporter->mutex);
    struct service *service = find_service(exporter, service_id);
    if (service)
        service->removed[evidence]++;
    pthread_mutex_unlock(&exporter->mutex);
}

/* Under the mutex: those that the round did not note. */
static void end_round(struct exporter *exporter, bool is_complete)
{
    struct service **link = &exporter->services, *service;
    exporter->n_rounds++;
    while ((service = *link)) {
        if (service->round != exporter->n_rounds && is_complete) {
            *link = service->next;
            mem_free(service->id);
            mem_free(service);
            exporter->n_services--;
            continue;
        }
        if (service->round != exporter->n_rounds)
            service->results[EXPORTER_ERROR]++;
        link = &service->next;
    }
    exporter->services_tail = link;
}

void exporter_note_round(struct exporter *exporter, int64_t duration_ns, bool is_known, bool is_complete)
{
    pthread_mutex_lock(&exporter->mutex);
    end_round(exporter, is_complete);
    metric_histogram_observe(&exporter->rounds, METRIC_SECONDS, duration_ns);
    if (is_known)
        exporter->known_mono_ns = clock_mono_ns(exporter->clock);
    pthread_mutex_unlock(&exporter->mutex);
}

static void count_call(struct call *calls, size_t *n, size_t max, const char *action, const char *code)
{
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(calls[i].action, action) == 0 && strcmp(calls[i].code, code) == 0) {
            calls[i].n++;
            return;
        }
    }
    if (*n < max - 1) {
        snprintf(calls[*n].action, sizeof(calls[*n].action), "%s", action);
        snprintf(calls[*n].code, sizeof(calls[*n].code), "%s", code);
        calls[(*n)++].n = 1;
        return;
    }
    if (*n == max - 1) {
        snprintf(calls[*n].action, sizeof(calls[*n].action), "other");
        snprintf(calls[(*n)++].code, sizeof(calls[0].code), "other");
    }
    calls[max - 1].n++;
}

void exporter_note_call(void *arg, const char *action, const char *code, bool is_throttled)
{
    struct exporter *exporter = arg;
    char short_action[48], short_code[64]; /* as they are kept */
    snprintf(short_action, sizeof(short_action), "%s", action);
    snprintf(short_code, sizeof(short_code), "%s", code);
    pthread_mutex_lock(&exporter->mutex);
    count_call(exporter->calls, &exporter->n_calls, EXPORTER_MAX_CALLS, short_action, short_code);
    if (is_throttled)
        count_call(exporter->throttled, &exporter->n_throttled,
                   sizeof(exporter->throttled) / sizeof(exporter->throttled[0]), short_action, "");
    pthread_mutex_unlock(&exporter->mutex);
}

void exporter_note_event(struct exporter *exporter, const char *kind, int64_t lag_ms)
{
    const size_t max = sizeof(exporter->kinds) / sizeof(exporter->kinds[0]);
    size_t i = 0;
    pthread_mutex_lock(&exporter->mutex);
    while (i < exporter->n_kinds && strcmp(exporter->kinds[i].name, kind) != 0)
        i++;
    if (i == exporter->n_kinds && i < max) {
        snprintf(exporter->kinds[i].name, sizeof(exporter->kinds[i].name), "%s", kind);
        exporter->n_kinds++;
    }
    if (i < max)
        exporter->kinds[i].n++;
    if (lag_ms >= 0)
        metric_histogram_observe(&exporter->lag, METRIC_SECONDS, lag_ms * 1000000);
    pthread_mutex_unlock(&exporter->mutex);
}

/* --- /metrics ---------------------------------------------------------------------------------------------------- */

/* A figure of a service, maybe told apart by a label. */
static void put(struct buf *buf, const char *name, const struct service *service, const char *label, const char *value,
                int64_t figure)
{
    const struct str_pair labels[] = { { STR("service_id"), str_of(service->id) }, { str_of(label), str_of(value) } };
    metric_write_sample(buf, name, labels, label ? 2 : 1, METRIC_COUNT, figure);
}

static void put_services(struct buf *buf, const struct exporter *exporter, const char *name, const char *help,
                         enum metric_kind kind, void (*fn)(struct buf *, const char *, const struct service *))
{
    metric_write_header(buf, name, help, kind);
    for (const struct service *service = exporter->services; service; service = service->next)
        fn(buf, name, service);
}

static void put_up(struct buf *buf, const char *name, const struct service *service)
{
    put(buf, name, service, NULL, NULL, 1);
}

static void put_success(struct buf *buf, const char *name, const struct service *service)
{
    if (service->success_s)
        put(buf, name, service, NULL, NULL, service->success_s);
}

static void put_results(struct buf *buf, const char *name, const struct service *service)
{
    for (int i = 0; i < EXPORTER_RESULT_COUNT; i++)
        put(buf, name, service, "result", result_words[i], service->results[i]);
}

static void put_instances(struct buf *buf, const char *name, const struct service *service)
{
    for (int i = 0; i < STATE_COUNT; i++)
        put(buf, name, service, "state", state_words[i], service->instances[i]);
}

static void put_removed(struct buf *buf, const char *name, const struct service *service)
{
    static const enum plan_evidence dead[] = { PLAN_TERMINATED, PLAN_ABSENT, PLAN_MOVED };
    for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
        put(buf, name, service, "reason", plan_evidence_text(dead[i]), service->removed[dead[i]]);
}

static void put_held(struct buf *buf, const char *name, const struct service *service)
{
    for (int i = PLAN_RULE_NONE + 1; i < PLAN_RULE_COUNT; i++)
        if (service->held[i])
            put(buf, name, service, "guard", plan_rule_text((enum plan_rule)i), service->held[i]);
}

static void put_guard_open(struct buf *buf, const char *name, const struct service *service)
{
    put(buf, name, service, NULL, NULL, service->is_guard_open);
}

static void put_calls(struct buf *buf, const struct exporter *exporter)
{
    metric_write_header(buf, NAME "aws_requests_total", "Attempts of calls of AWS, by what came back.", METRIC_COUNTER);
    for (size_t i = 0; i < exporter->n_calls; i++) {
        const struct call *call = &exporter->calls[i];
        const struct str_pair labels[] = { { STR("api"), str_of(call->action) }, { STR("code"), str_of(call->code) } };
        metric_write_sample(buf, NAME "aws_requests_total", labels, 2, METRIC_COUNT, call->n);
    }
    metric_write_header(buf, NAME "aws_throttled_total", "Attempts that AWS throttled.", METRIC_COUNTER);
    for (size_t i = 0; i < exporter->n_throttled; i++) {
        const struct str_pair label = { STR("api"), str_of(exporter->throttled[i].action) };
        metric_write_sample(buf, NAME "aws_throttled_total", &label, 1, METRIC_COUNT, exporter->throttled[i].n);
    }
}

static void put_events(struct buf *buf, const struct exporter *exporter)
{
    metric_write_header(buf, NAME "events_received_total", "Messages of the queue, by kind.", METRIC_COUNTER);
    for (size_t i = 0; i < exporter->n_kinds; i++) {
        const struct str_pair label = { STR("kind"), str_of(exporter->kinds[i].name) };
        metric_write_sample(buf, NAME "events_received_total", &label, 1, METRIC_COUNT, exporter->kinds[i].n);
    }
    metric_write_header(buf, NAME "event_lag_seconds", "From the sending of a message to its reading.",
                        METRIC_HISTOGRAM);
    metric_write_histogram(buf, NAME "event_lag_seconds", NULL, 0, METRIC_SECONDS, &exporter->lag);
}

static void write_metrics(struct buf *buf, struct exporter *exporter)
{
    const struct str_pair version = { STR("version"), STR(CLOUDMAP_VERSION) };
    pthread_mutex_lock(&exporter->mutex);
    put_services(buf, exporter, NAME "up", "1 for each service that is looked after.", METRIC_GAUGE, put_up);
    put_services(buf, exporter, NAME "last_reconcile_success_timestamp_seconds",
                 "When a round of the service was last whole and held nothing back.", METRIC_GAUGE, put_success);
    put_services(buf, exporter, NAME "reconcile_total", "Rounds, by how they ended.", METRIC_COUNTER, put_results);
    put_services(buf, exporter, NAME "instances", "Registered instances in the last whole round, by what was found.",
                 METRIC_GAUGE, put_instances);
    put_services(buf, exporter, NAME "removed_total", "Instances deregistered, by evidence.", METRIC_COUNTER,
                 put_removed);
    put_services(buf, exporter, NAME "held_total", "Times that a guard kept an instance from going.", METRIC_COUNTER,
                 put_held);
    put_services(buf, exporter, NAME "guard_open", "1 while a guard holds removals of the service back.", METRIC_GAUGE,
                 put_guard_open);
    metric_write_header(buf, NAME "reconcile_duration_seconds", "Time that a round of all services takes.",
                        METRIC_HISTOGRAM);
    metric_write_histogram(buf, NAME "reconcile_duration_seconds", NULL, 0, METRIC_SECONDS, &exporter->rounds);
    put_calls(buf, exporter);
    put_events(buf, exporter);
    metric_write_header(buf, NAME "build_info", "The version that runs.", METRIC_GAUGE);
    metric_write_sample(buf, NAME "build_info", &version, 1, METRIC_COUNT, 1);
    pthread_mutex_unlock(&exporter->mutex);
    process_write_metrics(buf);
}

/* --- serving ----------------------------------------------------------------------------------------------------- */

static bool is_ready(struct exporter *exporter)
{
    pthread_mutex_lock(&exporter->mutex);
    int64_t known = exporter->known_mono_ns;
    pthread_mutex_unlock(&exporter->mutex);
    return known != 0 && clock_mono_ns(exporter->clock) - known < (int64_t)READY_SECONDS * 1000000000;
}

static void respond(struct http_request *request, unsigned status, struct buf *body)
{
    static const struct http_header headers[] = { { "Content-Type", "text/plain; version=0.0.4; charset=utf-8" } };
    size_t n = body->n;
    bool failed = body->failed;
    http_respond(request, failed ? 500 : status, headers, 1, buf_take(body, &n), n);
}

static void handle(void *context, struct http_request *request)
{
    struct exporter *exporter = context;
    struct str path = http_request_path(request), method = http_request_method(request);
    struct buf body;
    unsigned status = 200;
    if (!str_eq(method, STR("GET")) && !str_eq(method, STR("HEAD"))) {
        static const struct http_header allow[] = { { "Allow", "GET, HEAD" } };
        http_respond(request, 405, allow, 1, NULL, 0);
        return;
    }
    buf_init(&body, ANSWER_MAX);
    if (str_eq(path, STR("/metrics")) || str_eq(path, STR("/"))) {
        write_metrics(&body, exporter);
    } else if (str_eq(path, STR("/healthz")) || (str_eq(path, STR("/readyz")) && is_ready(exporter))) {
        buf_put_str(&body, STR("ok\n"));
    } else if (str_eq(path, STR("/readyz"))) {
        status = 503;
        buf_put_str(&body, STR("not ready: no whole round in the last 30 minutes\n"));
    } else {
        status = 404;
        buf_put_str(&body, STR("/metrics, /healthz, /readyz\n"));
    }
    respond(request, status, &body);
    buf_fini(&body);
}

/* No request is ever suspended. */
static void finish(void *context, struct http_request *request, void *call)
{
    (void)context;
    (void)call;
    http_respond(request, 500, NULL, 0, NULL, 0);
}

int exporter_serve(struct exporter *exporter, const char *host, unsigned port, char *message, size_t message_size,
                   char *ret_address, size_t address_size)
{
    char address[300];
    bool is_ipv6 = strchr(host, ':') && host[0] != '[';
    snprintf(address, sizeof(address), is_ipv6 ? "[%.250s]:%u" : "%.250s:%u", host, port);
    const char *addresses[] = { address };
    struct http_message why = { "" };
    struct http_server_config config = {
        .addresses = addresses,
        .n_addresses = 1,
        .n_workers = 1,
        .handler = { .handle = handle, .finish = finish, .arg = exporter },
        .clock = exporter->clock,
    };
    http_limits_default(&config.limits);
    config.limits.connections_max = 256;
    config.limits.stop_ms = 1000;
    int r = http_server_start(&config, &exporter->server, &why);
    if (r != 0) {
        snprintf(message, message_size, "%s", why.text);
        return r;
    }
    snprintf(ret_address, address_size, "%s", http_server_address(exporter->server, 0));
    return 0;
}
