/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of namespaces, services and instances, and their keys; see record.h. Unknown members are skipped, so that an
 * older program of the same format version can read what a newer one added. */
#include "registry/record.h"

#include "registry/record_priv.h"

/* --- keys -------------------------------------------------------------------------------------------------------- */

static const struct str key_prefixes[] = {
    [RECORD_NAMESPACE] = { "namespace", 9 },    [RECORD_OPERATIONS] = { "operation", 9 },
    [RECORD_SERVICE] = { "service", 7 },        [RECORD_INSTANCE] = { "service", 7 },
    [RECORD_ACCESS_KEY] = { "access_key", 10 }, [RECORD_IDENTITY] = { "identity", 8 }
};

/* The parts of a key behind its prefix; returns how many. */
static size_t record_key_parts(const struct record_key *key, struct str ret_parts[5])
{
    const struct str tenant[] = { key->account, key->region, key->id, STR("instance"), key->instance_id };
    const struct str identity[] = { key->account, identity_kind_text(key->identity_kind), key->id };

    switch (key->kind) {
    case RECORD_ACCESS_KEY:
        ret_parts[0] = key->id;
        return 1;
    case RECORD_IDENTITY:
        memcpy(ret_parts, identity, sizeof(identity));
        return 3;
    default:
        memcpy(ret_parts, tenant, sizeof(tenant));
        return key->kind == RECORD_INSTANCE ? 5 : 3;
    }
}

