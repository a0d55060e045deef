/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the answer to a probe, however it is cut, and keeps none of it: status line, interim answers, the head, and as
 * much of the body as an expectation needs, chunked or not. RFC 9112. At most 5 KiB of heads and 5 KiB behind them are
 * looked at. Pure; one thread at a time. */
#pragma once

#include "health/check.h"
#include "health/probe_result.h"
#include "health/text_match.h"

#define PROBE_READER_MAX 5120 /* octets of all heads together; of what follows them */

enum probe_reader_part {
    PROBE_READER_STATUS,     /* HTTP/1.x NNN */
    PROBE_READER_REASON,     /* the rest of that line */
    PROBE_READER_NAME,       /* of a header, from the start of a line */
    PROBE_READER_VALUE,      /* of a header that is known */
    PROBE_READER_SKIP,       /* the rest of any other line */
    PROBE_READER_BODY,       /* to its end */
    PROBE_READER_CHUNK_SIZE, /* hexadecimal digits */
    PROBE_READER_CHUNK_EXTENSION,
    PROBE_READER_CHUNK,
    PROBE_READER_CHUNK_END, /* the line end behind one */
};

struct probe_reader {
    const struct check *check; /* borrowed */
    enum probe_reader_part part;
    unsigned status; /* of the last answer whose status is complete; 0: none */
    size_t n_head, n_body;
    size_t at;               /* in the status, the name, the digits of a chunk's size, or a line end */
    unsigned names;          /* headers whose name begins like the one being read, a bit each */
    struct text_match match; /* of the value, later of the body */
    uint64_t length, rest;   /* Content-Length; what remains of it or of a chunk */
    bool has_length, is_chunked, has_header;
};

/* The check is of HTTP or HTTPS and outlives the reader. */
void probe_reader_init(struct probe_reader *reader, const struct check *check);
/* The next octets. PROBE_PENDING while more are needed; after another result nothing more may come. */
enum probe_result probe_reader_put(struct probe_reader *reader, const char *p, size_t n);
/* The peer has closed. Never PROBE_PENDING. */
enum probe_result probe_reader_end(const struct probe_reader *reader);
