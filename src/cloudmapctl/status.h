/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl status`: what the daemon is doing. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0; 1 when there is no daemon, or its store lost a write. */
int status_run(const struct ctl *ctl);
