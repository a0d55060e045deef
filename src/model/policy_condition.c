/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions of a statement: { operator: { key: value or values } }. */
#include "model/policy_priv.h"

#include <errno.h>

/* --- operators --------------------------------------------------------------------------------------------------- */

static bool cut_front(struct str *text, struct str front)
{
    if (!str_starts_nocase(*text, front))
        return false;
    *text = str_skip(*text, front.n);
    return true;
}

static bool cut_back(struct str *text, struct str back)
{
    if (text->n < back.n || !str_eq_nocase(str_skip(*text, text->n - back.n), back))
        return false;
    text->n -= back.n;
    return true;
}

static int read_operator(struct policy_reader *reader, struct str text, struct policy_condition *condition)
{
    struct str name = text;
    unsigned op = 0;

    condition->quantifier = cut_front(&name, STR("ForAllValues:"))  ? POLICY_FOR_ALL
                            : cut_front(&name, STR("ForAnyValue:")) ? POLICY_FOR_ANY
                                                                    : POLICY_SINGLE;
    condition->if_exists = cut_back(&name, STR("IfExists"));
    while (op < POLICY_OPERATOR_COUNT && !str_eq_nocase(policy_value_operator((enum policy_operator)op)->name, name))
        op++;
    if (op == POLICY_OPERATOR_COUNT)
        return policy_refuse(reader, text.p, "there is no condition operator \"%.*s\"", POLICY_QUOTE(text));
    condition->op = (enum policy_operator)op;
    if (op == POLICY_OPERATOR_NULL && (condition->if_exists || condition->quantifier != POLICY_SINGLE))
        return policy_refuse(reader, text.p, "Null stands alone, without IfExists or ForAllValues");
    return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

/* What a pattern may hold. An ARN that is no variable as a whole has six parts. */
static int read_pattern(struct policy_reader *reader, enum policy_compares compares, struct str text,
                        struct glob *ret_glob)
{
    struct str rest = text;
    unsigned flags = compares == POLICY_COMPARES_BYTES ? 0 : GLOB_VARIABLES, n_colons = 0;

    if (compares == POLICY_COMPARES_PATTERN)
        flags |= GLOB_WILDCARDS;
    if (compares == POLICY_COMPARES_ARN) {
        flags |= GLOB_WILDCARDS | GLOB_ARN;
        for (; str_find_char(rest, ':') < rest.n; n_colons++)
            rest = str_skip(rest, str_find_char(rest, ':') + 1);
        if (!str_starts(text, STR("${")) && (n_colons < 5 || !str_starts(text, STR("arn:"))))
            return policy_refuse(reader, text.p, "\"%.*s\" is not the ARN that this operator compares",
                                 POLICY_QUOTE(text));
    }
    return policy_read_glob(reader, text, flags, ret_glob);
}

static int read_value(struct policy_reader *reader, enum policy_compares compares, struct str text,
                      struct policy_value *value)
{
    const char *what;
    int r;

    switch (compares) {
    case POLICY_COMPARES_NUMBER:
        r = policy_value_parse_number(text, &value->number);
        what = "a number";
        break;
    case POLICY_COMPARES_DATE:
        r = policy_value_parse_date(text, &value->date_ms);
        what = "a date of the form 2026-01-31T00:00:00Z or seconds since 1970";
        break;
    case POLICY_COMPARES_BOOL:
    case POLICY_COMPARES_PRESENCE:
        r = policy_value_parse_bool(text, &value->is_true);
        what = "true or false";
        break;
    case POLICY_COMPARES_NETWORK:
        r = policy_value_parse_network(text, &value->network);
        what = "an address or a network such as 10.0.0.0/8";
        break;
    default:
        return read_pattern(reader, compares, text, &value->glob);
    }
    return r ? policy_refuse(reader, text.p, "\"%.*s\" is not %s", POLICY_QUOTE(text), what) : 0;
}

static int read_values(struct policy_reader *reader, struct policy_condition *condition)
{
    enum policy_compares compares = policy_value_operator(condition->op)->compares;
    struct policy_texts texts;
    struct policy_value *values;
    int r = policy_read_texts(reader, "a condition's value", true, &texts);

    if (r)
        return r;
    values = ARENA_ARRAY(&reader->arena, struct policy_value, texts.n + 1);
    if (!values)
        return -ENOMEM;
    for (size_t i = 0; i < texts.n && !r; i++)
        r = read_value(reader, compares, texts.items[i], &values[i]);
    condition->values = values;
    condition->n_values = texts.n;
    return r;
}

/* --- conditions -------------------------------------------------------------------------------------------------- */

struct condition_list {
    struct policy_condition *items;
    size_t n, room;
};

static int add_condition(struct policy_reader *reader, struct condition_list *list, struct policy_condition condition,
                         struct str key)
{
    int r;

    if (str_find_char(key, ':') == key.n)
        return policy_refuse(reader, key.p, "condition key \"%.*s\" is not of the form SERVICE:KEY", POLICY_QUOTE(key));
    condition.name = key;
    condition.key = condition_key_find(key, &condition.tag);
    r = read_values(reader, &condition);
    if (r)
        return r;
    if (list->n == list->room) {
        list->items = arena_grow(&reader->arena, list->items, &list->room, 2, sizeof(*list->items));
        if (!list->items)
            return -ENOMEM;
    }
    list->items[list->n++] = condition;
    return 0;
}

/* { key: value, ... } of one operator. */
static int read_keys(struct policy_reader *reader, struct str op, struct condition_list *list)
{
    struct policy_condition condition = { 0 };
    size_t first = list->n;
    struct str key;
    bool more = true;
    int r = read_operator(reader, op, &condition);

    if (!r)
        r = policy_read_object(reader, "a condition operator");
    while (!r && !(r = policy_read_member(reader, &more, &key)) && more) {
        for (size_t i = first; i < list->n && !r; i++)
            if (str_eq_nocase(list->items[i].name, key))
                r = policy_refuse(reader, key.p, "condition key \"%.*s\" is there twice", POLICY_QUOTE(key));
        if (!r)
            r = add_condition(reader, list, condition, key);
    }
    return r;
}

int policy_read_conditions(struct policy_reader *reader, struct policy_statement *statement)
{
    struct condition_list list = { 0 };
    struct str op;
    bool more = true;
    int r = policy_read_object(reader, "Condition");

    while (!r && !(r = policy_read_member(reader, &more, &op)) && more)
        r = read_keys(reader, op, &list);
    statement->conditions = list.items;
    statement->n_conditions = list.n;
    return r;
}
