/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl policy test DOCUMENT ACTION RESOURCE [--context KEY=VALUE]...`: what a policy says to a call, and which
 * of its statements. Needs no daemon. One thread. */
#pragma once

#include "cloudmapctl/ctl.h"

/* DOCUMENT is a file, or the name of a managed policy. 0, whatever the decision; 64 for what is no action, resource or
 * context, 1 for a document that is bad or not there. */
int policy_test_run(const struct ctl *ctl);
