/* SPDX-License-Identifier: Apache-2.0
 *
 * Amazon resource names of namespaces and services:
 * arn:PARTITION:servicediscovery:REGION:ACCOUNT:namespace/ID and .../service/ID. Usable from any thread. */
#pragma once

#include "base/arena.h"

enum arn_kind { ARN_NAMESPACE, ARN_SERVICE };

struct arn {
    enum arn_kind kind;
    struct str region, account, id; /* borrowed from the parsed text */
};

enum arn_result {
    ARN_NOT_ARN = 1, /* does not start with `arn:` */
    ARN_MALFORMED,   /* does, but names no namespace or service */
};

/* 0, ARN_NOT_ARN or ARN_MALFORMED. */
int arn_parse(struct str text, struct arn *ret_arn);
/* `aws`, `aws-cn` or `aws-us-gov`, as the region says. */
struct str arn_partition(struct str region);
/* The absent slice when the arena is exhausted. */
struct str arn_format(struct arena *arena, const struct arn *arn);
