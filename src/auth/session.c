/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON object, sealed. */
#include "auth/session.h"
#include "json/reader.h"
#include "json/writer.h"

#include <errno.h>

#define RECORD STR("session")

int session_close(const struct seal *seal, const struct session *session, struct arena *arena, struct str *ret_token)
{
    struct json_writer writer;
    struct buf text;
    buf_init(&text, SEAL_PLAIN_MAX);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_field_string(&writer, STR("key"), session->access_key_id);
    json_field_string(&writer, STR("secret"), session->secret);
    json_field_string(&writer, STR("account"), session->account);
    json_field_string(&writer, STR("role"), session->role);
    json_field_string(&writer, STR("role_id"), session->role_id);
    json_field_string(&writer, STR("name"), session->name);
    json_field_optional(&writer, STR("policy"), session->policy);
    json_field_string(&writer, STR("issuer"), session->issuer.arn);
    json_field_optional(&writer, STR("issuer_key"), session->issuer.access_key_id);
    json_field_int(&writer, STR("issuer_key_created"), session->issuer.key_create_ms);
    json_field_optional(&writer, STR("issuer_account"), session->issuer.account);
    json_field_optional(&writer, STR("issuer_user"), session->issuer.user);
    json_field_optional(&writer, STR("issuer_user_id"), session->issuer.user_id);
    json_field_int(&writer, STR("issued"), session->issue_s);
    json_field_int(&writer, STR("expires"), session->expires_s);
    json_close_object(&writer);
    int r = text.failed ? -ENOMEM : seal_close(seal, RECORD, buf_str(&text), arena, ret_token);
    if (text.p)
        explicit_bzero(text.p, text.size);
    buf_fini(&text);
    return r;
}

/* One member; 0 or an error of the reader. */
static int read_member(struct json_reader *reader, struct str name, struct session *session)
{
    const struct {
        struct str name;
        struct str *text;
        int64_t *number;
    } members[] = {
        { STR("issuer"), &session->issuer.arn, NULL },
        { STR("issuer_key"), &session->issuer.access_key_id, NULL },
        { STR("issuer_key_created"), NULL, &session->issuer.key_create_ms },
        { STR("issuer_account"), &session->issuer.account, NULL },
        { STR("issuer_user"), &session->issuer.user, NULL },
        { STR("issuer_user_id"), &session->issuer.user_id, NULL },
        { STR("key"), &session->access_key_id, NULL },
        { STR("secret"), &session->secret, NULL },
        { STR("account"), &session->account, NULL },
        { STR("role"), &session->role, NULL },
        { STR("role_id"), &session->role_id, NULL },
        { STR("name"), &session->name, NULL },
        { STR("policy"), &session->policy, NULL },
        { STR("issued"), NULL, &session->issue_s },
        { STR("expires"), NULL, &session->expires_s },
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (str_eq(members[i].name, name))
            return members[i].text ? json_string(reader, members[i].text) : json_int(reader, members[i].number);
    return json_skip(reader);
}

static bool is_whole(const struct session *session)
{
    return session->access_key_id.n && session->secret.n && session->account.n && session->role.n &&
           session->role_id.n && session->name.n && session->issuer.arn.n && session->expires_s > 0;
}

int session_open(const struct seal *seal, struct str token, struct arena *arena, struct session *ret_session)
{
    struct json_reader reader;
    struct str name;
    bool more;
    size_t n = 0;
    char *text = arena_alloc(arena, token.n + 1);
    *ret_session = (struct session){ 0 };
    if (!text)
        return -ENOMEM;
    if (seal_open(seal, RECORD, token, text, token.n, &n) != 0)
        return 1;
    json_reader_init(&reader, text, n, arena);
    int r = json_object(&reader);
    while (r == 0 && (r = json_member(&reader, &more, &name)) == 0 && more)
        r = read_member(&reader, name, ret_session);
    if (r == 0)
        r = json_end(&reader);
    if (r != 0)
        return r == JSON_MEMORY ? -ENOMEM : 1;
    return is_whole(ret_session) ? 0 : 1;
}
