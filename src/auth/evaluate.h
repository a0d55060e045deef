/* SPDX-License-Identifier: Apache-2.0
 *
 * May this principal do that? A pure function of compiled policies and the call; takes no memory, waits for nothing,
 * usable from any thread. Source: IAM user guide, "Policy evaluation logic".
 *
 * An explicit Deny anywhere wins. Root may do everything in its account. Otherwise, within the account of the resource
 * an identity policy must allow it, or the resource's own policy must name the caller; from another account both must
 * allow it. A session policy leaves of that only what it allows too. */
#pragma once

#include "auth/context.h"
#include "auth/principal.h"
#include "model/policy.h"

struct evaluate_query {
    const struct principal *principal;
    const struct policy *const *policies; /* attached to it */
    size_t n_policies;
    enum action action;
    struct str action_text; /* needed for ACTION_OTHER only */
    struct str resource;    /* an ARN, or `*` */
    const struct context *context;

    const struct policy *resource_policy; /* of the resource, or the role's trust; NULL: none */
    struct str resource_account;          /* whose the resource is; absent: the principal's */
    bool is_trust;                        /* the resource's policy must allow it even within the account: AssumeRole */
};

enum evaluate_source { EVALUATE_IDENTITY, EVALUATE_SESSION, EVALUATE_RESOURCE };

struct decision {
    bool is_allowed;
    enum evaluate_source source;              /* whose statement decided; of an implicit deny: where one is missing */
    const struct policy *policy;              /* NULL: no statement decided (implicit deny, root) */
    const struct policy_statement *statement; /* of policy; a Deny is explicit */
};

/* Whatever the query holds, there is a decision. */
struct decision evaluate_decide(const struct evaluate_query *query);

/* Does an Allow of the resource's policy mean the principal, or its account? To others the resource is not there. */
bool evaluate_names(const struct policy *resource_policy, const struct principal *principal);

/* `identity-based policy`, `session policy`, `resource-based policy`: as AWS's denials say it. */
struct str evaluate_source_text(enum evaluate_source source);
