/* SPDX-License-Identifier: Apache-2.0
 *
 * What the audit trail keeps of changes that come through the admin socket, or from the daemon's own start: records in
 * CloudTrail's form, of IAM for keys, users, roles and policies, of Cloud Map for the rest. Who it was is whoever may
 * use the socket. No secret is in it, sealed or not. */
#pragma once

#include "registry/change.h"

/* For change->audit. Reads the change alone. */
void admin_audit_change(const struct change *change, int64_t wall_ms, struct buf *text);
