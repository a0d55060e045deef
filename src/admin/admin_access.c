/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_access.h. A command (admin_key.h, admin_identity.h, admin_share.h) fills a change and waits for it, or
 * walks over a snapshot. */
#include "admin/admin_access.h"

#include "admin/admin_access_priv.h"
#include "admin/admin_audit.h"
#include "admin/admin_identity.h"
#include "admin/admin_key.h"
#include "admin/admin_share.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "json/reader.h"

#define ARENA_MAX (8u << 20)

/* --- what commands share -------------------------------------------------------------------------------------------
 */

int admin_access_refuse(struct admin_request *request, unsigned status, struct str why)
{
    request->status = status;
    request->error = why;
    return 1;
}

static int refuse_change(struct admin_request *request, const struct change *change)
{
    static const struct {
        int result;
        unsigned status;
        const char *why;
    } rows[] = {
        { CHANGE_INVALID_INPUT, 400, NULL },
        { CHANGE_RESOURCE_NOT_FOUND, 404, NULL },
        { CHANGE_ACCESS_EXISTS, 409, NULL },
        { CHANGE_IN_USE, 409, NULL },
        { CHANGE_LIMIT, 409, NULL },
        { CHANGE_SEAL_CHANGED, 409, "the key that seals secrets changed meanwhile; try again" },
        { CHANGE_STORE_FULL, 507, "the disk is full" },
        { CHANGE_STORE_LOST, 503, "the store takes no writes until the daemon is started again" },
        { CHANGE_AUDIT_BEHIND, 503, "the audit file is too far behind" },
        { CHANGE_OVERLOADED, 503, "too many changes wait, or the daemon stops" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].result == change->result)
            return admin_access_refuse(request, rows[i].status, rows[i].why ? str_of(rows[i].why) : change->message);
    return admin_access_refuse(request, 500, STR("out of memory"));
}

struct change admin_access_new_change(struct admin_request *request, enum change_kind kind)
{
    return (struct change){
        .kind = kind, .account = request->account, .arena = &request->arena, .audit = admin_audit_change
    };
}

int admin_access_carry_out(struct admin_request *request, struct change *change)
{
    return registry_do(request->registry, change) ? refuse_change(request, change) : 0;
}

void admin_access_put_created(struct json_writer *writer, int64_t ms)
{
    char text[TIMESTAMP_ROOM];
    json_field_string(writer, STR("created"), timestamp_format_s(ms / 1000, text));
}

/* --- the table -----------------------------------------------------------------------------------------------------
 */

enum subject {
    SUBJECT_NONE = 0,
    SUBJECT_USER = 1,
    SUBJECT_ROLE = 2,
    SUBJECT_ROOT = 4,
    SUBJECT_MISSING = 8, /* it may be left out */
};

static const struct command {
    const char *name;
    int (*run)(struct admin_request *request);
    unsigned subjects;
    bool needs_key, needs_policy, needs_trust, changes;
    bool all_accounts; /* unless one is named */
} commands[] = {
    { "key create", admin_key_create, .subjects = SUBJECT_USER | SUBJECT_ROOT, .changes = true },
    { "key list", admin_key_list, .subjects = SUBJECT_NONE, .all_accounts = true },
    { "key disable", admin_key_disable, .subjects = SUBJECT_NONE, .needs_key = true, .changes = true },
    { "key enable", admin_key_enable, .subjects = SUBJECT_NONE, .needs_key = true, .changes = true },
    { "key delete", admin_key_delete, .subjects = SUBJECT_NONE, .needs_key = true, .changes = true },
    { "key rewrap", admin_key_rewrap, .subjects = SUBJECT_NONE, .changes = true },
    { "user create", admin_identity_create, .subjects = SUBJECT_USER, .changes = true },
    { "user list", admin_identity_users, .subjects = SUBJECT_NONE, .all_accounts = true },
    { "user delete", admin_identity_delete, .subjects = SUBJECT_USER, .changes = true },
    { "role create", admin_identity_create, .subjects = SUBJECT_ROLE, .needs_trust = true, .changes = true },
    { "role list", admin_identity_roles, .subjects = SUBJECT_NONE, .all_accounts = true },
    { "role delete", admin_identity_delete, .subjects = SUBJECT_ROLE, .changes = true },
    { "policy attach", admin_identity_attach, .subjects = SUBJECT_USER | SUBJECT_ROLE, .needs_policy = true,
      .changes = true },
    { "policy detach", admin_identity_detach, .subjects = SUBJECT_USER | SUBJECT_ROLE, .needs_policy = true,
      .changes = true },
    { "policy list", admin_identity_policies, .subjects = SUBJECT_USER | SUBJECT_ROLE | SUBJECT_MISSING },
    { "policy share", admin_share_set, .subjects = SUBJECT_NONE, .changes = true },
    { "policy unshare", admin_share_end, .subjects = SUBJECT_NONE, .changes = true },
    { "policy shares", admin_share_list, .subjects = SUBJECT_NONE },
};