size_t record_format_key(const struct record_key *key, char ret_text[RECORD_MAX_KEY])
{
    struct str prefix = key_prefixes[key->kind], parts[5];
    size_t n_parts = record_key_parts(key, parts), n = prefix.n;

    memcpy(ret_text, prefix.p, prefix.n);
    for (size_t i = 0; i < n_parts; i++) {
        ASSERT(n + 1 + parts[i].n < RECORD_MAX_KEY);
        ret_text[n++] = '/';
        memcpy(ret_text + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    return n;
}

/* Cuts the part before the next slash off *rest, which is absent when there was none. */
static struct str record_key_part(struct str *rest)
{
    size_t n = str_find_char(*rest, '/');
    struct str part = { rest->p, n };

    *rest = n < rest->n ? str_skip(*rest, n + 1) : (struct str){ 0 };
    return part;
}

static int record_parse_identity_key(struct str rest, struct record_key *key)
{
    key->kind = RECORD_IDENTITY;
    key->account = record_key_part(&rest);
    if (!str_is_set(rest) || identity_parse_kind(record_key_part(&rest), &key->identity_kind))
        return 1;
    key->id = rest;
    return !identity_is_account(key->account) || !identity_is_name(key->id);
}

int record_parse_key(struct str text, struct record_key *ret_key)
{
    struct record_key key = { 0 };
    struct str rest = text, kind = record_key_part(&rest);

    *ret_key = key;
    if (text.n >= RECORD_MAX_KEY)
        return 1;
    if (str_eq(kind, key_prefixes[RECORD_IDENTITY]))
        return record_parse_identity_key(rest, ret_key);
    if (str_eq(kind, key_prefixes[RECORD_ACCESS_KEY])) {
        *ret_key = (struct record_key){ .kind = RECORD_ACCESS_KEY, .id = rest };
        return !access_key_is_id(rest);
    }
    if (str_eq(kind, key_prefixes[RECORD_NAMESPACE]))
        key.kind = RECORD_NAMESPACE;
    else if (str_eq(kind, key_prefixes[RECORD_OPERATIONS]))
        key.kind = RECORD_OPERATIONS;
    else if (str_eq(kind, key_prefixes[RECORD_SERVICE]))
        key.kind = RECORD_SERVICE;
    else
        return 1;
    key.account = record_key_part(&rest);
    key.region = record_key_part(&rest);
    key.id = record_key_part(&rest);
    if (key.kind == RECORD_SERVICE && str_is_set(rest)) {
        if (!str_eq(record_key_part(&rest), STR("instance")) || !rest.n)
            return 1;
        key.kind = RECORD_INSTANCE;
        key.instance_id = rest;
    } else if (str_is_set(rest)) {
        return 1;
    }
    *ret_key = key;
    return key.account.n && key.region.n && key.id.n ? 0 : 1;
}

/* --- shared parts ------------------------------------------------------------------------------------------------ */

void record_put_pairs(struct json_writer *writer, struct str name, const struct str_pair *pairs, size_t n)
{
    if (n == 0)
        return;
    json_key(writer, name);
    json_open_object(writer);
    for (size_t i = 0; i < n; i++)
        json_field_string(writer, pairs[i].key, pairs[i].value);
    json_close_object(writer);
}

int record_read_pairs(struct json_reader *reader, struct arena *arena, struct str_pair **ret_pairs, size_t *ret_n)
{
    struct str_pair *pairs = NULL, pair;
    size_t n = 0, size = 0;
    bool more;

    if (json_object(reader))
        return 1;
    while (!json_member(reader, &more, &pair.key) && more) {
        if (json_string(reader, &pair.value) || (n && str_cmp(pairs[n - 1].key, pair.key) >= 0))
            return 1;
        if (n == size) {
            struct str_pair *wider = arena_grow(arena, pairs, &size, 8, sizeof(*pairs));
            if (!wider)
                return 1;
            pairs = wider;
        }
        pairs[n++] = pair;
    }
    if (reader->error)
        return 1;
    *ret_pairs = pairs;
    *ret_n = n;
    return 0;
}

int record_read_digest(struct json_reader *reader, uint64_t *ret_digest)
{
    int64_t value;

    if (json_int(reader, &value))
        return 1;
    *ret_digest = (uint64_t)value;
    return 0;
}

/* 12 digits. */
static int record_read_account(struct json_reader *reader, struct str *ret_account)
{
    return json_string(reader, ret_account) || !identity_is_account(*ret_account);
}

/* Reads a member's value into an enum by its parser. */
#define READ_WORD(reader, word, parse, ret) (json_string((reader), (word)) || (parse)(*(word), (ret)))

/* --- namespaces -------------------------------------------------------------------------------------------------- */

void record_encode_namespace(struct buf *buf, const struct namespace *ns)
{
    struct json_writer writer;

    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("id"), ns->id);
    json_field_string(&writer, STR("type"), namespace_kind_text(ns->kind));
    json_field_string(&writer, STR("name"), ns->name);
    json_field_string(&writer, STR("http_name"), ns->http_name);
    json_field_optional(&writer, STR("description"), ns->description);
    json_field_optional(&writer, STR("vpc"), ns->vpc);
    json_field_optional(&writer, STR("hosted_zone_id"), ns->hosted_zone_id);
    if (ns->kind != NAMESPACE_HTTP)
        json_field_int(&writer, STR("soa_ttl"), ns->soa_ttl);
    json_field_int(&writer, STR("created_ms"), ns->create_ms);
    json_field_optional(&writer, STR("creator_request_id"), ns->creator_request_id);
    json_field_optional(&writer, STR("operation"), ns->create_operation);
    json_field_int(&writer, STR("request_digest"), (int64_t)ns->request_digest);
    record_put_pairs(&writer, STR("tags"), ns->tags, ns->n_tags);
    json_field_optional(&writer, STR("policy"), ns->policy);
    json_close_object(&writer);
}

static int record_read_namespace(struct json_reader *reader, struct str key, struct arena *arena, struct namespace *ns)
{
    struct str word;

    if (str_eq(key, STR("id")))
        return json_string(reader, &ns->id);
    if (str_eq(key, STR("type")))
        return READ_WORD(reader, &word, namespace_parse_kind, &ns->kind);
    if (str_eq(key, STR("name")))
        return json_string(reader, &ns->name);
    if (str_eq(key, STR("http_name")))
        return json_string(reader, &ns->http_name);
    if (str_eq(key, STR("description")))
        return json_string(reader, &ns->description);
    if (str_eq(key, STR("vpc")))
        return json_string(reader, &ns->vpc);
    if (str_eq(key, STR("hosted_zone_id")))
        return json_string(reader, &ns->hosted_zone_id);
    if (str_eq(key, STR("soa_ttl")))
        return json_int(reader, &ns->soa_ttl);
    if (str_eq(key, STR("created_ms")))
        return json_int(reader, &ns->create_ms);
    if (str_eq(key, STR("creator_request_id")))
        return json_string(reader, &ns->creator_request_id);
    if (str_eq(key, STR("operation")))
        return json_string(reader, &ns->create_operation);
    if (str_eq(key, STR("request_digest")))
        return record_read_digest(reader, &ns->request_digest);
    if (str_eq(key, STR("tags")))
        return record_read_pairs(reader, arena, (struct str_pair **)(uintptr_t)&ns->tags, &ns->n_tags);
    if (str_eq(key, STR("policy")))
        return json_string(reader, &ns->policy);
    return json_skip(reader);
}

int record_decode_namespace(char *text, size_t n, struct arena *arena, struct namespace *ret_ns)
{
    struct namespace ns = { 0 };
    struct json_reader reader;
    struct str key;
    bool more;

    json_reader_init(&reader, text, n, arena);
    if (json_object(&reader))
        return 1;
    while (!json_member(&reader, &more, &key) && more)
        if (record_read_namespace(&reader, key, arena, &ns))
            return 1;
    if (json_end(&reader) || !ns.id.n || !ns.name.n || !ns.http_name.n || ns.policy.n > NAMESPACE_POLICY_MAX)
        return 1;
    *ret_ns = ns;
    return 0;
}

/* --- services ---------------------------------------------------------------------------------------------------- */

void record_put_service_config(struct json_writer *writer, const struct service *service)
{
    json_field_optional(writer, STR("description"), service->description);
    if (service->has_dns) {
        json_key(writer, STR("records"));
        json_open_array(writer);
        for (size_t i = 0; i < service->n_records; i++) {
            json_open_object(writer);
            json_field_string(writer, STR("type"), service_record_type_text(service->records[i].type));
            json_field_int(writer, STR("ttl"), service->records[i].ttl);
            json_close_object(writer);
        }
        json_close_array(writer);
        json_field_string(writer, STR("routing"), service_routing_text(service->routing));
    }
    if (service->check != SERVICE_CHECK_NONE)
        json_field_string(writer, STR("check"), service_check_text(service->check));
    json_field_optional(writer, STR("check_path"), service->check_path);
    if (service->check_threshold)
        json_field_int(writer, STR("check_threshold"), service->check_threshold);
}

static int record_read_service_record(struct json_reader *reader, struct service_record *ret_record)
{
    struct str key, word;
    bool more;

    if (json_object(reader))
        return 1;
    while (!json_member(reader, &more, &key) && more) {
        if (str_eq(key, STR("type"))  ? READ_WORD(reader, &word, service_parse_record_type, &ret_record->type)
            : str_eq(key, STR("ttl")) ? json_int(reader, &ret_record->ttl)
                                      : json_skip(reader))
            return 1;
    }
    return reader->error != 0;
}

static int record_read_service_records(struct json_reader *reader, struct service *service)
{
    bool more;

    service->has_dns = true;
    service->n_records = 0;
    if (json_array(reader))
        return 2;
    while (!json_element(reader, &more) && more) {
        if (service->n_records == SERVICE_MAX_RECORDS ||
            record_read_service_record(reader, &service->records[service->n_records]))
            return 2;
        service->n_records++;
    }
    return reader->error ? 2 : 0;
}

int record_read_service_config(struct json_reader *reader, struct str key, struct service *service)
{
    struct str word;
    int r;

    if (str_eq(key, STR("description")))
        r = json_string(reader, &service->description);
    else if (str_eq(key, STR("records")))
        r = record_read_service_records(reader, service);
    else if (str_eq(key, STR("routing")))
        r = READ_WORD(reader, &word, service_parse_routing, &service->routing);
    else if (str_eq(key, STR("check")))
        r = READ_WORD(reader, &word, service_parse_check, &service->check);
    else if (str_eq(key, STR("check_path")))
        r = json_string(reader, &service->check_path);
    else if (str_eq(key, STR("check_threshold")))
        r = json_int(reader, &service->check_threshold);
    else
        return 1;
    return r ? 2 : 0;
}

void record_encode_service(struct buf *buf, const struct service *service, uint64_t revision)
{
    struct json_writer writer;

    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("id"), service->id);
    json_field_string(&writer, STR("namespace_id"), service->namespace_id);
    json_field_string(&writer, STR("name"), service->name);
    json_field_string(&writer, STR("type"), service_type_text(service->type));
    record_put_service_config(&writer, service);
    json_field_int(&writer, STR("created_ms"), service->create_ms);
    if (service->check_ms)
        json_field_int(&writer, STR("check_ms"), service->check_ms);
    json_field_int(&writer, STR("revision"), (int64_t)revision);
    json_field_optional(&writer, STR("creator_request_id"), service->creator_request_id);
    json_field_int(&writer, STR("request_digest"), (int64_t)service->request_digest);
    json_field_optional(&writer, STR("created_by"), service->created_by);
    record_put_pairs(&writer, STR("attributes"), service->attributes, service->n_attributes);
    record_put_pairs(&writer, STR("tags"), service->tags, service->n_tags);
    json_close_object(&writer);
}

