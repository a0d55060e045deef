/* SPDX-License-Identifier: Apache-2.0
 *
 * The wiring: everything that runs in cloudmapd is started here in the order of dependence, and stopped in reverse.
 * Main thread only; signals must be blocked by daemon_block_signals before the first thread starts. */
#pragma once

#include "cloudmapd/config_args.h"

/* TERM, INT and HUP wait for daemon_run; PIPE is ignored. */
void daemon_block_signals(void);

/* Starts, serves until SIGTERM or SIGINT, stops. `args` and `environment` are read again on SIGHUP. Returns the exit
 * code of the process. */
int daemon_run(const struct config_args *args, char *const *environment, const char *state_directory,
               struct config *take_config);
