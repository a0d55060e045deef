/* SPDX-License-Identifier: Apache-2.0
 *
 * The resource `GET /v1/guard`: removals that the mass-loss guard holds, of all accounts and regions, and how many
 * verdicts the health checker's doubt holds. Admin worker. */
#pragma once

#include "base/buf.h"
#include "health/health.h"
#include "registry/snapshot.h"

#define ADMIN_GUARD_PATH "/v1/guard"
#define ADMIN_GUARD_MAX 1000 /* removals that are listed; the rest is counted */

/* Writes the body. The thread may read snapshots and holds none. */
void admin_guard_write(struct buf *buf, struct health *health, const struct snapshot_head *head);
