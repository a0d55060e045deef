/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl key|user|role|policy ACTION`: asks the daemon or, when none runs, does the same on its store, which is
 * locked meanwhile. One thread. */
#pragma once

#include "cloudmapctl/ctl.h"

/* Each is a ctl_fn. */
int access_ctl_key(const struct ctl *ctl);
int access_ctl_user(const struct ctl *ctl);
int access_ctl_role(const struct ctl *ctl);
int access_ctl_policy(const struct ctl *ctl);
