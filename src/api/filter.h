/* SPDX-License-Identifier: Apache-2.0
 *
 * The filters of ListNamespaces, ListServices and ListOperations: which names and conditions go together, and whether a
 * value matches. All filters of a request must match. */
#pragma once

#include "api/call.h"

/* Items looked at for one page: a filter that finds nothing in so many ends the page early, with a NextToken. */
#define FILTER_MAX_SCAN 10000

enum filter_condition { FILTER_EQ = 1, FILTER_IN = 2, FILTER_BETWEEN = 4, FILTER_BEGINS_WITH = 8 };

struct filter_rule {
    const char *name;
    unsigned conditions;             /* enum filter_condition */
    bool (*knows)(struct str value); /* what EQ and IN may name; NULL: anything */
};

/* 0 or CALL_ERROR: a combination or a value that the operation does not know, or a wrong number of values. */
int filter_check(struct api_call *call, const struct wire_filter_list *filters, const struct filter_rule *rules,
                 size_t n_rules);
/* The `knows` of RESOURCE_OWNER. */
bool filter_is_owner(struct str value);
/* EQ, IN and BEGINS_WITH on a text. */
bool filter_matches(const struct wire_filter *filter, struct str value);
/* BETWEEN on an instant; the bounds are unix seconds, with or without a fraction, and belong to the range. */
bool filter_matches_ms(const struct wire_filter *filter, int64_t ms);
