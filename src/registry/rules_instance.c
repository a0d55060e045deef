/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules for an instance's attributes; see rules.h. */
#include "registry/rules.h"

#include <arpa/inet.h>
#include <errno.h>

#define ATTRIBUTE_IPV4 STR("AWS_INSTANCE_IPV4")
#define ATTRIBUTE_IPV6 STR("AWS_INSTANCE_IPV6")
#define ATTRIBUTE_PORT STR("AWS_INSTANCE_PORT")
#define ATTRIBUTE_CNAME STR("AWS_INSTANCE_CNAME")
#define ATTRIBUTE_ALIAS STR("AWS_ALIAS_DNS_NAME")
#define ATTRIBUTE_EC2 STR("AWS_EC2_INSTANCE_ID")
#define ATTRIBUTE_INIT_HEALTH STR("AWS_INIT_HEALTH_STATUS")

static struct str rules_find(const struct change *change, struct str key)
{
    for (size_t i = 0; i < change->n_attributes; i++)
        if (str_eq(change->attributes[i].key, key))
            return change->attributes[i].value;
    return (struct str){ 0 };
}

static bool rules_has(const struct change *change, struct str key)
{
    return str_is_set(rules_find(change, key));
}

static bool rules_is_reserved(struct str key)
{
    return str_starts_nocase(key, STR("AWS_"));
}

static bool rules_is_known(struct str key)
{
    const struct str known[] = { ATTRIBUTE_IPV4,  ATTRIBUTE_IPV6, ATTRIBUTE_PORT,       ATTRIBUTE_CNAME,
                                 ATTRIBUTE_ALIAS, ATTRIBUTE_EC2,  ATTRIBUTE_INIT_HEALTH };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_eq_nocase(key, known[i]))
            return true;
    return false;
}

/* `k1, k2, ...` of the custom keys, cut at a sane length. */
static struct str rules_list_custom(const struct change *change)
{
    struct buf list;
    struct str copy;

    buf_init(&list, 1024);
    for (size_t i = 0; i < change->n_attributes && list.n < 700; i++)
        if (!rules_is_reserved(change->attributes[i].key)) {
            if (list.n)
                buf_put_str(&list, STR(", "));
            buf_put_str(&list, change->attributes[i].key);
        }
    copy = arena_dup(change->arena, buf_str(&list));
    buf_fini(&list);
    return copy;
}

static int rules_check_size(const struct registry_config *config, struct change *change)
{
    uint64_t limit = config->limits.custom_attributes, n_custom = 0;
    size_t n = 0;

    for (size_t i = 0; i < change->n_attributes; i++) {
        struct str key = change->attributes[i].key;
        n += key.n + change->attributes[i].value.n;
        n_custom += !rules_is_reserved(key);
        if (rules_is_reserved(key) && !rules_is_known(key))
            return rules_refuse(change, CHANGE_INVALID_INPUT,
                                "Invalid attribute: [" STR_FMT "]. [aws_] prefix is reserved for AWS attributes.",
                                STR_ARG(key));
    }
    if (limit && n_custom > limit) {
        struct str list = rules_list_custom(change);
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "Too many attributes provided: [" STR_FMT "]. The current limit is %llu", STR_ARG(list),
                            (unsigned long long)limit);
    }
    if (n > INSTANCE_MAX_ATTRIBUTES_LEN)
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "Instance attributes too large. Maximum allowed size of all attributes is %d characters.",
                            INSTANCE_MAX_ATTRIBUTES_LEN);
    return 0;
}

static bool rules_is_address(struct str text, int family)
{
    char copy[64];
    uint8_t address[16];

    if (text.n >= sizeof(copy))
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return inet_pton(family, copy, address) == 1;
}

static bool rules_is_port(struct str text)
{
    uint64_t port;

    return str_parse_u64(text, &port) == 0 && port >= 1 && port <= 65535;
}

static bool rules_is_host_name(struct str text)
{
    if (!namespace_is_zone_name(text))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~')
            return false;
    return true;
}

static int rules_bad_value(struct change *change, struct str key, struct str value, const char *wanted)
{
    return rules_refuse(change, CHANGE_INVALID_INPUT,
                        "Invalid value [" STR_FMT "] for attribute " STR_FMT ": %s expected.", STR_ARG(value),
                        STR_ARG(key), wanted);
}

