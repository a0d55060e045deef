/* SPDX-License-Identifier: Apache-2.0
 *
 * Identifiers as AWS Cloud Map forms them: `ns-` and `srv-` ids, hosted zone ids, generated HttpName suffixes and
 * operation ids. Writers fill caller's arrays with NUL-terminated text. Usable from any thread. */
#pragma once

#include "base/rand.h"
#include "base/str.h"

#define ID_RANDOM_LEN 16 /* base32 characters after the prefix */
#define ID_NAMESPACE_SIZE (3 + ID_RANDOM_LEN + 1)
#define ID_SERVICE_SIZE (4 + ID_RANDOM_LEN + 1)
#define ID_HOSTED_ZONE_SIZE (1 + 20 + 1)
#define ID_OPERATION_SIZE (32 + 1 + 13 + 1)
#define ID_TARGET_LEN 20

/* Random ones, with their prefixes. */
void id_new_namespace(struct rand *rand, char ret_id[ID_NAMESPACE_SIZE]);
void id_new_hosted_zone(struct rand *rand, char ret_id[ID_HOSTED_ZONE_SIZE]);
/* Sixteen base32 characters, as in `<Name>-fm7n2lxfyexstqq5`. */
void id_new_suffix(struct rand *rand, char ret_suffix[ID_RANDOM_LEN + 1]);

/* Derived, so that a service that is created again under its name keeps its id. */
void id_of_service(struct str account, struct str region, struct str namespace_id, struct str name,
                   char ret_id[ID_SERVICE_SIZE]);

/* An operation is known by what it works on and when it was accepted: 32 base32 characters of a hash of the target,
 * `-`, and the accept time in base36 milliseconds. One target has one operation a millisecond. */
struct id_operation {
    uint8_t target[ID_TARGET_LEN];
    int64_t create_ms;
};

/* The hash of a lock key: two operations with one target must not run at the same time. */
void id_target(struct str lock_key, uint8_t ret_target[ID_TARGET_LEN]);
void id_format_operation(const struct id_operation *id, char ret_text[ID_OPERATION_SIZE]);
/* 0, or 1 when the text cannot be an operation id. */
int id_parse_operation(struct str text, struct id_operation *ret_id);
