/* SPDX-License-Identifier: Apache-2.0
 *
 * How a probe of a health check can end. */
#pragma once

#include "base/str.h"

enum probe_result {
    PROBE_PENDING, /* not over; never the result of one that is */
    PROBE_OK,
    PROBE_REFUSED,         /* nobody listens there */
    PROBE_UNREACHABLE,     /* the network says that there is no way, or no such host */
    PROBE_CONNECT_TIMEOUT, /* no TCP connection in time */
    PROBE_TLS_TIMEOUT,     /* a connection, but no TLS on it in time */
    PROBE_TLS_FAILED,      /* what came was no TLS, or none that both sides speak */
    PROBE_TLS_UNTRUSTED,   /* the certificate is not by the wanted authority, or for another name */
    PROBE_ANSWER_TIMEOUT,  /* no answer, or not enough of it in time */
    PROBE_CLOSED,          /* closed or reset before the answer */
    PROBE_BAD_ANSWER,      /* no HTTP/1.x */
    PROBE_BAD_STATUS,      /* below 200 or 400 and above */
    PROBE_OTHER_HEADER,    /* the expected header did not come: somebody else answers */
    PROBE_OTHER_BODY,      /* nor the expected fragment of the body */
    PROBE_FORBIDDEN,       /* the policy of addresses: nothing was sent */
    PROBE_NO_RESOURCES,    /* descriptors, ports or memory ran out here: says nothing of the target */
    PROBE_RESULT_COUNT
};

/* One word, for metrics and logs: `ok`, `connect_timeout`. */
const char *probe_result_word(enum probe_result result);
/* A clause for people: `no connection in time`. */
const char *probe_result_text(enum probe_result result);
/* What an error (errno, positive) of a socket towards the target says. */
enum probe_result probe_result_of_errno(int error, bool is_ipv6);
