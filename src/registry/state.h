/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry's state as readers see it: one immutable snapshot of trees. A tenant is an account in a region; nothing
 * of one tenant is reachable from another. Structures with an `epoch` may be changed in place by the edit of that epoch
 * and by nobody else. Reading: any thread between snapshot_acquire and snapshot_release. */
#pragma once

#include "base/hash.h"
#include "dnswire/dname.h"
#include "model/instance.h"
#include "model/namespace.h"
#include "model/operation.h"
#include "model/service.h"
#include "registry/access_state.h"
#include "registry/trie.h"

struct vpc_map;

/* A service with what is registered in it. */
struct service_node {
    const struct service *config;
    struct tree instances; /* by id, without those that drain; weighs what is served, see struct instance */
    struct tree draining;  /* by id: registered, but out of discovery and DNS */
    struct tree tenures;   /* by instance id; of those that leave by themselves */
    struct tree index;     /* by hash of an attribute's key and value, then id; weighs the same */
    struct tree odd_names; /* ids that are not what DNS asks for literally, in DNS order */
    uint64_t revision;     /* InstancesRevision */
    uint64_t n_registered, n_deregistered; /* since the daemon started, for metrics */
    struct guard_losses *losses;           /* the writer's; see guard.h */
    uint32_t n_expired;                    /* of `instances`, whose lease ran out */
    uint32_t record_sum;
    uint32_t epoch;
    bool was_probed;     /* since the daemon started */
    bool is_deleted;     /* by this commit */
    bool is_owner_stale; /* its place among the DNS names is renewed at the end of this commit */
};

struct tenant {
    struct str account, region;     /* point behind the structure */
    struct tree namespaces;         /* by id */
    struct tree namespaces_by_name; /* by name without case, then id */
    struct tree namespaces_by_http_name;
    struct tree services;            /* by id */
    struct tree services_by_name;    /* by namespace id, then name as the namespace compares it; weighs instances */
    struct tree operations;          /* by create_ms, then target */
    struct tree operations_by_group; /* by the record that holds them */
    struct tree unfinished;          /* by target */
    uint32_t epoch;
};

/* Something that happens by itself: the next status of an operation, a custom health status that takes effect, the end
 * of an instance's tenure. */
struct deadline {
    enum { DEADLINE_OPERATION, DEADLINE_HEALTH, DEADLINE_TENURE } kind;
    int64_t due_mono_ms;
    struct str account, region;
    struct str target;      /* 20-byte target of the operation, or service id */
    struct str instance_id; /* not DEADLINE_OPERATION */
};

struct snapshot {
    struct tree tenants;        /* by account, region */
    struct tree deadlines;      /* by due_mono_ms, target, instance_id, kind */
    struct access_state access; /* keys, users and roles of all accounts */
    struct trie zones;          /* of struct zone_name: DNS namespaces of all tenants, see zone.h */
    uint32_t n_owners;          /* services with names in them */
    uint32_t n_private_zones;   /* in `zones` */
    uint32_t n_held_operations; /* by the mass-loss guard */
    uint32_t n_held_leases;
    const struct vpc_map *vpcs; /* of the configuration; NULL: all are one */
    uint64_t revision;          /* of the commit that it shows */
    /* Of services whose instances came or went in that commit: by the clock, since a count of commits would tell an
     * account how many others made. Never less than the commit's, nor than any before. */
    uint64_t instances_revision;
    struct hash_key index_key; /* random in each process: hostile attributes cannot aim at collisions */
    struct dname_key name_key; /* the same for names */
};

extern const struct tree_type state_tenants, state_namespaces, state_namespaces_by_name, state_namespaces_by_http_name,
    state_services, state_services_by_name, state_operations, state_operations_by_group, state_unfinished,
    state_instances, state_index, state_odd_names, state_tenures, state_deadlines;

/* Each returns NULL when there is none; a NULL tenant has nothing. */
const struct tenant *state_find_tenant(const struct snapshot *snapshot, struct str account, struct str region);
const struct namespace *state_find_namespace(const struct tenant *tenant, struct str id);
const struct namespace *state_find_http_name(const struct tenant *tenant, struct str http_name);
/* The first namespace of that name without regard to case, and those after it in tree order. */
void state_iter_name(struct tree_iter *iter, const struct tenant *tenant, struct str name);
const struct service_node *state_find_service(const struct tenant *tenant, struct str id);
const struct service_node *state_find_service_name(const struct tenant *tenant, const struct namespace *ns,
                                                   struct str name);
/* One that discovery and DNS may show. */
const struct instance *state_find_instance(const struct service_node *node, struct str id);
/* Those that drain, too. */
const struct instance *state_find_registered(const struct service_node *node, struct str id);
uint32_t state_count_registered(const struct service_node *node);
const struct tenure *state_find_tenure(const struct service_node *node, struct str instance_id);
/* The first instance whose id is not plain and, as labels, is the dotted text or ends with it; see odd_names. */
const struct instance *state_find_odd_name(const struct service_node *node, struct str dotted);
#define STATE_NAMESAKES_MAX 64 /* instances that a DNS name has */

/* Over the instances of one DNS name: ids that differ in case only share it. There are many of those on purpose only,
 * so whatever looks at a name stops at STATE_NAMESAKES_MAX. */
struct state_name_iter {
    const struct instance *found;
    struct tree_iter odd;
    unsigned n_told;
    bool has_odd;
};
/* From the one that was found for the name. */
void state_name_iter_init(struct state_name_iter *iter, const struct service_node *node, const struct instance *found);
/* The one found, then the others; NULL behind the last. */
const struct instance *state_name_iter_next(struct state_name_iter *iter);
/* Has another instance the DNS name of this one? */
bool state_shares_name(const struct service_node *node, const struct instance *instance);
const struct operation *state_find_operation(const struct tenant *tenant, const struct id_operation *id);
const struct operation *state_find_unfinished(const struct tenant *tenant, const uint8_t target[ID_TARGET_LEN]);

/* A walk over all registered instances in the order of their ids. */
struct state_registered_iter {
    struct tree_iter serving, draining;
    const struct instance *next[2]; /* of each */
};
/* From the first that is not below `from`; absent: from the start. */
void state_iter_registered(struct state_registered_iter *iter, const struct service_node *node, struct str from);
const struct instance *state_next_registered(struct state_registered_iter *iter); /* NULL at the end */

/* Services of a namespace, and instances of all of them; O(log n). */
struct tree_rank state_count_services(const struct tenant *tenant, struct str namespace_id);

/* The tag of an attribute in `index`. */
uint32_t state_index_tag(const struct hash_key *key, const struct str_pair *attribute);

/* Target hashes of the registry's lock keys; names are folded. */
void state_target_name(struct str account, struct str region, struct str name, uint8_t ret_target[ID_TARGET_LEN]);
void state_target_id(struct str account, struct str region, struct str id, struct str instance_id,
                     uint8_t ret_target[ID_TARGET_LEN]);

/* Frees everything that the snapshot reaches, not the structure itself; nobody may read it any more. */
void state_free(struct snapshot *snapshot);
/* Sets every epoch to 0, so that epochs can start again. Writer thread; readers do not look at epochs. */
void state_forget_epochs(struct snapshot *snapshot);
