/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules for services and tags; see rules.h. */
#include "registry/rules.h"

#include "model/health_tag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int rules_refuse(struct change *change, enum change_result result, const char *format, ...)
{
    char text[2048];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        n = 0;
    change->message =
        arena_dup(change->arena, (struct str){ text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1 });
    return str_is_set(change->message) ? (int)result : -ENOMEM;
}

static int rules_invalid(struct change *change, const char *text)
{
    return rules_refuse(change, CHANGE_INVALID_INPUT, "%s", text);
}

static int rules_check_records(const struct service *service, struct change *change)
{
    bool srv = service_has_record(service, SERVICE_SRV), cname = service_has_record(service, SERVICE_CNAME);

    for (size_t i = 0; i < service->n_records; i++)
        for (size_t k = 0; k < i; k++)
            if (service->records[i].type == service->records[k].type) {
                struct str type = service_record_type_text(service->records[i].type);
                return rules_refuse(change, CHANGE_INVALID_INPUT,
                                    "Duplicate resource record type" STR_FMT "in DNS config is not expected",
                                    STR_ARG(type));
            }
    if (cname && service->n_records > 1)
        return rules_invalid(change, "DnsRecord Type CNAME cannot be combined with other types");
    if (srv && service->n_records > 1)
        return rules_invalid(change, "DnsRecord Type SRV cannot be combined with other types");
    if (cname && service->routing != SERVICE_WEIGHTED)
        return rules_invalid(change, "WEIGHTED routing policy must be used with DNS Record Type CNAME");
    if (cname && service->check != SERVICE_CHECK_NONE && service->check != SERVICE_CHECK_CUSTOM)
        return rules_invalid(change, "Health check config must not be used. Health checks are not supported for CNAME");
    if (cname && str_eq(service->name, STR(".")))
        return rules_invalid(change, "DnsRecord Type CNAME cannot be used at the apex of the namespace");
    return 0;
}

static int rules_check_name(const struct namespace *ns, const struct service *service, struct change *change)
{
    bool apex = str_eq(service->name, STR("."));

    if (!apex && service->name.n + 1 + ns->name.n > 253)
        return rules_refuse(change, CHANGE_INVALID_INPUT,
                            "The DNS name of the service would be longer than 253 characters: " STR_FMT "." STR_FMT,
                            STR_ARG(service->name), STR_ARG(ns->name));
    return 0;
}

int rules_check_service(const struct registry_config *config, const struct namespace *ns, const struct service *service,
                        struct change *change)
{
    bool probed = service->check != SERVICE_CHECK_NONE && service->check != SERVICE_CHECK_CUSTOM;

    if (service->has_dns && ns->kind == NAMESPACE_HTTP)
        return rules_invalid(change, "When you create a service using a namespace that has a type of HTTP, you can't "
                                     "include a DnsConfig element.");
    if (service->has_dns && service->type == SERVICE_HTTP)
        return rules_invalid(change, "When you create a service with a type of HTTP, you can't include a DnsConfig "
                                     "element.");
    if (probed && ns->kind == NAMESPACE_DNS_PRIVATE && !config->private_health_checks)
        return rules_invalid(change, "Health check config cannot be applied to a service with private namespace");
    if (service->check == SERVICE_CHECK_TCP && str_is_set(service->check_path))
        return rules_invalid(change, "TCP health checks must not have a resource path specified.");
    if (service->has_dns) {
        int r = rules_check_records(service, change);
        return r ? r : rules_check_name(ns, service, change);
    }
    return 0;
}

/* `[A, AAAA]` into text. */
static void rules_list_types(const struct service *service, char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "[");

    for (size_t i = 0; i < service->n_records && n < size; i++) {
        struct str type = service_record_type_text(service->records[i].type);
        n += (size_t)snprintf(text + n, size - n, "%s" STR_FMT, i ? ", " : "", STR_ARG(type));
    }
    if (n < size)
        snprintf(text + n, size - n, "]");
}

