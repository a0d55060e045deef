/* SPDX-License-Identifier: Apache-2.0
 *
 * A service's configuration: a plain validated value without its instances. A structure on the stack with borrowed
 * slices is a draft; service_dup makes the one-block copy that the registry keeps (free with mem_free). Health status
 * words live here too, since every part of discovery speaks them. https://docs.aws.amazon.com/cloud-map, Service. */
#pragma once

#include "base/arena.h"

enum health_status { HEALTH_UNKNOWN, HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_STATUS_COUNT };
enum service_type { SERVICE_HTTP, SERVICE_DNS_HTTP };
enum service_routing { SERVICE_MULTIVALUE, SERVICE_WEIGHTED };
enum service_record_type { SERVICE_SRV, SERVICE_A, SERVICE_AAAA, SERVICE_CNAME, SERVICE_RECORD_TYPE_COUNT };
enum service_check {
    SERVICE_CHECK_NONE,
    SERVICE_CHECK_HTTP,
    SERVICE_CHECK_HTTPS,
    SERVICE_CHECK_TCP,
    SERVICE_CHECK_CUSTOM,
    SERVICE_CHECK_COUNT
};

#define SERVICE_MAX_RECORDS 4
#define SERVICE_MAX_ATTRIBUTES 30

struct service_record {
    enum service_record_type type;
    int64_t ttl; /* seconds */
};

struct service {
    struct str account, region; /* the tenant */
    struct str created_by;      /* the other account that made it; absent: the tenant's own */
    struct str id, namespace_id, name;
    struct str http_name;   /* the namespace's; derived, not in the record */
    bool fold_name;         /* names of a DNS namespace are compared without case; derived */
    struct str description; /* absent when empty */
    struct str creator_request_id;
    uint64_t request_digest;
    int64_t create_ms;
    enum service_type type;
    enum service_routing routing;
    bool has_dns; /* was created with a DnsConfig */
    size_t n_records;
    struct service_record records[SERVICE_MAX_RECORDS]; /* in the caller's order */
    enum service_check check;
    struct str check_path;                    /* absent unless the caller gave one */
    int64_t check_threshold;                  /* 0 unless the caller gave one */
    int64_t check_ms;                         /* when a check came to a service that had none; 0: it was made with it */
    bool holds_unknown;                       /* instances are not served before they are known; derived */
    const struct str_pair *tags, *attributes; /* sorted by key */
    size_t n_tags, n_attributes;

    /* The end of an instance's DiscoverInstances element for each health status; made by service_dup. */
    struct str discover_tail[HEALTH_STATUS_COUNT];
};

/* NULL when memory is out. */
struct service *service_dup(const struct service *draft);
/* A copy in the arena, without the discover tails. NULL when it is exhausted. */
struct service *service_copy(struct arena *arena, const struct service *service);
/* The account that made it. */
static inline struct str service_creator(const struct service *service)
{
    return str_is_set(service->created_by) ? service->created_by : service->account;
}
/* Has it a HealthCheckConfig? */
static inline bool service_is_probed(const struct service *service)
{
    return service->check == SERVICE_CHECK_HTTP || service->check == SERVICE_CHECK_HTTPS ||
           service->check == SERVICE_CHECK_TCP;
}
/* Did its DnsConfig ask for records of the type? */
bool service_has_record(const struct service *service, enum service_record_type type);

/* The words of the API. */
struct str service_health_text(enum health_status status);
struct str service_record_type_text(enum service_record_type type);
struct str service_routing_text(enum service_routing routing);
struct str service_type_text(enum service_type type);
/* `HTTP`, `HTTPS`, `TCP`; `CUSTOM` and `NONE` stand in records only. */
struct str service_check_text(enum service_check check);
/* Each: 0, or 1 for an unknown word. */
int service_parse_health(struct str word, enum health_status *ret_status);
int service_parse_record_type(struct str word, enum service_record_type *ret_type);
int service_parse_routing(struct str word, enum service_routing *ret_routing);
int service_parse_check(struct str word, enum service_check *ret_check);
int service_parse_type(struct str word, enum service_type *ret_type);
