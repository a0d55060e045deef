/* SPDX-License-Identifier: Apache-2.0
 *
 * One record from one change. */
#include "admin/admin_audit.h"

#include "model/audit_event.h"

struct event {
    struct str source, name;
};

static struct event event_of(const struct change *change)
{
    static const struct str iam = { "iam.amazonaws.com", 17 }, cloud_map = { "servicediscovery.amazonaws.com", 30 };
    bool is_user = change->identity.kind == IDENTITY_USER;

    switch (change->kind) {
    case CHANGE_CREATE_KEY:
        return (struct event){ iam, STR("CreateAccessKey") };
    case CHANGE_UPDATE_KEY:
        return (struct event){ iam, STR("UpdateAccessKey") };
    case CHANGE_DELETE_KEY:
        return (struct event){ iam, STR("DeleteAccessKey") };
    case CHANGE_RESEAL_KEYS:
        return (struct event){ iam, STR("ResealAccessKeys") };
    case CHANGE_CREATE_IDENTITY:
        return (struct event){ iam, is_user ? STR("CreateUser") : STR("CreateRole") };
    case CHANGE_DELETE_IDENTITY:
        return (struct event){ iam, is_user ? STR("DeleteUser") : STR("DeleteRole") };
    case CHANGE_ATTACH_POLICY:
        return (struct event){ iam, is_user ? STR("AttachUserPolicy") : STR("AttachRolePolicy") };
    case CHANGE_DETACH_POLICY:
        return (struct event){ iam, is_user ? STR("DetachUserPolicy") : STR("DetachRolePolicy") };
    case CHANGE_SHARE:
        return (struct event){ cloud_map, STR("PutResourcePolicy") };
    case CHANGE_UNSHARE:
        return (struct event){ cloud_map, STR("DeleteResourcePolicy") };
    case CHANGE_DRAIN:
        return (struct event){ cloud_map, STR("DrainInstance") };
    case CHANGE_UNDRAIN:
        return (struct event){ cloud_map, STR("UndrainInstance") };
    case CHANGE_GUARD_RELEASE:
        return (struct event){ cloud_map, STR("ReleaseHeldRemovals") };
    default: /* CHANGE_GUARD_CANCEL */
        return (struct event){ cloud_map, STR("CancelHeldRemovals") };
    }
}

static struct str policy_name(const struct change *change)
{
    if (change->kind == CHANGE_ATTACH_POLICY && change->n_pairs)
        return change->pairs[0].key;
    return change->kind == CHANGE_DETACH_POLICY && change->n_keys ? change->keys[0] : (struct str){ 0 };
}

/* Who got which rights; of what was refused the name is enough. */
static void put_documents(struct json_writer *writer, const struct change *change)
{
    if (change->result)
        return;
    if (change->kind == CHANGE_SHARE)
        json_field_optional(writer, STR("policy"), change->document);
    if (change->kind == CHANGE_ATTACH_POLICY && change->n_pairs && change->pairs[0].value.n)
        json_field_string(writer, STR("policyDocument"), change->pairs[0].value);
    if (change->kind == CHANGE_CREATE_IDENTITY)
        json_field_optional(writer, STR("assumeRolePolicyDocument"), change->identity.trust);
}

static void put_parameters(struct json_writer *writer, const struct change *change)
{
    bool is_user = change->identity.kind == IDENTITY_USER;

    json_key(writer, STR("requestParameters"));
    json_open_object(writer);
    json_field_optional(writer, STR("accessKeyId"), change->key.id);
    if (change->kind == CHANGE_UPDATE_KEY)
        json_field_string(writer, STR("status"), change->key.is_disabled ? STR("Inactive") : STR("Active"));
    json_field_optional(writer, STR("userName"),
                        str_is_set(change->key.user) ? change->key.user
                        : is_user                    ? change->identity.name
                                                     : (struct str){ 0 });
    if (!is_user)
        json_field_optional(writer, STR("roleName"), change->identity.name);
    json_field_optional(writer, STR("policyName"), policy_name(change));
    json_field_optional(writer, STR("namespaceId"), change->namespace_id);
    json_field_optional(writer, STR("serviceId"), change->service_id);
    json_field_optional(writer, STR("instanceId"), change->instance_id);
    put_documents(writer, change);
    json_close_object(writer);
}

static void put_identity(struct json_writer *writer, struct str account)
{
    json_key(writer, STR("userIdentity"));
    json_open_object(writer);
    json_field_string(writer, STR("type"), STR("Root"));
    json_field_string(writer, STR("principalId"), account);
    json_field_string(writer, STR("accountId"), account);
    json_field_string(writer, STR("invokedBy"), STR("cloudmapctl"));
    json_close_object(writer);
}

/* IAM's codes; API reference, "Common Errors" and those of its actions. */
static struct str error_code(int result)
{
    switch (result) {
    case CHANGE_INVALID_INPUT:
        return STR("InvalidInput");
    case CHANGE_RESOURCE_NOT_FOUND:
        return STR("NoSuchEntity");
    case CHANGE_ACCESS_EXISTS:
        return STR("EntityAlreadyExists");
    case CHANGE_IN_USE:
        return STR("DeleteConflict");
    case CHANGE_LIMIT:
        return STR("LimitExceeded");
    default:
        return STR("Failed");
    }
}

void admin_audit_change(const struct change *change, int64_t wall_ms, struct buf *text)
{
    struct event event = event_of(change);
    struct str account = str_is_set(change->account) ? change->account : change->key.account;
    struct json_writer writer;
    struct rand rand;

    rand_init(&rand);
    json_writer_init(&writer, text);
    json_open_object(&writer);
    json_field_string(&writer, STR("eventVersion"), STR("1.11"));
    put_identity(&writer, str_is_set(account) ? account : STR("000000000000"));
    json_field_string(&writer, STR("eventSource"), event.source);
    json_field_string(&writer, STR("eventName"), event.name);
    json_field_string(&writer, STR("awsRegion"), str_is_set(change->region) ? change->region : STR("us-east-1"));
    json_field_string(&writer, STR("sourceIPAddress"), STR("unix"));
    put_parameters(&writer, change);
    audit_event_put_id(&writer, &rand);
    audit_event_put_time(&writer, wall_ms);
    if (change->result) {
        json_field_string(&writer, STR("errorCode"), error_code(change->result));
        json_field_optional(&writer, STR("errorMessage"), change->message);
    }
    json_key(&writer, STR("responseElements"));
    json_put_null(&writer);
    json_key(&writer, STR("readOnly"));
    json_put_bool(&writer, false);
    json_field_string(&writer, STR("eventType"), STR("AwsApiCall"));
    json_key(&writer, STR("managementEvent"));
    json_put_bool(&writer, true);
    json_field_string(&writer, STR("recipientAccountId"), str_is_set(account) ? account : STR("000000000000"));
    json_field_string(&writer, STR("eventCategory"), STR("Management"));
    json_close_object(&writer);
}