static int record_read_service(struct json_reader *reader, struct str key, struct arena *arena, struct service *service,
                               uint64_t *revision)
{
    struct str word;
    int r = record_read_service_config(reader, key, service);

    if (r != 1)
        return r;
    if (str_eq(key, STR("id")))
        return json_string(reader, &service->id);
    if (str_eq(key, STR("namespace_id")))
        return json_string(reader, &service->namespace_id);
    if (str_eq(key, STR("name")))
        return json_string(reader, &service->name);
    if (str_eq(key, STR("type")))
        return READ_WORD(reader, &word, service_parse_type, &service->type);
    if (str_eq(key, STR("created_ms")))
        return json_int(reader, &service->create_ms);
    if (str_eq(key, STR("check_ms")))
        return json_int(reader, &service->check_ms);
    if (str_eq(key, STR("revision")))
        return record_read_digest(reader, revision);
    if (str_eq(key, STR("creator_request_id")))
        return json_string(reader, &service->creator_request_id);
    if (str_eq(key, STR("request_digest")))
        return record_read_digest(reader, &service->request_digest);
    if (str_eq(key, STR("created_by")))
        return record_read_account(reader, &service->created_by);
    if (str_eq(key, STR("attributes")))
        return record_read_pairs(reader, arena, (struct str_pair **)(uintptr_t)&service->attributes,
                                 &service->n_attributes);
    if (str_eq(key, STR("tags")))
        return record_read_pairs(reader, arena, (struct str_pair **)(uintptr_t)&service->tags, &service->n_tags);
    return json_skip(reader);
}

