/* SPDX-License-Identifier: Apache-2.0
 *
 * The few functions of aws/ that read values, for tests that have no client. */
#include "aws/cloud_map.h"
#include "aws/ec2.h"

#include <stdlib.h>

bool ec2_is_dead(enum ec2_state state)
{
    return state == EC2_SHUTTING_DOWN || state == EC2_TERMINATED;
}

static int compare_ids(const void *key, const void *element)
{
    return str_cmp(*(const struct str *)key, ((const struct ec2_instance *)element)->id);
}

const struct ec2_instance *ec2_find(const struct ec2_listing *listing, struct str id)
{
    if (!listing->n_instances)
        return NULL;
    return bsearch(&id, listing->instances, listing->n_instances, sizeof(*listing->instances), compare_ids);
}

bool ec2_has_address(const struct ec2_instance *instance, struct str address)
{
    for (uint32_t i = 0; i < instance->n_addresses; i++)
        if (str_eq(instance->addresses[i], address))
            return true;
    return false;
}

struct str cloud_map_attribute(const struct cloud_map_instance *instance, struct str key)
{
    for (size_t i = 0; i < instance->n_attributes; i++)
        if (str_eq(instance->attributes[i].key, key))
            return instance->attributes[i].value;
    return (struct str){ 0 };
}

bool cloud_map_same_attributes(const struct cloud_map_instance *a, const struct cloud_map_instance *b)
{
    if (a->n_attributes != b->n_attributes)
        return false;
    for (size_t i = 0; i < a->n_attributes; i++)
        if (!str_eq(a->attributes[i].key, b->attributes[i].key) ||
            !str_eq(a->attributes[i].value, b->attributes[i].value))
            return false;
    return true;
}
