/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry: one writer thread that takes changes from a bounded queue, checks them against the newest state,
 * commits what it took in one batch (group commit), publishes the next snapshot and answers. Readers take snapshots
 * without asking it (snapshot.h). */
#pragma once

#include "base/clock.h"
#include "model/target_address.h"
#include "registry/change.h"
#include "registry/guard.h"
#include "registry/snapshot.h"
#include "store/store.h"

struct registry;

/* 0 in a limit is none. */
struct registry_limits {
    uint64_t namespaces; /* per account and region */
    uint64_t services_per_namespace;
    uint64_t instances_per_service;
    uint64_t instances_per_namespace;
    uint64_t custom_attributes; /* per instance: keys without the AWS_ prefix */
};

/* Who wants to know which services with a HealthCheckConfig changed, in their instances or in their configuration.
 * `note` is called for each, between commit and publication; `publish` after it. Writer thread; must not wait. */
struct registry_watcher {
    void (*note)(void *arg, const struct service *service);
    void (*publish)(void *arg);
    void *arg;
};

struct registry_config {
    const struct clock *clock;
    struct registry_limits limits;
    struct guard_config guard;
    int64_t operations_delay_ms; /* 0: operations are done when the call returns */
    int64_t operations_keep_ms;
    uint64_t operations_max; /* per account and region */
    int64_t custom_health_delay_ms;
    bool unknown_is_unhealthy;       /* instances with a HealthCheckConfig are not served before they are known */
    bool private_health_checks;      /* HealthCheckConfig in private namespaces */
    bool plain_attributes;           /* attributes `cloudmap:*` mean nothing */
    bool keep_records;               /* UpdateService without DnsConfig leaves the records alone */
    uint64_t seed;                   /* of ids and suffixes; 0: from the kernel */
    struct target_policy targets;    /* what HealthCheckConfig may probe */
    struct registry_watcher watcher; /* all NULL: nobody */
    int64_t trail_keep_ms;           /* rows of the audit trail that are older go; 0: none */
    uint64_t trail_keep_bytes;       /* of their texts, at most; 0: no limit */
    const struct vpc_map *vpcs;      /* borrowed, outlives the registry; NULL: all VPCs are one */
};

/* Loads the store (borrowed, must outlive the registry) and starts the writer. `config` is copied. 0, a store_result
 * with its message, or -errno. */
int registry_open(const struct registry_config *config, struct store *store, struct registry **ret_registry,
                  struct store_message *ret_message);

/* Finishes what is queued and what is noted, and ends the writer: later changes are refused. Once; accepts NULL. */
void registry_stop(struct registry *registry);
/* Stops it, unless that is done, and frees the state. Reader threads must have stopped. Accepts NULL. */
void registry_close(struct registry *registry);

/* Any thread. The change is answered through its `done`, on the writer's thread or, when it cannot be queued, at once
 * on the caller's. */
void registry_submit(struct registry *registry, struct change *change);

/* Submits and waits for the answer, which is change->result too; sets `done` and `owner`. Any thread but the writer's;
 * it holds no snapshot. */
int registry_do(struct registry *registry, struct change *change);

/* Appends to the audit trail, within a second, what is no change: one JSON object without a line break. Any thread,
 * never waits. 0, or 1 when too much waits already: it is lost, and counted. */
int registry_note(struct registry *registry, struct str text);

/* Appends to `text` the row of the audit trail that signs where it stands, or nothing when it cannot. Writer thread. */
struct registry_signer {
    void (*sign)(void *arg, const struct store_trail_head *head, int64_t wall_ms, struct buf *text);
    void *arg;
};

/* From now on changes that can tell of themselves do so in the audit trail, and the trail is signed (`sign` NULL: it is
 * not). Once, before the first change; any thread. */
void registry_keep_trail(struct registry *registry, const struct registry_signer *signer);
/* From now on changes that are audited are refused, or no more. Any thread. */
void registry_refuse_changes(struct registry *registry, bool refuse);

/* Lets the writer look at its clock; for tests that move it. Any thread. */
void registry_wake(struct registry *registry);

/* For snapshot_acquire. */
const struct snapshot_head *registry_head(const struct registry *registry);

struct registry_stat {
    size_t queue_depth;
    uint64_t tenants, namespaces, services, instances, operations, unfinished_operations;
    uint64_t held_operations, held_leases; /* by the guard */
    uint64_t revision;
};
/* A thread that may read snapshots (snapshot_reader_start). */
void registry_stat(const struct registry *registry, struct registry_stat *ret_stat);
