/* SPDX-License-Identifier: Apache-2.0
 *
 * Access keys, users, roles and their policies, and shared namespaces, as an operator changes and lists them: `POST
 * /v1/access`, with one JSON object whose member `command` names a row of the table in admin_access.c, such as `key
 * create`; the others are
 *
 *     account          12 digits; without it 000000000000, and for lists of keys, users and roles all of them
 *     user, role       whose key or policy; with `user create`: which
 *     root             true: the account's root
 *     access_key_id
 *     path, trust, max_session_s     of a role (path: of a user, too)
 *     policy, document               a policy's name; without a document it is a managed one
 *     namespace        the ARN of what `policy share` shares, by `document` or with the account `consumer`
 *
 * Answered with 200 and what was made or is there, or with `{"error": ...}`: 400 the request is wrong, 404 there is no
 * such thing, 409 it is there already, in use, or one too many, 503 and 507 the store takes no writes, 500.
 * cloudmapctl calls the same function on a store that no daemon has. A secret is in the answer to `key create`, and
 * nowhere else. */
#pragma once

#include "auth/vault.h"

#define ADMIN_ACCESS_PATH "/v1/access"
#define ADMIN_ACCESS_ACCOUNT "000000000000"
#define ADMIN_ACCESS_BODY_MAX 65536
#define ADMIN_ACCESS_ANSWER_MAX (64 << 20)

/* Carries out the request `json` (modified) and writes the answer; returns its HTTP status. A `vault` of NULL: secrets
 * cannot be sealed, `why_no_vault` says why. Waits for the commit; holds no snapshot. Reader thread. */
unsigned admin_access_run(struct registry *registry, struct vault *vault, const char *why_no_vault, char *json,
                          size_t n, struct buf *answer);
