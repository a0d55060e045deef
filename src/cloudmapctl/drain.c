/* SPDX-License-Identifier: Apache-2.0
 *
 * See drain.h. */
#include "cloudmapctl/drain.h"

#include "admin/admin_change.h"
#include "base/units.h"
#include "cloudmapctl/fetch.h"
#include "cloudmapctl/instance_change.h"

#include <stdio.h>
#include <sysexits.h>

#define REASON "drained by an operator" /* unless --reason says more */

int drain_run(const struct ctl *ctl)
{
    enum tenure_then then = TENURE_UNDRAIN;
    struct json_writer writer;
    int64_t for_ms = 0;
    struct buf body;
    if (ctl->then && !ctl->time)
        return ctl_fail(EX_USAGE, "--then needs --for: when?");
    if (ctl->then && tenure_parse_then(str_of(ctl->then), &then) != 0)
        return ctl_fail(EX_USAGE, "--then is undrain or deregister, not: %s", ctl->then);
    if (ctl->time && (units_parse_duration_ms(str_of(ctl->time), &for_ms) != 0 || for_ms == 0))
        return ctl_fail(EX_USAGE, "--for is a time such as 30s or 5m, not: %s", ctl->time);
    instance_change_open(&body, &writer, ctl);
    json_field_string(&writer, STR("reason"), str_of(ctl->reason ? ctl->reason : REASON));
    if (ctl->time) {
        json_field_int(&writer, STR("for_ms"), for_ms);
        json_field_string(&writer, STR("then"), tenure_then_text(then));
    }
    if (ctl->force) {
        json_key(&writer, STR("force"));
        json_put_bool(&writer, true);
    }
    json_close_object(&writer);
    int code = instance_change_send(ctl, ADMIN_DRAIN_PATH, &body, "drains: it is out of discovery and DNS");
    if (code == FETCH_GUARD_REFUSES)
        fprintf(stderr, "With --force it drains all the same.\n");
    return code;
}

int drain_run_undrain(const struct ctl *ctl)
{
    struct json_writer writer;
    struct buf body;
    instance_change_open(&body, &writer, ctl);
    json_close_object(&writer);
    return instance_change_send(ctl, ADMIN_UNDRAIN_PATH, &body, "does not drain");
}
