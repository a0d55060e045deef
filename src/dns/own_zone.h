/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of the server's own beside those of namespaces: the API's name and, since SDKs ask for it too, that name with
 * `data-` in front. Each is a zone of its own that holds nothing but its apex; a namespace of a longer name speaks for
 * itself. Immutable once made; usable from any thread. */
#pragma once

#include "dns/authority.h"

#define OWN_ZONE_MAX_NAMES 4
#define OWN_ZONE_MAX (2 * OWN_ZONE_MAX_NAMES)
#define OWN_ZONE_MAX_ADDRESSES 8
#define OWN_ZONE_TTL 60 /* seconds; of the addresses and of what is not there */

struct own_zone {
    struct dname name; /* folded */
    struct namespace ns;
    struct zone zone; /* for the functions that make SOA and NS records */
};

struct own_zones {
    struct own_zone zones[OWN_ZONE_MAX];
    size_t n;
    uint8_t ipv4[OWN_ZONE_MAX_ADDRESSES][4], ipv6[OWN_ZONE_MAX_ADDRESSES][16];
    size_t n_ipv4, n_ipv6;
};

/* Zeroed at first. The name and `data-` + name; ones that are there already are passed over. 0, or 1 when one of the
 * two is no domain name or there are too many. The structure must not be moved afterwards. */
int own_zone_add_name(struct own_zones *own, struct str name);
/* An IPv4 or IPv6 address as text; one that is there already is passed over. 0, or 1 when it is none or there are too
 * many. */
int own_zone_add_address(struct own_zones *own, struct str address);

/* The own zone that speaks for the name, unless `found` (may be NULL) is of a longer name. */
bool own_zone_find(const struct own_zones *own, const struct authority_name *name, const struct authority *found,
                   struct authority *ret_authority);

struct answer;
/* Answers the name that is looked up now when it is the server's own. `is_found` and `found` are what authority_find
 * said of it. Part of answer.c. */
bool own_zone_answer(const struct own_zones *own, struct answer *answer, bool is_found, const struct authority *found);
