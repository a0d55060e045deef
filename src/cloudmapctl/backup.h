/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl backup FILE`: a verified copy of the store, also while a daemon writes to it. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0 or a store's exit code. */
int backup_run(const struct ctl *ctl);