static int rules_check_values(struct change *change)
{
    struct str value = rules_find(change, ATTRIBUTE_IPV4);

    if (str_is_set(value) && !rules_is_address(value, AF_INET))
        return rules_bad_value(change, ATTRIBUTE_IPV4, value, "an IPv4 address");
    value = rules_find(change, ATTRIBUTE_IPV6);
    if (str_is_set(value) && !rules_is_address(value, AF_INET6))
        return rules_bad_value(change, ATTRIBUTE_IPV6, value, "an IPv6 address");
    value = rules_find(change, ATTRIBUTE_PORT);
    if (str_is_set(value) && !rules_is_port(value))
        return rules_bad_value(change, ATTRIBUTE_PORT, value, "a port from 1 to 65535");
    value = rules_find(change, ATTRIBUTE_CNAME);
    if (str_is_set(value) && !rules_is_host_name(value))
        return rules_bad_value(change, ATTRIBUTE_CNAME, value, "a domain name");
    value = rules_find(change, ATTRIBUTE_ALIAS);
    if (str_is_set(value) && !rules_is_host_name(value))
        return rules_bad_value(change, ATTRIBUTE_ALIAS, value, "a domain name");
    value = rules_find(change, ATTRIBUTE_INIT_HEALTH);
    if (str_is_set(value) && !str_eq(value, STR("HEALTHY")) && !str_eq(value, STR("UNHEALTHY")))
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "No enum constant com.amazon.route53.autonaming.model.InitHealthStatus." STR_FMT,
                            STR_ARG(value));
    return 0;
}

static int rules_check_cloudmap(const struct registry_config *config, struct change *change)
{
    struct cloudmap_attributes attributes;
    struct cloudmap_attribute_fault fault;

    if (config->plain_attributes ||
        cloudmap_attribute_read(change->attributes, change->n_attributes, &attributes, &fault) == 0)
        return 0;
    if (!fault.wanted)
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "Invalid attribute: [" STR_FMT "]. [cloudmap:] prefix is reserved for Cloudmap attributes.",
                            STR_ARG(fault.pair.key));
    return rules_bad_value(change, fault.pair.key, fault.pair.value, fault.wanted);
}

struct cloudmap_attributes rules_read_attributes(const struct registry_config *config,
                                                 const struct str_pair *attributes, size_t n)
{
    struct cloudmap_attributes read = { .lease_remove_ms = -1 };
    struct cloudmap_attribute_fault fault;

    if (!config->plain_attributes)
        cloudmap_attribute_read(attributes, n, &read, &fault);
    return read;
}

/* AWS_EC2_INSTANCE_ID goes with nothing of AWS but the initial health, and only in HTTP namespaces. */
static int rules_check_ec2(const struct namespace *ns, struct change *change)
{
    struct str kind = namespace_kind_text(ns->kind);

    if (!rules_has(change, ATTRIBUTE_EC2))
        return 0;
    if (ns->kind != NAMESPACE_HTTP)
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "AWS_EC2_INSTANCE_ID provided in namespace type " STR_FMT
                            ". It is only supported in HTTP namespace",
                            STR_ARG(kind));
    for (size_t i = 0; i < change->n_attributes; i++) {
        struct str key = change->attributes[i].key;
        if (rules_is_reserved(key) && !str_eq(key, ATTRIBUTE_EC2) && !str_eq(key, ATTRIBUTE_INIT_HEALTH))
            return rules_refuse(change, CHANGE_INVALID_INPUT,
                                "Invalid combination of attributes received. AWS_EC2_INSTANCE_ID is not supported with "
                                "[" STR_FMT "].",
                                STR_ARG(key));
    }
    return 0;
}

static int rules_check_alias(const struct service *service, struct change *change)
{
    if (service->routing != SERVICE_WEIGHTED)
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "ALIAS instance can be registered only in services with WEIGHTED routing policy");
    if (!service_has_record(service, SERVICE_A) && !service_has_record(service, SERVICE_AAAA))
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "ALIAS instance can be registered only in services with DNS record type A or AAAA");
    for (size_t i = 0; i < change->n_attributes; i++) {
        struct str key = change->attributes[i].key;
        if (str_starts(key, STR("AWS_INSTANCE_")))
            return rules_refuse(change, CHANGE_INVALID_INPUT,
                                "Invalid combination of attributes received. AWS_ALIAS_DNS_NAME is not supported with "
                                "[" STR_FMT "].",
                                STR_ARG(key));
    }
    return 0;
}

static int rules_missing(struct change *change, struct str key)
{
    return rules_refuse(change, CHANGE_INVALID_INPUT, "Required attribute(s) " STR_FMT " are missing.", STR_ARG(key));
}

static int rules_check_addresses(struct change *change)
{
    if (rules_has(change, ATTRIBUTE_IPV4) || rules_has(change, ATTRIBUTE_IPV6))
        return 0;
    return rules_refuse(change, CHANGE_INVALID_INPUT,
                        "At least one of AWS_INSTANCE_IPV4 AWS_INSTANCE_IPV6 is required.");
}

