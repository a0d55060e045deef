/* SPDX-License-Identifier: Apache-2.0
 *
 * What a probe does to one target: an immutable value of one block, free with mem_free. A draft on the stack borrows
 * its text. The request is rendered once, and nothing of a user can break out of it: what is no visible ASCII character
 * in a path or a host is sent percent-encoded. Any thread. */
#pragma once

#include "base/str.h"
#include "model/target_address.h"

#define CHECK_MAX_PATH 2048
#define CHECK_MAX_HOST 2048
#define CHECK_MAX_FRAGMENT 1024

enum check_protocol { CHECK_HTTP, CHECK_HTTPS, CHECK_TCP };

/* Expectations are absent slices where there are none. They tell the target from a stranger at its address, and are
 * those of HTTP and HTTPS (the header, the body) or of HTTPS alone (the rest). */
struct check_expect {
    struct str header, header_value; /* a header of this name (any case) whose value holds that; empty: any value */
    struct str body;                 /* stands in the first 5 KiB behind the head */
    struct str tls_name;             /* the certificate is for this name; implies verify_tls */
    struct str tls_ca;               /* and by this authority (probe_tls.h); implies verify_tls; absent: the system's */
};

struct check {
    enum check_protocol protocol;
    struct target_address address;
    uint16_t port;
    bool verify_tls;
    int64_t interval_ms; /* from start to start, > 0 */
    int64_t threshold;   /* results of the other kind that change the verdict; kept for whoever counts them */
    struct str path;     /* a slash is put in front of one that has none; empty or absent: `/` */
    struct str host;     /* value of the Host header, with `:port` when it is not the protocol's own */
    struct check_expect expect;

    /* Made by check_new. */
    struct str request;                                  /* of HTTP and HTTPS */
    const uint16_t *header_value_borders, *body_borders; /* text_match.h; NULL where nothing is expected */
};

/* Texts must fit the caps above. NULL when memory is out. */
struct check *check_new(const struct check *draft);
/* Would the two probe alike? For deciding whether a check has changed. */
bool check_eq(const struct check *a, const struct check *b);
/* `http`, `https`, `tcp`. */
const char *check_protocol_word(enum check_protocol protocol);
