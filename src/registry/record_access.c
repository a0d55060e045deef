/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of access keys, users and roles; see record.h. */
#include "registry/record.h"
#include "registry/record_priv.h"

/* --- access keys ------------------------------------------------------------------------------------------------- */

void record_encode_access_key(struct buf *buf, const struct access_key *key)
{
    struct json_writer writer;

    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("id"), key->id);
    json_field_string(&writer, STR("account"), key->account);
    json_field_optional(&writer, STR("user"), key->user);
    json_field_string(&writer, STR("sealed"), key->sealed);
    json_field_int(&writer, STR("created_ms"), key->create_ms);
    if (key->is_disabled) {
        json_key(&writer, STR("disabled"));
        json_put_bool(&writer, true);
    }
    json_close_object(&writer);
}

static int record_read_access_key(struct json_reader *reader, struct str name, struct access_key *key)
{
    if (str_eq(name, STR("id")))
        return json_string(reader, &key->id);
    if (str_eq(name, STR("account")))
        return json_string(reader, &key->account);
    if (str_eq(name, STR("user")))
        return json_string(reader, &key->user);
    if (str_eq(name, STR("sealed")))
        return json_string(reader, &key->sealed);
    if (str_eq(name, STR("created_ms")))
        return json_int(reader, &key->create_ms);
    if (str_eq(name, STR("disabled")))
        return json_bool(reader, &key->is_disabled);
    return json_skip(reader);
}

int record_decode_access_key(char *text, size_t n, struct arena *arena, struct access_key *ret_key)
{
    struct access_key key = { 0 };
    struct json_reader reader;
    struct str name;
    bool more;

    json_reader_init(&reader, text, n, arena);
    if (json_object(&reader))
        return 1;
    while (!json_member(&reader, &more, &name) && more)
        if (record_read_access_key(&reader, name, &key))
            return 1;
    if (json_end(&reader) || !access_key_is_id(key.id) || !identity_is_account(key.account) || !key.sealed.n ||
        key.sealed.n > ACCESS_KEY_SEALED_MAX || (str_is_set(key.user) && !identity_is_name(key.user)))
        return 1;
    *ret_key = key;
    return 0;
}

/* --- users and roles --------------------------------------------------------------------------------------------- */

void record_encode_identity(struct buf *buf, const struct identity *identity)
{
    struct json_writer writer;

    json_writer_init(&writer, buf);
    json_open_object(&writer);
    json_field_string(&writer, STR("account"), identity->account);
    json_field_string(&writer, STR("kind"), identity_kind_text(identity->kind));
    json_field_string(&writer, STR("name"), identity->name);
    json_field_string(&writer, STR("path"), identity->path);
    json_field_string(&writer, STR("id"), identity->id);
    json_field_int(&writer, STR("created_ms"), identity->create_ms);
    record_put_pairs(&writer, STR("policies"), identity->policies, identity->n_policies);
    if (identity->kind == IDENTITY_ROLE) {
        json_field_string(&writer, STR("trust"), identity->trust);
        json_field_int(&writer, STR("max_session_s"), identity->max_session_s);
    }
    json_close_object(&writer);
}

static int record_read_identity(struct json_reader *reader, struct str name, struct arena *arena,
                                struct identity *identity)
{
    struct str word;

    if (str_eq(name, STR("account")))
        return json_string(reader, &identity->account);
    if (str_eq(name, STR("kind")))
        return json_string(reader, &word) || identity_parse_kind(word, &identity->kind);
    if (str_eq(name, STR("name")))
        return json_string(reader, &identity->name);
    if (str_eq(name, STR("path")))
        return json_string(reader, &identity->path);
    if (str_eq(name, STR("id")))
        return json_string(reader, &identity->id);
    if (str_eq(name, STR("created_ms")))
        return json_int(reader, &identity->create_ms);
    if (str_eq(name, STR("policies")))
        return record_read_pairs(reader, arena, (struct str_pair **)(uintptr_t)&identity->policies,
                                 &identity->n_policies);
    if (str_eq(name, STR("trust")))
        return json_string(reader, &identity->trust);
    if (str_eq(name, STR("max_session_s")))
        return json_int(reader, &identity->max_session_s);
    return json_skip(reader);
}

static int record_check_identity(const struct identity *identity)
{
    if (!identity_is_account(identity->account) || !identity_is_name(identity->name) ||
        !identity_is_path(identity->path) || identity->id.n != IDENTITY_ID_LEN ||
        identity->n_policies > IDENTITY_MAX_POLICIES || identity->trust.n > IDENTITY_DOCUMENT_MAX)
        return 1;
    for (size_t i = 0; i < identity->n_policies; i++)
        if (!identity_is_policy_name(identity->policies[i].key) ||
            identity->policies[i].value.n > IDENTITY_DOCUMENT_MAX)
            return 1;
    return identity->kind == IDENTITY_ROLE && !identity->trust.n;
}

int record_decode_identity(char *text, size_t n, struct arena *arena, struct identity *ret_identity)
{
    struct identity identity = { .kind = IDENTITY_USER, .max_session_s = IDENTITY_SESSION_DEFAULT_S };
    struct json_reader reader;
    struct str name;
    bool more;

    json_reader_init(&reader, text, n, arena);
    if (json_object(&reader))
        return 1;
    while (!json_member(&reader, &more, &name) && more)
        if (record_read_identity(&reader, name, arena, &identity))
            return 1;
    if (json_end(&reader) || record_check_identity(&identity))
        return 1;
    *ret_identity = identity;
    return 0;
}
