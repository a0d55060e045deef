/* SPDX-License-Identifier: Apache-2.0
 *
 * cloud-unmap at work: rounds at an interval, or at once when the queue tells of an end, until SIGINT or SIGTERM, which
 * let a running round finish. Owns the parts and their start and stop. Main thread. */
#pragma once

#include "unmap/setting.h"

/* Runs to the end; the exit code of the process. */
int controller_run(const struct settings *settings, const struct environment *environment);
/* One round that is only looked at: prints the plan on stdout; the exit code. */
int controller_plan(const struct settings *settings, const struct environment *environment);
