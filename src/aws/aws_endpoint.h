/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a service of a region is reached, and which region it is, as AWS's SDKs find them: environment, then the files
 * they share, then the rules of the partitions aws, aws-cn and aws-us-gov. Results live in the arena. Any thread. */
#pragma once

#include "aws/aws_client.h"

struct shared_config;

/* Each string ends in a NUL. */
struct aws_endpoint {
    struct str url;     /* https://ec2.eu-central-1.amazonaws.com/ */
    struct str host;    /* of the Host header: with the port, unless it is the scheme's */
    struct str path;    /* begins with a slash */
    bool is_configured; /* by somebody; not what the rules say */
};

/* `wanted` (or NULL), AWS_REGION, AWS_DEFAULT_REGION, the profile's region, that of the machine. Logs a warning when
 * both variables are set and differ. 0, -ENOMEM, or AWS_ODD: none, or no name of a region. */
int aws_endpoint_find_region(const struct environment *environment, const struct shared_config *config,
                             const char *wanted, struct arena *arena, struct str *ret_region,
                             struct aws_error *ret_error);
/* 0, -ENOMEM, or AWS_ODD: what is configured is no URL for this. */
int aws_endpoint_find(enum aws_service service, struct str region, const struct environment *environment,
                      const struct shared_config *config, struct arena *arena, struct aws_endpoint *ret_endpoint,
                      struct aws_error *ret_error);
/* http or https, a host, perhaps a port and a path; no user, query or fragment. 0, -ENOMEM or AWS_ODD. */
int aws_endpoint_parse(struct str url, struct arena *arena, struct aws_endpoint *ret_endpoint,
                       struct aws_error *ret_error);
