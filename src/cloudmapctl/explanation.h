/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl explain NAME [TYPE] [--from IP]`: what a DNS client there would be told, and why. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0, also for a name that nobody has; 1 when there is no daemon, 64 for what is no name, type or address. */
int explanation_run(const struct ctl *ctl);
