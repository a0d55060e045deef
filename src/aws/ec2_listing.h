/* SPDX-License-Identifier: Apache-2.0
 *
 * How a listing takes what a page tells. A hundred thousand instances should fit in little memory: what one has beyond
 * its fixed members is one block, and zones are shared. One thread at a time. */
#pragma once

#include "aws/ec2.h"
#include "aws/ec2_address.h"

/* An instance as it was read; everything is borrowed. */
struct ec2_listing_draft {
    struct str id, zone; /* zone: absent when it was not said */
    enum ec2_state state;
    int64_t launch_ms;
    struct ec2_address *addresses; /* will be sorted; the same one may be there more than once */
    size_t n_addresses;
};

/* Appends a copy. 0, or -ENOMEM when memory or the listing's cap is out. */
int ec2_listing_add(struct ec2_listing *listing, const struct ec2_listing_draft *draft);
/* Notes the owner of a reservation. 0 or -ENOMEM. */
int ec2_listing_add_owner(struct ec2_listing *listing, struct str account);
/* Forgets the instances behind the first n. */
void ec2_listing_truncate(struct ec2_listing *listing, size_t n);
