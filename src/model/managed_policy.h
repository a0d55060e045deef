/* SPDX-License-Identifier: Apache-2.0
 *
 * The policies of managed_policy.def, which can be attached by their word, name or ARN. Usable from any thread. */
#pragma once

#include "base/str.h"

struct managed_policy {
    struct str word;     /* `registrar` */
    struct str name;     /* `CloudmapRegistrar` */
    struct str arn;      /* `arn:aws:iam::aws:policy/CloudmapRegistrar` */
    struct str purpose;  /* a few English words */
    struct str document; /* a policy of kind POLICY_IDENTITY */
};

/* By word, name or ARN; NULL when there is none. */
const struct managed_policy *managed_policy_find(struct str text);
/* The i-th, sorted by name; NULL when there are no more. */
const struct managed_policy *managed_policy_at(size_t i);
