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
/* What a request does with the store: makes one, where there is none. */
enum access_offline_use { ACCESS_OFFLINE_LOOKS, ACCESS_OFFLINE_CHANGES, ACCESS_OFFLINE_MAKES };

/* Carries out the request of admin/admin_access.h. 0 with the answer; or an exit code with a sentence in `why`. */
int access_offline_run(const struct ctl *ctl, enum access_offline_use use, struct buf *request, struct buf *answer,
                       char *why, size_t size);
