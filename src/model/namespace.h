/* SPDX-License-Identifier: Apache-2.0
 *
 * A namespace: a plain validated value. A structure on the stack with borrowed slices is a draft; namespace_dup makes
 * the one-block copy that the registry keeps (free with mem_free). https://docs.aws.amazon.com/cloud-map, Namespace. */
#pragma once

#include "base/str.h"

enum namespace_kind { NAMESPACE_HTTP, NAMESPACE_DNS_PRIVATE, NAMESPACE_DNS_PUBLIC, NAMESPACE_KIND_COUNT };

#define NAMESPACE_SOA_TTL_PRIVATE 15 /* seconds; what AWS uses when the caller gives none */
#define NAMESPACE_SOA_TTL_PUBLIC 60
#define NAMESPACE_POLICY_MAX 20480 /* bytes of its policy, white space included */

struct namespace
{
    enum namespace_kind kind;
    struct str id, name, http_name;
    struct str description;    /* absent when empty */
    struct str vpc;            /* private only; no action returns it */
    struct str hosted_zone_id; /* DNS kinds only */
    struct str creator_request_id;
    struct str create_operation; /* id of the operation that made it */
    uint64_t request_digest;     /* of the creating request's parameters, to recognise its repetition */
    int64_t create_ms;
    int64_t soa_ttl;             /* seconds; DNS kinds only */
    const struct str_pair *tags; /* sorted by key */
    size_t n_tags;
    struct str policy;   /* who else may do what with it, a document; absent: it is not shared */
    uint32_t record_sum; /* of its record in the store */
};

/* NULL when memory is out. */
struct namespace *namespace_dup(const struct namespace *draft);
/* `HTTP`, `DNS_PRIVATE`, `DNS_PUBLIC`. */
struct str namespace_kind_text(enum namespace_kind kind);
/* 0, or 1 for an unknown word. */
int namespace_parse_kind(struct str word, enum namespace_kind *ret_kind);
/* Can the name be a DNS zone: labels of 1 to 63 octets, at most 253 in all? One trailing dot is tolerated. */
int namespace_is_zone_name(struct str name);
