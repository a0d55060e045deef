/* SPDX-License-Identifier: Apache-2.0
 *
 * What a round decided, for people as a table and for programs as JSON. */
#pragma once

#include "unmap/round.h"

/* Prints on stdout. The exit code of `cloud-unmap plan`: 0 nothing to do, 2 something is to go, 3 a guard holds
 * something back, 1 not everything is known. */
int report_print(const struct round *round, bool as_json);
/* For tests. */
void report_write_table(struct buf *buf, const struct round *round);
void report_write_json(struct buf *buf, const struct round *round);
