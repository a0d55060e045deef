/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_access.h. A command fills a change and waits for it, or walks over a snapshot. */
#include "admin/admin_access.h"

#include "admin/admin_access_priv.h"
#include "admin/admin_audit.h"
#include "admin/admin_share.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "model/managed_policy.h"
#include "json/reader.h"

#include <errno.h>
#include <stdio.h>

#define ARENA_MAX (8u << 20)

/* --- refusing ------------------------------------------------------------------------------------------------------
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

/* --- keys ----------------------------------------------------------------------------------------------------------
 */

static int check_vault(struct admin_request *request)
{
    return request->vault ? 0 : admin_access_refuse(request, 500, str_of(request->why_no_vault));
}

static void put_date(struct json_writer *writer, int64_t ms)
{
    char text[TIMESTAMP_ROOM];
    json_field_string(writer, STR("created"), timestamp_format_s(ms / 1000, text));
}

static void put_key(struct json_writer *writer, const struct access_key *key)
{
    json_field_string(writer, STR("access_key_id"), key->id);
    json_field_string(writer, STR("account"), key->account);
    json_field_string(writer, STR("user"), str_is_set(key->user) ? key->user : STR("(root)"));
}

static int key_create(struct admin_request *request)
{
    char id[ACCESS_KEY_ID_LEN], secret[ACCESS_KEY_SECRET_LEN];
    struct change change = admin_access_new_change(request, CHANGE_CREATE_KEY);
    if (check_vault(request))
        return 1;
    int r = access_key_new_id(id);
    if (r == 0)
        r = access_key_new_secret(secret);
    change.key = (struct access_key){ .id = { id, sizeof(id) }, .account = request->account, .user = request->user };
    if (r == 0)
        r = seal_close(vault_seal(request->vault), vault_record(&request->arena, change.key.id),
                       (struct str){ secret, sizeof(secret) }, &request->arena, &change.key.sealed);
    if (r < 0)
        r = admin_access_refuse(request, 500, STR("out of memory"));
    else
        r = admin_access_carry_out(request, &change);
    if (r == 0) {
        put_key(&request->writer, &change.key);
        json_field_string(&request->writer, STR("secret_access_key"), (struct str){ secret, sizeof(secret) });
    }
    explicit_bzero(secret, sizeof(secret));
    return r;
}

static int key_list(struct admin_request *request)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(request->registry));
    struct json_writer *writer = &request->writer;
    const struct access_key *key;
    struct tree_iter iter;
    json_key(writer, STR("keys"));
    json_open_array(writer);
    tree_iter_init(&iter, &snapshot->access.keys, NULL, NULL);
    while ((key = tree_iter_next(&iter))) {
        if (str_is_set(request->account) && !str_eq(key->account, request->account))
            continue;
        json_open_object(writer);
        put_key(writer, key);
        json_field_string(writer, STR("state"), key->is_disabled ? STR("disabled") : STR("active"));
        put_date(writer, key->create_ms);
        json_close_object(writer);
    }
    json_close_array(writer);
    snapshot_release(registry_head(request->registry));
    return 0;
}

static int change_key(struct admin_request *request, enum change_kind kind, bool disables)
{
    struct change change = admin_access_new_change(request, kind);
    change.key = (struct access_key){ .id = request->access_key_id, .is_disabled = disables };
    if (admin_access_carry_out(request, &change))
        return 1;
    json_field_string(&request->writer, STR("access_key_id"), request->access_key_id);
    return 0;
}

static int key_disable(struct admin_request *request)
{
    return change_key(request, CHANGE_UPDATE_KEY, true);
}

static int key_enable(struct admin_request *request)
{
    return change_key(request, CHANGE_UPDATE_KEY, false);
}

static int key_delete(struct admin_request *request)
{
    return change_key(request, CHANGE_DELETE_KEY, false);
}

/* What checks the checkpoints that the key in use signs. */
static void put_audit_key(struct json_writer *writer, struct str member, const uint8_t key[SEAL_PUBLIC_KEY_LEN])
{
    char digits[2 * SEAL_PUBLIC_KEY_LEN + 1];
    text_hex(key, SEAL_PUBLIC_KEY_LEN, digits);
    json_field_string(writer, member, (struct str){ digits, 2 * SEAL_PUBLIC_KEY_LEN });
}

static int key_rewrap(struct admin_request *request)
{
    struct vault_message message;
    uint8_t before[SEAL_PUBLIC_KEY_LEN], after[SEAL_PUBLIC_KEY_LEN];
    size_t n = 0;
    if (check_vault(request))
        return 1;
    bool are_known = seal_current_public_key(vault_seal(request->vault), before) == 0;
    int r = vault_rewrap(request->vault, &n, &message);
    if (r < 0)
        return admin_access_refuse(request, 500, STR("out of memory"));
    if (r > 0)
        return admin_access_refuse(request,
                                   r == VAULT_BUSY      ? 409
                                   : r == VAULT_REFUSED ? 503
                                                        : 500,
                                   arena_dup(&request->arena, str_of(message.text)));
    json_field_string(&request->writer, STR("sealed_under"), seal_current(vault_seal(request->vault)));
    json_field_int(&request->writer, STR("secrets"), (int64_t)n);
    if (are_known && seal_current_public_key(vault_seal(request->vault), after) == 0) {
        put_audit_key(&request->writer, STR("audit_key_before"), before);
        put_audit_key(&request->writer, STR("audit_key"), after);
    }
    return 0;
}

