/* SPDX-License-Identifier: Apache-2.0
 *
 * One probe, as Route 53 probes: a connection (TLS included) in time, then GET and its answer in time; for TCP the
 * connection is all. Redirects are not followed; nothing but the request is sent, and nothing of the answer kept. The
 * deadlines are absolute: no octet prolongs them. Whoever runs it waits for its socket, edge-triggered, and for its
 * deadline, and calls probe_step. One thread. */
#pragma once

#include "health/check.h"
#include "health/probe_reader.h"
#include "health/probe_result.h"
#include "health/probe_tls.h"

/* Milliseconds. */
struct probe_limits {
    int64_t http_connect_ms; /* TCP, and for HTTPS also TLS */
    int64_t tcp_connect_ms;
    int64_t answer_ms; /* from the connection on */
};
#define PROBE_LIMITS_AWS ((struct probe_limits){ .http_connect_ms = 4000, .tcp_connect_ms = 10000, .answer_ms = 2000 })

enum probe_phase { PROBE_CONNECTS, PROBE_SHAKES_HANDS, PROBE_SENDS, PROBE_READS };

struct probe {
    const struct check *check;
    const struct probe_limits *limits;
    struct probe_tls *tls;
    int fd; /* to wait on for reading and writing */
    enum probe_phase phase;
    int64_t deadline_ns; /* of the phase; may change with each step */
    size_t n_sent;
    struct probe_tls_session *session; /* HTTPS */
    struct probe_reader reader;
};

/* Everything is borrowed until probe_end. PROBE_PENDING: it runs, wait for it. Any other result: it is over at once;
 * probe_end may be called, but need not be. */
enum probe_result probe_start(struct probe *probe, const struct check *check, const struct target_policy *policy,
                              const struct probe_limits *limits, struct probe_tls *tls, int64_t now_ns);
/* The socket is ready, or the deadline has passed. */
enum probe_result probe_step(struct probe *probe, int64_t now_ns);
/* Closes; at any time. */
void probe_end(struct probe *probe);
/* The status of the HTTP answer; 0: none. */
unsigned probe_status(const struct probe *probe);
