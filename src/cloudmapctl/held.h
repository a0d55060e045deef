/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl guard list`, `guard release` and `guard cancel`, both with SERVICE [INSTANCE] or --all: removals that
 * the mass-loss guard holds. `guard release` alone: the verdicts that the health checker's doubt holds. */
#pragma once

#include "cloudmapctl/ctl.h"

/* 0; 1 when the daemon is not there or knows no such thing, 64 for words that are none. */
int held_run(const struct ctl *ctl);
