/* SPDX-License-Identifier: Apache-2.0
 *
 * See explain_members.h. */
#include "dns/explain_members.h"

#include "dns/answer_priv.h"
#include "dns/explain.h"
#include "model/cloudmap_attribute.h"

#include <arpa/inet.h>
#include <stdio.h>

#define RECORD_TEXT 320

/* One service's answer, as far as it matters to its instances. */
struct explain_members {
    const struct explain_reply *reply;
    const struct owner *owner;
    const struct dname *name;
    enum service_record_type type;
    bool has_type; /* the service's records can be of the type: else `type` means nothing */
    unsigned of_type, of_type_unserved, answered;
};

static const uint16_t wire_types[SERVICE_RECORD_TYPE_COUNT] = {
    [SERVICE_A] = PACKET_A, [SERVICE_AAAA] = PACKET_AAAA, [SERVICE_SRV] = PACKET_SRV, [SERVICE_CNAME] = PACKET_CNAME
};

/* --- the answer ----------------------------------------------------------------------------------------------------
 */

/* The next record of the type at the name in the answer section. */
static bool explain_members_next(const struct explain_members *members, struct explain_cursor *cursor,
                                 struct explain_record *record)
{
    while (explain_reply_next(members->reply, cursor, record)) {
        if (record->section != COMPOSER_ANSWER || record->type != wire_types[members->type])
            continue;
        dname_fold(&record->owner);
        if (dname_equal(&record->owner, members->name))
            return true;
    }
    return false;
}

/* The name that an instance's record points to: its own below the service's, or its CNAME. False when there is none. */
static bool explain_members_target(const struct explain_members *members, const struct instance *instance,
                                   struct dname *target)
{
    dname_init(target);
    if (members->type == SERVICE_CNAME) {
        struct str cname = instance_cname(instance);
        if (!str_is_set(cname) || dname_put_dotted(target, cname) || dname_put_root(target))
            return false;
    } else {
        const struct dname *name = members->name;
        if (dname_put_dotted(target, instance_id(instance)) || target->n + name->n > DNAME_MAX)
            return false;
        memcpy(target->wire + target->n, name->wire, name->n);
        target->n = (uint8_t)(target->n + name->n);
    }
    dname_fold(target);
    return true;
}

static bool explain_members_has_target(const struct explain_members *members, const struct explain_record *record,
                                       const struct dname *target)
{
    size_t at = record->data_at + (members->type == SERVICE_SRV ? 6 : 0);
    struct dname found;

    if (dname_read(members->reply->p, members->reply->n, at, &found, &at))
        return false;
    dname_fold(&found);
    return found.n == target->n && memcmp(found.wire, target->wire, found.n) == 0;
}

/* Is a record of the instance in the answer? */
static bool explain_members_is_answered(const struct explain_members *members, const struct instance *instance)
{
    struct explain_cursor cursor = { 0 };
    struct explain_record record;
    struct dname target;
    bool by_name = members->type == SERVICE_SRV || members->type == SERVICE_CNAME;
    const uint8_t *address = members->type == SERVICE_AAAA ? NULL : instance->ipv4;

    if (members->type == SERVICE_AAAA && instance->dns & INSTANCE_IPV6)
        address = instance_ipv6(instance);
    if (by_name ? !explain_members_target(members, instance, &target) : !address)
        return false;
    while (explain_members_next(members, &cursor, &record)) {
        const uint8_t *data = members->reply->p + record.data_at;
        if (by_name ? explain_members_has_target(members, &record, &target) : memcmp(data, address, record.data_n) == 0)
            return true;
    }
    return false;
}

/* --- one instance --------------------------------------------------------------------------------------------------
 */

/* What the instance's record says, or would say. "" when it has none. */
static void explain_members_record(const struct explain_members *members, const struct instance *instance,
                                   char text[RECORD_TEXT])
{
    struct str cname = instance_cname(instance);

    text[0] = '\0';
    if (!members->has_type)
        return;
    if (members->type == SERVICE_SRV && instance->dns & INSTANCE_PORT)
        snprintf(text, RECORD_TEXT, "port %u", instance->port);
    else if (members->type == SERVICE_CNAME && str_is_set(cname))
        snprintf(text, RECORD_TEXT, STR_FMT, STR_ARG(cname));
    else if (members->type == SERVICE_AAAA && instance->dns & INSTANCE_IPV6)
        inet_ntop(AF_INET6, instance_ipv6(instance), text, RECORD_TEXT);
    else if (members->type == SERVICE_A && instance->dns & INSTANCE_IPV4)
        inet_ntop(AF_INET, instance->ipv4, text, RECORD_TEXT);
}

/* The states are words of the output: docs/man/cloudmapctl.1 lists them. */
static struct str explain_members_state(const struct explain_members *members, const struct instance *instance)
{
    bool unserved = !instance->is_served;

    if (instance->flags & INSTANCE_DRAINING)
        return STR("draining");
    if (!members->has_type || !answer_pick_has_type(instance, members->type))
        return STR("other-type");
    if (unserved && members->of_type_unserved < members->of_type)
        return instance->flags & INSTANCE_EXPIRED   ? STR("lease-expired")
               : instance->health == HEALTH_UNKNOWN ? STR("unknown")
                                                    : STR("unhealthy");
    if (instance->dns & INSTANCE_ALIAS)
        return STR("alias");
    if (!explain_members_is_answered(members, instance))
        return STR("not-drawn");
    return unserved ? STR("fail-open") : STR("answered");
}