static bool rules_same_types(const struct service *a, const struct service *b)
{
    if (a->n_records != b->n_records)
        return false;
    for (size_t i = 0; i < a->n_records; i++)
        if (!service_has_record(b, a->records[i].type))
            return false;
    return true;
}

int rules_check_service_update(const struct service *old, const struct service *new, struct change *change)
{
    bool had_probe = old->check != SERVICE_CHECK_NONE && old->check != SERVICE_CHECK_CUSTOM;

    /* Records that an earlier update left out may come back as any valid set. */
    if (new->n_records && (old->n_records || !old->has_dns) && !rules_same_types(old, new)) {
        char were[64], asked[64];
        rules_list_types(old, were, sizeof(were));
        rules_list_types(new, asked, sizeof(asked));
        return rules_refuse(
            change, CHANGE_INVALID_INPUT,
            "The record types in the request must be the same as those present in the existing service. "
            "Records in the existing service are %s, but the records in the request are %s. The record "
            "types of a service cannot be changed.",
            were, asked);
    }
    if (change->service.check != SERVICE_CHECK_NONE && old->check == SERVICE_CHECK_CUSTOM)
        return rules_invalid(change, "Health check config cannot be added to a service that has a custom health check "
                                     "config");
    if (had_probe && new->check != SERVICE_CHECK_NONE &&new->check != old->check)
        return rules_invalid(change, "Type of health check cannot be changed");
    return 0;
}

int rules_check_tags(const struct str_pair *pairs, size_t n, struct change *change)
{
    for (size_t i = 0; i < n; i++)
        if (str_starts_nocase(pairs[i].key, STR("aws:")))
            return rules_refuse(change, CHANGE_INVALID_INPUT,
                                "Tag key " STR_FMT " is not allowed: the prefix aws: is reserved",
                                STR_ARG(pairs[i].key));
    if (n > RULES_MAX_TAGS)
        return rules_refuse(change, CHANGE_TOO_MANY_TAGS, "A resource can have at most %d tags; it would have %zu",
                            RULES_MAX_TAGS, n);
    return 0;
}

/* An expectation that the check cannot look at would be believed and never kept. */
static const char *rules_vain_health_tag(const struct service *service, const struct health_tag_settings *settings,
                                         const char **ret_tag)
{
    bool http = service->check == SERVICE_CHECK_HTTP || service->check == SERVICE_CHECK_HTTPS;

    if (!service_is_probed(service))
        return NULL;
    *ret_tag = str_is_set(settings->header_name) ? HEALTH_TAG_HEADER : HEALTH_TAG_BODY;
    if (!http && (str_is_set(settings->header_name) || str_is_set(settings->body)))
        return "a TCP health check reads no answer";
    *ret_tag = str_is_set(settings->tls_name) ? HEALTH_TAG_TLS_NAME : HEALTH_TAG_TLS_CA;
    if (service->check != SERVICE_CHECK_HTTPS && (str_is_set(settings->tls_name) || str_is_set(settings->tls_ca)))
        return "only an HTTPS health check sees a certificate";
    return NULL;
}

int rules_check_health_tags(const struct service *service, struct change *change)
{
    struct health_tag_settings settings;
    struct str tag;
    const char *name, *why = health_tag_read(service->tags, service->n_tags, &settings, &tag);

    if (!why) {
        why = rules_vain_health_tag(service, &settings, &name);
        tag = why ? str_of(name) : tag;
    }
    if (why)
        return rules_refuse(change, CHANGE_INVALID_INPUT, "Tag " STR_FMT " is not valid: %s", STR_ARG(tag), why);
    return 0;
}

bool rules_holds_unknown(const struct registry_config *config, const struct service *service)
{
    struct health_tag_settings settings;
    struct str tag;

    if (!service_is_probed(service))
        return false;
    /* A tag that an older release let in says nothing. */
    (void)health_tag_read(service->tags, service->n_tags, &settings, &tag);
    if (settings.unknown_is == HEALTH_TAG_UNKNOWN_UNSET)
        return config->unknown_is_unhealthy;
    return settings.unknown_is == HEALTH_TAG_UNKNOWN_UNHEALTHY;
}
