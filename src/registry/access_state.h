/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may do what, as part of a snapshot: access keys, the users and roles of all accounts with their policies, and
 * which namespaces are shared. Written by the writer thread only (apply_access.c); reading as registry/state.h says.
 * Look-ups for the API are in auth/access_lookup.h. */
#pragma once

#include "model/access_key.h"
#include "model/arn.h"
#include "model/identity.h"
#include "model/policy.h"
#include "registry/tree.h"

/* A user or role, with its documents compiled. */
struct identity_node {
    const struct identity *config;
    const struct policy *policies[IDENTITY_MAX_POLICIES]; /* as many, and in the order, as config has */
    const struct policy *trust;                           /* of a role */
};

/* A namespace that other accounts may use, as its policy says. */
struct share {
    struct str text; /* its ARN, behind the structure */
    struct arn arn;  /* the same, read */
    const struct policy *policy;
};

struct access_state {
    struct tree keys;       /* struct access_key by id */
    struct tree identities; /* struct identity_node by account, kind, name without case */
    struct tree shares;     /* struct share by ARN */
};

extern const struct tree_type access_state_keys, access_state_identities, access_state_shares;

/* Each returns NULL when there is none. */
const struct access_key *access_state_find_key(const struct access_state *state, struct str id);
const struct identity_node *access_state_find_identity(const struct access_state *state, struct str account,
                                                       enum identity_kind kind, struct str name);
const struct share *access_state_find_share(const struct access_state *state, struct str namespace_arn);
/* Of a user, or (absent) the root of an account. Looks at all keys. */
size_t access_state_count_keys(const struct access_state *state, struct str account, struct str user);
/* Users or roles of an account. */
size_t access_state_count_identities(const struct access_state *state, struct str account, enum identity_kind kind);

/* As state_free and state_forget_epochs do for the rest of the snapshot. */
void access_state_free(struct access_state *state);
void access_state_forget_epochs(struct access_state *state);
