/* SPDX-License-Identifier: Apache-2.0
 *
 * /healthz, /readyz and /metrics. A service's own series are capped: the oldest ids in tree order come first. */
#include "api/monitor.h"

#include "api/api_worker.h"

#include "base/mem.h"
#include "base/process.h"
#include "store/store.h"

#define MONITOR_MAX_ANSWER (64u << 20)

static void monitor_respond(struct http_request *request, unsigned status, const char *type, struct buf *body)
{
    const struct http_header headers[] = { { "Content-Type", type } };
    size_t n = body->n;

    http_respond(request, body->failed ? 500 : status, headers, 1, buf_take(body, &n), n);
}

static void monitor_put_gauge(struct buf *buf, const char *name, const char *help, uint64_t value)
{
    metric_write_header(buf, name, help, METRIC_GAUGE);
    metric_write_sample(buf, name, NULL, 0, METRIC_COUNT, (int64_t)value);
}

static void monitor_put_kind(struct buf *buf, const char *kind, uint64_t value)
{
    const struct str_pair label = { STR("kind"), str_of(kind) };

    metric_write_sample(buf, "cloudmap_resources", &label, 1, METRIC_COUNT, (int64_t)value);
}

static void monitor_put_held(struct buf *buf, const char *cause, uint64_t value)
{
    const struct str_pair label = { STR("cause"), str_of(cause) };

    metric_write_sample(buf, "cloudmap_guard_held", &label, 1, METRIC_COUNT, (int64_t)value);
}

static void monitor_put_registry(struct buf *buf, const struct api *api)
{
    struct registry_stat stat;
    struct store_stat store;

    registry_stat(api->registry, &stat);
    metric_write_header(buf, "cloudmap_resources", "Resources by kind.", METRIC_GAUGE);
    monitor_put_kind(buf, "namespace", stat.namespaces);
    monitor_put_kind(buf, "service", stat.services);
    monitor_put_kind(buf, "instance", stat.instances);
    monitor_put_kind(buf, "operation", stat.operations);
    monitor_put_kind(buf, "unfinished_operation", stat.unfinished_operations);
    metric_write_header(buf, "cloudmap_guard_held", "Removals that the mass-loss guard holds, by cause.", METRIC_GAUGE);
    monitor_put_held(buf, "api", stat.held_operations);
    monitor_put_held(buf, "lease", stat.held_leases);
    monitor_put_gauge(buf, "cloudmap_registry_revision", "Revision of the newest commit.", stat.revision);
    store_stat(api->store, &store);
    monitor_put_gauge(buf, "cloudmap_store_records", "Records in the store.", store.records);
    monitor_put_gauge(buf, "cloudmap_store_file_bytes", "Size of the store's database.", store.file_bytes);
    monitor_put_gauge(buf, "cloudmap_store_log_bytes", "Size of the store's write-ahead log.", store.log_bytes);
    monitor_put_gauge(buf, "cloudmap_store_writable", "1 as long as the store takes writes.", !store.lost);
}

/* One of the figures of a service. */
static uint64_t monitor_service_figure(const struct service_node *node, unsigned which)
{
    switch (which) {
    case 0:
        return state_count_registered(node);
    case 1:
        return tree_size(&node->instances).weight;
    case 2:
        return node->n_registered;
    default:
        return node->n_deregistered;
    }
}

static void monitor_put_services(struct buf *buf, const struct tenant *tenant, const char *name, unsigned which,
                                 unsigned *left)
{
    const struct service_node *node;
    struct tree_iter iter;

    tree_iter_init(&iter, &tenant->services_by_name, NULL, NULL);
    while (*left && (node = tree_iter_next(&iter))) {
        const struct str_pair labels[] = { { STR("region"), tenant->region },
                                           { STR("namespace"), node->config->http_name },
                                           { STR("service"), node->config->name },
                                           { STR("service_id"), node->config->id } };
        metric_write_sample(buf, name, labels, 4, METRIC_COUNT, (int64_t)monitor_service_figure(node, which));
        (*left)--;
    }
}

