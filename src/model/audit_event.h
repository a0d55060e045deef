/* SPDX-License-Identifier: Apache-2.0
 *
 * What people look for in a record of the audit trail, taken out of its JSON, and members that all who write records
 * write alike. Pure; any thread. */
#pragma once

#include "base/arena.h"
#include "base/rand.h"
#include "json/writer.h"

#define AUDIT_EVENT_MAX_RESOURCES 8

struct audit_event_resource {
    struct str type; /* AWS::ServiceDiscovery::Service ... */
    struct str name; /* id, ARN or name, as the caller named it */
};

/* Slices point into the text and the arena; absent: the record does not say. */
struct audit_event {
    struct str id, name, source, time, account, region, request_id;
    struct str arn, user_name, access_key_id;
    struct str invoked_by; /* the program that acted for the account, such as cloudmapctl */
    struct str error_code;
    bool is_read_only;
    struct audit_event_resource resources[AUDIT_EVENT_MAX_RESOURCES];
    size_t n_resources;
};

/* The name that people know the caller by: of the user, else the end of the ARN; absent: none. */
struct str audit_event_user(const struct audit_event *event);

/* `text` is modified. 0, or 1 when it is no such record. */
int audit_event_parse(char *text, size_t n, struct arena *arena, struct audit_event *ret_event);

/* The member eventID, of the generator's next id, and the member eventTime. */
void audit_event_put_id(struct json_writer *writer, struct rand *rand);
void audit_event_put_time(struct json_writer *writer, int64_t wall_ms);
