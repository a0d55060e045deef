/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl renew SERVICE INSTANCE`: the instance's lease begins anew. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0; 1 when the daemon is not there, or the instance has no lease. */
int renew_run(const struct ctl *ctl);
