/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of a request, judged: what RFC 9110 and 9112 call malformed, and what two parsers in a row could read in two
 * ways, is refused here. Pure functions over bytes; no sockets, no library. Any thread. */
#pragma once

#include "base/str.h"
#include "http/server.h"

/* Why a request is refused, as the client is told. */
struct head_refusal {
    unsigned status;
    const char *message;
};

struct head {
    /* Given. */
    struct str method, target, version;
    struct str_pair headers[HTTP_HEADERS_MAX];
    size_t n_headers;
    /* Found by head_check. */
    struct str path, query; /* path is `*` for OPTIONS *; query is absent without `?` */
    struct str host;        /* of an absolute-form target, else of the Host header; absent in HTTP/1.0 without Host */
    uint64_t content_length;
    bool has_body; /* announced by Content-Length (0 included) or chunked */
    bool chunked;
};

/* Checks the given part and fills the rest. 0, or 1 with the refusal. */
int head_check(struct head *head, struct head_refusal *ret_refusal);

/* libmicrohttpd cuts a head up in place: it overwrites the blanks of the request line, the colons and the line ends
 * with NUL. What it is lenient with leaves other traces than `name NUL blanks value NUL NUL`: a bare LF, a NUL or a
 * folded line, which it moves. Whether the n bytes at `start`, where the method begins, are an unbroken sequence of
 * lines that end in CR LF, as head->method ... headers say. (A NUL right beside the LF may pass for the CR.) Before
 * head_check, which cuts blanks from values. */
bool head_is_unbroken(const struct head *head, const char *start, size_t n);
