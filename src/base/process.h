/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel knows about this process, under the metric names that Prometheus's client libraries share. */
#pragma once

#include "base/buf.h"

/* process_cpu_seconds_total, process_resident_memory_bytes ... Any thread. A figure that cannot be read is left out. */
void process_write_metrics(struct buf *buf);
