/* SPDX-License-Identifier: Apache-2.0
 *
 * What the API keeps for itself and for each of its workers; shared by api.c, call.c and monitor.c. */
#pragma once

#include "api/api.h"
#include "api/audit.h"
#include "api/audit_quota.h"
#include "api/call.h"
#include "api/spike.h"
#include "api/stats.h"
#include "api/throttle.h"
#include "auth/authenticate.h"

struct api {
    const struct clock *clock;
    struct arena arena;        /* of these: */
    struct str region;         /* of requests without a scope */
    struct str *regions;       /* all that calls may be for */
    size_t n_regions;          /* 0: any */
    struct principal root;     /* everybody, in open mode */
    const struct seal *seal;   /* NULL: open mode */
    struct throttle *throttle; /* NULL: none */
    struct spike *spike;       /* NULL: none */
    bool counts;
    unsigned metrics_services;
    void (*write_metrics)(void *arg, struct buf *buf);
    void *write_metrics_arg;
    void (*write_ready)(void *arg, struct buf *buf);
    void *write_ready_arg;
    struct registry *registry;
    const struct store *store;
    struct audit_settings audit;
    struct audit_quota *audit_quota; /* NULL: calls are not recorded */
    struct lookup *lookup;           /* NULL: there is no trail to read */
    bool stopping;                   /* atomic */
    struct stats stats;
};

/* A worker's own; used on its thread only. */
struct api_worker {
    struct api *api;
    struct rand rand;
    struct api_call *free_calls;
    unsigned n_free_calls;
    struct authenticate_worker *authenticate; /* NULL: open mode */
    struct {
        int64_t second; /* in which n were logged */
        unsigned n;
        uint64_t n_not_logged; /* since the last one that was */
    } refusals;                /* of requests that could not be authenticated */
};