int record_decode_service(char *text, size_t n, struct arena *arena, struct service *ret_service,
                          uint64_t *ret_revision)
{
    struct service service = { 0 };
    struct json_reader reader;
    uint64_t revision = 0;
    struct str key;
    bool more;

    json_reader_init(&reader, text, n, arena);
    if (json_object(&reader))
        return 1;
    while (!json_member(&reader, &more, &key) && more)
        if (record_read_service(&reader, key, arena, &service, &revision))
            return 1;
    if (json_end(&reader) || !service.id.n || !service.namespace_id.n || !service.name.n)
        return 1;
    *ret_service = service;
    *ret_revision = revision;
    return 0;
}

/* --- instances --------------------------------------------------------------------------------------------------- */

void record_encode_instance(struct buf *buf, const struct instance *instance, const struct tenure *tenure)
{
    struct str token = instance_creator_request_id(instance);
    struct json_writer writer;

    /* The rendered element opens the object with InstanceId and Attributes. */
    buf_put_str(buf, instance_element(instance));
    json_writer_init(&writer, buf);
    writer.comma = true;
    json_field_int(&writer, STR("created_ms"), instance->create_ms);
    json_field_int(&writer, STR("operation_ms"), instance->operation_ms);
    if (token.n)
        json_field_string(&writer, STR("creator_request_id"), token);
    json_field_optional(&writer, STR("created_by"), instance_created_by(instance));
    if (instance->health != HEALTH_UNKNOWN)
        json_field_string(&writer, STR("health"), service_health_text(instance->health));
    if (instance->health_since_ms != instance->create_ms)
        json_field_int(&writer, STR("health_since_ms"), instance->health_since_ms);
    if (instance->pending_due_wall_ms) {
        json_field_string(&writer, STR("pending_health"), service_health_text(instance->pending_health));
        json_field_int(&writer, STR("pending_due_ms"), instance->pending_due_wall_ms);
    }
    if (instance->flags & INSTANCE_DRAINED) {
        json_key(&writer, STR("drained"));
        json_put_bool(&writer, true);
    }
    if (tenure && tenure->held_wall_ms)
        json_field_int(&writer, STR("lease_held_ms"), tenure->held_wall_ms);
    if (tenure && tenure->expired_wall_ms)
        json_field_int(&writer, STR("lease_expired_ms"), tenure->expired_wall_ms);
    if (tenure && tenure->drain_end_wall_ms) {
        json_field_int(&writer, STR("drain_end_ms"), tenure->drain_end_wall_ms);
        json_field_string(&writer, STR("drain_then"), tenure_then_text(tenure->drain_then));
    }
    json_close_object(&writer);
}

