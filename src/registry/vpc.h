/* SPDX-License-Identifier: Apache-2.0
 *
 * The VPCs that the configuration names, and whose private zones each of them sees. A VPC id belongs to an account and
 * region: `111122223333/us-east-1/vpc-1` names one VPC, `vpc-1` that id in every account and region for which there is
 * no section of the long form. Each VPC has a number; ids that nothing names share number 0, the default view, with
 * the clients that belong to no VPC but to the default networks. Immutable once made: any thread. */
#pragma once

#include "base/str.h"

#define VPC_DEFAULT 0
#define VPC_MAX 4096 /* that sections and shares name */

struct vpc_name {
    struct str account, region; /* absent: every */
    struct str id;
};

/* `ID` or `ACCOUNT/REGION/ID`; slices of the text. 0, or 1 when it is neither. */
int vpc_parse_name(struct str text, struct vpc_name *ret_name);

/* One section; its VPC has the number of its place plus 1. Without networks its clients are those of the default view.
 */
struct vpc_section {
    const char *name;
    const char *const *shares; /* names of VPCs; a short one in a long-named section: of the same account and region */
    size_t n_shares;
    bool has_networks;
};

struct vpc_map;

/* Names must be good and no two sections of one name. Everything is copied. 0, -ENOMEM, or 1: more than VPC_MAX. */
int vpc_map_new(const struct vpc_section *sections, size_t n, struct vpc_map **ret_map);
void vpc_map_free(struct vpc_map *map); /* accepts NULL */

/* The VPC's number. Without a map all are one. */
unsigned vpc_find(const struct vpc_map *map, struct str account, struct str region, struct str id);

/* The VPCs whose private zones the clients of this one see, a bit each by number; as long as the map. */
const uint64_t *vpc_seen(const struct vpc_map *map, unsigned vpc);
static inline bool vpc_is_seen(const uint64_t *seen, unsigned vpc)
{
    return seen[vpc / 64] >> vpc % 64 & 1;
}

/* Is there a client that sees the private zones of both? */
bool vpc_share_view(const struct vpc_map *map, unsigned a, unsigned b);
