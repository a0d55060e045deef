/* SPDX-License-Identifier: Apache-2.0
 *
 * A session of a role. Nothing of it is kept: its token is the session itself, sealed, so that any number of them takes
 * no room and outlives a restart. It ends at its time, when the role goes, when whoever began it does, or when the key
 * it is sealed under does.
 * Any thread. Source: STS API reference, AssumeRole. */
#pragma once

#include "auth/principal.h"
#include "auth/seal.h"

#define SESSION_TOKEN_MAX 5120 /* so that it fits into a head of 8 KiB beside what clients send else */

struct session {
    struct str access_key_id, secret; /* made for it alone */
    struct str account, role;         /* whose session it is: the role's name */
    struct str role_id;               /* of a role that is made again under its name the sessions are not good */
    struct str name;
    struct str policy; /* a document that leaves of the role's policies what it allows, too; absent: all */
    struct issuer issuer;
    int64_t issue_s, expires_s;
};

/* In the arena. 0 or -errno. */
int session_close(const struct seal *seal, const struct session *session, struct arena *arena, struct str *ret_token);
/* Slices into the arena. 0, 1: no session of this daemon, or -ENOMEM. The time is not looked at. */
int session_open(const struct seal *seal, struct str token, struct arena *arena, struct session *ret_session);
