/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of managed_policy.def. */
#include "model/managed_policy.h"

static const struct managed_policy rows[] = {
#define MANAGED_POLICY(short_name, long_name, what_for, actions)                            \
    { .word = STR(short_name),                                                              \
      .name = STR(long_name),                                                               \
      .arn = STR("arn:aws:iam::aws:policy/" long_name),                                     \
      .purpose = STR(what_for),                                                             \
      .document = STR("{\"Version\": \"2012-10-17\", \"Statement\": {\"Sid\": \"" long_name \
                      "\", \"Effect\": \"Allow\", \"Action\": [" actions "], \"Resource\": \"*\"}}") },
#include "model/managed_policy.def"
#undef MANAGED_POLICY
};

const struct managed_policy *managed_policy_at(size_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

const struct managed_policy *managed_policy_find(struct str text)
{
    const struct managed_policy *row;

    for (size_t i = 0; (row = managed_policy_at(i)); i++)
        if (str_eq(row->word, text) || str_eq(row->name, text) || str_eq(row->arn, text))
            return row;
    return NULL;
}