static int record_read_tenure(struct json_reader *reader, struct str key, struct tenure *tenure)
{
    struct str word;

    if (str_eq(key, STR("lease_held_ms")))
        return json_int(reader, &tenure->held_wall_ms);
    if (str_eq(key, STR("lease_expired_ms")))
        return json_int(reader, &tenure->expired_wall_ms);
    if (str_eq(key, STR("drain_end_ms")))
        return json_int(reader, &tenure->drain_end_wall_ms);
    if (str_eq(key, STR("drain_then")))
        return json_string(reader, &word) || tenure_parse_then(word, &tenure->drain_then);
    return json_skip(reader);
}

static int record_read_instance(struct json_reader *reader, struct str key, struct arena *arena,
                                struct instance_draft *draft, struct tenure *tenure)
{
    struct str word;
    bool drained;

    if (str_eq(key, STR("InstanceId")))
        return json_string(reader, &draft->id);
    if (str_eq(key, STR("Attributes")))
        return record_read_pairs(reader, arena, (struct str_pair **)(uintptr_t)&draft->attributes,
                                 &draft->n_attributes);
    if (str_eq(key, STR("created_ms")))
        return json_int(reader, &draft->create_ms);
    if (str_eq(key, STR("operation_ms")))
        return json_int(reader, &draft->operation_ms);
    if (str_eq(key, STR("creator_request_id")))
        return json_string(reader, &draft->creator_request_id);
    if (str_eq(key, STR("created_by")))
        return record_read_account(reader, &draft->created_by);
    if (str_eq(key, STR("health")))
        return READ_WORD(reader, &word, service_parse_health, &draft->health);
    if (str_eq(key, STR("health_since_ms")))
        return json_int(reader, &draft->health_since_ms);
    if (str_eq(key, STR("pending_health")))
        return READ_WORD(reader, &word, service_parse_health, &draft->pending_health);
    if (str_eq(key, STR("pending_due_ms")))
        return json_int(reader, &draft->pending_due_wall_ms);
    if (str_eq(key, STR("drained"))) {
        if (json_bool(reader, &drained))
            return 1;
        draft->flags = drained ? INSTANCE_DRAINING | INSTANCE_DRAINED : 0;
        return 0;
    }
    return record_read_tenure(reader, key, tenure);
}

static int record_check_instance(const struct instance_draft *draft)
{
    size_t n = 0;

    for (size_t i = 0; i < draft->n_attributes; i++)
        n += draft->attributes[i].key.n + draft->attributes[i].value.n;
    return draft->id.n == 0 || draft->id.n > INSTANCE_MAX_ID || draft->creator_request_id.n > INSTANCE_MAX_TOKEN ||
           n > INSTANCE_MAX_ATTRIBUTES_LEN + INSTANCE_MAX_ADDED_LEN ||
           draft->n_attributes > INSTANCE_MAX_ATTRIBUTES + 1;
}

int record_decode_instance(char *text, size_t n, struct arena *arena, struct instance_draft *ret_draft,
                           struct tenure *ret_tenure)
{
    struct instance_draft draft = { 0 };
    struct tenure tenure = { 0 };
    struct json_reader reader;
    struct str key;
    bool more;

    json_reader_init(&reader, text, n, arena);
    if (json_object(&reader))
        return 1;
    while (!json_member(&reader, &more, &key) && more)
        if (record_read_instance(&reader, key, arena, &draft, &tenure))
            return 1;
    if (json_end(&reader) || record_check_instance(&draft))
        return 1;
    *ret_draft = draft;
    *ret_tenure = tenure;
    return 0;
}
