/* SPDX-License-Identifier: Apache-2.0
 *
 * The access key of root that the daemon is given at start, in the environment or in a file: it becomes one of the
 * store, sealed as all are. Main thread, at start. */
#pragma once

#include "auth/seal.h"
#include "cloudmapd/config.h"
#include "registry/registry.h"

/* Of all access keys. Whoever disables the last one does not want to let everybody in. */
struct root_key_found {
    bool any, active;
};

/* Puts CLOUDMAP_ROOT_ACCESS_KEY_ID and CLOUDMAP_ROOT_SECRET_ACCESS_KEY, or what auth.root_key_file holds, into the
 * registry, and wipes the secret from the environment. What keys there are then is in *ret_found. 0, -errno, or 1 with
 * the reason in `why`. */
int root_key_import(const struct config *config, struct registry *registry, const struct seal *seal,
                    struct root_key_found *ret_found, char *why, size_t size);
