/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of access keys, users and roles; see apply.h. All secrets of a store are sealed under one key: a secret that
 * was sealed under another one meanwhile is refused, so that a change of the key cannot miss one. */
#include "model/managed_policy.h"
#include "registry/apply_priv.h"
#include "registry/pairs.h"

#include <errno.h>

#define APPLY_KEYS_PER_USER 2 /* IAM's, for users and for the root of an account */
#define APPLY_USERS_PER_ACCOUNT 5000
#define APPLY_ROLES_PER_ACCOUNT 1000
#define APPLY_KEYS 50000
#define APPLY_IDENTITIES 50000

static const char *apply_kind_text(enum identity_kind kind)
{
    return kind == IDENTITY_USER ? "user" : "role";
}

/* --- access keys ------------------------------------------------------------------------------------------------- */

void apply_place_key(struct apply *apply, const struct access_key *draft)
{
    struct access_key *key = edit_adopt(&apply->edit, access_key_dup(draft));

    if (key)
        edit_replace(&apply->edit, tree_put(&apply->edit, &apply->next.access.keys, &access_state_keys, key, 0));
}

static void apply_put_key(struct apply *apply, struct access_key draft)
{
    struct record_key key = { .kind = RECORD_ACCESS_KEY, .id = draft.id };

    buf_clear(&apply->text);
    record_encode_access_key(&apply->text, &draft);
    draft.record_sum = apply_put_record(apply, &key, draft.record_sum);
    apply_place_key(apply, &draft);
}

/* Is the secret sealed under the key that the store's other secrets are sealed under? */
static bool apply_has_seal(const struct apply *apply, struct str sealed)
{
    const struct tree *keys = &apply->next.access.keys;
    const struct access_key *any = tree_size(keys).count ? tree_select(keys, TREE_BY_COUNT, 0) : NULL;

    return !any || str_eq(access_key_seal(any->sealed), access_key_seal(sealed));
}

static int apply_find_key(struct apply *apply, struct change *change, const struct access_key **ret_key)
{
    *ret_key = access_state_find_key(&apply->next.access, change->key.id);
    if (*ret_key)
        return 0;
    return rules_refuse(change, CHANGE_RESOURCE_NOT_FOUND, "there is no access key " STR_FMT "; key list shows them",
                        STR_ARG(change->key.id));
}

static int apply_check_key_owner(struct apply *apply, struct change *change)
{
    const struct access_state *access = &apply->next.access;
    const struct access_key *key = &change->key;

    if (str_is_set(key->user) && !access_state_find_identity(access, key->account, IDENTITY_USER, key->user))
        return rules_refuse(change, CHANGE_RESOURCE_NOT_FOUND, "there is no user " STR_FMT " in account " STR_FMT,
                            STR_ARG(key->user), STR_ARG(key->account));
    if (access_state_count_keys(access, key->account, key->user) >= APPLY_KEYS_PER_USER)
        return rules_refuse(
            change, CHANGE_LIMIT,
            "%s" STR_FMT " of account " STR_FMT " has %d access keys already, which is the most; delete one first",
            str_is_set(key->user) ? "user " : "root", STR_ARG(key->user), STR_ARG(key->account), APPLY_KEYS_PER_USER);
    if (tree_size(&access->keys).count >= APPLY_KEYS)
        return rules_refuse(change, CHANGE_LIMIT, "there are %d access keys already, which is the most", APPLY_KEYS);
    return 0;
}

static int apply_create_key(struct apply *apply, struct change *change)
{
    struct access_key draft = change->key;
    int r = apply_check_key_owner(apply, change);

    if (r)
        return r;
    if (access_state_find_key(&apply->next.access, draft.id))
        return rules_refuse(change, CHANGE_ACCESS_EXISTS, "there is an access key " STR_FMT " already",
                            STR_ARG(draft.id));
    if (!apply_has_seal(apply, draft.sealed))
        return CHANGE_SEAL_CHANGED;
    draft.create_ms = apply->wall_ms;
    draft.record_sum = 0;
    if (str_is_set(draft.user)) /* as the user is spelt */
        draft.user =
            access_state_find_identity(&apply->next.access, draft.account, IDENTITY_USER, draft.user)->config->name;
    apply_put_key(apply, draft);
    return 0;
}

