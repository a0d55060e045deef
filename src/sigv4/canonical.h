/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical request of AWS Signature Version 4: the text that both sides make of one request, byte for byte the
 * same, before they hash it. Source: "Create a signed AWS API request" in the IAM User Guide. Pure; any thread. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#define CANONICAL_HASH_LEN 64     /* a SHA-256 as lower-case hex */
#define CANONICAL_MAX_HEADERS 256 /* of a request */
#define CANONICAL_MAX_SIGNED 64   /* names in a list of signed headers */
#define CANONICAL_MAX_PARAMETERS 512
#define CANONICAL_MAX_BYTES ((size_t)128 << 10) /* method, path, query and headers together */

/* Conditions: there is no canonical form. */
enum canonical_result {
    CANONICAL_MALFORMED = 1, /* method, path (`..` above the root, no leading slash), query (a broken escape), value */
    CANONICAL_BAD_LIST,      /* signed headers: not lower case, not in ascending order, one twice, none */
    CANONICAL_NO_HEADER,     /* one of them is not there */
    CANONICAL_TOO_LARGE,     /* one of the maxima above */
};

struct canonical_request {
    struct str method;
    struct str path;  /* as in the request line; empty: `/` */
    struct str query; /* as in the request line, without `?`; may be absent */
    const struct str_pair *headers;
    size_t n_headers;
    struct str payload_hash;
    bool keeps_path;   /* empty and dot segments stay (S3); else they are resolved */
    bool is_presigned; /* X-Amz-Signature is no part of the query */
    bool omits_token;  /* nor is X-Amz-Security-Token: of the presigned form, at a few services */
};

/* The text for the headers named by `signed_headers` (`host;x-amz-date`), in the arena. 0, -ENOMEM or a condition. */
int canonical_make(const struct canonical_request *request, struct str signed_headers, struct arena *arena,
                   struct str *ret_text);

/* All names of the headers, lower case, each once, in order: `host;x-amz-date`. 0, -ENOMEM or a condition. */
int canonical_list(const struct str_pair *headers, size_t n_headers, struct arena *arena, struct str *ret_list);

/* Appends s to p with all but A-Z a-z 0-9 - . _ ~ as %XX; returns the new end. p has room for 3 * s.n bytes. */
char *canonical_encode(char *p, struct str s);
/* The reverse, into the arena; `+` is a plus. 0, -ENOMEM, or CANONICAL_MALFORMED. */
int canonical_decode(struct str s, struct arena *arena, struct str *ret_text);
/* Cuts the next NAME=VALUE off the query, still encoded; empty ones are passed over, and a name alone has an empty
 * value. false when there is none left. */
bool canonical_next_parameter(struct str *query, struct str_pair *ret_parameter);
