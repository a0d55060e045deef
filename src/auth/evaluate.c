/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of decisions. */
#include "auth/evaluate.h"

#include "auth/condition.h"
#include "base/mem.h"

/* How a statement of a resource's policy means the caller: the further down, the more it grants by itself. */
enum naming {
    NAMING_NOT,
    NAMING_ACCOUNT, /* its account: that account's policies say who */
    NAMING_CALLER,  /* the user, the role behind a session, or anybody */
    NAMING_SESSION, /* this very session: not narrowed by its session policy */
};

/* What the statements of one source say. */
struct verdict {
    const struct policy *policy;
    const struct policy_statement *denied, *allowed;
    enum naming naming; /* of the strongest Allow in a resource's policy */
};

/* --- principals -------------------------------------------------------------------------------------------------- */

/* Is `arn:P:iam::A:role/PATH/NAME` the role of a session `arn:P:sts::A:assumed-role/NAME/SESSION` in account A? */
static bool is_role_of(struct str arn, const struct principal *principal)
{
    struct str rest = arn, name;
    size_t slash;

    for (unsigned colons = 0; colons < 4; colons++)
        rest = str_skip(rest, str_find_char(rest, ':') + 1);
    if (!str_starts(rest, principal->account))
        return false;
    name = str_skip(rest, principal->account.n);
    if (!str_starts(name, STR(":role/")))
        return false;
    while ((slash = str_find_char(name, '/')) < name.n)
        name = str_skip(name, slash + 1);
    return str_eq(name, principal->name);
}

static enum naming naming_by(const struct policy_principal *named, const struct principal *principal)
{
    switch (named->kind) {
    case POLICY_ANYONE:
        return NAMING_CALLER;
    case POLICY_ACCOUNT:
        return !str_eq(named->text, principal->account) ? NAMING_NOT
               : principal->kind == PRINCIPAL_ROOT      ? NAMING_CALLER
                                                        : NAMING_ACCOUNT;
    case POLICY_ARN:
        if (str_eq(named->text, principal->arn))
            return principal->kind == PRINCIPAL_ROLE ? NAMING_SESSION : NAMING_CALLER;
        return principal->kind == PRINCIPAL_ROLE && is_role_of(named->text, principal) ? NAMING_CALLER : NAMING_NOT;
    default:
        return NAMING_NOT;
    }
}

static enum naming naming_of(const struct policy_statement *statement, const struct principal *principal)
{
    enum naming best = NAMING_NOT;

    for (size_t i = 0; i < statement->n_principals; i++) {
        enum naming naming = naming_by(&statement->principals[i], principal);
        if (naming > best)
            best = naming;
    }
    if (statement->not_principals)
        return best == NAMING_NOT ? NAMING_CALLER : NAMING_NOT;
    return best;
}

/* --- statements -------------------------------------------------------------------------------------------------- */

static bool is_about_action(const struct policy_statement *statement, const struct evaluate_query *query)
{
    if (query->action < ACTION_COUNT)
        return statement->known_actions & ACTION_BIT(query->action);
    for (size_t i = 0; i < statement->n_actions; i++)
        if (glob_matches_slow(&statement->actions[i], query->action_text, NULL, true))
            return !statement->not_actions;
    return statement->not_actions;
}

static bool is_about_resource(const struct policy_statement *statement, struct str resource,
                              const struct condition_values *values)
{
    for (size_t i = 0; i < statement->n_resources; i++)
        if (glob_matches(&statement->resources[i], resource, &values->glob))
            return !statement->not_resources;
    return statement->not_resources || statement->n_resources == 0;
}

static bool holds(const struct policy_statement *statement, const struct condition_values *values)
{
    for (size_t i = 0; i < statement->n_conditions; i++)
        if (!condition_holds(&statement->conditions[i], values))
            return false;
    return true;
}

/* Takes note of the statement if it applies to the call. */
static void weigh(struct verdict *verdict, const struct policy_statement *statement, const struct evaluate_query *query,
                  const struct condition_values *values)
{
    bool names = values->policy->kind == POLICY_TRUST || values->policy->kind == POLICY_RESOURCE;
    enum naming naming = names ? naming_of(statement, query->principal) : NAMING_CALLER;

    if (naming == NAMING_NOT || !is_about_action(statement, query) ||
        !is_about_resource(statement, query->resource, values) || !holds(statement, values))
        return;
    if (statement->denies) {
        verdict->denied = statement;
        verdict->policy = values->policy;
    } else if (naming > verdict->naming) {
        verdict->naming = naming;
        verdict->allowed = statement;
        verdict->policy = values->policy;
    }
}

