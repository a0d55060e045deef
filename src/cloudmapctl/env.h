/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl env`: lines for a shell that point the AWS CLI and the SDKs at the daemon. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0, or 1 when it cannot be found out. */
int env_run(const struct ctl *ctl);
