/* SPDX-License-Identifier: Apache-2.0
 *
 * AssumeRole: may the caller have a session of that role, and for how long; and its credentials. Everything but the
 * random bytes of those follows from the arguments. Any thread. Source: STS API reference, AssumeRole; IAM User Guide,
 * "Methods to assume a role". */
#pragma once

#include "auth/context.h"
#include "auth/principal.h"
#include "auth/session.h"

#define ASSUME_ROLE_DURATION_S 3600    /* unless the call says otherwise */
#define ASSUME_ROLE_CHAINED_MAX_S 3600 /* for whoever is a session of a role already */

struct assume_role_call {
    const struct principal *principal;
    const struct context *context; /* with sts:ExternalId and sts:RoleSessionName */
    struct str role_arn, session_name;
    struct str policy;  /* absent: none */
    int64_t duration_s; /* 0: not said */
    int64_t now_s;
};

enum assume_role_result {
    ASSUME_ROLE_DENIED = 1, /* by a policy, or there is no such role: callers are not told which */
    ASSUME_ROLE_INVALID,
    ASSUME_ROLE_BAD_POLICY,
    ASSUME_ROLE_LARGE_POLICY, /* SESSION_TOKEN_MAX */
};

struct assume_role_outcome {
    struct principal principal; /* the session's */
    struct session session;
    struct str token;
    struct str message; /* of a refusal */
};

/* All of it in the arena. 0 with a session and its token, -errno, or a condition with its message. */
int assume_role_do(const struct snapshot *snapshot, const struct seal *seal, const struct assume_role_call *call,
                   struct arena *arena, struct assume_role_outcome *ret_outcome);