static void explain_members_put(struct json_writer *writer, const struct explain_members *members,
                                const struct instance *instance, struct str state)
{
    char record[RECORD_TEXT];

    explain_members_record(members, instance, record);
    json_open_object(writer);
    json_field_string(writer, STR("id"), instance_id(instance));
    json_field_string(writer, STR("health"), service_health_text((enum health_status)instance->shown_health));
    json_field_string(writer, STR("state"), state);
    json_field_optional(writer, STR("record"), str_of(record[0] ? record : NULL));
    if (instance->flags & INSTANCE_DRAINING)
        json_field_optional(writer, STR("reason"), instance_find_attribute(instance, CLOUDMAP_ATTRIBUTE_DRAINING));
    json_close_object(writer);
}

/* --- the service ---------------------------------------------------------------------------------------------------
 */

static void explain_members_put_service(struct json_writer *writer, const struct answer_settings *settings,
                                        const struct owner *owner)
{
    const struct service *service = owner->service->config;

    json_key(writer, STR("service"));
    json_open_object(writer);
    json_field_string(writer, STR("id"), service->id);
    json_field_string(writer, STR("name"), service->name);
    json_field_string(writer, STR("routing"), service_routing_text(service->routing));
    json_field_int(writer, STR("max_answers"), owner->is_weighted ? 1 : (int64_t)settings->max_answers);
    json_key(writer, STR("records"));
    json_open_array(writer);
    for (size_t i = 0; i < service->n_records; i++) {
        json_open_object(writer);
        json_field_string(writer, STR("type"), service_record_type_text(service->records[i].type));
        json_field_int(writer, STR("ttl"), service->records[i].ttl);
        json_close_object(writer);
    }
    json_close_array(writer);
    json_close_object(writer);
}

static void explain_members_count(struct explain_members *members)
{
    struct explain_cursor cursor = { 0 };
    struct explain_record record;
    const struct instance *instance;
    struct tree_iter iter;

    tree_iter_init(&iter, &members->owner->service->instances, NULL, NULL);
    while (members->has_type && (instance = tree_iter_next(&iter)))
        if (answer_pick_has_type(instance, members->type)) {
            members->of_type++;
            members->of_type_unserved += !instance->is_served;
        }
    while (members->has_type && explain_members_next(members, &cursor, &record))
        members->answered++;
}

static void explain_members_put_counts(struct json_writer *writer, const struct explain_members *members)
{
    const struct service_node *node = members->owner->service;
    struct tree_rank size = tree_size(&node->instances);
    unsigned healthy = members->of_type - members->of_type_unserved;

    json_field_int(writer, STR("registered"), state_count_registered(node));
    json_field_int(writer, STR("draining"), tree_size(&node->draining).count);
    json_field_int(writer, STR("unhealthy"), size.count - size.weight);
    json_field_int(writer, STR("of_type"), members->of_type);
    json_field_int(writer, STR("of_type_unhealthy"), members->of_type_unserved);
    json_key(writer, STR("fail_open"));
    json_put_bool(writer, members->of_type && healthy == 0);
    json_field_int(writer, STR("candidates"), healthy ? healthy : members->of_type);
    json_field_int(writer, STR("records"), members->answered);
}

void explain_members_write(struct json_writer *writer, const struct answer_settings *settings,
                           const struct explain_reply *reply, const struct owner *owner, const struct dname *name,
                           enum service_record_type type)
{
    struct explain_members members = { .reply = reply, .owner = owner, .name = name, .type = type };
    const struct instance *instance;
    struct state_registered_iter iter;
    unsigned n = 0;

    members.has_type = type < SERVICE_RECORD_TYPE_COUNT && owner->sets[type].is_configured;
    explain_members_count(&members);
    explain_members_put_service(writer, settings, owner);
    json_key(writer, STR("instances"));
    json_open_object(writer);
    explain_members_put_counts(writer, &members);
    json_key(writer, STR("listed"));
    json_open_array(writer);
    state_iter_registered(&iter, owner->service, (struct str){ 0 });
    for (; n < EXPLAIN_INSTANCES_MAX && (instance = state_next_registered(&iter)); n++)
        explain_members_put(writer, &members, instance, explain_members_state(&members, instance));
    json_close_array(writer);
    json_field_int(writer, STR("unlisted"), state_count_registered(owner->service) - n);
    json_close_object(writer);
}

/* Those whose ids differ in case only from that of the one that was found. */
static void explain_members_put_sharing(struct json_writer *writer, const struct explain_members *members,
                                        const struct instance *found)
{
    const struct service_node *node = members->owner->service;
    const struct instance *instance;
    struct state_name_iter iter;

    if (!state_shares_name(node, found))
        return;
    json_key(writer, STR("sharing"));
    json_open_array(writer);
    state_name_iter_init(&iter, node, found);
    state_name_iter_next(&iter);
    for (unsigned n = 1; n < EXPLAIN_INSTANCES_MAX && (instance = state_name_iter_next(&iter)); n++)
        explain_members_put(writer, members, instance,
                            explain_members_is_answered(members, instance) ? STR("answered") : STR("other-type"));
    json_close_array(writer);
}

void explain_members_write_one(struct json_writer *writer, const struct answer_settings *settings,
                               const struct explain_reply *reply, const struct owner *owner,
                               const struct instance *instance, const struct dname *name, unsigned type)
{
    struct explain_members members = {
        .reply = reply, .owner = owner, .name = name, .type = SERVICE_A, .has_type = true
    };

    if (type == PACKET_AAAA || (type == PACKET_ANY && !(instance->dns & INSTANCE_IPV4)))
        members.type = SERVICE_AAAA;
    explain_members_put_service(writer, settings, owner);
    json_key(writer, STR("instance"));
    explain_members_put(writer, &members, instance,
                        explain_members_is_answered(&members, instance) ? STR("answered") : STR("other-type"));
    explain_members_put_sharing(writer, &members, instance);
}
