/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <stdlib.h>

#include "../test.h"

void fleet_init(struct fleet *fleet)
{
    static const char *const regions[] = { "us-east-1", "us-west-2", "eu-west-1" };

    memset(fleet, 0, sizeof(*fleet));
    arena_init(&fleet->arena, SIZE_MAX);
    plan_guards_original(&fleet->guards);
    fleet->registered.items = fleet->items;
    for (int i = 0; i < FLEET_REGIONS; i++) {
        fleet->ec2[i].instances = fleet->machines[i];
        fleet->listings[i].machines = &fleet->ec2[i];
        fleet->listings[i].region = str_of(regions[i]);
    }
    fleet->input = (struct plan_input){ .registered = &fleet->registered,
                                        .listings = fleet->listings,
                                        .n_listings = 1,
                                        .knows_health = true,
                                        .guards = &fleet->guards,
                                        .budget = SIZE_MAX,
                                        .now_ms = FLEET_START_MS,
                                        .wall_ms = FLEET_START_MS };
}

void fleet_fini(struct fleet *fleet)
{
    arena_fini(&fleet->arena);
}

void fleet_attribute(struct fleet *fleet, struct cloud_map_instance *instance, const char *key, const char *value)
{
    (void)fleet;
    assert_true(instance->n_attributes < 3);
    instance->attributes[instance->n_attributes++] = (struct str_pair){ str_of(key), str_of(value) };
}

struct cloud_map_instance *fleet_register(struct fleet *fleet, const char *id, const char *address)
{
    size_t at = fleet->registered.n++;
    struct cloud_map_instance *instance = &fleet->items[at];

    assert_true(at < FLEET_MAX);
    *instance = (struct cloud_map_instance){ .id = str_of(id), .attributes = fleet->pairs[at] };
    if (address)
        fleet_attribute(fleet, instance, strchr(address, ':') ? "AWS_INSTANCE_IPV6" : "AWS_INSTANCE_IPV4", address);
    return instance;
}

struct ec2_instance *fleet_machine(struct fleet *fleet, unsigned region, const char *id, const char *address,
                                   enum ec2_state state)
{
    static const char *const zones[] = { "us-east-1a", "us-west-2a", "eu-west-1a" };
    size_t at = fleet->ec2[region].n_instances++;
    struct ec2_instance *machine = &fleet->machines[region][at];

    assert_true(at < FLEET_MAX);
    fleet->addresses[region][at] = str_of(address);
    *machine = (struct ec2_instance){ .id = str_of(id),
                                      .zone = str_of(zones[region]),
                                      .state = state,
                                      .addresses = &fleet->addresses[region][at],
                                      .n_addresses = address ? 1 : 0 };
    return machine;
}

void fleet_many(struct fleet *fleet, const char *prefix, unsigned n, bool lives)
{
    for (unsigned i = 0; i < n; i++) {
        const char *id = arena_printf(&fleet->arena, "i-%s%03u", prefix, i).p;
        const char *address = arena_printf(&fleet->arena, "10.%u.%u.%u", prefix[0], i / 256, i % 256).p;
        fleet_register(fleet, id, address);
        if (lives)
            fleet_machine(fleet, 0, id, address, EC2_RUNNING);
    }
}

static int compare_machines(const void *a, const void *b)
{
    return str_cmp(((const struct ec2_instance *)a)->id, ((const struct ec2_instance *)b)->id);
}

void fleet_plan(struct fleet *fleet)
{
    for (int i = 0; i < FLEET_REGIONS; i++)
        qsort(fleet->machines[i], fleet->ec2[i].n_instances, sizeof(fleet->machines[i][0]), compare_machines);
    assert_int_equal(plan_make(&fleet->input, &fleet->arena, &fleet->plan), 0);
    fleet->input.history = fleet->plan.history;
}

void fleet_wait(struct fleet *fleet, int64_t ms)
{
    fleet->input.now_ms += ms;
    fleet->input.wall_ms += ms;
}

const struct plan_decision *fleet_decision(const struct fleet *fleet, const char *id)
{
    for (size_t i = 0; i < fleet->plan.n; i++)
        if (str_eq(fleet->plan.decisions[i].instance->id, str_of(id)))
            return &fleet->plan.decisions[i];
    fail_msg("there is no decision about %s", id);
    return NULL;
}
