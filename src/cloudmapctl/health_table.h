/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl health SERVICE`: the instances of a service, their status, and how it came about. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0; 1 when there is no such service or no daemon. */
int health_table_run(const struct ctl *ctl);
