/* SPDX-License-Identifier: Apache-2.0
 *
 * The resource `GET /v1/explain?name=NAME[&type=TYPE][&from=IP]`. Admin worker. */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "dns/explain.h"
#include "registry/snapshot.h"

#define ADMIN_EXPLAIN_PATH "/v1/explain"

/* Writes the body of the answer to the query; returns its HTTP status. `settings` is NULL while there is no DNS server.
 * The thread may read snapshots and holds none. */
unsigned admin_explain_write(struct buf *buf, struct str query, const struct answer_settings *settings,
                             const struct snapshot_head *head, const struct clock *clock);
/* Appends NAME=VALUE of a query, the value percent-encoded. */
void admin_explain_put_parameter(struct buf *buf, const char *name, struct str value);
