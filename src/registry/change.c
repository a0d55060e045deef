/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes as text, while they wait in their operation's record; see change.h. */
#include "registry/change.h"
#include "registry/record.h"
#include "registry/record_priv.h"

static const struct str kind_words[CHANGE_KIND_COUNT] = {
    [CHANGE_CREATE_NAMESPACE] = { "create_namespace", 16 },
    [CHANGE_DELETE_NAMESPACE] = { "delete_namespace", 16 },
    [CHANGE_UPDATE_NAMESPACE] = { "update_namespace", 16 },
    [CHANGE_UPDATE_SERVICE] = { "update_service", 14 },
    [CHANGE_REGISTER_INSTANCE] = { "register_instance", 17 },
    [CHANGE_DEREGISTER_INSTANCE] = { "deregister_instance", 19 },
};

int change_operation_type(enum change_kind kind)
{
    switch (kind) {
    case CHANGE_CREATE_NAMESPACE:
        return OPERATION_CREATE_NAMESPACE;
    case CHANGE_DELETE_NAMESPACE:
        return OPERATION_DELETE_NAMESPACE;
    case CHANGE_UPDATE_NAMESPACE:
        return OPERATION_UPDATE_NAMESPACE;
    case CHANGE_UPDATE_SERVICE:
        return OPERATION_UPDATE_SERVICE;
    case CHANGE_REGISTER_INSTANCE:
        return OPERATION_REGISTER_INSTANCE;
    case CHANGE_DEREGISTER_INSTANCE:
        return OPERATION_DEREGISTER_INSTANCE;
    default:
        return -1;
    }
}

void change_encode(struct buf *buf, const struct change *change)
{
    struct json_writer writer;

    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("kind"), kind_words[change->kind]);
    json_field_optional(&writer, STR("namespace_id"), change->namespace_id);
    json_field_optional(&writer, STR("service_id"), change->service_id);
    json_field_optional(&writer, STR("instance_id"), change->instance_id);
    if (change->service_create_ms)
        json_field_int(&writer, STR("service_create_ms"), change->service_create_ms);
    json_field_optional(&writer, STR("caller"), change->caller);
    json_field_optional(&writer, STR("creator_request_id"), change->creator_request_id);
    record_put_pairs(&writer, STR("attributes"), change->attributes, change->n_attributes);
    if (change->kind == CHANGE_CREATE_NAMESPACE || change->kind == CHANGE_UPDATE_NAMESPACE) {
        json_key(&writer, STR("namespace"));
        json_open_object(&writer);
        json_field_string(&writer, STR("type"), namespace_kind_text(change->ns.kind));
        json_field_optional(&writer, STR("id"), change->ns.id);
        json_field_optional(&writer, STR("name"), change->ns.name);
        json_field_optional(&writer, STR("description"), change->ns.description);
        json_field_optional(&writer, STR("vpc"), change->ns.vpc);
        json_field_optional(&writer, STR("creator_request_id"), change->ns.creator_request_id);
        json_field_int(&writer, STR("soa_ttl"), change->ns.soa_ttl);
        json_field_int(&writer, STR("request_digest"), (int64_t)change->ns.request_digest);
        record_put_pairs(&writer, STR("tags"), change->ns.tags, change->ns.n_tags);
        json_close_object(&writer);
    }
    if (change->kind == CHANGE_UPDATE_SERVICE) {
        json_key(&writer, STR("service"));
        json_open_object(&writer);
        record_put_service_config(&writer, &change->service);
        json_close_object(&writer);
    }
    json_close_object(&writer);
}

static int change_read_namespace(struct json_reader *reader, struct arena *arena, struct namespace *ns)
{
    struct str key, word;
    bool more;
    int r = json_object(reader);

    while (!r && !json_member(reader, &more, &key) && more) {
        if (str_eq(key, STR("type")))
            r = json_string(reader, &word) || namespace_parse_kind(word, &ns->kind);
        else if (str_eq(key, STR("id")))
            r = json_string(reader, &ns->id);
        else if (str_eq(key, STR("name")))
            r = json_string(reader, &ns->name);
        else if (str_eq(key, STR("description")))
            r = json_string(reader, &ns->description);
        else if (str_eq(key, STR("vpc")))
            r = json_string(reader, &ns->vpc);
        else if (str_eq(key, STR("creator_request_id")))
            r = json_string(reader, &ns->creator_request_id);
        else if (str_eq(key, STR("soa_ttl")))
            r = json_int(reader, &ns->soa_ttl);
        else if (str_eq(key, STR("request_digest")))
            r = record_read_digest(reader, &ns->request_digest);
        else if (str_eq(key, STR("tags")))
            r = record_read_pairs(reader, arena, (struct str_pair **)(uintptr_t)&ns->tags, &ns->n_tags);
        else
            r = json_skip(reader);
    }
    return r || reader->error;
}

static int change_read_service(struct json_reader *reader, struct service *service)
{
    struct str key;
    bool more;
    int r = json_object(reader);

    while (!r && !json_member(reader, &more, &key) && more) {
        r = record_read_service_config(reader, key, service);
        if (r == 1)
            r = json_skip(reader);
    }
    return r || reader->error;
}

static int change_read_kind(struct json_reader *reader, enum change_kind *ret_kind)
{
    struct str word;

    if (json_string(reader, &word))
        return 1;
    for (unsigned kind = 0; kind < CHANGE_KIND_COUNT; kind++)
        if (str_is_set(kind_words[kind]) && str_eq(word, kind_words[kind])) {
            *ret_kind = (enum change_kind)kind;
            return 0;
        }
    return 1;
}

int change_decode(char *text, size_t n, struct arena *arena, struct change *ret_change)
{
    struct change change = { .kind = CHANGE_KIND_COUNT, .arena = arena };
    struct json_reader reader;
    struct str key;
    bool more;
    int r;

    json_reader_init(&reader, text, n, arena);
    r = json_object(&reader);
    while (!r && !json_member(&reader, &more, &key) && more) {
        if (str_eq(key, STR("kind")))
            r = change_read_kind(&reader, &change.kind);
        else if (str_eq(key, STR("namespace_id")))
            r = json_string(&reader, &change.namespace_id);
        else if (str_eq(key, STR("service_id")))
            r = json_string(&reader, &change.service_id);
        else if (str_eq(key, STR("instance_id")))
            r = json_string(&reader, &change.instance_id);
        else if (str_eq(key, STR("service_create_ms")))
            r = json_int(&reader, &change.service_create_ms);
        else if (str_eq(key, STR("caller")))
            r = json_string(&reader, &change.caller) || !identity_is_account(change.caller);
        else if (str_eq(key, STR("creator_request_id")))
            r = json_string(&reader, &change.creator_request_id);
        else if (str_eq(key, STR("attributes")))
            r = record_read_pairs(&reader, arena, &change.attributes, &change.n_attributes);
        else if (str_eq(key, STR("namespace")))
            r = change_read_namespace(&reader, arena, &change.ns);
        else if (str_eq(key, STR("service")))
            r = change_read_service(&reader, &change.service);
        else
            r = json_skip(&reader);
    }
    if (r || json_end(&reader) || change.kind == CHANGE_KIND_COUNT)
        return 1;
    *ret_change = change;
    return 0;
}
