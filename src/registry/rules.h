/* SPDX-License-Identifier: Apache-2.0
 *
 * What Cloud Map accepts beyond the limits of single members: combinations of a service's settings, attributes that a
 * service's record types demand, tags. Pure: values in, 0 or a condition with its text out. The texts are AWS's where
 * one is known. Sources: API reference of CreateService, UpdateService, RegisterInstance, TagResource. */
#pragma once

#include "model/cloudmap_attribute.h"
#include "registry/registry.h"

#define RULES_MAX_TAGS 50

/* Each returns 0, a change_result with change->message set, or -ENOMEM. */

/* change->service against the namespace's kind; also for the result of an update. */
int rules_check_service(const struct registry_config *config, const struct namespace *ns, const struct service *service,
                        struct change *change);
/* What an update may change of `old`. */
int rules_check_service_update(const struct service *old, const struct service *new, struct change *change);
/* change->attributes (sorted) for an instance of the service. */
int rules_check_instance(const struct registry_config *config, const struct namespace *ns,
                         const struct service *service, struct change *change);
/* `pairs` sorted; duplicates were found by sorting. */
int rules_check_tags(const struct str_pair *pairs, size_t n, struct change *change);

/* What the service's tags say of its health check, and whether its check can do that. */
int rules_check_health_tags(const struct service *service, struct change *change);
/* Are instances of the service not served before they are known? */
bool rules_holds_unknown(const struct registry_config *config, const struct service *service);

/* Would a DNS namespace stand at, above or below one of another account, for clients that see both? */
bool rules_zone_is_taken(const struct snapshot *snapshot, struct str account, struct str region,
                         const struct namespace *ns);

/* Sets the message and returns `result`, or -ENOMEM. */
int rules_refuse(struct change *change, enum change_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What the attributes say to Cloudmap itself: of a registration that passed the rules, and of a stored one, whose
 * faulty attributes say nothing. */
struct cloudmap_attributes rules_read_attributes(const struct registry_config *config,
                                                 const struct str_pair *attributes, size_t n);

/* The status that an instance starts with. */
enum health_status rules_initial_health(const struct service *service, const struct str_pair *attributes, size_t n);
