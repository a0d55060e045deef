/* SPDX-License-Identifier: Apache-2.0
 *
 * Context of a call, decision for each of its resources, and the refusal. */
#include "api/authorise.h"

#include "api/authorise_target.h"
#include "auth/access_lookup.h"
#include "auth/evaluate.h"

#include <errno.h>

/* Operations are the first actions, in the same order. */
#define OP(name, ...) _Static_assert((int)OP_INDEX_##name == (int)ACTION_##name, "ops.def and action.def differ");
#include "api/ops.def"
#undef OP

/* --- context ----------------------------------------------------------------------------------------------------- */

static struct str principal_type(const struct principal *principal)
{
    switch (principal->kind) {
    case PRINCIPAL_USER:
        return STR("User");
    case PRINCIPAL_ROLE:
        return STR("AssumedRole");
    default:
        return STR("Account");
    }
}

/* Who calls. A session's aws:PrincipalArn is its role's. */
static int put_principal(struct api_call *call, const struct identity_node *identity, struct context *context)
{
    const struct principal *principal = call->principal;

    context->values[CONDITION_KEY_PRINCIPAL_ACCOUNT] = principal->account;
    context->values[CONDITION_KEY_PRINCIPAL_ARN] =
        principal->kind == PRINCIPAL_ROLE && identity ? identity->config->arn : principal->arn;
    context->values[CONDITION_KEY_PRINCIPAL_TYPE] = principal_type(principal);
    context->values[CONDITION_KEY_USER_ID] = principal->id;
    if (principal->kind == PRINCIPAL_USER)
        context->values[CONDITION_KEY_USER_NAME] = principal->name;
    if (!principal->token_issue_s)
        return 0;
    context->values[CONDITION_KEY_TOKEN_ISSUE_TIME] =
        arena_printf(&call->arena, "%lld", (long long)principal->token_issue_s);
    return str_is_set(context->values[CONDITION_KEY_TOKEN_ISSUE_TIME]) ? 0 : -ENOMEM;
}

/* From where and how. */
static void put_request(const struct api_call *call, struct context *context)
{
    context->now_ms = call_wall_ms(call);
    context->values[CONDITION_KEY_REQUESTED_REGION] = call->region;
    context->values[CONDITION_KEY_SECURE_TRANSPORT] = http_request_is_tls(call->request) ? STR("true") : STR("false");
    context->values[CONDITION_KEY_SOURCE_IP] = http_request_peer(call->request);
    context->values[CONDITION_KEY_USER_AGENT] = http_request_header(call->request, "User-Agent");
    context->values[CONDITION_KEY_VIA_SERVICE] = STR("false");
    context->values[CONDITION_KEY_PRINCIPAL_IS_SERVICE] = STR("false");
}

int authorise_fill_context(struct api_call *call, const struct identity_node *identity, struct context *context)
{
    put_request(call, context);
    return put_principal(call, identity, context);
}

/* --- the refusal ------------------------------------------------------------------------------------------------- */

static int refuse(struct api_call *call, struct str action, const struct authorise_target *target,
                  const struct authorise_resource *resource, const struct decision *decision)
{
    struct str source = evaluate_source_text(decision->source), arn = target->is_hidden ? STR("*") : resource->arn;

    if (decision->statement)
        return call_refuse_text(call, ERROR_ACCESS_DENIED,
                                "User: " STR_FMT " is not authorized to perform: " STR_FMT " on resource: " STR_FMT
                                " with an explicit deny in %s " STR_FMT,
                                STR_ARG(call->principal->arn), STR_ARG(action), STR_ARG(arn),
                                decision->source == EVALUATE_IDENTITY ? "an" : "a", STR_ARG(source));
    return call_refuse_text(call, ERROR_ACCESS_DENIED,
                            "User: " STR_FMT " is not authorized to perform: " STR_FMT " on resource: " STR_FMT
                            " because no " STR_FMT " allows the " STR_FMT " action",
                            STR_ARG(call->principal->arn), STR_ARG(action), STR_ARG(arn), STR_ARG(source),
                            STR_ARG(action));
}

/* --- the gate ---------------------------------------------------------------------------------------------------- */

/* Each resource by itself; a Deny on any of them refuses. */
static int decide(struct api_call *call, const struct authorise_target *target, struct evaluate_query *query,
                  struct context *context)
{
    struct str action = query->action == ACTION_OTHER ? query->action_text : action_text(query->action);
    size_t n_allowed = 0, refused = 0;
    struct decision why = { 0 };

    for (size_t i = 0; i < target->n; i++) {
        const struct authorise_resource *resource = &target->resources[i];
        struct decision decision;
        context->resource_tags = resource->tags;
        context->n_resource_tags = resource->n_tags;
        context->values[CONDITION_KEY_RESOURCE_ACCOUNT] = resource->account;
        query->resource = resource->arn;
        query->resource_policy = resource->policy;
        query->resource_account = call->owner;
        decision = evaluate_decide(query);
        if (!decision.is_allowed && decision.statement)
            return refuse(call, action, target, resource, &decision);
        if (!decision.is_allowed && n_allowed == i) {
            why = decision;
            refused = i;
        }
        n_allowed += decision.is_allowed;
    }
    if (n_allowed == target->n || (target->one_is_enough && n_allowed))
        return 0;
    return refuse(call, action, target, &target->resources[refused], &why);
}

/* Open mode; and root with what is its account's own. What is another account's it does not find, but what is shared:
 * that as its policy says. */
static bool may_do_all(const struct api_call *call)
{
    return !call->principal || (call->principal->kind == PRINCIPAL_ROOT && !call->share);
}

/* Fills in who asks, and in what circumstances. 0 or -ENOMEM. */
static int ask(struct api_call *call, struct evaluate_query *query, struct context *context)
{
    const struct identity_node *identity = access_lookup_principal(call->snapshot, call->principal);
    int r = authorise_fill_context(call, identity, context);

    if (r)
        return r;
    query->principal = call->principal;
    query->context = context;
    if (identity) {
        query->policies = identity->policies;
        query->n_policies = identity->config->n_policies;
    }
    return 0;
}

static int authorise(struct api_call *call, const struct authorise_target *target, struct evaluate_query *query,
                     struct context *context)
{
    int r = ask(call, query, context);

    return r ? r : decide(call, target, query, context);
}

int authorise_call(struct api_call *call, const void *in)
{
    struct evaluate_query query = { .action = (enum action)call->op->index };
    struct context context = { 0 };
    struct authorise_target target;
    int r;

    if (may_do_all(call))
        return 0;
    r = authorise_target_find(call, in, &context, &target);
    return r ? r : authorise(call, &target, &query, &context);
}

int authorise_listing(struct api_call *call, const struct share *share, const struct namespace *ns)
{
    struct context context = { .resource_tags = ns->tags, .n_resource_tags = ns->n_tags };
    struct evaluate_query query = { .action = (enum action)call->op->index,
                                    .resource = share->text,
                                    .resource_account = share->arn.account,
                                    .resource_policy = share->policy };
    int r = ask(call, &query, &context);

    context.values[CONDITION_KEY_RESOURCE_ACCOUNT] = share->arn.account;
    return r ? r : evaluate_decide(&query).is_allowed;
}

int authorise_action(struct api_call *call, struct str action)
{
    struct evaluate_query query = { .action = ACTION_OTHER, .action_text = action };
    struct authorise_target target = { .resources = { { .arn = STR("*"), .account = call->account } }, .n = 1 };
    struct context context = { 0 };

    return may_do_all(call) ? 0 : authorise(call, &target, &query, &context);
}
