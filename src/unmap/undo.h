/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloud-unmap restore`: registers again, with the same attributes, what the journal says was removed. Main thread. */
#pragma once

#include "unmap/setting.h"

/* Restores the removals that the settings name (services, instance ids, --within), the newest of each instance; one
 * that is registered by now is left as it is. Prints a line each. The exit code. */
int undo_run(const struct settings *settings, const struct environment *environment);