static int apply_update_key(struct apply *apply, struct change *change)
{
    const struct access_key *old;
    struct access_key draft;
    int r = apply_find_key(apply, change, &old);

    if (r)
        return r;
    draft = *old;
    draft.is_disabled = change->key.is_disabled;
    if (str_is_set(change->key.sealed)) {
        if (!apply_has_seal(apply, change->key.sealed))
            return CHANGE_SEAL_CHANGED;
        draft.sealed = change->key.sealed;
        /* Another secret is another key: whoever knew the old one keeps no session that it began. */
        draft.create_ms = apply->wall_ms > old->create_ms ? apply->wall_ms : old->create_ms + 1;
    } else if (draft.is_disabled == old->is_disabled) {
        return 0;
    }
    apply_put_key(apply, draft);
    return 0;
}

static int apply_delete_key(struct apply *apply, struct change *change)
{
    const struct access_key *old;
    int r = apply_find_key(apply, change, &old);

    if (r)
        return r;
    apply_del_record(apply, &(struct record_key){ .kind = RECORD_ACCESS_KEY, .id = old->id }, old->record_sum);
    tree_del(&apply->edit, &apply->next.access.keys, &access_state_keys, &(struct tree_key){ .a = old->id });
    edit_replace(&apply->edit, old);
    return 0;
}

static int apply_check_reseal(const struct apply *apply, const struct change *change)
{
    const struct access_key *key;
    struct tree_iter iter;
    size_t n = 0;

    tree_iter_init(&iter, &apply->next.access.keys, NULL, NULL);
    while ((key = tree_iter_next(&iter))) {
        if (n >= change->n_pairs || !str_eq(key->id, change->pairs[n].key))
            return CHANGE_SEAL_CHANGED; /* a key came or went */
        n++;
    }
    return n == change->n_pairs ? 0 : CHANGE_SEAL_CHANGED;
}

static int apply_reseal_keys(struct apply *apply, struct change *change)
{
    int r = apply_check_reseal(apply, change);

    for (size_t i = 0; !r && i < change->n_pairs; i++) {
        struct access_key draft = *access_state_find_key(&apply->next.access, change->pairs[i].key);
        draft.sealed = change->pairs[i].value;
        apply_put_key(apply, draft);
    }
    return r;
}

/* --- users and roles --------------------------------------------------------------------------------------------- */

/* The document of an attached policy; absent: its name was that of a managed one. */
static struct str apply_policy_document(const struct str_pair *attached)
{
    const struct managed_policy *managed = attached->value.n ? NULL : managed_policy_find(attached->key);

    return managed ? managed->document : attached->value.n ? attached->value : (struct str){ 0 };
}

int apply_check_document(struct change *change, const char *what, struct str document, enum policy_kind kind)
{
    struct policy_error error;
    struct policy *policy;
    int r = policy_compile(document, kind, &policy, &error);

    if (r == POLICY_INVALID)
        return rules_refuse(change, CHANGE_INVALID_INPUT, "%s, line %u: %s", what, error.line, error.text);
    if (!r)
        policy_free(policy);
    return r;
}

int apply_compile(struct apply *apply, struct str document, enum policy_kind kind, const struct policy **ret)
{
    struct policy_error error;
    struct policy *policy;
    int r = policy_compile(document, kind, &policy, &error);

    if (r < 0)
        apply->edit.failed = true;
    if (r)
        return r;
    *ret = edit_adopt(&apply->edit, policy);
    return *ret ? 0 : -ENOMEM;
}

