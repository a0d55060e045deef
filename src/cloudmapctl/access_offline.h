/* SPDX-License-Identifier: Apache-2.0
 *
 * A change of access where no daemon runs: the store is opened under its lock, and changed as the daemon would. One
 * thread. */
#pragma once

#include "base/buf.h"
#include "cloudmapctl/ctl.h"

#include <limits.h>

/* Where the key file is: as the daemon would find it, but for its configuration; perhaps in ret_path. */
const char *access_offline_key_file(const struct ctl *ctl, char ret_path[PATH_MAX]);
/* Is nobody there to be asked? Never with --socket. */
bool access_offline_is_needed(const struct ctl *ctl);
/* Carries out the request of admin/admin_access.h. A store is made where there is none when `makes`. 0 with the answer;
 * or an exit code with a sentence in `why`. */
int access_offline_run(const struct ctl *ctl, bool makes, struct buf *request, struct buf *answer, char *why,
                       size_t size);
