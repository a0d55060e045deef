/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of operations: a registry whose operations take a second, with something in it that was made at once. */
#pragma once

#include "bed.h"

#define SLOW_DELAY 1000

/* A namespace and service made at once, then a registry whose operations take a second. */
struct slow {
    struct bed bed;
    struct str http, service;
};

static inline void slow_init(struct slow *slow)
{
    bed_init(&slow->bed);
    slow->http = bed_namespace(&slow->bed, NAMESPACE_HTTP, "h");
    slow->service = bed_service(&slow->bed, slow->http, "s", SERVICE_CHECK_CUSTOM);
    bed_register(&slow->bed, slow->service, "old", "k=v");
    slow->bed.config.operations_delay_ms = SLOW_DELAY;
    clock_manual_advance(&slow->bed.clock, 1); /* ids that are taken put off nothing */
    bed_reopen(&slow->bed);
}

static inline void slow_fini(struct slow *slow)
{
    bed_check_reopen(&slow->bed);
    bed_fini(&slow->bed);
}

/* The id of the operation that the caller's last change became. */
static inline const char *slow_last(struct slow *slow)
{
    return arena_dup(&slow->bed.names, str_of(slow->bed.caller.change.operation_id)).p;
}

static inline void slow_expect(struct slow *slow, const char *operation, const char *status)
{
    assert_string_equal(bed_operation(&slow->bed, operation), status);
}

static inline bool slow_has_instance(struct slow *slow, const char *id)
{
    const struct tenant *tenant = bed_tenant(&slow->bed, bed_hold(&slow->bed));
    const struct service_node *node = state_find_service(tenant, slow->service);
    bool has = node && state_find_instance(node, str_of(id));

    bed_release(&slow->bed);
    return has;
}
