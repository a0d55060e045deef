/* SPDX-License-Identifier: Apache-2.0
 *
 * The policies of namespaces; see admin_share.h. */
#include "admin/admin_share.h"

#include "admin/admin_access_priv.h"

/* What a consumer needs of a namespace: to look, to make services of its own, to register. */
#define CONSUMER_DOCUMENT                                                                                       \
    "{\"Version\": \"2012-10-17\", \"Statement\": {\"Sid\": \"Consumer\", \"Effect\": \"Allow\", "              \
    "\"Principal\": {\"AWS\": \"" STR_FMT "\"}, \"Action\": [\"servicediscovery:Get*\", "                       \
    "\"servicediscovery:List*\", \"servicediscovery:DiscoverInstances*\", \"servicediscovery:CreateService\", " \
    "\"servicediscovery:UpdateService*\", \"servicediscovery:DeleteService*\", "                                \
    "\"servicediscovery:RegisterInstance\", \"servicediscovery:DeregisterInstance\", "                          \
    "\"servicediscovery:UpdateInstanceCustomHealthStatus\"], \"Resource\": \"*\"}}"

/* A change of the namespace that the request names. 0, or 1 when it is refused. */
static int new_change(struct admin_request *request, enum change_kind kind, struct change *ret_change)
{
    struct arn arn;

    if (!str_is_set(request->namespace_arn) || arn_parse(request->namespace_arn, &arn) || arn.kind != ARN_NAMESPACE ||
        !identity_is_account(arn.account))
        return admin_access_refuse(request, 400,
                                   STR("which namespace: arn:aws:servicediscovery:REGION:ACCOUNT:namespace/ID"));
    request->account = arn.account;
    *ret_change = admin_access_new_change(request, kind);
    ret_change->region = arn.region;
    ret_change->namespace_id = arn.id;
    return 0;
}

/* By the document, or with one account by the one that is made for it. */
static int find_document(struct admin_request *request, struct str *ret_document)
{
    bool is_one = str_is_set(request->consumer);

    if (is_one == (bool)str_is_set(request->document))
        return admin_access_refuse(request, 400, STR("with whom: an ACCOUNT, or --document FILE"));
    if (is_one && !identity_is_account(request->consumer))
        return admin_access_refuse(request, 400, STR("an account is 12 digits"));
    if (is_one && str_eq(request->consumer, request->account))
        return admin_access_refuse(request, 400, STR("the namespace is that account's own"));
    *ret_document =
        is_one ? arena_printf(&request->arena, CONSUMER_DOCUMENT, STR_ARG(request->consumer)) : request->document;
    return str_is_set(*ret_document) ? 0 : admin_access_refuse(request, 500, STR("out of memory"));
}

/* Whom one of its Allows names; absent: the statement allows nothing, or there are no more. */
static struct str principal_at(const struct policy_statement *statement, size_t k)
{
    if (statement->denies || k >= statement->n_principals)
        return (struct str){ 0 };
    return statement->principals[k].kind == POLICY_ANYONE ? STR("*") : statement->principals[k].text;
}

/* With whom it is shared no more when it is shared anew: whoever meant to add somebody should see it. */
static void put_replaced(struct admin_request *request, const struct change *change)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(request->registry));
    const struct share *share = access_state_find_share(&snapshot->access, request->namespace_arn);
    const struct policy *policy = share ? share->policy : NULL;
    struct str name;
    struct buf names;

    buf_init(&names, NAMESPACE_POLICY_MAX);
    for (size_t i = 0; policy && i < policy->n_statements && !str_eq(policy->document, change->document); i++)
        for (size_t k = 0; str_is_set(name = principal_at(&policy->statements[i], k)); k++) {
            buf_put_str(&names, names.n ? STR(", ") : STR(""));
            buf_put_str(&names, name);
        }
    if (names.n)
        json_field_string(&request->writer, STR("replaced"), buf_str(&names));
    buf_fini(&names);
    snapshot_release(registry_head(request->registry));
}

int admin_share_set(struct admin_request *request)
{
    struct change change;

    if (new_change(request, CHANGE_SHARE, &change) || find_document(request, &change.document))
        return 1;
    put_replaced(request, &change);
    if (admin_access_carry_out(request, &change))
        return 1;
    json_field_string(&request->writer, STR("namespace"), request->namespace_arn);
    json_field_string(&request->writer, STR("document"), change.document);
    return 0;
}

int admin_share_end(struct admin_request *request)
{
    struct change change;

    if (new_change(request, CHANGE_UNSHARE, &change) || admin_access_carry_out(request, &change))
        return 1;
    json_field_string(&request->writer, STR("namespace"), request->namespace_arn);
    return 0;
}

/* Whom the Allows of a policy name. */
static void put_principals(struct json_writer *writer, const struct policy *policy)
{
    struct str name;

    json_key(writer, STR("with"));
    json_open_array(writer);
    for (size_t i = 0; i < policy->n_statements; i++)
        for (size_t k = 0; str_is_set(name = principal_at(&policy->statements[i], k)); k++)
            json_put_string(writer, name);
    json_close_array(writer);
}

int admin_share_list(struct admin_request *request)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(request->registry));
    struct json_writer *writer = &request->writer;
    const struct share *share;
    struct tree_iter iter;

    json_key(writer, STR("shares"));
    json_open_array(writer);
    tree_iter_init(&iter, &snapshot->access.shares, NULL, NULL);
    while ((share = tree_iter_next(&iter))) {
        json_open_object(writer);
        json_field_string(writer, STR("namespace"), share->text);
        put_principals(writer, share->policy);
        json_field_string(writer, STR("document"), share->policy->document);
        json_close_object(writer);
    }
    json_close_array(writer);
    snapshot_release(registry_head(request->registry));
    return 0;
}
