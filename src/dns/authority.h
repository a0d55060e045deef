/* SPDX-License-Identifier: Apache-2.0
 *
 * Which zone speaks for a name, and what stands there. The choice of the zone is the one place that knows who asks. */
#pragma once

#include "dns/dns_view.h"
#include "registry/zone.h"

/* Who asks, as the socket says it. */
struct authority_client {
    uint16_t family;             /* AF_INET or AF_INET6 */
    uint8_t address[16];         /* 4 or 16 octets */
    const struct dns_view *view; /* NULL: of a registry without a map of VPCs everything, of others public zones */
};

/* A folded, absolute name with the hashes of its suffixes. */
struct authority_name {
    struct dname name;
    uint64_t hash[DNAME_MAX_LABELS + 1];
};

/* Folds the name and hashes it for the snapshot. */
void authority_fold(const struct snapshot *snapshot, struct authority_name *name);

struct authority {
    const struct zone *zone;
    unsigned apex;        /* the label of the name at which the zone begins */
    bool has_zones_below; /* a zone of a longer name exists below the name that the client sees */
};

/* The zone that answers this client: the longest suffix of the name that is a private zone that the client sees, and
 * without one the longest that is a public zone. Under one name a zone of the client's own VPC before those of shared
 * VPCs, then the oldest. False when the name is nobody's here. */
bool authority_find(const struct snapshot *snapshot, const struct authority_client *client,
                    const struct authority_name *name, struct authority *ret_authority);

enum authority_kind {
    AUTHORITY_NONE,     /* the name does not exist */
    AUTHORITY_EMPTY,    /* it exists without records of Cloud Map's: the apex, or names stand below it */
    AUTHORITY_SERVICE,  /* the name of a service with instances */
    AUTHORITY_INSTANCE, /* the name of an instance of a service with SRV records */
};

struct authority_find {
    enum authority_kind kind;
    const struct owner *owner; /* of the service, also of one without instances; or NULL */
    const struct instance *instance;
};

/* What stands at the name in its zone. */
void authority_look(const struct authority *authority, const struct authority_name *name,
                    struct authority_find *ret_find);
