/* SPDX-License-Identifier: Apache-2.0
 *
 * What a call acts on, as policies see it: ARNs, their tags, and condition keys. The input is decoded and nothing else:
 * members may be missing or nonsense. Whatever it names need not exist; then the ARN is made of what was given. On the
 * worker's thread. */
#pragma once

#include "api/call.h"
#include "auth/context.h"

enum authorise_keys {
    AUTHORISE_NAMESPACE_ARN = 1,
    AUTHORISE_SERVICE_ARN = 2,
    AUTHORISE_CREATED_BY = 4, /* servicediscovery:ServiceCreatedByAccount */
    AUTHORISE_NAMES = 8,      /* servicediscovery:NamespaceName, ServiceName */
};

/* An id or ARN that is longer names nothing: the resource is then `namespace/` or `service/` and `*`. */
#define AUTHORISE_MAX_ID 255

struct authorise_resource {
    struct str arn;     /* or `*` */
    struct str account; /* whose it is */
    const struct str_pair *tags;
    size_t n_tags;
    const struct policy *policy; /* of its namespace; NULL: it has none */
};

struct authorise_target {
    struct authorise_resource resources[2];
    size_t n;
    struct str created_by; /* the account that made the service */
    bool one_is_enough;    /* else all must be allowed */
    bool is_hidden;        /* what was found must not show in a refusal */
};

/* Fills the target, and the context with what the operation and its request say. 0 or -ENOMEM. */
int authorise_target_find(struct api_call *call, const void *in, struct context *context,
                          struct authorise_target *ret_target);
