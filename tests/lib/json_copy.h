/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests: reads any JSON text through the pull functions of the reader and writes it anew. */
#pragma once

#include "json/reader.h"
#include "json/writer.h"

/* One value of any type; numbers are copied as they stand. 0 or an error of the reader. */
int json_copy_value(struct json_reader *reader, struct json_writer *writer);

/* A whole text, which is modified. 0 or an error of the reader; *ret_error_at is then its place. */
int json_copy_text(char *text, size_t n, struct buf *buf, size_t *ret_error_at);
