/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of admin_access.h share: one request under way. On the stack of admin_access_run. */
#pragma once

#include "admin/admin_access.h"
#include "json/writer.h"

struct admin_request {
    struct registry *registry;
    struct vault *vault;
    const char *why_no_vault;
    struct arena arena;
    struct json_writer writer; /* of the answer, inside its object */
    struct str command, account, user, role, access_key_id, path, trust, policy, document, namespace_arn, consumer;
    int64_t max_session_s;
    bool root;
    unsigned status; /* of HTTP; not 200: refused, see error */
    struct str error;
};

/* Each returns 1 when the request is refused. */
int admin_access_refuse(struct admin_request *request, unsigned status, struct str why);
/* Hands the change to the registry and waits for it: 0, or 1 when it was refused. */
int admin_access_carry_out(struct admin_request *request, struct change *change);
/* A change that is filled with what all of them have in common. */
struct change admin_access_new_change(struct admin_request *request, enum change_kind kind);
/* The member `created`; milliseconds since the epoch. */
void admin_access_put_created(struct json_writer *writer, int64_t ms);