static int rules_check_required(const struct service *service, struct change *change)
{
    bool a = service_has_record(service, SERVICE_A), aaaa = service_has_record(service, SERVICE_AAAA);

    if (service_has_record(service, SERVICE_CNAME) && !rules_has(change, ATTRIBUTE_CNAME))
        return rules_missing(change, ATTRIBUTE_CNAME);
    if (service_has_record(service, SERVICE_SRV)) {
        if (!rules_has(change, ATTRIBUTE_PORT))
            return rules_missing(change, ATTRIBUTE_PORT);
        return rules_check_addresses(change);
    }
    /* A service with both takes one or both: only the records that have a value are made. */
    if (a && aaaa)
        return rules_check_addresses(change);
    if (a && !rules_has(change, ATTRIBUTE_IPV4))
        return rules_missing(change, ATTRIBUTE_IPV4);
    if (aaaa && !rules_has(change, ATTRIBUTE_IPV6))
        return rules_missing(change, ATTRIBUTE_IPV6);
    return 0;
}

/* What a probe would connect to. */
static int rules_check_target(const struct registry_config *config, struct change *change)
{
    struct str ipv4 = rules_find(change, ATTRIBUTE_IPV4), ipv6 = rules_find(change, ATTRIBUTE_IPV6);
    struct str text = str_is_set(ipv4) ? ipv4 : ipv6;
    const char *family = str_is_set(ipv4) ? "4" : "6";
    struct target_address address;
    uint64_t port;

    if (!rules_has(change, ATTRIBUTE_PORT))
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "A port must be supplied in order to register this instance.");
    if (!str_is_set(text))
        return rules_check_addresses(change);
    str_parse_u64(rules_find(change, ATTRIBUTE_PORT), &port);
    target_address_parse(text, &address);
    switch (target_address_check(&config->targets, &address, (uint16_t)port)) {
    case TARGET_FORBIDDEN:
        return rules_refuse(change, CHANGE_INVALID_INPUT, "IPv%s address " STR_FMT " is forbidden for healthChecks",
                            family, STR_ARG(text));
    case TARGET_OWN:
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "AWS_INSTANCE_PORT %u of AWS_INSTANCE_IPV%s " STR_FMT
                            " is a port of the registry itself: forbidden for healthChecks",
                            (unsigned)port, family, STR_ARG(text));
    case TARGET_ALLOWED:
        break;
    }
    return 0;
}

/* An SRV record's target is made of the id: it must be able to be the first labels of a name. */
static int rules_check_srv_name(const struct namespace *ns, const struct service *service, struct change *change)
{
    struct str id = change->instance_id;
    size_t rest = ns->name.n + 1 + (str_eq(service->name, STR(".")) ? 0 : service->name.n + 1);

    if (namespace_is_zone_name(id) && id.p[id.n - 1] != '.' && id.n + rest <= 253)
        return 0;
    return rules_refuse(change, CHANGE_INVALID_INPUT,
                        "Instance id " STR_FMT " cannot be part of a DNS name, which the service's SRV records need: "
                        "labels are 1 to 63 characters, the whole name at most 253.",
                        STR_ARG(id));
}

int rules_check_instance(const struct registry_config *config, const struct namespace *ns,
                         const struct service *service, struct change *change)
{
    bool probed = service->check != SERVICE_CHECK_NONE && service->check != SERVICE_CHECK_CUSTOM;
    bool alias = rules_has(change, ATTRIBUTE_ALIAS);
    int r = rules_check_size(config, change);

    if (!r)
        r = rules_check_ec2(ns, change);
    if (!r && alias)
        r = rules_check_alias(service, change);
    if (!r && !alias)
        r = rules_check_required(service, change);
    if (!r)
        r = rules_check_values(change);
    if (!r)
        r = rules_check_cloudmap(config, change);
    if (!r && probed && !alias)
        r = rules_check_target(config, change);
    if (!r && service_has_record(service, SERVICE_SRV))
        r = rules_check_srv_name(ns, service, change);
    return r;
}

enum health_status rules_initial_health(const struct service *service, const struct str_pair *attributes, size_t n)
{
    if (service->check != SERVICE_CHECK_CUSTOM)
        return HEALTH_UNKNOWN;
    for (size_t i = 0; i < n; i++)
        if (str_eq(attributes[i].key, ATTRIBUTE_INIT_HEALTH) && str_eq(attributes[i].value, STR("UNHEALTHY")))
            return HEALTH_UNHEALTHY;
    return HEALTH_HEALTHY;
}