/* Every Deny is looked at; of Allows, until nothing stronger can come. */
static void read_policy(struct verdict *verdict, const struct policy *policy, const struct evaluate_query *query)
{
    bool names = policy->kind == POLICY_TRUST || policy->kind == POLICY_RESOURCE;
    enum naming enough = names ? NAMING_SESSION : NAMING_CALLER;
    struct condition_values values;

    if (query->action < ACTION_COUNT && !(policy->known_actions & ACTION_BIT(query->action)))
        return;
    condition_values_init(&values, policy, query->context);
    for (size_t i = 0; i < policy->n_statements && !verdict->denied; i++) {
        const struct policy_statement *statement = &policy->statements[i];
        if (statement->denies || verdict->naming < enough)
            weigh(verdict, statement, query, &values);
    }
}

/* --- the decision ------------------------------------------------------------------------------------------------ */

static struct decision deny(enum evaluate_source source, const struct verdict *verdict)
{
    return (struct decision){ .source = source,
                              .policy = verdict ? verdict->policy : NULL,
                              .statement = verdict ? verdict->denied : NULL };
}

static struct decision allow(enum evaluate_source source, const struct verdict *verdict)
{
    return (struct decision){
        .is_allowed = true, .source = source, .policy = verdict->policy, .statement = verdict->allowed
    };
}

/* Nothing denies: is what allows enough? */
static struct decision join(const struct evaluate_query *query, const struct verdict *identity,
                            const struct verdict *session, const struct verdict *resource)
{
    const struct principal *principal = query->principal;
    bool is_own = !str_is_set(query->resource_account) || str_eq(query->resource_account, principal->account);
    bool by_identity = identity->allowed || principal->kind == PRINCIPAL_ROOT;
    bool by_session = !principal->session_policy || session->allowed;

    if (is_own && resource->naming == NAMING_SESSION)
        return allow(EVALUATE_RESOURCE, resource);
    if (is_own && resource->naming == NAMING_CALLER)
        return by_session ? allow(EVALUATE_RESOURCE, resource) : deny(EVALUATE_SESSION, NULL);
    if (!resource->allowed && (query->is_trust || !is_own))
        return deny(by_identity ? EVALUATE_RESOURCE : EVALUATE_IDENTITY, NULL);
    if (!by_identity)
        return deny(EVALUATE_IDENTITY, NULL);
    return by_session ? allow(EVALUATE_IDENTITY, identity) : deny(EVALUATE_SESSION, NULL);
}

struct decision evaluate_decide(const struct evaluate_query *query)
{
    struct verdict identity = { 0 }, session = { 0 }, resource = { 0 };

    ASSERT(query->action < ACTION_COUNT || str_is_set(query->action_text));
    for (size_t i = 0; i < query->n_policies && !identity.denied; i++)
        read_policy(&identity, query->policies[i], query);
    if (identity.denied)
        return deny(EVALUATE_IDENTITY, &identity);
    if (query->principal->session_policy)
        read_policy(&session, query->principal->session_policy, query);
    if (session.denied)
        return deny(EVALUATE_SESSION, &session);
    if (query->resource_policy)
        read_policy(&resource, query->resource_policy, query);
    if (resource.denied)
        return deny(EVALUATE_RESOURCE, &resource);
    return join(query, &identity, &session, &resource);
}

bool evaluate_names(const struct policy *resource_policy, const struct principal *principal)
{
    for (size_t i = 0; i < resource_policy->n_statements; i++) {
        const struct policy_statement *statement = &resource_policy->statements[i];
        if (!statement->denies && naming_of(statement, principal) != NAMING_NOT)
            return true;
    }
    return false;
}

struct str evaluate_source_text(enum evaluate_source source)
{
    static const struct str texts[] = { [EVALUATE_IDENTITY] = STR("identity-based policy"),
                                        [EVALUATE_SESSION] = STR("session policy"),
                                        [EVALUATE_RESOURCE] = STR("resource-based policy") };
    return texts[source];
}
