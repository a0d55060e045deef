/* SPDX-License-Identifier: Apache-2.0
 *
 * See cloudmap_attribute.h. */
#include "model/cloudmap_attribute.h"

#define WANTED_REASON "the reason (1 to 256 printable characters; leave the attribute out to serve the instance)"

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
    *ret_known = true;
    if (str_eq(pair->key, CLOUDMAP_ATTRIBUTE_DRAINING)) {
        if (!cloudmap_attribute_is_reason(pair->value))
            return WANTED_REASON;
        attributes->draining = pair->value;
        return NULL;
    }
    *ret_known = false;
    return NULL;
}

int cloudmap_attribute_read(const struct str_pair *pairs, size_t n, struct cloudmap_attributes *ret,
                            struct cloudmap_attribute_fault *ret_fault)
{
    int r = 0;

    *ret = (struct cloudmap_attributes){ 0 };
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