static int read_member(struct json_reader *reader, struct str key, struct admin_request *request)
{
    const struct {
        struct str name;
        struct str *value;
    } texts[] = {
        { STR("command"), &request->command },
        { STR("account"), &request->account },
        { STR("user"), &request->user },
        { STR("role"), &request->role },
        { STR("access_key_id"), &request->access_key_id },
        { STR("path"), &request->path },
        { STR("trust"), &request->trust },
        { STR("policy"), &request->policy },
        { STR("document"), &request->document },
        { STR("namespace"), &request->namespace_arn },
        { STR("consumer"), &request->consumer },
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (str_eq(key, texts[i].name))
            return json_string(reader, texts[i].value);
    if (str_eq(key, STR("root")))
        return json_bool(reader, &request->root);
    if (str_eq(key, STR("max_session_s")))
        return json_int(reader, &request->max_session_s);
    return 1;
}

static int read_request(struct admin_request *request, char *json, size_t n)
{
    struct json_reader reader;
    struct str key;
    bool more;
    json_reader_init(&reader, json, n, &request->arena);
    if (json_object(&reader))
        return 1;
    while (!json_member(&reader, &more, &key) && more)
        if (read_member(&reader, key, request))
            return 1;
    return json_end(&reader);
}

static int check_subject(struct admin_request *request, unsigned allowed)
{
    unsigned given = (str_is_set(request->user) ? SUBJECT_USER : 0) | (str_is_set(request->role) ? SUBJECT_ROLE : 0) |
                     (request->root ? SUBJECT_ROOT : 0);
    if (given & ~allowed)
        return admin_access_refuse(request, 400, STR("that action does not take --user, --role or --root"));
    if (given == 0 && allowed != SUBJECT_NONE && !(allowed & SUBJECT_MISSING))
        return admin_access_refuse(request, 400,
                                   allowed & SUBJECT_ROOT   ? STR("whose key: --user NAME or --root")
                                   : allowed & SUBJECT_ROLE ? STR("whose policy: --user NAME or --role NAME")
                                                            : STR("a name is missing"));
    if (given & (given - 1))
        return admin_access_refuse(request, 400, STR("one of user, role and root, not two"));
    return 0;
}

static int check_texts(struct admin_request *request, const struct command *command)
{
    struct str name = str_is_set(request->user) ? request->user : request->role;
    if (str_is_set(request->account) && !identity_is_account(request->account))
        return admin_access_refuse(request, 400, STR("an account is 12 digits"));
    if (str_is_set(name) && !identity_is_name(name))
        return admin_access_refuse(request, 400, STR("a name is 1 to 64 letters, digits and characters of _+=,.@-"));
    if (str_is_set(request->path) && !identity_is_path(request->path))
        return admin_access_refuse(request, 400, STR("a path begins and ends with /, such as /team/"));
    if (request->max_session_s &&
        (request->max_session_s < IDENTITY_SESSION_MIN_S || request->max_session_s > IDENTITY_SESSION_MAX_S))
        return admin_access_refuse(request, 400, STR("the longest session is from 1h to 12h"));
    if (request->document.n > IDENTITY_DOCUMENT_MAX || request->trust.n > IDENTITY_DOCUMENT_MAX)
        return admin_access_refuse(request, 400, STR("a document has at most 20,480 bytes"));
    if (command->needs_trust && !request->trust.n)
        return admin_access_refuse(request, 400, STR("who may assume the role: --trust FILE"));
    if (command->needs_key && !access_key_is_id(request->access_key_id))
        return admin_access_refuse(request, 400, STR("that is no access key id; key list shows them"));
    if (command->needs_policy && !request->policy.n)
        return admin_access_refuse(request, 400, STR("the name of the policy is missing"));
    return 0;
}

static void log_change(const struct admin_request *request)
{
    struct str subject = str_is_set(request->user)            ? request->user
                         : str_is_set(request->role)          ? request->role
                         : request->root                      ? STR("root")
                         : str_is_set(request->namespace_arn) ? request->namespace_arn
                                                              : request->access_key_id;
    log_event(LOG_ACCESS_CHANGED, LOG_S("command", request->command), LOG_S("account", request->account),
              LOG_S("subject", str_is_set(subject) ? subject : STR("")),
              LOG_S("policy", str_is_set(request->policy) ? request->policy : STR("")));
}

static int run(struct admin_request *request)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *command = &commands[i];
        if (!str_eq(request->command, str_of(command->name)))
            continue;
        if (!str_is_set(request->account) && !command->all_accounts)
            request->account = STR(ADMIN_ACCESS_ACCOUNT);
        int r = check_subject(request, command->subjects);
        if (r == 0)
            r = check_texts(request, command);
        if (r == 0)
            r = command->run(request);
        if (r == 0 && command->changes)
            log_change(request);
        return r;
    }
    return admin_access_refuse(request, 400, STR("there is no such command"));
}

unsigned admin_access_run(struct registry *registry, struct vault *vault, const char *why_no_vault, char *json,
                          size_t n, struct buf *answer)
{
    struct admin_request request = {
        .registry = registry, .vault = vault, .why_no_vault = why_no_vault, .status = 200
    };
    arena_init(&request.arena, ARENA_MAX);
    json_writer_init(&request.writer, answer);
    json_open_object(&request.writer);
    if (read_request(&request, json, n))
        admin_access_refuse(&request, 400, STR("that is not what this resource takes"));
    else
        run(&request);
    if (request.status != 200) {
        buf_clear(answer);
        json_writer_init(&request.writer, answer);
        json_open_object(&request.writer);
        json_field_string(&request.writer, STR("error"),
                          str_is_set(request.error) ? request.error : STR("out of memory"));
    }
    json_close_object(&request.writer);
    arena_fini(&request.arena);
    return request.status;
}
