/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance: immutable once made, one block that holds its attributes and its rendered JSON. Every change of an
 * instance, health included, makes a new one. There may be millions, so the block is packed: text is addressed by
 * 16-bit offsets (all attributes together are at most 5,000 characters). Free with mem_free.
 * https://docs.aws.amazon.com/cloud-map, Instance. */
#pragma once

#include "base/str.h"
#include "model/service.h"

#define INSTANCE_MAX_ID 64
#define INSTANCE_ACCOUNT_LEN 12
#define INSTANCE_MAX_TOKEN 256           /* 64 characters of any script */
#define INSTANCE_MAX_ATTRIBUTES_LEN 5000 /* keys and values together */
#define INSTANCE_MAX_ADDED_LEN 512       /* beyond that: what an operator may add */
#define INSTANCE_MAX_ATTRIBUTES 5000

struct instance_attribute {
    uint16_t key_at, key_len, value_at, value_len; /* in the block's text */
};

/* What an instance's AWS_ attributes say, for DNS; and whether its id is one label without capitals. */
enum instance_dns {
    INSTANCE_IPV4 = 1,
    INSTANCE_IPV6 = 2,
    INSTANCE_PORT = 4,
    INSTANCE_CNAME = 8,
    INSTANCE_ALIAS = 16,
    INSTANCE_PLAIN_ID = 32
};

enum instance_flag {
    INSTANCE_DRAINING = 1, /* out of discovery and DNS; the attribute cloudmap:draining says why */
    INSTANCE_DRAINED = 2,  /* by an operator, who added that attribute to those of the registration */
    INSTANCE_EXPIRED = 4,  /* its lease ran out: UNHEALTHY, whatever its health is otherwise */
    INSTANCE_OF_OTHER = 8, /* another account than the service's registered it: instance_created_by */
};

struct instance {
    int64_t create_ms;    /* when this registration was accepted */
    int64_t operation_ms; /* with the target hash: the id of the operation that registered it */
    int64_t health_since_ms;
    int64_t pending_due_wall_ms, pending_due_mono_ms; /* when pending_health takes effect; 0 = nothing pending */
    uint32_t record_sum;                              /* of its record in the store */
    uint16_t n_attributes;
    uint16_t element_len;
    uint16_t token_len;
    uint8_t id_len;
    uint8_t health;         /* enum health_status, as a check or its owner says */
    uint8_t shown_health;   /* enum health_status, in effect; derived, the registry sets it */
    uint8_t pending_health; /* enum health_status */
    bool is_served;         /* while any instance is; derived, the registry sets it */
    uint8_t dns;            /* of enum instance_dns; what DNS answers are made of, see below */
    uint8_t ipv4[4];
    uint16_t port;
    uint8_t flags;                          /* of enum instance_flag */
    struct instance_attribute attributes[]; /* sorted by key; then id, token, keys and values, element, IPv6
                                               address, account */
};

/* What an instance is made from; all slices are borrowed. */
struct instance_draft {
    struct str id, creator_request_id;
    struct str created_by;             /* the other account that registers it, 12 digits; absent: the service's own */
    const struct str_pair *attributes; /* sorted by key, no key twice */
    size_t n_attributes;
    int64_t create_ms, operation_ms, pending_due_wall_ms, pending_due_mono_ms;
    int64_t health_since_ms; /* 0: create_ms */
    enum health_status health, pending_health;
    uint8_t flags;
};

/* A draft of the instance as it is, to be changed; `pairs` has room for its attributes. */
void instance_draft(const struct instance *instance, struct str_pair *pairs, struct instance_draft *ret_draft);

/* NULL when memory is out. The caps above must hold. */
struct instance *instance_new(const struct instance_draft *draft);
/* A copy whose fixed members the caller may still change. NULL when memory is out. */
struct instance *instance_dup(const struct instance *instance);

/* Borrowed parts; attributes are numbered from 0 in the order of their keys. */
struct str instance_id(const struct instance *instance);
struct str instance_creator_request_id(const struct instance *instance);
struct str_pair instance_attribute_at(const struct instance *instance, size_t i);
/* The value, or the absent slice. Exact, with case. */
struct str instance_find_attribute(const struct instance *instance, struct str key);
bool instance_has_attributes(const struct instance *instance, const struct str_pair *pairs, size_t n);

/* `{"InstanceId":"x","Attributes":{...}` without the closing brace: DiscoverInstances ends it with the service's
 * discover_tail, and from INSTANCE_ELEMENT_ID on it is the body of an Instance or InstanceSummary (`Id":"x",...`). */
struct str instance_element(const struct instance *instance);
#define INSTANCE_ELEMENT_ID (sizeof("{\"Instance") - 1)

/* The 16 octets of an instance with INSTANCE_IPV6. */
const uint8_t *instance_ipv6(const struct instance *instance);
/* The other account that registered it, or the absent slice. */
struct str instance_created_by(const struct instance *instance);
/* The value of AWS_INSTANCE_CNAME, or the absent slice. */
struct str instance_cname(const struct instance *instance);

/* Sorts pairs by key in place. 0, or 1 when a key appears twice. */
int instance_sort_attributes(struct str_pair *pairs, size_t n);
