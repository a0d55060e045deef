/* SPDX-License-Identifier: Apache-2.0
 *
 * EC2's side of one round: one listing for each region and role (and set of canaries), shared by all services that need
 * it, so that a round does not cost more with more services. First everybody says what they want, then each listing is
 * fetched once. One thread. */
#pragma once

#include "unmap/access.h"
#include "unmap/plan.h"

#define FLEET_FILTER_IDS 1000 /* up to so many ids EC2 is asked by filter, beyond that for everything */

struct fleet;

/* One region of one account. */
struct fleet_place {
    const char *region;
    const char *role_arn; /* NULL: none */
    const struct ec2_canary *canaries;
    size_t n_canaries;
};

/* Everything lives until fleet_free. 0 or -ENOMEM. */
int fleet_new(struct access *access, const struct clock *clock, struct fleet **ret_fleet);
void fleet_free(struct fleet *fleet); /* accepts NULL */

/* These ids are to be looked up there, within deadline_ms; the place and the ids are borrowed. `needs_account`: STS is
 * asked, too. 0 or -ENOMEM. */
int fleet_want(struct fleet *fleet, const struct fleet_place *place, const struct str *ids, size_t n_ids,
               bool needs_account, int64_t deadline_ms);
/* Asks for everything that is wanted and not there yet. 0 or -ENOMEM; what failed is then unknown. */
int fleet_fetch(struct fleet *fleet);
/* What came of it; the region must have been wanted. `machines` is NULL when it is unknown, and the error says why. */
void fleet_get(const struct fleet *fleet, const struct fleet_place *place, struct plan_listing *ret_listing,
               const struct aws_error **ret_error);
