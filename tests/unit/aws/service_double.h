/* SPDX-License-Identifier: Apache-2.0
 *
 * A service on loopback that says what a test wrote down, one answer a connection, and keeps what it was asked. Beside
 * it a credential chain that gives what the test wants: programs that link this wrap credentials_chain_get,
 * credentials_chain_forget and credentials_metadata_region. */
#pragma once

#include "../test.h"
#include "aws/aws_client.h"

#include <pthread.h>

#define SERVICE_STEPS_MAX 32
#define SERVICE_HEADERS_MAX 24

enum service_mood {
    SERVICE_ANSWERS,
    SERVICE_HANGS, /* after the answer's text, until the client gives up */
};

struct service_step {
    const char *answer; /* raw bytes */
    enum service_mood mood;
    const char *body; /* or NULL: part of the answer; else Content-Length and body follow the answer's head */
};

/* One request as it came. */
struct service_seen {
    char text[8192];
    struct str_pair headers[SERVICE_HEADERS_MAX];
    size_t n_headers;
    struct str path, body;
    int verdict; /* of our verifier, at the service's time; VERIFIER_MISSING: unsigned */
};

struct service_double {
    int fd;
    unsigned port;
    pthread_t thread;
    struct service_step steps[SERVICE_STEPS_MAX];
    size_t n_steps;
    int64_t now_seconds; /* of the service */
    struct service_seen seen[SERVICE_STEPS_MAX];
    size_t n_seen; /* read when the client is done */
};

/* Listens; n_steps connections are served, one after the other. */
void service_double_start(struct service_double *service, const struct service_step *steps, size_t n_steps,
                          int64_t now_seconds);
/* Waits for the steps that have been begun and drops the others. */
void service_double_stop(struct service_double *service);
/* Of the i-th request; absent when it was not sent. */
struct str service_double_header(const struct service_double *service, size_t i, const char *name);

/* The chain: `generation` is a part of the keys, and grows when they are forgotten. */
struct service_chain {
    unsigned generation;
    bool has_token, fails, is_damaged;
    char text[64];
};
#define SERVICE_CHAIN(chain) ((struct credentials_chain *)(void *)(chain))
