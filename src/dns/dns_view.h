/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client sees, by where it is: inside a VPC the private zones of that VPC and of those that it shares, in the
 * default networks those of VPCs without networks, elsewhere public zones alone. Immutable once made: any thread. */
#pragma once

#include "base/buf.h"
#include "dns/dns_networks.h"
#include "dnswire/edns.h"
#include "registry/vpc.h"

#include <limits.h>

#define DNS_VIEW_NO_VPC UINT_MAX

struct dns_view {
    const char *name; /* the VPC's; "default", "public" */
    unsigned index;   /* 0 public, 1 default, then the VPCs */
    unsigned vpc;     /* its zones come before those of VPCs that it shares; DNS_VIEW_NO_VPC: the oldest comes first */
    const uint64_t *seen; /* for vpc_is_seen; NULL: no private zones */
};

struct dns_view_vpc {
    const char *name;
    const char *const *networks;
    size_t n_networks;
};

struct dns_view_config {
    const struct vpc_map *map;       /* of the same VPCs in the same order; outlives the views */
    const struct dns_view_vpc *vpcs; /* without networks: its clients are in the default ones */
    size_t n_vpcs;
    const char *const *default_networks;
    size_t n_default_networks;
    const char *const *forwarders; /* whose client subnet options count */
    size_t n_forwarders;
};

struct dns_view_set;

/* Everything but the map is copied. 0, -ENOMEM, or 1 with the network that two VPCs have. */
int dns_view_set_new(const struct dns_view_config *config, struct dns_view_set **ret_views, const char **ret_bad);
void dns_view_set_free(struct dns_view_set *views); /* accepts NULL */

/* The view of an address, AF_INET or AF_INET6; IPv4 addresses mapped into IPv6 are IPv4. */
const struct dns_view *dns_view_find(const struct dns_view_set *views, uint16_t family, const uint8_t *address);
/* Does the address belong to a forwarder that may say who asks it? */
bool dns_view_trusts(const struct dns_view_set *views, uint16_t family, const uint8_t *address);
/* The view of the clients that an option of at least one bit names; *ret_scope is what the answer says (RFC
 * 7871 7.2.1).
 */
const struct dns_view *dns_view_of_subnet(const struct dns_view_set *views, const struct edns_subnet *subnet,
                                          uint8_t *ret_scope);

/* That of the clients of a VPC, by its number. */
const struct dns_view *dns_view_of_vpc(const struct dns_view_set *views, unsigned vpc);
/* That of clients that see public zones alone. */
const struct dns_view *dns_view_public(const struct dns_view_set *views);

/* Views have indices below this; NULL behind the last. */
const struct dns_view *dns_view_at(const struct dns_view_set *views, size_t index);
