/* SPDX-License-Identifier: Apache-2.0
 *
 * See daemon_health.h. */
#include "cloudmapd/daemon_health.h"

#include <string.h>

#define MILLIONTHS 1e6 /* the unit of shares */

int daemon_health_new(const struct config *config, const struct clock *clock, const struct target_policy *policy,
                      struct health **ret_health)
{
    bool has_authorities = strcmp(config->health_tls_authorities, "none") != 0;
    struct health_config health = {
        .clock = clock,
        .policy = policy,
        .limits = PROBE_LIMITS_AWS,
        .address_rate = (unsigned)config->health_address_rate,
        .interval_ms = config->health_interval,
        .verify_tls = config->health_verify_tls,
        .authorities = has_authorities ? config->health_tls_authorities : NULL,
        .doubt_max = config->health_doubt_max ? (double)config->health_doubt_max / MILLIONTHS : 1,
        .doubt_min = (size_t)config->health_doubt_min,
        .doubt_for_ms = config->health_doubt_for,
        .references = config->health_reference.items,
        .n_references = config->health_reference.n,
    };
    return health_new(&health, ret_health);
}
