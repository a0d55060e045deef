/* SPDX-License-Identifier: Apache-2.0
 *
 * Words for results, and results of errors; see probe_result.h. */
#include "health/probe_result.h"

#include <errno.h>

static const struct {
    const char *word, *text;
} results[PROBE_RESULT_COUNT] = {
    [PROBE_PENDING] = { "pending", "not over" },
    [PROBE_OK] = { "ok", "answers as it should" },
    [PROBE_REFUSED] = { "refused", "connection refused" },
    [PROBE_UNREACHABLE] = { "unreachable", "host or network unreachable" },
    [PROBE_CONNECT_TIMEOUT] = { "connect_timeout", "no connection in time" },
    [PROBE_TLS_TIMEOUT] = { "tls_timeout", "no TLS handshake in time" },
    [PROBE_TLS_FAILED] = { "tls_failed", "TLS handshake failed" },
    [PROBE_TLS_UNTRUSTED] = { "tls_untrusted", "certificate not trusted or for another name" },
    [PROBE_ANSWER_TIMEOUT] = { "answer_timeout", "no answer in time" },
    [PROBE_CLOSED] = { "closed", "connection closed before the answer" },
    [PROBE_BAD_ANSWER] = { "bad_answer", "answer is not HTTP" },
    [PROBE_BAD_STATUS] = { "bad_status", "status is not 2xx or 3xx" },
    [PROBE_OTHER_HEADER] = { "other_header", "expected header is missing: somebody else answers" },
    [PROBE_OTHER_BODY] = { "other_body", "expected text is missing: somebody else answers" },
    [PROBE_FORBIDDEN] = { "forbidden", "address must not be probed" },
    [PROBE_NO_RESOURCES] = { "no_resources", "the daemon was short of descriptors, ports or memory" },
};

const char *probe_result_word(enum probe_result result)
{
    return results[result].word;
}

const char *probe_result_text(enum probe_result result)
{
    return results[result].text;
}

enum probe_result probe_result_of_errno(int error, bool is_ipv6)
{
    switch (error) {
    case ECONNREFUSED:
        return PROBE_REFUSED;
    case ETIMEDOUT:
        return PROBE_CONNECT_TIMEOUT;
    case ECONNRESET:
    case EPIPE:
        return PROBE_CLOSED;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
        return PROBE_NO_RESOURCES;
    case EADDRNOTAVAIL: /* no port left; of IPv6, no address of this machine that leads there */
        return is_ipv6 ? PROBE_UNREACHABLE : PROBE_NO_RESOURCES;
    default: /* EHOSTUNREACH, ENETUNREACH, EACCES of a prohibited route, EINVAL of a link-local address, ... */
        return PROBE_UNREACHABLE;
    }
}
