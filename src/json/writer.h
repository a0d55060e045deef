/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes JSON into a buf: the caller opens, names, closes; commas are placed here. Output is compact; only what JSON
 * demands is escaped. Strings must be valid UTF-8, as those of the reader are. Errors are the buf's sticky error. One
 * thread at a time. */
#pragma once

#include "base/buf.h"

struct json_writer {
    struct buf *buf;
    bool comma; /* the next value or key needs one before it */
};

/* Values go into `buf`, which outlives the writer. Opens and closes must pair; inside an object each value follows its
 * key. */
void json_writer_init(struct json_writer *writer, struct buf *buf);
void json_open_object(struct json_writer *writer);
void json_close_object(struct json_writer *writer);
void json_open_array(struct json_writer *writer);
void json_close_array(struct json_writer *writer);
void json_key(struct json_writer *writer, struct str key);
void json_put_string(struct json_writer *writer, struct str value);
void json_put_int(struct json_writer *writer, int64_t value);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);
/* Milliseconds since the epoch as seconds with exactly three decimals. */
void json_put_timestamp(struct json_writer *writer, int64_t ms);
/* Text that is already one JSON value. */
void json_put_raw(struct json_writer *writer, struct str json);

/* A quoted, escaped string without a writer around it. */
void json_escape(struct buf *buf, struct str value);

/* key and value in one call; the pairs of an object are mostly these */
void json_field_string(struct json_writer *writer, struct str key, struct str value);
/* Nothing when value is absent. */
void json_field_optional(struct json_writer *writer, struct str key, struct str value);
void json_field_int(struct json_writer *writer, struct str key, int64_t value);
void json_field_timestamp(struct json_writer *writer, struct str key, int64_t ms);
