/* SPDX-License-Identifier: Apache-2.0
 *
 * Each function packs one part behind what is packed already: the first time through it only measures. */
#include "model/policy_pack.h"

#include "base/mem.h"
#include "model/pack.h"

/* The copy of an array, or NULL while measuring. */
static void *pack_array(struct pack *pack, const void *items, size_t n, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    void *copy = NULL;

    pack->n = (pack->n + align - 1) & ~(align - 1);
    if (pack->at && n)
        copy = memcpy(pack->at + pack->n, items, n * size);
    pack->n += n * size;
    return copy;
}

static void pack_globs(struct pack *pack, const struct glob **globs, size_t n)
{
    struct glob *copy = pack_array(pack, *globs, n, sizeof(*copy));

    for (size_t i = 0; i < n; i++) {
        struct glob glob = (*globs)[i];
        pack_str(pack, &glob.text);
        if (copy)
            copy[i] = glob;
    }
    *globs = copy;
}

static bool has_glob(enum policy_operator op)
{
    switch (policy_value_operator(op)->compares) {
    case POLICY_COMPARES_TEXT:
    case POLICY_COMPARES_FOLDED:
    case POLICY_COMPARES_PATTERN:
    case POLICY_COMPARES_BYTES:
    case POLICY_COMPARES_ARN:
        return true;
    default:
        return false;
    }
}

static void pack_values(struct pack *pack, struct policy_condition *condition)
{
    struct policy_value *copy = pack_array(pack, condition->values, condition->n_values, sizeof(*copy));

    for (size_t i = 0; i < condition->n_values && has_glob(condition->op); i++) {
        struct policy_value value = condition->values[i];
        pack_str(pack, &value.glob.text);
        if (copy)
            copy[i] = value;
    }
    condition->values = copy;
}

static void pack_conditions(struct pack *pack, struct policy_statement *statement)
{
    struct policy_condition *copy = pack_array(pack, statement->conditions, statement->n_conditions, sizeof(*copy));

    for (size_t i = 0; i < statement->n_conditions; i++) {
        struct policy_condition condition = statement->conditions[i];
        pack_str(pack, &condition.name);
        pack_str(pack, &condition.tag);
        pack_values(pack, &condition);
        if (copy)
            copy[i] = condition;
    }
    statement->conditions = copy;
}

static void pack_principals(struct pack *pack, struct policy_statement *statement)
{
    struct policy_principal *copy = pack_array(pack, statement->principals, statement->n_principals, sizeof(*copy));

    for (size_t i = 0; i < statement->n_principals; i++) {
        struct policy_principal principal = statement->principals[i];
        pack_str(pack, &principal.text);
        if (copy)
            copy[i] = principal;
    }
    statement->principals = copy;
}

static void pack_statements(struct pack *pack, struct policy *policy)
{
    struct policy_statement *copy = pack_array(pack, policy->statements, policy->n_statements, sizeof(*copy));

    for (size_t i = 0; i < policy->n_statements; i++) {
        struct policy_statement statement = policy->statements[i];
        pack_str(pack, &statement.sid);
        pack_globs(pack, &statement.actions, statement.n_actions);
        pack_globs(pack, &statement.resources, statement.n_resources);
        pack_principals(pack, &statement);
        pack_conditions(pack, &statement);
        if (copy)
            copy[i] = statement;
    }
    policy->statements = copy;
}

static void pack_variables(struct pack *pack, struct policy *policy)
{
    struct glob_variable *copy = pack_array(pack, policy->variables, policy->n_variables, sizeof(*copy));

    for (size_t i = 0; i < policy->n_variables; i++) {
        struct glob_variable variable = policy->variables[i];
        pack_str(pack, &variable.key);
        pack_str(pack, &variable.fallback);
        pack_str(pack, &variable.tag);
        if (copy)
            copy[i] = variable;
    }
    policy->variables = copy;
}

static void pack_policy(struct pack *pack, struct policy *policy)
{
    pack_str(pack, &policy->document);
    pack_variables(pack, policy);
    pack_statements(pack, policy);
}

struct policy *policy_pack_dup(const struct policy *draft)
{
    struct policy measured = *draft, *policy;
    struct pack pack = { .n = sizeof(*policy) };

    pack_policy(&pack, &measured);
    policy = mem_alloc(pack.n);
    if (!policy)
        return NULL;
    *policy = *draft;
    pack = (struct pack){ .at = (char *)policy, .n = sizeof(*policy) };
    pack_policy(&pack, policy);
    return policy;
}
