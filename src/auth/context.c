/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking up keys of a call. */
#include "auth/context.h"

#include <inttypes.h>
#include <stdio.h>

static bool context_has_one(struct context_value *value, struct str text)
{
    value->one = text;
    value->items = &value->one;
    value->n = 1;
    return str_is_set(text);
}

/* Keys of tags are compared without case, as all condition keys are. */
static bool context_find_tag(const struct str_pair *tags, size_t n, struct str key, struct context_value *value)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(tags[i].key, key))
            return context_has_one(value, tags[i].value);
    return false;
}

static bool context_find_time(const struct context *context, enum condition_key key, bool as_date,
                              struct context_value *value)
{
    int64_t seconds = context->now_ms / 1000;
    size_t n;

    if (!context->now_ms)
        return false;
    if (as_date) {
        value->date_ms = context->now_ms;
        return true;
    }
    if (key == CONDITION_KEY_EPOCH_TIME)
        n = (size_t)snprintf(value->room, sizeof(value->room), "%" PRId64, seconds);
    else
        n = timestamp_format_s(seconds, value->room).n;
    return context_has_one(value, (struct str){ value->room, n });
}

bool context_find(const struct context *context, enum condition_key key, struct str name, struct str tag, bool as_date,
                  struct context_value *ret_value)
{
    *ret_value = (struct context_value){ 0 };
    for (size_t i = 0; i < context->n_extras; i++) {
        const struct context_extra *extra = &context->extras[i];
        if (str_eq_nocase(extra->name, name)) {
            ret_value->items = extra->values;
            ret_value->n = extra->n;
            ret_value->is_list = extra->is_list;
            return true;
        }
    }
    switch (key) {
    case CONDITION_KEY_OTHER:
        return false;
    case CONDITION_KEY_CURRENT_TIME:
    case CONDITION_KEY_EPOCH_TIME:
        return context_find_time(context, key, as_date, ret_value);
    case CONDITION_KEY_REQUEST_TAG:
        return context_find_tag(context->request_tags, context->n_request_tags, tag, ret_value);
    case CONDITION_KEY_RESOURCE_TAG:
        return context_find_tag(context->resource_tags, context->n_resource_tags, tag, ret_value);
    case CONDITION_KEY_TAG_KEYS:
        ret_value->items = context->tag_keys;
        ret_value->n = context->n_tag_keys;
        ret_value->is_list = true;
        return context->has_tag_keys;
    default:
        return context_has_one(ret_value, context->values[key]);
    }
}
