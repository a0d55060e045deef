/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl drain SERVICE INSTANCE [--reason TEXT] [--for TIME [--then undrain|deregister]]` and `undrain`. */
#pragma once

#include "cloudmapctl/ctl.h"

/* Each: 0, 1 when the daemon refused or is not there, 64 for a time or word that is none. */
int drain_run(const struct ctl *ctl);
int drain_run_undrain(const struct ctl *ctl);
