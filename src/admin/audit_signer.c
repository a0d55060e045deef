/* SPDX-License-Identifier: Apache-2.0
 *
 * See audit_signer.h. What is signed was committed before, so the log may tell it at once. */
#include "admin/audit_signer.h"

#include "auth/checkpoint.h"
#include "base/log.h"
#include "model/service_event.h"

static void sign(void *arg, const struct store_trail_head *head, int64_t wall_ms, struct buf *text)
{
    char room[CHECKPOINT_ROOM];
    struct str checkpoint = checkpoint_sign(arg, head, wall_ms, room);
    struct json_writer writer;

    if (!str_is_set(checkpoint))
        return;
    json_writer_init(&writer, text);
    service_event_begin(&writer, SERVICE_EVENT_CHECKPOINT, (struct str){ 0 }, (struct str){ 0 }, wall_ms);
    json_field_string(&writer, STR("checkpoint"), checkpoint);
    service_event_end(&writer);
    log_event(LOG_AUDIT_CHECKPOINT, LOG_I("records", head->last), LOG_S("checkpoint", checkpoint));
}

struct registry_signer audit_signer_of(const struct seal *seal)
{
    return (struct registry_signer){ .sign = sign, .arg = (void *)(uintptr_t)seal };
}
