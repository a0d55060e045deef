/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of the audit trail that are of no call: what the daemon itself says, in CloudTrail's form for that.
 * CloudTrail user guide, "AWS service events". Any thread. */
#pragma once

#include "json/writer.h"

#define SERVICE_EVENT_CHECKPOINT STR("AuditCheckpoint")

/* Writes the record up to its details, whose members follow. Account and region are those it is shown to; absent: to
 * none. */
void service_event_begin(struct json_writer *writer, struct str name, struct str account, struct str region,
                         int64_t wall_ms);
void service_event_end(struct json_writer *writer);
/* Is `record` one of that name? Its beginning tells, which no caller can make. */
bool service_event_is(struct str record, struct str name);
