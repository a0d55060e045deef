/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups of the gates; see access_lookup.h. */
#include "auth/access_lookup.h"

const struct access_key *access_lookup_key(const struct snapshot *snapshot, struct str access_key_id)
{
    return access_state_find_key(&snapshot->access, access_key_id);
}

const struct identity_node *access_lookup_user(const struct snapshot *snapshot, struct str account, struct str name)
{
    return access_state_find_identity(&snapshot->access, account, IDENTITY_USER, name);
}

const struct identity_node *access_lookup_role(const struct snapshot *snapshot, struct str account, struct str name)
{
    return access_state_find_identity(&snapshot->access, account, IDENTITY_ROLE, name);
}

const struct identity_node *access_lookup_principal(const struct snapshot *snapshot, const struct principal *principal)
{
    const struct identity_node *node;
    bool is_user = principal->kind == PRINCIPAL_USER;

    if (principal->kind == PRINCIPAL_ROOT)
        return NULL;
    node = access_state_find_identity(&snapshot->access, principal->account, is_user ? IDENTITY_USER : IDENTITY_ROLE,
                                      principal->name);
    return node && str_starts(principal->id, node->config->id) ? node : NULL;
}

bool access_lookup_issuer_holds(const struct snapshot *snapshot, const struct issuer *issuer)
{
    const struct identity_node *user;
    const struct access_key *key;

    if (str_is_set(issuer->access_key_id)) {
        key = access_lookup_key(snapshot, issuer->access_key_id);
        return key && !key->is_disabled && key->create_ms == issuer->key_create_ms;
    }
    user = access_lookup_user(snapshot, issuer->account, issuer->user);
    return user && str_eq(user->config->id, issuer->user_id);
}
