/* SPDX-License-Identifier: Apache-2.0
 *
 * An access key: a plain validated value. Its secret is sealed (auth/seal.h) and opened only where a signing key is
 * derived. access_key_dup makes the one-block copy that the registry keeps (free with mem_free). IAM User Guide,
 * "Manage access keys for IAM users". */
#pragma once

#include "base/str.h"

#define ACCESS_KEY_ID_LEN 20 /* of ids made here: AKIA and 16 of [A-Z2-7] */
#define ACCESS_KEY_ID_MIN 16 /* IAM, AccessKeyMetadata */
#define ACCESS_KEY_ID_MAX 128
#define ACCESS_KEY_SECRET_LEN 40 /* of secrets made here: of the alphabet of base64 */
#define ACCESS_KEY_SECRET_MIN 16
#define ACCESS_KEY_SECRET_MAX 128
#define ACCESS_KEY_SEALED_MAX 512

struct access_key {
    struct str id;
    struct str account;
    struct str user;   /* absent: the root of the account */
    struct str sealed; /* the secret */
    int64_t create_ms;
    bool is_disabled;
    uint32_t record_sum; /* of its record in the store */
};

/* NULL when memory is out. */
struct access_key *access_key_dup(const struct access_key *draft);
/* The part of a sealed secret, before its first dot, that tells which key it is sealed under. */
struct str access_key_seal(struct str sealed);
/* 16 to 128 letters, digits and underscores? */
bool access_key_is_id(struct str id);
/* 16 to 128 printable ASCII characters without blanks? */
bool access_key_is_secret(struct str secret);
/* New ones, from the kernel's random numbers. 0 or -errno. The secret is the caller's to wipe. */
int access_key_new_id(char ret_id[ACCESS_KEY_ID_LEN]);
int access_key_new_secret(char ret_secret[ACCESS_KEY_SECRET_LEN]);