/* --- users and roles -----------------------------------------------------------------------------------------------
 */

/* The user or role that the request names. */
static struct identity named_identity(const struct admin_request *request)
{
    bool is_user = str_is_set(request->user);
    return (struct identity){ .kind = is_user ? IDENTITY_USER : IDENTITY_ROLE,
                              .account = request->account,
                              .name = is_user ? request->user : request->role };
}

static int create(struct admin_request *request)
{
    char id[IDENTITY_ID_LEN];
    struct change change = admin_access_new_change(request, CHANGE_CREATE_IDENTITY);
    struct identity *identity = &change.identity;
    *identity = named_identity(request);
    identity->path = str_is_set(request->path) ? request->path : STR("/");
    identity->id = (struct str){ id, sizeof(id) };
    if (identity->kind == IDENTITY_ROLE) {
        identity->trust = request->trust;
        identity->max_session_s = request->max_session_s ? request->max_session_s : IDENTITY_SESSION_DEFAULT_S;
    }
    if (identity_new_id(identity->kind, id) < 0)
        return admin_access_refuse(request, 500, STR("there are no random numbers"));
    if (admin_access_carry_out(request, &change))
        return 1;
    json_field_string(&request->writer, identity_kind_text(identity->kind), identity->name);
    json_field_string(&request->writer, STR("account"), identity->account);
    json_field_string(&request->writer, STR("id"), identity->id);
    json_field_string(&request->writer, STR("arn"),
                      arena_printf(&request->arena, "arn:aws:iam::" STR_FMT ":" STR_FMT STR_FMT STR_FMT,
                                   STR_ARG(identity->account), STR_ARG(identity_kind_text(identity->kind)),
                                   STR_ARG(identity->path), STR_ARG(identity->name)));
    return 0;
}

static void put_identity(struct json_writer *writer, const struct identity *identity)
{
    json_open_object(writer);
    json_field_string(writer, STR("name"), identity->name);
    json_field_string(writer, STR("arn"), identity->arn);
    json_field_string(writer, STR("id"), identity->id);
    put_date(writer, identity->create_ms);
    json_key(writer, STR("policies"));
    json_open_array(writer);
    for (size_t i = 0; i < identity->n_policies; i++)
        json_put_string(writer, identity->policies[i].key);
    json_close_array(writer);
    if (identity->kind == IDENTITY_ROLE) {
        json_field_int(writer, STR("max_session_s"), identity->max_session_s);
        json_field_string(writer, STR("trust"), identity->trust);
    }
    json_close_object(writer);
}

static int list(struct admin_request *request, enum identity_kind kind, struct str member)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(request->registry));
    const struct tree *identities = &snapshot->access.identities;
    const struct identity_node *node;
    struct tree_iter iter;
    bool is_all = !str_is_set(request->account);
    json_key(&request->writer, member);
    json_open_array(&request->writer);
    tree_iter_init(&iter, identities, &access_state_identities,
                   &(struct tree_key){ .n = kind, .a = is_all ? STR("") : request->account });
    while ((node = tree_iter_next(&iter)) && node->config->kind == kind &&
           (is_all || str_eq(node->config->account, request->account)))
        put_identity(&request->writer, node->config);
    json_close_array(&request->writer);
    snapshot_release(registry_head(request->registry));
    return 0;
}

static int user_list(struct admin_request *request)
{
    return list(request, IDENTITY_USER, STR("users"));
}

static int role_list(struct admin_request *request)
{
    return list(request, IDENTITY_ROLE, STR("roles"));
}

static int delete (struct admin_request *request)
{
    struct change change = admin_access_new_change(request, CHANGE_DELETE_IDENTITY);
    change.identity = named_identity(request);
    if (admin_access_carry_out(request, &change))
        return 1;
    json_field_string(&request->writer, identity_kind_text(change.identity.kind), change.identity.name);
    return 0;
}

/* --- policies ------------------------------------------------------------------------------------------------------
 */

/* The name it is attached by: managed ones by their word, whatever they were called. */
static int find_policy_name(struct admin_request *request, struct str *ret_name)
{
    const struct managed_policy *managed = managed_policy_find(request->policy);
    *ret_name = managed ? managed->word : request->policy;
    if (managed && request->document.n > 0)
        return admin_access_refuse(request, 400,
                                   arena_printf(&request->arena,
                                                STR_FMT " is a managed policy; give the document another name",
                                                STR_ARG(managed->word)));
    if (!identity_is_policy_name(*ret_name))
        return admin_access_refuse(request, 400,
                                   STR("the name of a policy is 1 to 128 letters, digits and characters of _+=,.@-"));
    return 0;
}

