/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators. A value of the call is read once, in the form that the operator compares, and then compared with each
 * value of the policy. */
#include "auth/condition.h"

/* --- variables --------------------------------------------------------------------------------------------------- */

static struct str find_variable(const struct glob_values *glob, unsigned number)
{
    struct condition_values *values = (struct condition_values *)(uintptr_t)glob;
    const struct glob_variable *variable = &values->policy->variables[number];

    if (context_find(values->context, variable->number, variable->key, variable->tag, false, &values->room) &&
        !values->room.is_list && values->room.n == 1)
        return values->room.items[0];
    return variable->fallback;
}

void condition_values_init(struct condition_values *values, const struct policy *policy, const struct context *context)
{
    values->glob.find = find_variable;
    values->policy = policy;
    values->context = context;
}

/* --- comparing --------------------------------------------------------------------------------------------------- */

/* A value of the call in the form of its operator. */
struct operand {
    struct str text;
    double number;
    int64_t date_ms;
    bool is_true;
    uint8_t octets[16];
};

static bool is_arn(struct str text)
{
    unsigned colons = 0;

    for (size_t i = 0; i < text.n; i++)
        colons += text.p[i] == ':';
    return colons >= 5 && str_starts(text, STR("arn:"));
}

/* False when it is not of that form. */
static bool operand_read(enum policy_compares compares, struct str text, struct operand *operand)
{
    operand->text = text;
    switch (compares) {
    case POLICY_COMPARES_NUMBER:
        return policy_value_parse_number(text, &operand->number) == 0;
    case POLICY_COMPARES_DATE:
        return policy_value_parse_date(text, &operand->date_ms) == 0;
    case POLICY_COMPARES_BOOL:
        return policy_value_parse_bool(text, &operand->is_true) == 0;
    case POLICY_COMPARES_NETWORK:
        return policy_value_parse_address(text, operand->octets) == 0;
    case POLICY_COMPARES_ARN:
        return is_arn(text);
    default:
        return true;
    }
}

static bool is_related(enum policy_relation relation, int order)
{
    switch (relation) {
    case POLICY_LESS:
        return order < 0;
    case POLICY_LESS_EQUAL:
        return order <= 0;
    case POLICY_GREATER:
        return order > 0;
    case POLICY_GREATER_EQUAL:
        return order >= 0;
    default:
        return order == 0;
    }
}

static bool matches_value(const struct policy_operator_row *row, const struct operand *operand,
                          const struct policy_value *value, const struct condition_values *values)
{
    switch (row->compares) {
    case POLICY_COMPARES_NUMBER:
        return is_related(row->relation, (operand->number > value->number) - (operand->number < value->number));
    case POLICY_COMPARES_DATE:
        return is_related(row->relation, (operand->date_ms > value->date_ms) - (operand->date_ms < value->date_ms));
    case POLICY_COMPARES_BOOL:
        return operand->is_true == value->is_true;
    case POLICY_COMPARES_NETWORK:
        return policy_value_in_network(&value->network, operand->octets);
    case POLICY_COMPARES_FOLDED:
        return glob_matches_slow(&value->glob, operand->text, &values->glob, true);
    default:
        return glob_matches(&value->glob, operand->text, &values->glob);
    }
}

static bool matches_values(const struct policy_condition *condition, const struct operand *operand,
                           const struct condition_values *values)
{
    const struct policy_operator_row *row = policy_value_operator(condition->op);

    for (size_t i = 0; i < condition->n_values; i++)
        if (matches_value(row, operand, &condition->values[i], values))
            return !row->negated;
    return row->negated;
}

/* --- conditions -------------------------------------------------------------------------------------------------- */

static bool holds_absent(const struct policy_condition *condition)
{
    if (condition->if_exists || condition->quantifier == POLICY_FOR_ALL)
        return true;
    return condition->quantifier == POLICY_SINGLE && policy_value_operator(condition->op)->negated;
}

static bool holds_presence(const struct policy_condition *condition, bool is_there)
{
    for (size_t i = 0; i < condition->n_values; i++)
        if (condition->values[i].is_true != is_there)
            return true;
    return false;
}

static bool holds_one(const struct policy_condition *condition, enum policy_compares compares, struct str text,
                      const struct condition_values *values)
{
    struct operand operand;

    return operand_read(compares, text, &operand) && matches_values(condition, &operand, values);
}

bool condition_holds(const struct policy_condition *condition, const struct condition_values *values)
{
    enum policy_compares compares = policy_value_operator(condition->op)->compares;
    bool all = condition->quantifier == POLICY_FOR_ALL;
    struct context_value value;
    bool is_there = context_find(values->context, condition->key, condition->name, condition->tag,
                                 compares == POLICY_COMPARES_DATE, &value);

    if (compares == POLICY_COMPARES_PRESENCE)
        return holds_presence(condition, is_there);
    if (!is_there)
        return holds_absent(condition);
    if (!value.items && value.date_ms)
        return matches_values(condition, &(struct operand){ .date_ms = value.date_ms }, values);
    if (condition->quantifier == POLICY_SINGLE && (value.is_list || value.n != 1))
        return false;
    for (size_t i = 0; i < value.n; i++)
        if (holds_one(condition, compares, value.items[i], values) != all)
            return !all;
    return all;
}
