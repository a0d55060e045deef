/* SPDX-License-Identifier: Apache-2.0
 *
 * A name in a zone that records stand at, or below: one immutable block with the answers' records prepared, made again
 * by each commit that changes them. A service of at most OWNER_MAX instances has all its records in the block; of a
 * larger one, and of one with aliases, answers are put together from its instances. */
#pragma once

#include "dnswire/dname.h"
#include "registry/state.h"

#define OWNER_MAX 64 /* instances whose records are prepared; bounds what a registration costs */

/* A prepared SRV record: `n` octets at `at`, from the pointer to the question's name on, with what its target's own
 * address records say. */
struct owner_srv {
    uint16_t at, n;
    uint8_t dns; /* INSTANCE_IPV4, INSTANCE_IPV6 */
    uint8_t ipv4[4], ipv6[16];
};
#define OWNER_SRV_TARGET 18 /* where the target's name begins in the record */

/* The records of one type: the first n_healthy are of instances that are served. */
struct owner_set {
    uint32_t ttl;
    uint16_t n, n_healthy;
    uint16_t at;        /* in the block: A: 4 octets each; AAAA: 16; SRV: struct owner_srv; CNAME: uint16_t, where the
                           target's name stands, its size in front of it */
    bool is_configured; /* the service has records of the type */
};

struct owner {
    struct trie_item item;              /* the folded name */
    const struct service_node *service; /* NULL: nothing but names below */
    uint32_t n_below;                   /* live services at names below this one */
    uint16_t size;                      /* of the block, as far as it is prepared */
    bool is_live;                       /* the service has an instance */
    bool is_prepared;                   /* sets hold every record; else only ttl and is_configured count */
    bool is_weighted;
    struct owner_set sets[SERVICE_RECORD_TYPE_COUNT];
};

/* The block for a service at its folded, absolute name. NULL when memory is out. */
struct owner *owner_new(const struct service_node *node, const struct dname *name, uint64_t hash);
/* A name without a service. */
struct owner *owner_new_empty(struct str name, uint64_t hash);

/* The folded, absolute name of a service in a DNS namespace. 0, or 1 when there can be none. */
int owner_name(const struct namespace *ns, const struct service *service, struct dname *ret_name);

/* What stands at a set's place. */
static inline const uint8_t *owner_data(const struct owner *owner, enum service_record_type type)
{
    return (const uint8_t *)owner + owner->sets[type].at;
}
