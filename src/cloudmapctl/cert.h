/* SPDX-License-Identifier: Apache-2.0
 *
 * cloudmapctl cert: a CA for development, and certificates that it vouches for. */
#pragma once

#include "cloudmapctl/ctl.h"

/* Of ctl_fn. */
int cert_run(const struct ctl *ctl);
