/* SPDX-License-Identifier: Apache-2.0
 *
 * The clients of AWS that one thread uses: one for each service, region and role, made when it is first asked for, and
 * one chain of credentials for each role. One thread. */
#pragma once

#include "aws/aws_client.h"

struct access;

struct access_config {
    const struct environment *environment; /* borrowed */
    const struct clock *clock;             /* borrowed */
    aws_client_watch_fn *watch;            /* or NULL: told of every attempt */
    void *watch_arg;
};

/* 0 or -ENOMEM. */
int access_new(const struct access_config *config, struct access **ret_access);
void access_free(struct access *access); /* accepts NULL */

/* The client; it stays the owner's. region NULL: what the environment says; role_arn NULL: none. 0, -ENOMEM, or a
 * condition of aws_client.h with *ret_error. */
int access_client(struct access *access, enum aws_service service, const char *region, const char *role_arn,
                  struct aws_client **ret_client, struct aws_error *ret_error);
/* For all calls from now on; 0: none. */
void access_set_deadline(struct access *access, int64_t mono_ns);
