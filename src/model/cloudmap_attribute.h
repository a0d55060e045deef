/* SPDX-License-Identifier: Apache-2.0
 *
 * Instance attributes that speak to Cloudmap itself: `cloudmap:draining`, `cloudmap:lease`, `cloudmap:lease-remove`.
 * Pure; usable from any thread. */
#pragma once

#include "base/str.h"

#define CLOUDMAP_ATTRIBUTE_PREFIX STR("cloudmap:")
#define CLOUDMAP_ATTRIBUTE_DRAINING STR("cloudmap:draining")

#define CLOUDMAP_ATTRIBUTE_LEASE STR("cloudmap:lease")
#define CLOUDMAP_ATTRIBUTE_LEASE_REMOVE STR("cloudmap:lease-remove")

#define CLOUDMAP_ATTRIBUTE_MAX_REASON 256 /* characters of ASCII */

struct cloudmap_attributes {
    struct str draining;     /* the reason; absent: the instance serves */
    int64_t lease_ms;        /* 0: none */
    int64_t lease_remove_ms; /* from its end to the removal; -1: never */
};

/* What is wrong with an attribute of a registration. */
struct cloudmap_attribute_fault {
    struct str_pair pair;
    const char *wanted; /* what stands there rightly; NULL: no attribute has that key */
};

/* Reads those of the attributes (sorted by key) that start with the prefix; the slices point into the pairs. 0, or 1
 * with the first fault; what is faulty counts as not given. */
int cloudmap_attribute_read(const struct str_pair *pairs, size_t n, struct cloudmap_attributes *ret,
                            struct cloudmap_attribute_fault *ret_fault);

#define CLOUDMAP_ATTRIBUTE_MIN_LEASE_MS 1000
#define CLOUDMAP_ATTRIBUTE_MAX_LEASE_MS (INT64_C(7) * 24 * 3600 * 1000)
#define CLOUDMAP_ATTRIBUTE_MAX_LEASE_REMOVE_MS (INT64_C(365) * 24 * 3600 * 1000)

/* Is the text a reason to drain: not empty, not `false`, not too long, printable ASCII? */
bool cloudmap_attribute_is_reason(struct str text);
