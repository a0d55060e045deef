/* SPDX-License-Identifier: Apache-2.0
 *
 * See renew.h. */
#include "cloudmapctl/renew.h"

#include "admin/admin_change.h"
#include "cloudmapctl/instance_change.h"

int renew_run(const struct ctl *ctl)
{
    struct json_writer writer;
    struct buf body;
    instance_change_open(&body, &writer, ctl);
    json_close_object(&writer);
    return instance_change_send(ctl, ADMIN_RENEW_PATH, &body, "is renewed");
}
