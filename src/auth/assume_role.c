/* SPDX-License-Identifier: Apache-2.0
 *
 * Checked in the order in which STS does: whoever may not have the role learns nothing of it. */
#include "auth/assume_role.h"
#include "auth/access_lookup.h"
#include "auth/evaluate.h"
#include "model/access_key.h"
#include "model/policy.h"

#include <errno.h>

/* `arn:aws:iam::ACCOUNT:role/PATH/NAME`, or NULL when there is none. */
static const struct identity_node *find_role(const struct snapshot *snapshot, struct str arn)
{
    struct str rest = arn;
    const struct identity_node *role;
    if (!str_starts(rest, STR("arn:aws:iam::")))
        return NULL;
    rest = str_skip(rest, strlen("arn:aws:iam::"));
    struct str account = { rest.p, str_find_char(rest, ':') };
    size_t name = rest.n;
    while (name > 0 && rest.p[name - 1] != '/')
        name--;
    role = access_lookup_role(snapshot, account, str_skip(rest, name));
    return role && str_eq(role->config->arn, arn) ? role : NULL;
}

static int deny(const struct assume_role_call *call, struct arena *arena, struct assume_role_outcome *outcome)
{
    outcome->message =
        arena_printf(arena, "User: " STR_FMT " is not authorized to perform: sts:AssumeRole on resource: " STR_FMT,
                     STR_ARG(call->principal->arn), STR_ARG(call->role_arn));
    return str_is_set(outcome->message) ? ASSUME_ROLE_DENIED : -ENOMEM;
}

static bool is_allowed(const struct snapshot *snapshot, const struct assume_role_call *call,
                       const struct identity_node *role)
{
    const struct identity_node *caller = access_lookup_principal(snapshot, call->principal);
    const struct evaluate_query query = { .principal = call->principal,
                                          .policies = caller ? caller->policies : NULL,
                                          .n_policies = caller ? caller->config->n_policies : 0,
                                          .action = ACTION_AssumeRole,
                                          .resource = call->role_arn,
                                          .context = call->context,
                                          .resource_policy = role->trust,
                                          .resource_account = role->config->account,
                                          .is_trust = true };
    return evaluate_decide(&query).is_allowed;
}

static int check_policy(struct str document, struct arena *arena, struct assume_role_outcome *outcome)
{
    struct policy *policy = NULL;
    struct policy_error error;
    if (!str_is_set(document))
        return 0;
    int r = policy_compile(document, POLICY_SESSION, &policy, &error);
    policy_free(policy);
    if (r <= 0)
        return r;
    outcome->message = arena_printf(arena, "The policy is not valid: line %u: %s", error.line, error.text);
    return str_is_set(outcome->message) ? ASSUME_ROLE_BAD_POLICY : -ENOMEM;
}

static int check_duration(const struct assume_role_call *call, const struct identity *role, int64_t *ret_duration_s,
                          struct assume_role_outcome *outcome)
{
    bool is_chained = call->principal->kind == PRINCIPAL_ROLE;
    *ret_duration_s = call->duration_s ? call->duration_s : ASSUME_ROLE_DURATION_S;
    if (is_chained && *ret_duration_s > ASSUME_ROLE_CHAINED_MAX_S) {
        outcome->message =
            STR("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining");
        return ASSUME_ROLE_INVALID;
    }
    if (*ret_duration_s > role->max_session_s) {
        outcome->message = STR("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
        return ASSUME_ROLE_INVALID;
    }
    return 0;
}

/* Better no session than one whose token no call can carry. */
static int check_token(struct arena *arena, struct assume_role_outcome *outcome)
{
    if (outcome->token.n <= SESSION_TOKEN_MAX)
        return 0;
    outcome->message = arena_printf(arena, "Packed policy consumes %zu%% of allotted space, please use smaller policy.",
                                    100 * outcome->token.n / SESSION_TOKEN_MAX + 1);
    return str_is_set(outcome->message) ? ASSUME_ROLE_LARGE_POLICY : -ENOMEM;
}

static int begin_session(const struct seal *seal, const struct assume_role_call *call, const struct identity_node *role,
                         int64_t duration_s, struct arena *arena, struct assume_role_outcome *outcome)
{
    char id[ACCESS_KEY_ID_LEN], secret[ACCESS_KEY_SECRET_LEN];
    int r = access_key_new_id(id);
    if (r == 0)
        r = access_key_new_secret(secret);
    if (r < 0)
        return r;
    memcpy(id, "ASIA", 4); /* as those of sessions begin */
    outcome->session = (struct session){ .access_key_id = arena_dup(arena, (struct str){ id, sizeof(id) }),
                                         .secret = arena_dup(arena, (struct str){ secret, sizeof(secret) }),
                                         .account = role->config->account,
                                         .role = role->config->name,
                                         .role_id = role->config->id,
                                         .name = call->session_name,
                                         .policy = call->policy,
                                         .issuer = call->principal->issuer,
                                         .issue_s = call->now_s,
                                         .expires_s = call->now_s + duration_s };
    explicit_bzero(secret, sizeof(secret));
    r = principal_of_role(role, call->session_name, arena, &outcome->principal);
    if (r == 0)
        r = session_close(seal, &outcome->session, arena, &outcome->token);
    return r == 0 ? check_token(arena, outcome) : r;
}

int assume_role_do(const struct snapshot *snapshot, const struct seal *seal, const struct assume_role_call *call,
                   struct arena *arena, struct assume_role_outcome *ret_outcome)
{
    const struct identity_node *role = find_role(snapshot, call->role_arn);
    int64_t duration_s = 0;
    *ret_outcome = (struct assume_role_outcome){ 0 };
    if (!role || !is_allowed(snapshot, call, role))
        return deny(call, arena, ret_outcome);
    int r = check_policy(call->policy, arena, ret_outcome);
    if (r == 0)
        r = check_duration(call, role->config, &duration_s, ret_outcome);
    return r == 0 ? begin_session(seal, call, role, duration_s, arena, ret_outcome) : r;
}
