/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed calls of one AWS service in one region: what EC2, Cloud Map, SQS and STS have in common. It finds the
 * endpoint, signs each attempt anew, retries in the standard mode (three attempts, jitter, a token bucket, throttle
 * codes), corrects a clock that is wrong by the Date of an answer, and keeps to a deadline. Actions and their bodies
 * belong to ec2.h, cloud_map.h, sqs.h and sts_client.h. Blocking; one thread per client. */
#pragma once

#include "aws/credentials.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"

#include <stdatomic.h>

struct aws_client;

enum aws_service { AWS_EC2, AWS_CLOUD_MAP, AWS_SQS, AWS_STS, AWS_SERVICE_COUNT };

/* Conditions. Whatever is not 0 means: nothing is known. */
enum aws_result {
    AWS_REFUSED = 1,    /* the service said no: error.code, error.status */
    AWS_NO_ANSWER,      /* no whole answer: connection, timeout, 5xx without a code */
    AWS_NO_CREDENTIALS, /* the chain found none, or those found cannot be had */
    AWS_ODD,            /* an answer that makes no sense: not well-formed, a member missing, a page token twice */
    AWS_TOO_LATE,       /* the deadline came first */
};

/* What went wrong, for people and for whoever decides by the code. */
struct aws_error {
    unsigned status; /* HTTP; 0: none came */
    char code[96];   /* ThrottlingException, UnauthorizedOperation ...; empty: none came */
    char message[512];
    char request_id[64];
};

struct aws_client_config {
    enum aws_service service;
    const char *region;                    /* or NULL: what the environment says */
    struct credentials_chain *credentials; /* borrowed; of the same thread. NULL: calls are not signed */
    const struct environment *environment; /* borrowed: endpoints, CA bundle, region */
    const struct clock *clock;             /* borrowed */
    const char *role_arn;                  /* or NULL; of the credentials, for error texts */
    /* Waits before a retry; false: woken early, and the call is AWS_TOO_LATE. NULL: sleeps. */
    bool (*wait)(void *arg, int64_t ms);
    void *wait_arg;
};

/* Figures since the client was made. */
struct aws_client_stats {
    uint64_t calls, attempts, throttled;
};

/* 0, -ENOMEM, or AWS_ODD with a sentence when the region or the endpoint is no good. */
int aws_client_new(const struct aws_client_config *config, struct aws_client **ret_client, struct aws_error *ret_error);
void aws_client_free(struct aws_client *client); /* accepts NULL */

/* The region it signs for; never NULL. */
const char *aws_client_region(const struct aws_client *client);
/* The clock it was made with. */
const struct clock *aws_client_clock(const struct aws_client *client);
/* How far the service's clock is ahead of ours, as far as its answers made that matter; 0 otherwise. */
int64_t aws_client_skew_ms(const struct aws_client *client);
/* A call that begins, or would be repeated, later than this on clock_mono_ns is AWS_TOO_LATE; 0: no deadline. */
void aws_client_set_deadline(struct aws_client *client, int64_t mono_ns);
struct aws_client_stats aws_client_stats(const struct aws_client *client);
/* Once *stop is true, a call ends within about a second and is AWS_TOO_LATE; NULL: never. Borrowed. */
void aws_client_set_stop(struct aws_client *client, const atomic_bool *stop);
/* Called for each finished attempt, with the action and the code (`ok`, the service's code, or `none`); for metrics. */
typedef void aws_client_watch_fn(void *arg, const char *action, const char *code, bool is_throttled);
void aws_client_set_watch(struct aws_client *client, aws_client_watch_fn *fn, void *arg);

struct aws_call {
    const char *action; /* DescribeInstances */
    struct str body;    /* a form (EC2, STS) or JSON (Cloud Map, SQS) */
    int64_t total_ms;   /* of one attempt; 0: 10 s */
    size_t answer_max;  /* bytes; 0: 16 MiB */
    const char *url;    /* or NULL: the endpoint; gives way to an endpoint that somebody configured */
};

/* Sends until there is an answer of status 2xx, whose body is then in ret_body (to be cleared by the caller; lives
 * until buf_fini). 0, or a condition with *ret_error filled, or -errno. */
int aws_client_call(struct aws_client *client, const struct aws_call *call, struct buf *ret_body,
                    struct aws_error *ret_error);

/* Fills an error of this kind with one sentence; returns `result`. For readers of bodies. */
int aws_client_fail(struct aws_error *error, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));