static void put_done(struct admin_request *request, const struct identity *identity, struct str policy)
{
    json_field_string(&request->writer, identity_kind_text(identity->kind), identity->name);
    json_field_string(&request->writer, STR("policy"), policy);
}

static int policy_attach(struct admin_request *request)
{
    struct change change = admin_access_new_change(request, CHANGE_ATTACH_POLICY);
    struct str_pair pair = { .value = str_is_set(request->document) ? request->document : STR("") };
    if (find_policy_name(request, &pair.key))
        return 1;
    if (pair.value.n == 0 && !managed_policy_find(pair.key))
        return admin_access_refuse(request, 404,
                                   arena_printf(&request->arena,
                                                "there is no managed policy " STR_FMT
                                                "; a policy of your own needs --document FILE",
                                                STR_ARG(pair.key)));
    change.identity = named_identity(request);
    change.pairs = &pair;
    change.n_pairs = 1;
    if (admin_access_carry_out(request, &change))
        return 1;
    put_done(request, &change.identity, pair.key);
    return 0;
}

static int policy_detach(struct admin_request *request)
{
    struct change change = admin_access_new_change(request, CHANGE_DETACH_POLICY);
    struct str name;
    if (find_policy_name(request, &name))
        return 1;
    change.identity = named_identity(request);
    change.keys = &name;
    change.n_keys = 1;
    if (admin_access_carry_out(request, &change))
        return 1;
    put_done(request, &change.identity, name);
    return 0;
}

static void put_policy(struct json_writer *writer, struct str name, struct str purpose, struct str document)
{
    json_open_object(writer);
    json_field_string(writer, STR("name"), name);
    json_field_string(writer, STR("purpose"), purpose);
    json_field_string(writer, STR("document"), document);
    json_close_object(writer);
}

static void put_attached(struct json_writer *writer, const struct identity *identity)
{
    for (size_t i = 0; i < identity->n_policies; i++) {
        const struct str_pair *pair = &identity->policies[i];
        const struct managed_policy *managed = pair->value.n ? NULL : managed_policy_find(pair->key);
        put_policy(writer, pair->key, managed ? managed->purpose : STR("a document of its own"),
                   managed ? managed->document : pair->value);
    }
}

/* Of a user or role; without one, those that can be attached by their name. */
static int policy_list(struct admin_request *request)
{
    const struct identity named = named_identity(request);
    const struct managed_policy *managed;
    struct json_writer *writer = &request->writer;
    int r = 0;
    json_key(writer, STR("policies"));
    json_open_array(writer);
    if (str_is_set(named.name)) {
        const struct snapshot *snapshot = snapshot_acquire(registry_head(request->registry));
        const struct identity_node *node =
            access_state_find_identity(&snapshot->access, named.account, named.kind, named.name);
        if (node)
            put_attached(writer, node->config);
        snapshot_release(registry_head(request->registry));
        r = node ? 0
                 : admin_access_refuse(request, 404,
                                       arena_printf(&request->arena,
                                                    "there is no " STR_FMT " " STR_FMT " in account " STR_FMT,
                                                    STR_ARG(identity_kind_text(named.kind)), STR_ARG(named.name),
                                                    STR_ARG(named.account)));
    } else {
        for (size_t i = 0; (managed = managed_policy_at(i)); i++)
            put_policy(writer, managed->word, managed->purpose, managed->document);
    }
    json_close_array(writer);
    return r;
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
    { "key create", key_create, .subjects = SUBJECT_USER | SUBJECT_ROOT, .changes = true },
    { "key list", key_list, .subjects = SUBJECT_NONE, .all_accounts = true },
    { "key disable", key_disable, .subjects = SUBJECT_NONE, .needs_key = true, .changes = true },
    { "key enable", key_enable, .subjects = SUBJECT_NONE, .needs_key = true, .changes = true },
    { "key delete", key_delete, .subjects = SUBJECT_NONE, .needs_key = true, .changes = true },
    { "key rewrap", key_rewrap, .subjects = SUBJECT_NONE, .changes = true },
    { "user create", create, .subjects = SUBJECT_USER, .changes = true },
    { "user list", user_list, .subjects = SUBJECT_NONE, .all_accounts = true },
    { "user delete", delete, .subjects = SUBJECT_USER, .changes = true },
    { "role create", create, .subjects = SUBJECT_ROLE, .needs_trust = true, .changes = true },
    { "role list", role_list, .subjects = SUBJECT_NONE, .all_accounts = true },
    { "role delete", delete, .subjects = SUBJECT_ROLE, .changes = true },
    { "policy attach", policy_attach, .subjects = SUBJECT_USER | SUBJECT_ROLE, .needs_policy = true, .changes = true },
    { "policy detach", policy_detach, .subjects = SUBJECT_USER | SUBJECT_ROLE, .needs_policy = true, .changes = true },
    { "policy list", policy_list, .subjects = SUBJECT_USER | SUBJECT_ROLE | SUBJECT_MISSING },
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
        return admin_access_refuse(request, 400, STR("that command does not take this user, role or root"));
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
