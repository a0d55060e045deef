/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl restore FILE [--replace]`: makes a backup the store of a directory that no daemon uses. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0 or a store's exit code. */
int restore_run(const struct ctl *ctl);
