/* SPDX-License-Identifier: Apache-2.0
 *
 * A simple model of one tenant, written without a look at the registry: it makes up random changes, says what their
 * answers must be, and what must then be in the snapshot. One thread an oracle. */
#pragma once

#include "bed.h"

#include "base/rand.h"

#define ORACLE_NAMESPACES 6
#define ORACLE_SERVICES 4
#define ORACLE_INSTANCES 6
#define ORACLE_KEYS 3

/* Small maps: the value of each of the keys k0, k1, k2; 0 = it is not there. */
struct oracle_instance {
    bool there, draining;
    int attributes[ORACLE_KEYS];
    enum health_status health;
};

struct oracle_service {
    bool there;
    char id[ID_SERVICE_SIZE]; /* of the last one of this name in this namespace */
    uint64_t revision;
    int description, tags[ORACLE_KEYS], attributes[ORACLE_KEYS];
    struct oracle_instance instances[ORACLE_INSTANCES];
};

struct oracle_namespace {
    bool there;
    char id[ID_NAMESPACE_SIZE];
    int description, tags[ORACLE_KEYS];
    int64_t soa_ttl;
    struct oracle_service services[ORACLE_SERVICES];
};

struct oracle {
    struct caller caller;
    struct rand rand;
    struct oracle_namespace namespaces[ORACLE_NAMESPACES];
    unsigned n_steps;
    bool may_fail; /* the store may be full or lost */
};

void oracle_init(struct oracle *oracle, const struct bed *bed, struct str account, struct str region, uint64_t seed);
void oracle_fini(struct oracle *oracle);

/* One random change; its answer is checked and returned. */
int oracle_step(struct oracle *oracle);
/* What the newest snapshot shows of the tenant is what the oracle knows. The thread may read snapshots. */
void oracle_check(const struct oracle *oracle);
