/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a condition of a policy hold for a call? Usable from any thread; takes no memory. Source: IAM user guide,
 * "Condition operators", "Multivalued context keys". */
#pragma once

#include "auth/context.h"
#include "model/policy.h"

/* What the variables of a policy stand for in a call, for glob_matches. */
struct condition_values {
    struct glob_values glob; /* first */
    const struct policy *policy;
    const struct context *context;
    struct context_value room;
};

/* Borrows both. */
void condition_values_init(struct condition_values *values, const struct policy *policy, const struct context *context);

/* A value that is not what the operator compares (a number, an address) makes its condition false, negated or not; so
 * do many values without ForAllValues or ForAnyValue. */
bool condition_holds(const struct policy_condition *condition, const struct condition_values *values);