static void monitor_put_all_services(struct buf *buf, const struct api *api)
{
    static const struct {
        const char *name, *help;
        enum metric_kind kind;
    } figures[] = {
        { "cloudmap_service_instances", "Registered instances of a service.", METRIC_GAUGE },
        { "cloudmap_service_instances_served", "Instances of a service that are not unhealthy and do not drain.",
          METRIC_GAUGE },
        { "cloudmap_service_registrations_total", "Registrations since the daemon started.", METRIC_COUNTER },
        { "cloudmap_service_deregistrations_total", "Deregistrations since the daemon started.", METRIC_COUNTER },
    };
    const struct snapshot *snapshot = snapshot_acquire(registry_head(api->registry));

    for (unsigned which = 0; which < sizeof(figures) / sizeof(figures[0]); which++) {
        unsigned left = api->metrics_services;
        const struct tenant *tenant;
        struct tree_iter iter;
        metric_write_header(buf, figures[which].name, figures[which].help, figures[which].kind);
        tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
        while (left && (tenant = tree_iter_next(&iter)))
            monitor_put_services(buf, tenant, figures[which].name, which, &left);
    }
    snapshot_release(registry_head(api->registry));
}

static void monitor_metrics(struct api_worker *worker, struct http_request *request)
{
    struct buf body;

    buf_init(&body, MONITOR_MAX_ANSWER);
    metric_write_header(&body, "cloudmap_build_info", "The version that runs.", METRIC_GAUGE);
    metric_write_sample(&body, "cloudmap_build_info", &(struct str_pair){ STR("version"), STR(CLOUDMAP_VERSION) }, 1,
                        METRIC_COUNT, 1);
    metric_write(&body);
    stats_write(&body, &worker->api->stats);
    if (worker->api->write_metrics)
        worker->api->write_metrics(worker->api->write_metrics_arg, &body);
    monitor_put_registry(&body, worker->api);
    monitor_put_all_services(&body, worker->api);
    process_write_metrics(&body);
    monitor_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
    buf_fini(&body);
}

/* What does not make the daemon unready, but wants somebody to look. */
static void monitor_put_facts(struct buf *buf, const struct api *api)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(api->registry));
    uint64_t n_held = (uint64_t)snapshot->n_held_operations + snapshot->n_held_leases;

    snapshot_release(registry_head(api->registry));
    if (n_held)
        buf_printf(buf, "the guard holds %llu removals: see cloudmapctl guard list\n", (unsigned long long)n_held);
}

/* Alive is whoever answers; ready is who takes reads and writes. */
static void monitor_ready(struct api_worker *worker, struct http_request *request, bool verdict_matters)
{
    bool stopping = __atomic_load_n(&worker->api->stopping, __ATOMIC_RELAXED);
    struct store_stat store;
    struct buf body;
    bool ready;

    store_stat(worker->api->store, &store);
    ready = !stopping && !store.lost;
    buf_init(&body, MONITOR_MAX_ANSWER);
    if (!verdict_matters || ready) {
        buf_put_str(&body, STR("ok\n"));
        if (verdict_matters)
            monitor_put_facts(&body, worker->api);
        if (verdict_matters && worker->api->write_ready)
            worker->api->write_ready(worker->api->write_ready_arg, &body);
    } else if (stopping)
        buf_put_str(&body, STR("not ready: the daemon is stopping\n"));
    else {
        buf_put_str(&body, STR("not ready: the store lost a write and takes no more; reads go on\n"));
    }
    monitor_respond(request, verdict_matters && !ready ? 503 : 200, "text/plain; charset=utf-8", &body);
    buf_fini(&body);
}

bool monitor_handle(struct api_worker *worker, struct http_request *request)
{
    struct str path = http_request_path(request), method = http_request_method(request);
    bool metrics = str_eq(path, STR("/metrics")), ready = str_eq(path, STR("/readyz"));

    if (!metrics && !ready && !str_eq(path, STR("/healthz")))
        return false;
    if (!str_eq(method, STR("GET")) && !str_eq(method, STR("HEAD"))) {
        static const struct http_header headers[] = { { "Allow", "GET, HEAD" } };
        http_respond(request, 405, headers, 1, NULL, 0);
    } else if (metrics) {
        monitor_metrics(worker, request);
    } else {
        monitor_ready(worker, request, ready);
    }
    return true;
}
