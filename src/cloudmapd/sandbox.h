/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon takes away from itself before it starts its first thread: root and capabilities, new privileges, core
 * dumps, files that are none of its business, and system calls that it has no use for. Main thread. */
#pragma once

#include "cloudmapd/config.h"

enum sandbox_mode { SANDBOX_ON, SANDBOX_LOG, SANDBOX_OFF };

/* A sentence for people. */
struct sandbox_message {
    char text[256];
};

/* Makes the data directory when it is missing, becomes config->sandbox_user when it runs as root, and closes the doors,
 * as far as config->sandbox_mode says; logs which. `config_path`: the file that SIGHUP reads again, or NULL. 0, or 1
 * with a message: the daemon must not go on. */
int sandbox_enter(const struct config *config, const char *config_path, struct sandbox_message *ret_message);
