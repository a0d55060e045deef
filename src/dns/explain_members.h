/* SPDX-License-Identifier: Apache-2.0
 *
 * Why each instance of a service is in an answer or not. One thread. */
#pragma once

#include "dns/explain_reply.h"
#include "json/writer.h"

/* The members `service` and `instances` of a step. `name` is the service's name as it was looked up; `type` is what the
 * records at it are of: SERVICE_RECORD_TYPE_COUNT when the service can have none of the type asked for. */
void explain_members_write(struct json_writer *writer, const struct answer_settings *settings,
                           const struct explain_reply *reply, const struct owner *owner, const struct dname *name,
                           enum service_record_type type);
/* The members `service` and `instance` where the name is that of one of its instances; `sharing` when it is also that
 * of others. */
void explain_members_write_one(struct json_writer *writer, const struct answer_settings *settings,
                               const struct explain_reply *reply, const struct owner *owner,
                               const struct instance *instance, const struct dname *name, unsigned type);
