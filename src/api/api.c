/* SPDX-License-Identifier: Apache-2.0
 *
 * Routing; see api.h. */
#include "api/api.h"

#include "api/api_worker.h"
#include "api/lookup.h"
#include "api/monitor.h"
#include "api/query.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>

#define API_MAX_ARENA 65536
#define API_MAX_REGIONS_TOLD 8

static int api_set_regions(struct api *api, const struct api_config *config)
{
    api->region = arena_dup(&api->arena, str_of(config->region));
    if (!config->seal && config->n_regions == 0)
        return api->arena.failed ? -ENOMEM : 0;
    api->regions = ARENA_ARRAY(&api->arena, struct str, config->n_regions + 1);
    if (!api->regions)
        return -ENOMEM;
    api->regions[api->n_regions++] = api->region;
    for (size_t i = 0; i < config->n_regions; i++)
        api->regions[api->n_regions++] = arena_dup(&api->arena, str_of(config->regions[i]));
    return api->arena.failed ? -ENOMEM : 0;
}

/* What was made while other regions were served is out of reach; a few of them are named. */
static void api_tell_unserved_regions(const struct api *api)
{
    const struct verifier_options options = { .regions = api->regions, .n_regions = api->n_regions };
    const struct snapshot *snapshot = snapshot_acquire(registry_head(api->registry));
    const struct tenant *tenant;
    struct str told[API_MAX_REGIONS_TOLD];
    struct tree_iter iter;
    size_t n = 0;

    tree_iter_init(&iter, &snapshot->tenants, NULL, NULL);
    while (n < API_MAX_REGIONS_TOLD && (tenant = tree_iter_next(&iter))) {
        bool is_known = verifier_takes_region(&options, tenant->region);
        for (size_t i = 0; i < n; i++)
            is_known |= str_eq(told[i], tenant->region);
        if (is_known)
            continue;
        told[n++] = tenant->region;
        log_event(LOG_REGION_NOT_SERVED, LOG_S("region", tenant->region),
                  LOG_C("advice", "list it in api.regions to reach what is there"));
    }
    snapshot_release(registry_head(api->registry));
}

int api_new(const struct api_config *config, struct registry *registry, const struct store *store, struct api **ret_api)
{
    struct api *api = mem_zalloc(sizeof(*api));
    int r;

    if (!api)
        return -ENOMEM;
    arena_init(&api->arena, API_MAX_ARENA);
    r = api_set_regions(api, config);
    if (r == 0)
        r = principal_of_root(str_of(config->account), &api->arena, &api->root);
    if (r == 0)
        r = throttle_new(config->discover_rate, config->control_rate, &api->throttle);
    if (r == 0)
        r = spike_new(&(struct spike_config){ .most = config->spike_most,
                                              .window_ms = config->spike_window_ms,
                                              .clock = config->clock,
                                              .registry = config->audits ? registry : NULL },
                      &api->spike);
    if (r == 0 && config->audits)
        r = audit_quota_new(config->audit_keep_bytes, config->audit_keep_ms, &api->audit_quota);
    if (r == 0 && config->trail_dir)
        r = lookup_start(config->trail_dir, config->token_seal, &api->lookup);
    if (r < 0) {
        api_free(api);
        return r;
    }
    api->seal = config->seal;
    api->clock = config->clock;
    api->counts = config->counts;
    api->metrics_services = config->metrics_services;
    api->write_metrics = config->write_metrics;
    api->write_metrics_arg = config->write_metrics_arg;
    api->write_ready = config->write_ready;
    api->write_ready_arg = config->write_ready_arg;
    api->audit = (struct audit_settings){ .is_on = config->audits, .has_data = config->audits_discovery };
    api->registry = registry;
    api->store = store;
    api_tell_unserved_regions(api);
    *ret_api = api;
    return 0;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    lookup_stop(api->lookup);
    throttle_free(api->throttle);
    spike_free(api->spike);
    audit_quota_free(api->audit_quota);
    arena_fini(&api->arena);
    mem_free(api);
}

void api_tick(struct api *api)
{
    spike_sweep(api->spike);
}

void api_set_stopping(struct api *api)
{
    __atomic_store_n(&api->stopping, true, __ATOMIC_RELAXED);
}

static void *api_worker_start(void *arg, unsigned index)
{
    struct api_worker *worker = mem_zalloc(sizeof(*worker));

    (void)index;
    if (!worker)
        return NULL;
    worker->api = arg;
    if (worker->api->seal &&
        authenticate_worker_new(worker->api->regions, worker->api->n_regions, &worker->authenticate) < 0) {
        mem_free(worker);
        return NULL;
    }
    rand_init(&worker->rand);
    snapshot_reader_start();
    return worker;
}

static void api_worker_stop(void *context)
{
    struct api_worker *worker = context;

    snapshot_reader_stop();
    call_free_all(worker);
    authenticate_worker_free(worker->authenticate);
    mem_free(worker);
}

static void api_handle(void *context, struct http_request *request)
{
    struct api_worker *worker = context;
    struct str path = http_request_path(request);

    /* A web page must not reach an open daemon on its reader's loopback. */
    if (str_is_set(http_request_header(request, "Origin"))) {
        call_refuse_request(worker, request, NULL, &(struct api_error){ .id = ERROR_ORIGIN_REFUSED });
        return;
    }
    if (monitor_handle(worker, request))
        return;
    if (!str_eq(path, STR("/"))) {
        call_refuse_request(worker, request, NULL, &(struct api_error){ .id = ERROR_NO_SUCH_PATH });
        return;
    }
    if (query_is_presigned(request)) {
        query_handle(worker, request);
        return;
    }
    if (!str_eq(http_request_method(request), STR("POST"))) {
        call_refuse_request(worker, request, NULL, &(struct api_error){ .id = ERROR_METHOD_NOT_ALLOWED });
        return;
    }
    call_handle(worker, request);
}

static void api_finish(void *context, struct http_request *request, void *call)
{
    call_handle_finish(context, request, call);
}

struct http_handler api_handler(struct api *api)
{
    return (struct http_handler){ .worker_start = api_worker_start,
                                  .worker_stop = api_worker_stop,
                                  .handle = api_handle,
                                  .finish = api_finish,
                                  .arg = api };
}
