/* SPDX-License-Identifier: Apache-2.0
 *
 * List filters; see filter.h. */
#include "api/filter.h"

static unsigned filter_condition(const struct wire_filter *filter)
{
    if (!str_is_set(filter->condition) || str_eq(filter->condition, STR("EQ")))
        return FILTER_EQ;
    if (str_eq(filter->condition, STR("IN")))
        return FILTER_IN;
    if (str_eq(filter->condition, STR("BETWEEN")))
        return FILTER_BETWEEN;
    return FILTER_BEGINS_WITH;
}

/* Unix seconds with up to three decimals that count, as milliseconds. 0, or 1 when it is no such number. */
static int filter_parse_ms(struct str text, int64_t *ret_ms)
{
    size_t dot = str_find_char(text, '.');
    struct str fraction = str_skip(text, dot < text.n ? dot + 1 : dot);
    uint64_t seconds, ms = 0;

    if (str_parse_u64((struct str){ text.p, dot }, &seconds) || seconds > 100000000000)
        return 1;
    if (dot < text.n && fraction.n == 0)
        return 1;
    for (size_t i = 0; i < fraction.n; i++)
        if (fraction.p[i] < '0' || fraction.p[i] > '9')
            return 1;
    for (size_t i = 0; i < 3; i++)
        ms = ms * 10 + (i < fraction.n ? (uint64_t)(fraction.p[i] - '0') : 0);
    *ret_ms = (int64_t)(seconds * 1000 + ms);
    return 0;
}

static int filter_check_values(struct api_call *call, const struct wire_filter *filter)
{
    int64_t from, to;

    switch (filter_condition(filter)) {
    case FILTER_EQ:
    case FILTER_BEGINS_WITH:
        if (filter->values.n != 1)
            return call_refuse_text(call, ERROR_INVALID_INPUT, "Filter " STR_FMT " takes exactly one value",
                                    STR_ARG(filter->name));
        return 0;
    case FILTER_IN:
        if (filter->values.n == 0)
            return call_refuse_text(call, ERROR_INVALID_INPUT, "Filter " STR_FMT " takes at least one value",
                                    STR_ARG(filter->name));
        return 0;
    default:
        if (filter->values.n != 2 || filter_parse_ms(filter->values.items[0], &from) ||
            filter_parse_ms(filter->values.items[1], &to) || from > to)
            return call_refuse_text(call, ERROR_INVALID_INPUT,
                                    "Filter " STR_FMT
                                    " with BETWEEN takes two times in unix seconds, the earlier first",
                                    STR_ARG(filter->name));
        return 0;
    }
}

/* Words that a filter cannot have are an error, not an empty list. */
static int filter_check_words(struct api_call *call, const struct wire_filter *filter, const struct filter_rule *rule)
{
    if (!rule->knows || !(filter_condition(filter) & (FILTER_EQ | FILTER_IN)))
        return 0;
    for (size_t i = 0; i < filter->values.n; i++)
        if (!rule->knows(filter->values.items[i]))
            return call_refuse_text(call, ERROR_INVALID_INPUT, "Filter " STR_FMT " has an unknown value: " STR_FMT,
                                    STR_ARG(filter->name), STR_ARG(filter->values.items[i]));
    return 0;
}

int filter_check(struct api_call *call, const struct wire_filter_list *filters, const struct filter_rule *rules,
                 size_t n_rules)
{
    for (size_t i = 0; i < filters->n; i++) {
        const struct wire_filter *filter = &filters->items[i];
        size_t k = 0;
        int r;
        while (k < n_rules && !str_eq(filter->name, str_of(rules[k].name)))
            k++;
        if (k == n_rules || !(rules[k].conditions & filter_condition(filter)))
            return call_refuse_text(call, ERROR_INVALID_INPUT,
                                    "Filter " STR_FMT " cannot be used with condition " STR_FMT, STR_ARG(filter->name),
                                    STR_ARG(str_is_set(filter->condition) ? filter->condition : STR("EQ")));
        r = filter_check_values(call, filter);
        if (!r)
            r = filter_check_words(call, filter, &rules[k]);
        if (r)
            return r;
    }
    return 0;
}

bool filter_is_owner(struct str value)
{
    return str_eq(value, STR("SELF")) || str_eq(value, STR("OTHER_ACCOUNTS"));
}

bool filter_matches(const struct wire_filter *filter, struct str value)
{
    bool prefix = filter_condition(filter) == FILTER_BEGINS_WITH;

    for (size_t i = 0; i < filter->values.n; i++)
        if (prefix ? str_starts(value, filter->values.items[i]) : str_eq(value, filter->values.items[i]))
            return true;
    return false;
}

bool filter_matches_ms(const struct wire_filter *filter, int64_t ms)
{
    int64_t from, to;

    return filter_parse_ms(filter->values.items[0], &from) == 0 && filter_parse_ms(filter->values.items[1], &to) == 0 &&
           ms >= from && ms <= to;
}
