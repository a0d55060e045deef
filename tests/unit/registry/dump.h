/* SPDX-License-Identifier: Apache-2.0
 *
 * A snapshot as text, to compare two; and everything that must hold within one. */
#pragma once

#include "../test.h"

#include "base/buf.h"
#include "registry/state.h"

/* One line a thing: namespaces, services, instances, operations, deadlines, with their sums. Not what a restart may
 * forget: epochs, counters for metrics, tenants that have nothing. */
void dump_snapshot(struct buf *buf, const struct snapshot *snapshot);

/* Every tree is sound, and the trees agree with each other. */
void dump_check(const struct snapshot *snapshot);
