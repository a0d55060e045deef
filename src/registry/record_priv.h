/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers that the record files share. */
#pragma once

#include "base/mem.h"
#include "json/reader.h"

/* A 64-bit number that was written as a signed one. 0, or 1. */
int record_read_digest(struct json_reader *reader, uint64_t *ret_digest);
