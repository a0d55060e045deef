/* SPDX-License-Identifier: Apache-2.0
 *
 * The API on top of the HTTP server: routes a request, takes an AWS call through its gates (route,
 * authenticate, throttle, decode, validate, handle), and answers /healthz, /readyz and /metrics. Handlers are in
 * op_*.c, one for each row of ops.def. */
#pragma once

#include "auth/credential.h"
#include "http/server.h"
#include "registry/registry.h"

struct api;

struct api_config {
    const struct clock *clock;
    const struct seal *seal;                           /* of access keys: every call must be signed; NULL: open mode */
    const char *account;                               /* of everybody in open mode; 12 digits */
    const char *region;                                /* of requests without a credential scope */
    const char *const *regions;                        /* besides that one */
    size_t n_regions;                                  /* 0: where every call must be signed none, else any */
    uint64_t discover_rate, control_rate;              /* calls a second of a principal in a region; 0: no limit */
    bool counts;                                       /* show ServiceCount and InstanceCount */
    unsigned metrics_services;                         /* services with series of their own */
    void (*write_metrics)(void *arg, struct buf *buf); /* of others, on any worker; NULL: none */
    void *write_metrics_arg;
    void (*write_ready)(void *arg, struct buf *buf); /* facts below the `ok` of /readyz, a line each; NULL: none */
    void *write_ready_arg;
    bool audits, audits_discovery; /* keep records of calls, of those of discovery too */
    uint64_t audit_keep_bytes;     /* of the trail, of which refused calls get a share */
    int64_t audit_keep_ms;
    uint64_t spike_most; /* one principal's registrations, or removals, that are no burst; 0: any */
    int64_t spike_window_ms;
    const char *trail_dir;         /* the store's, whose trail LookupEvents reads; NULL: there is none. Copied */
    const struct seal *token_seal; /* of the tokens of LookupEvents; set when trail_dir is */
};

/* Borrows registry and store; `config` is copied. 0 or -errno. */
int api_new(const struct api_config *config, struct registry *registry, const struct store *store,
            struct api **ret_api);
void api_free(struct api *api); /* accepts NULL; its HTTP server must have stopped */

/* What http_server_start takes. */
struct http_handler api_handler(struct api *api);

/* Does what time alone brings; every few seconds, one thread. */
void api_tick(struct api *api);
/* From now on /readyz answers 503: the daemon is about to stop. Any thread. */
void api_set_stopping(struct api *api);
