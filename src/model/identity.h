/* SPDX-License-Identifier: Apache-2.0
 *
 * An identity of IAM: a user or a role, with the policies attached to it. A plain validated value; a structure with
 * borrowed slices is a draft, identity_dup makes the one-block copy that the registry keeps (free with mem_free).
 * Limits: IAM User Guide, "IAM and AWS STS quotas". */
#pragma once

#include "base/str.h"

enum identity_kind { IDENTITY_ROLE, IDENTITY_USER, IDENTITY_KIND_COUNT };

#define IDENTITY_NAME_MAX 64
#define IDENTITY_PATH_MAX 512
#define IDENTITY_ID_LEN 21 /* AIDA or AROA, and 17 of [A-Z2-7] */
#define IDENTITY_MAX_POLICIES 10
#define IDENTITY_POLICY_NAME_MAX 128
#define IDENTITY_DOCUMENT_MAX 20480 /* bytes of a policy or trust document, white space included */
#define IDENTITY_SESSION_DEFAULT_S 3600
#define IDENTITY_SESSION_MIN_S 3600
#define IDENTITY_SESSION_MAX_S 43200
#define IDENTITY_ARN_MAX 640
#define IDENTITY_ACCOUNT_LEN 12

struct identity {
    enum identity_kind kind;
    struct str account;
    struct str name;
    struct str path; /* `/`, or `/like/this/` */
    struct str id;   /* given to one user or role and to no later one of its name */
    struct str arn;  /* set by identity_dup: arn:aws:iam::ACCOUNT:user/PATH/NAME */
    int64_t create_ms;
    const struct str_pair *policies; /* name and document, sorted by name; an empty document: a managed policy */
    size_t n_policies;
    struct str trust;      /* role: who may assume it, a document */
    int64_t max_session_s; /* role */
    uint32_t record_sum;   /* of its record in the store */
};

/* NULL when memory is out. */
struct identity *identity_dup(const struct identity *draft);
/* `user`, `role`. */
struct str identity_kind_text(enum identity_kind kind);
/* 0, or 1 for an unknown word. */
int identity_parse_kind(struct str word, enum identity_kind *ret_kind);
/* 1 to 64 of letters, digits and `_+=,.@-`? */
bool identity_is_name(struct str name);
/* The same with up to 128 characters? */
bool identity_is_policy_name(struct str name);
/* `/`, or words of printable ASCII between slashes, at most 512 characters? */
bool identity_is_path(struct str path);
/* 12 digits? */
bool identity_is_account(struct str account);
/* A new one, from the kernel's random numbers. 0 or -errno. */
int identity_new_id(enum identity_kind kind, char ret_id[IDENTITY_ID_LEN]);
/* The attached policy of that name, or NULL. */
const struct str_pair *identity_find_policy(const struct identity *identity, struct str name);
