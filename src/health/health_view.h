/* SPDX-License-Identifier: Apache-2.0
 *
 * What the health checker shows: of one service to its operator, its metrics, and a line for /readyz. Any thread that
 * may read snapshots. */
#pragma once

#include "base/buf.h"
#include "health/health.h"

#define HEALTH_VIEW_MAX 1000

/* The instances of a service as one JSON object: their status and, of those that are probed, how it came about. Those
 * that are not well come first, and no more than HEALTH_VIEW_MAX in all. The node is of the snapshot that the caller
 * holds. */
void health_view_write_service(struct health *health, struct buf *buf, const struct service_node *node);

/* In the Prometheus format; at most max_services services have series of their own. */
void health_view_write_metrics(struct health *health, struct buf *buf, unsigned max_services);

/* A line when verdicts are held, else nothing. */
void health_view_write_ready(struct health *health, struct buf *buf);
