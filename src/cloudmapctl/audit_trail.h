/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl audit`: the audit trail, read from the store beside a daemon or without one. One thread. */
#pragma once

#include "cloudmapctl/ctl.h"

/* `verify`: every record and the chain; `list [N]`: the newest. */
int audit_trail_run(const struct ctl *ctl);
