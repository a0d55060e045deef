/* SPDX-License-Identifier: Apache-2.0
 *
 * Principals of keys and roles; see principal.h. */
#include "auth/principal.h"

#include "auth/access_lookup.h"

#include <errno.h>

int principal_of_root(struct str account, struct arena *arena, struct principal *ret_principal)
{
    *ret_principal =
        (struct principal){ .kind = PRINCIPAL_ROOT,
                            .account = arena_dup(arena, account),
                            .arn = arena_printf(arena, "arn:aws:iam::" STR_FMT ":root", STR_ARG(account)) };
    ret_principal->id = ret_principal->account;
    return arena->failed ? -ENOMEM : 0;
}

static void principal_copy(const struct identity *identity, struct arena *arena, struct principal *principal)
{
    *principal = (struct principal){ .kind = identity->kind == IDENTITY_USER ? PRINCIPAL_USER : PRINCIPAL_ROLE,
                                     .account = arena_dup(arena, identity->account),
                                     .arn = arena_dup(arena, identity->arn),
                                     .id = arena_dup(arena, identity->id),
                                     .name = arena_dup(arena, identity->name) };
}

int principal_of_key(const struct snapshot *snapshot, const struct access_key *key, struct arena *arena,
                     struct principal *ret_principal)
{
    if (str_is_set(key->user))
        principal_copy(access_lookup_user(snapshot, key->account, key->user)->config, arena, ret_principal);
    else
        principal_of_root(key->account, arena, ret_principal);
    ret_principal->access_key_id = arena_dup(arena, key->id);
    ret_principal->issuer = (struct issuer){ .arn = ret_principal->arn,
                                             .access_key_id = ret_principal->access_key_id,
                                             .key_create_ms = key->create_ms };
    return arena->failed ? -ENOMEM : 0;
}

int principal_of_user(const struct identity_node *user, struct arena *arena, struct principal *ret_principal)
{
    principal_copy(user->config, arena, ret_principal);
    ret_principal->issuer = (struct issuer){ .arn = ret_principal->arn,
                                             .account = ret_principal->account,
                                             .user = ret_principal->name,
                                             .user_id = ret_principal->id };
    return arena->failed ? -ENOMEM : 0;
}

int principal_of_role(const struct identity_node *role, struct str session_name, struct arena *arena,
                      struct principal *ret_principal)
{
    const struct identity *config = role->config;

    principal_copy(config, arena, ret_principal);
    ret_principal->role_arn = ret_principal->arn;
    ret_principal->session_name = arena_dup(arena, session_name);
    ret_principal->id = arena_printf(arena, STR_FMT ":" STR_FMT, STR_ARG(config->id), STR_ARG(session_name));
    ret_principal->arn = arena_printf(arena, "arn:aws:sts::" STR_FMT ":assumed-role/" STR_FMT "/" STR_FMT,
                                      STR_ARG(config->account), STR_ARG(config->name), STR_ARG(session_name));
    return arena->failed ? -ENOMEM : 0;
}

struct str principal_lasting_arn(const struct principal *principal)
{
    return principal->kind == PRINCIPAL_ROLE ? principal->role_arn : principal->arn;
}
