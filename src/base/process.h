/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel knows about this process: its share of descriptors, and figures under the metric names that
 * Prometheus's client libraries share. */
#pragma once

#include "base/buf.h"

/* One of `parts` parts of the descriptors that the process may come to have, and `most` at most. Any thread. */
unsigned process_share_of_files(unsigned parts, unsigned most);

/* process_cpu_seconds_total, process_resident_memory_bytes ... Any thread. A figure that cannot be read is left out. */
void process_write_metrics(struct buf *buf);