static int apply_compile_documents(struct apply *apply, struct identity_node *node)
{
    const struct identity *identity = node->config;
    int r = 0;

    if (identity->kind == IDENTITY_ROLE)
        r = apply_compile(apply, identity->trust, POLICY_TRUST, &node->trust);
    for (size_t i = 0; i < identity->n_policies && !r; i++)
        r = apply_compile(apply, apply_policy_document(&identity->policies[i]), POLICY_IDENTITY, &node->policies[i]);
    return r;
}

/* Nothing reaches the node any more. */
static void apply_replace_identity(struct apply *apply, const struct identity_node *node)
{
    for (size_t i = 0; i < node->config->n_policies; i++)
        edit_replace(&apply->edit, node->policies[i]);
    edit_replace(&apply->edit, node->trust);
    edit_replace(&apply->edit, node->config);
    edit_replace(&apply->edit, node);
}

int apply_place_identity(struct apply *apply, const struct identity *draft)
{
    const struct identity_node *old;
    struct identity_node *node = edit_alloc(&apply->edit, sizeof(*node));
    int r;

    if (!node)
        return -ENOMEM;
    *node = (struct identity_node){ .config = edit_adopt(&apply->edit, identity_dup(draft)) };
    if (!node->config)
        return -ENOMEM;
    r = apply_compile_documents(apply, node);
    if (r) {
        apply_replace_identity(apply, node);
        return r;
    }
    old = tree_put(&apply->edit, &apply->next.access.identities, &access_state_identities, node, 0);
    if (old)
        apply_replace_identity(apply, old);
    return 0;
}

static struct record_key apply_identity_key(const struct identity *identity)
{
    return (struct record_key){
        .kind = RECORD_IDENTITY, .account = identity->account, .identity_kind = identity->kind, .id = identity->name
    };
}

/* Of documents that apply_check_document has seen, now or before. */
static int apply_put_identity(struct apply *apply, struct identity draft)
{
    struct record_key key = apply_identity_key(&draft);
    int r;

    buf_clear(&apply->text);
    record_encode_identity(&apply->text, &draft);
    draft.record_sum = apply_put_record(apply, &key, draft.record_sum);
    r = apply_place_identity(apply, &draft);
    ASSERT(r <= 0);
    return r;
}

static int apply_find_identity(struct apply *apply, struct change *change, const struct identity **ret_identity)
{
    const struct identity *wanted = &change->identity;
    const struct identity_node *node =
        access_state_find_identity(&apply->next.access, wanted->account, wanted->kind, wanted->name);

    if (!node)
        return rules_refuse(change, CHANGE_RESOURCE_NOT_FOUND, "there is no %s " STR_FMT " in account " STR_FMT,
                            apply_kind_text(wanted->kind), STR_ARG(wanted->name), STR_ARG(wanted->account));
    *ret_identity = node->config;
    return 0;
}

static int apply_create_identity(struct apply *apply, struct change *change)
{
    const struct access_state *access = &apply->next.access;
    struct identity draft = change->identity;
    size_t most = draft.kind == IDENTITY_USER ? APPLY_USERS_PER_ACCOUNT : APPLY_ROLES_PER_ACCOUNT;
    const struct identity_node *twin = access_state_find_identity(access, draft.account, draft.kind, draft.name);

    if (twin)
        return rules_refuse(change, CHANGE_ACCESS_EXISTS, "there is a %s " STR_FMT " already in account " STR_FMT,
                            apply_kind_text(draft.kind), STR_ARG(twin->config->name), STR_ARG(draft.account));
    if (access_state_count_identities(access, draft.account, draft.kind) >= most)
        return rules_refuse(change, CHANGE_LIMIT, "account " STR_FMT " has %zu %ss already, which is the most",
                            STR_ARG(draft.account), most, apply_kind_text(draft.kind));
    if (tree_size(&access->identities).count >= APPLY_IDENTITIES)
        return rules_refuse(change, CHANGE_LIMIT, "there are %d users and roles already, which is the most",
                            APPLY_IDENTITIES);
    if (draft.kind == IDENTITY_ROLE) {
        int r = apply_check_document(change, "the trust policy", draft.trust, POLICY_TRUST);
        if (r)
            return r;
    }
    draft.create_ms = apply->wall_ms;
    draft.record_sum = 0;
    return apply_put_identity(apply, draft);
}

