/* SPDX-License-Identifier: Apache-2.0
 *
 * A service and its EC2 instances, written down in a few words, and plans over them. All strings are literals of the
 * test. Up to three regions. */
#pragma once

#include "unmap/plan.h"

#define FLEET_MAX 256
#define FLEET_REGIONS 3
#define FLEET_MINUTE_MS 60000LL
#define FLEET_HOUR_MS 3600000LL
#define FLEET_START_MS (1000 * FLEET_HOUR_MS) /* of both clocks */

struct fleet {
    struct arena arena;
    struct plan_guards guards;
    struct plan_input input;
    struct plan plan; /* the last one */
    struct cloud_map_instances registered;
    struct cloud_map_instance items[FLEET_MAX];
    struct str_pair pairs[FLEET_MAX][3];
    struct plan_listing listings[FLEET_REGIONS];
    struct ec2_listing ec2[FLEET_REGIONS];
    struct ec2_instance machines[FLEET_REGIONS][FLEET_MAX];
    struct str addresses[FLEET_REGIONS][FLEET_MAX];
};

/* One region, no guards but min_remaining = 1, health known. */
void fleet_init(struct fleet *fleet);
void fleet_fini(struct fleet *fleet);

/* An instance with one attribute, AWS_INSTANCE_IPV4; an address with a colon makes it IPV6, NULL leaves it out. */
struct cloud_map_instance *fleet_register(struct fleet *fleet, const char *id, const char *address);
/* One more attribute of an instance. */
void fleet_attribute(struct fleet *fleet, struct cloud_map_instance *instance, const char *key, const char *value);
/* A machine with one address, in zone us-east-1a and so on by region. */
struct ec2_instance *fleet_machine(struct fleet *fleet, unsigned region, const char *id, const char *address,
                                   enum ec2_state state);
/* n registered instances i-<prefix>NNN, live when `lives`. */
void fleet_many(struct fleet *fleet, const char *prefix, unsigned n, bool lives);

/* The next plan, on top of what the last one left. */
void fleet_plan(struct fleet *fleet);
/* That many milliseconds later. */
void fleet_wait(struct fleet *fleet, int64_t ms);
/* Of the last plan; fails the test when there is none. */
const struct plan_decision *fleet_decision(const struct fleet *fleet, const char *id);
