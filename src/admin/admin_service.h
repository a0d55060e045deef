/* SPDX-License-Identifier: Apache-2.0
 *
 * The service that an operator names: by id, by ARN, or as NAMESPACE/NAME, in any account and region. Any thread that
 * holds a snapshot. */
#pragma once

#include "registry/snapshot.h"

enum admin_service_result { ADMIN_SERVICE_UNKNOWN = 1, ADMIN_SERVICE_AMBIGUOUS };

/* Fills *ret_node, which lives as long as the snapshot is held. 0 or a condition. */
int admin_service_find(const struct snapshot *snapshot, struct str name, const struct service_node **ret_node);
/* A sentence for people. */
const char *admin_service_text(enum admin_service_result result);
