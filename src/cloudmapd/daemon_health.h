/* SPDX-License-Identifier: Apache-2.0
 *
 * The health checker as the configuration wants it. */
#pragma once

#include "cloudmapd/config.h"
#include "health/health.h"

/* As health_new; `policy` is borrowed. */
int daemon_health_new(const struct config *config, const struct clock *clock, const struct target_policy *policy,
                      struct health **ret_health);
