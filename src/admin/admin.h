/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket that cloudmapctl speaks to: HTTP/1.1 with JSON on DIR/admin.sock (socket_path.h), mode 0600, for this
 * process's user and root only. `GET /v1/status` tells what the daemon is doing, `GET /v1/explain` what DNS clients are
 * told (admin_explain.h), `GET /v1/health` how instances are (admin_health.h); POST changes things (admin_change.h).
 * One worker thread of its own, so that a busy API does not hide the daemon from its operator. Start, facts and stop
 * belong to the main thread. */
#pragma once

#include "auth/vault.h"
#include "dns/answer.h"
#include "health/health.h"
#include "http/server.h"
#include "registry/registry.h"

#define ADMIN_STATUS_PATH "/v1/status"

struct admin;

/* Everything is borrowed and must outlive the admin server. */
struct admin_config {
    const char *dir; /* the store's directory */
    struct registry *registry;
    struct vault *vault;
    const struct store *store;
    struct health *health;
    const struct clock *clock;
};

/* An option that is not at its default. */
struct admin_option {
    const char *key, *value, *origin, *where;
};

/* What only the daemon knows. */
struct admin_facts {
    const char *state;            /* "starting", "ready", "stopping" */
    const char *const *addresses; /* of the API */
    size_t n_addresses;
    const char *const *tls_addresses; /* the same with TLS */
    size_t n_tls_addresses;
    int64_t certificate_expiry_s; /* seconds since 1970; 0 without TLS */
    const char *region, *account, *compat;
    const char *auth; /* "required" or "open" */
    const struct admin_option *options;
    size_t n_options;
};

/* 0, or what http_server_start says. The state is "starting" until admin_set_facts. */
int admin_start(const struct admin_config *config, struct admin **ret_admin, struct http_message *ret_message);

/* What status tells from now on; copied. 0 or -ENOMEM (then the old facts stand). */
int admin_set_facts(struct admin *admin, const struct admin_facts *facts);

/* What DNS answers are made by; borrowed until it is set to something else. NULL, as at first: there is no DNS server.
 * Waits for an explanation that is being written. */
void admin_set_dns(struct admin *admin, const struct answer_settings *settings);

void admin_stop(struct admin *take_admin); /* accepts NULL */
