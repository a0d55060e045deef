/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_identity.h. */
#include "admin/admin_identity.h"

#include "admin/admin_access_priv.h"
#include "model/managed_policy.h"

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

int admin_identity_create(struct admin_request *request)
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
    admin_access_put_created(writer, identity->create_ms);
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

int admin_identity_users(struct admin_request *request)
{
    return list(request, IDENTITY_USER, STR("users"));
}

int admin_identity_roles(struct admin_request *request)
{
    return list(request, IDENTITY_ROLE, STR("roles"));
}

int admin_identity_delete(struct admin_request *request)
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

int admin_identity_attach(struct admin_request *request)
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

int admin_identity_detach(struct admin_request *request)
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
int admin_identity_policies(struct admin_request *request)
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
