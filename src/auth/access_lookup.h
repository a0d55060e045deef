/* SPDX-License-Identifier: Apache-2.0
 *
 * What the gates look up: access keys, users and roles with their policies, in a snapshot that the caller holds
 * (registry/snapshot.h). No lock, no I/O; any thread. What is returned is the snapshot's. Secrets stay sealed here;
 * seal_open (seal.h) opens one for as long as a key is derived. */
#pragma once

#include "auth/principal.h"

/* NULL when there is none. A key that is found may be disabled; the user it names exists. */
const struct access_key *access_lookup_key(const struct snapshot *snapshot, struct str access_key_id);
const struct identity_node *access_lookup_user(const struct snapshot *snapshot, struct str account, struct str name);
/* The user or role behind the principal; NULL for root, and when it was deleted (and perhaps made again) since. */
const struct identity_node *access_lookup_principal(const struct snapshot *snapshot, const struct principal *principal);
/* Is it still there, and not disabled? */
bool access_lookup_issuer_holds(const struct snapshot *snapshot, const struct issuer *issuer);
/* Its config holds the trust document and the longest session. */
const struct identity_node *access_lookup_role(const struct snapshot *snapshot, struct str account, struct str name);
