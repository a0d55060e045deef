/* SPDX-License-Identifier: Apache-2.0
 *
 * Who makes a call, as the gates of the API find out: whom policies are evaluated for, whom the audit names. A plain
 * value without references into a snapshot, so that it outlives the one it was found in: slices point into the call's
 * arena. One thread at a time. */
#pragma once

#include "base/arena.h"
#include "registry/state.h"

enum principal_kind {
    PRINCIPAL_ROOT, /* of an account; what it does in its account is allowed. In open mode everybody is */
    PRINCIPAL_USER,
    PRINCIPAL_ROLE, /* a session of a role */
};

struct policy;

/* The lasting credentials that a call goes back to, through however many sessions: these end with them, and count for
 * them where calls are counted. */
struct issuer {
    struct str arn;                    /* of the user or root */
    struct str access_key_id;          /* absent: a certificate that names the user */
    int64_t key_create_ms;             /* of a key that is made again under its id the sessions are not good */
    struct str account, user, user_id; /* where there is no key */
};

struct principal {
    enum principal_kind kind;
    struct str account; /* 12 digits */
    struct str arn;     /* `arn:aws:iam::A:root`, `...:user/PATH/NAME`, `arn:aws:sts::A:assumed-role/NAME/SESSION` */
    struct str id;      /* aws:userid: the account; `AIDA...`; `AROA...:SESSION` */
    struct str name;    /* of the user or role; absent for root */
    struct str session_name, role_arn;   /* PRINCIPAL_ROLE */
    struct str access_key_id;            /* absent: nobody signed, in open mode */
    const struct policy *session_policy; /* of AssumeRole: what the session keeps of its role; NULL: all */
    int64_t token_issue_s;               /* aws:TokenIssueTime; 0: no session token */
    struct issuer issuer;                /* nothing in open mode */
};

/* Whoever signs with the key, which was found in the snapshot. 0 or -ENOMEM. */
int principal_of_key(const struct snapshot *snapshot, const struct access_key *key, struct arena *arena,
                     struct principal *ret_principal);
/* The user, who has shown otherwise who they are. 0 or -ENOMEM. */
int principal_of_user(const struct identity_node *user, struct arena *arena, struct principal *ret_principal);
/* A session of the role. 0 or -ENOMEM. */
int principal_of_role(const struct identity_node *role, struct str session_name, struct arena *arena,
                      struct principal *ret_principal);
/* Who it is for good: the ARN of the user or root, of a session that of its role; borrowed from the principal. */
struct str principal_lasting_arn(const struct principal *principal);
/* Root of an account, as everybody is in open mode. 0 or -ENOMEM. */
int principal_of_root(struct str account, struct arena *arena, struct principal *ret_principal);
