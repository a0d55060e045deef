/* SPDX-License-Identifier: Apache-2.0
 *
 * STS (API version 2011-06-15, Query protocol, XML): who the credentials are. Blocking; one thread. */
#pragma once

#include "aws/aws_client.h"

struct sts_client_identity {
    struct str account, arn; /* in the arena */
};

/* GetCallerIdentity. 0, -errno, or a condition with *ret_error. */
int sts_client_get_identity(struct aws_client *client, struct arena *arena, struct sts_client_identity *ret_identity,
                            struct aws_error *ret_error);
