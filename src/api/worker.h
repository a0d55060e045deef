/* SPDX-License-Identifier: Apache-2.0
 *
 * What the API keeps for itself and for each of its workers; shared by api.c, call.c and monitor.c. */
#pragma once

#include "api/api.h"
#include "api/call.h"
#include "api/stats.h"

struct api {
    const struct clock *clock;
    struct str account, region;
    unsigned metrics_services;
    struct registry *registry;
    const struct store *store;
    bool stopping; /* atomic */
    struct stats stats;
};

/* A worker's own; used on its thread only. */
struct api_worker {
    struct api *api;
    struct rand rand;
    struct api_call *free_calls;
    unsigned n_free_calls;
};

/* AWS calls: the JSON protocol and STS. Must be answered by it or later through worker_finish. */
void call_handle(struct api_worker *worker, struct http_request *request);
void call_handle_finish(struct api_worker *worker, struct http_request *request, struct api_call *call);
void call_free_all(struct api_worker *worker);

/* GET /healthz, /readyz, /metrics; false when the path is none of them. */
bool monitor_handle(struct api_worker *worker, struct http_request *request);

/* Answers with an error in the JSON protocol, without a call. */
void worker_respond_error(struct api_worker *worker, struct http_request *request, const struct op *op,
                          const struct api_error *error);
