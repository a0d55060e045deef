/* SPDX-License-Identifier: Apache-2.0
 *
 * What conditions and variables of policies can ask of a call. Filled by whoever wants it decided; everything is
 * borrowed. Values are looked up when a policy asks. One thread at a time. */
#pragma once

#include "base/timestamp.h"
#include "model/condition_key.h"

/* A key with any values, before those of the call: for trying out policies. */
struct context_extra {
    struct str name;
    const struct str *values;
    size_t n;
    bool is_list; /* the key can have many, even when it has one */
};

struct context {
    struct str values[CONDITION_KEY_COUNT]; /* of keys with one value, but for those below; absent: not in this call */
    int64_t now_ms;                         /* aws:CurrentTime, aws:EpochTime; since the epoch; 0: not in this call */
    const struct str_pair *request_tags, *resource_tags;
    size_t n_request_tags, n_resource_tags;
    bool has_tag_keys; /* the call says what tags it is about; perhaps none */
    const struct str *tag_keys;
    size_t n_tag_keys;
    const struct context_extra *extras;
    size_t n_extras;
};

/* What a key has. The structure must not be copied: `items` may point into it. */
struct context_value {
    const struct str *items;
    size_t n;
    bool is_list;
    int64_t date_ms; /* of a key that is a time and was asked for as one: there are no items then */
    struct str one;
    char room[TIMESTAMP_ROOM];
};

/* The values of a key (condition_key_find) that the document calls `name`. False: the call has no such key. */
bool context_find(const struct context *context, enum condition_key key, struct str name, struct str tag, bool as_date,
                  struct context_value *ret_value);
