/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the registry share: a registry over a store in memory with a clock that the test moves, callers
 * that hand in one change at a time and wait for its answer, and shorthands for the usual changes. Every helper fails
 * the test when it cannot do its work. */
#pragma once

#include "../test.h"

#include "registry/registry.h"

#include <semaphore.h>

#define BED_ACCOUNT STR("000000000000")
#define BED_REGION STR("us-east-1")
#define BED_WALL_MS INT64_C(1700000000000)
#define BED_DAY_MS (INT64_C(24) * 3600 * 1000)

struct bed;

/* One change at a time, from one thread. */
struct caller {
    const struct bed *bed;
    struct str account, region;
    struct str consumer; /* the other account that asks; absent: none */
    struct change change;
    struct arena arena;
    sem_t answered;
    long fail_at; /* what the writer's thread does to its allocations once it has answered */
    bool fail_forever;
    int delivered; /* whether an allocation of the writer's thread had failed before the answer */
};

struct bed {
    struct clock_manual clock;
    struct registry_config config;
    struct store *store;
    struct registry *registry;
    struct caller caller;
    struct arena names; /* ids that shorthands return */
    struct change pause;
    sem_t paused, go;
};

/* A registry that is as AWS but without delays; the calling thread may read snapshots until bed_fini. */
void bed_init(struct bed *bed);
/* The same over a store that fails as planned. */
void bed_init_fault(struct bed *bed, const struct store_fault *fault);
void bed_fini(struct bed *bed);
/* Opens the registry anew on the same store, with bed->config as it is now. */
void bed_reopen(struct bed *bed);

/* Moves the clock and waits until the writer has done what is due. */
void bed_advance(struct bed *bed, int64_t ms);
/* The wall clock jumps. */
void bed_jump(struct bed *bed, int64_t ms);
/* A round of the writer that changes nothing but what is due. */
void bed_settle(struct bed *bed);

/* Holds the writer between two rounds, so that what is submitted meanwhile goes into one commit. */
void bed_pause(struct bed *bed);
void bed_resume(struct bed *bed);

/* A caller of its own for another thread or tenant. */
void caller_init(struct caller *caller, const struct bed *bed, struct str account, struct str region);
void caller_fini(struct caller *caller);
/* An empty change of the kind, with everything that all changes have in common. */
struct change *caller_new(struct caller *caller, enum change_kind kind);
/* Hands it in; the result, once it is answered. */
int caller_do(struct caller *caller);
/* The two halves of caller_do. */
void caller_submit(struct caller *caller);
int caller_wait(struct caller *caller);
/* Makes the k-th allocation of the writer's thread fail (and all behind it) in the next round; see `delivered`. */
void caller_fail_at(struct caller *caller, long k, bool forever);

/* `k=v,k2=v2` as pairs in the caller's arena. */
struct str_pair *caller_pairs(struct caller *caller, const char *text, size_t *ret_n);

/* Shorthands, each the result of its change. */
int caller_create_namespace(struct caller *caller, enum namespace_kind kind, const char *name, const char *token);
int caller_create_service(struct caller *caller, struct str namespace_id, const char *name, enum service_check check);
int caller_register(struct caller *caller, struct str service_id, const char *id, const char *attributes);
int caller_deregister(struct caller *caller, struct str service_id, const char *id);
int caller_health(struct caller *caller, struct str service_id, const char *id, enum health_status health);

/* The same for what must succeed; ids live as long as the bed. Namespaces are found by name: one of each. */
struct str bed_namespace(struct bed *bed, enum namespace_kind kind, const char *name);
struct str bed_service(struct bed *bed, struct str namespace_id, const char *name, enum service_check check);
/* With one record for each type named, of that TTL; RoutingPolicy as the types want it, or as given. */
struct str bed_dns_service(struct bed *bed, struct str namespace_id, const char *name, const char *types, int64_t ttl,
                           enum service_routing routing, enum service_check check);
void bed_register(struct bed *bed, struct str service_id, const char *id, const char *attributes);

/* Reading: hold is between snapshot_acquire and snapshot_release. */
const struct snapshot *bed_hold(const struct bed *bed);
void bed_release(const struct bed *bed);
const struct tenant *bed_tenant(const struct bed *bed, const struct snapshot *snapshot);

/* Everything that the newest snapshot holds, checked and as text (mem_free). */
char *bed_dump(const struct bed *bed);
/* Fails, and shows the first line that differs. */
void bed_check_same(const char *wanted, const char *got);
/* What a registry would load now is what it has. */
void bed_check_reopen(struct bed *bed);
/* An operation as it stands: `SUCCESS`, `FAIL CODE`, ..., or `none`. */
const char *bed_operation(struct bed *bed, const char *operation_id);
/* Records of the store whose key starts so. The writer must be idle. */
size_t bed_count_records(const struct bed *bed, const char *prefix);