static int apply_delete_identity(struct apply *apply, struct change *change)
{
    const struct access_state *access = &apply->next.access;
    const struct identity_node *node;
    const struct identity *old;
    struct record_key key;
    size_t n_keys;
    int r = apply_find_identity(apply, change, &old);

    if (r)
        return r;
    n_keys = old->kind == IDENTITY_USER ? access_state_count_keys(access, old->account, old->name) : 0;
    if (n_keys)
        return rules_refuse(change, CHANGE_IN_USE, "user " STR_FMT " has %zu access key%s; delete %s first",
                            STR_ARG(old->name), n_keys, n_keys > 1 ? "s" : "", n_keys > 1 ? "them" : "it");
    key = apply_identity_key(old);
    apply_del_record(apply, &key, old->record_sum);
    node = tree_del(&apply->edit, &apply->next.access.identities, &access_state_identities,
                    &(struct tree_key){ .n = old->kind, .a = old->account, .b = old->name });
    apply_replace_identity(apply, node);
    return 0;
}

static int apply_attach_policy(struct apply *apply, struct change *change)
{
    struct str_pair *merged;
    const struct identity *old;
    struct identity draft;
    struct str document;
    int r = apply_find_identity(apply, change, &old);

    if (r)
        return r;
    document = apply_policy_document(&change->pairs[0]);
    if (!str_is_set(document))
        return rules_refuse(change, CHANGE_RESOURCE_NOT_FOUND, "there is no managed policy " STR_FMT,
                            STR_ARG(change->pairs[0].key));
    r = apply_check_document(change, "the policy", document, POLICY_IDENTITY);
    if (r)
        return r;
    draft = *old;
    r = pairs_merge(change->arena, old->policies, old->n_policies, change->pairs, 1, &merged, &draft.n_policies);
    if (r)
        return r;
    if (draft.n_policies > IDENTITY_MAX_POLICIES)
        return rules_refuse(change, CHANGE_LIMIT, "%s " STR_FMT " has %d policies already, which is the most",
                            apply_kind_text(old->kind), STR_ARG(old->name), IDENTITY_MAX_POLICIES);
    draft.policies = merged;
    return apply_put_identity(apply, draft);
}

static int apply_detach_policy(struct apply *apply, struct change *change)
{
    struct str_pair *rest;
    const struct identity *old;
    struct identity draft;
    int r = apply_find_identity(apply, change, &old);

    if (r)
        return r;
    if (!identity_find_policy(old, change->keys[0]))
        return rules_refuse(change, CHANGE_RESOURCE_NOT_FOUND, "%s " STR_FMT " has no policy " STR_FMT,
                            apply_kind_text(old->kind), STR_ARG(old->name), STR_ARG(change->keys[0]));
    draft = *old;
    r = pairs_without(change->arena, old->policies, old->n_policies, change->keys, 1, &rest, &draft.n_policies);
    if (r)
        return r;
    draft.policies = rest;
    return apply_put_identity(apply, draft);
}

int apply_access(struct apply *apply, struct change *change)
{
    switch (change->kind) {
    case CHANGE_CREATE_KEY:
        return apply_create_key(apply, change);
    case CHANGE_UPDATE_KEY:
        return apply_update_key(apply, change);
    case CHANGE_DELETE_KEY:
        return apply_delete_key(apply, change);
    case CHANGE_RESEAL_KEYS:
        return apply_reseal_keys(apply, change);
    case CHANGE_CREATE_IDENTITY:
        return apply_create_identity(apply, change);
    case CHANGE_DELETE_IDENTITY:
        return apply_delete_identity(apply, change);
    case CHANGE_ATTACH_POLICY:
        return apply_attach_policy(apply, change);
    default:
        return apply_detach_policy(apply, change);
    }
}
