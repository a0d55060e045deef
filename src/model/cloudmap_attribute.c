/* SPDX-License-Identifier: Apache-2.0
 *
 * See cloudmap_attribute.h. */
#include "model/cloudmap_attribute.h"

#include "base/units.h"

#define WANTED_REASON "the reason (1 to 256 printable characters; leave the attribute out to serve the instance)"

#define WANTED_LEASE "a time from 1s to 7d, such as 30s,"
#define WANTED_LEASE_REMOVE "a time up to 365d, such as 10m, and cloudmap:lease beside it"

bool cloudmap_attribute_is_reason(struct str text)
{
    if (text.n == 0 || text.n > CLOUDMAP_ATTRIBUTE_MAX_REASON || str_eq_nocase(text, STR("false")))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < ' ' || text.p[i] > '~')
            return false;
    return true;
}

/* Returns what was expected, NULL when that is what stands there. */
static const char *cloudmap_attribute_read_one(const struct str_pair *pair, struct cloudmap_attributes *attributes,
                                               bool *ret_known)
{
    int64_t ms;

    *ret_known = true;
    if (str_eq(pair->key, CLOUDMAP_ATTRIBUTE_DRAINING)) {
        if (!cloudmap_attribute_is_reason(pair->value))
            return WANTED_REASON;
        attributes->draining = pair->value;
        return NULL;
    }
    if (str_eq(pair->key, CLOUDMAP_ATTRIBUTE_LEASE)) {
        if (units_parse_duration_ms(pair->value, &ms) || ms < CLOUDMAP_ATTRIBUTE_MIN_LEASE_MS ||
            ms > CLOUDMAP_ATTRIBUTE_MAX_LEASE_MS)
            return WANTED_LEASE;
        attributes->lease_ms = ms;
        return NULL;
    }
    if (str_eq(pair->key, CLOUDMAP_ATTRIBUTE_LEASE_REMOVE)) {
        /* Keys are sorted: the lease has been read. */
        if (units_parse_duration_ms(pair->value, &ms) || ms > CLOUDMAP_ATTRIBUTE_MAX_LEASE_REMOVE_MS ||
            !attributes->lease_ms)
            return WANTED_LEASE_REMOVE;
        attributes->lease_remove_ms = ms;
        return NULL;
    }
    *ret_known = false;
    return NULL;
}

int cloudmap_attribute_read(const struct str_pair *pairs, size_t n, struct cloudmap_attributes *ret,
                            struct cloudmap_attribute_fault *ret_fault)
{
    int r = 0;

    *ret = (struct cloudmap_attributes){ .lease_remove_ms = -1 };
    for (size_t i = 0; i < n; i++) {
        const char *wanted;
        bool known;
        if (!str_starts(pairs[i].key, CLOUDMAP_ATTRIBUTE_PREFIX))
            continue;
        wanted = cloudmap_attribute_read_one(&pairs[i], ret, &known);
        if ((wanted || !known) && !r) {
            *ret_fault = (struct cloudmap_attribute_fault){ pairs[i], wanted };
            r = 1;
        }
    }
    return r;
}
