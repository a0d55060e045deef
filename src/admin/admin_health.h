/* SPDX-License-Identifier: Apache-2.0
 *
 * The resource `GET /v1/health?service=SERVICE`: the instances of a service with their health (health_view.h). SERVICE
 * as in admin_service.h, percent-encoded. Admin worker. */
#pragma once

#include "base/buf.h"
#include "health/health.h"
#include "registry/snapshot.h"

#define ADMIN_HEALTH_PATH "/v1/health"

/* Writes the body of the answer to the query; returns its HTTP status. The thread may read snapshots and holds none. */
unsigned admin_health_write(struct buf *buf, struct str query, struct health *health, const struct snapshot_head *head);
