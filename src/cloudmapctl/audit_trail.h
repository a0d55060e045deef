/* SPDX-License-Identifier: Apache-2.0
 *
 * `cloudmapctl audit`: the audit trail, read from the store beside a daemon or without one. One thread. */
#pragma once

#include "cloudmapctl/ctl.h"
#include "store/store.h"

/* `verify`: audit_verify.h; `list [N]`: the newest records; `key`: the public key of checkpoints. */
int audit_trail_run(const struct ctl *ctl);
/* Tells why the trail cannot be read: `r` and the message are a function's of store_trail.h. Returns the exit code. */
int audit_trail_failed(int r, const struct store_message *message);
