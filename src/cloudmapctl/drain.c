/* SPDX-License-Identifier: Apache-2.0
 *
 * See drain.h. */
#include "cloudmapctl/drain.h"

#include "admin/admin_change.h"
#include "base/mem.h"
#include "base/units.h"
#include "cloudmapctl/fetch.h"
#include "json/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#define REASON "drained by an operator" /* unless --reason says more */
#define BODY_MAX 4096

/* The request's members up to the instance; the caller closes the object. */
static void open_body(struct buf *buf, struct json_writer *writer, const struct ctl *ctl)
{
    buf_init(buf, BODY_MAX);
    json_writer_init(writer, buf);
    json_open_object(writer);
    json_field_string(writer, STR("service"), str_of(ctl->words[0]));
    json_field_string(writer, STR("instance"), str_of(ctl->words[1]));
}

static int send_body(const struct ctl *ctl, const char *path, struct buf *take_body, const char *done)
{
    char why[1024], *text = NULL;
    size_t n = 0;
    int code = take_body->failed ? ctl_fail(EX_USAGE, "the arguments are too long")
                                 : fetch_admin_post(ctl, path, buf_str(take_body), &text, &n, why, sizeof(why));
    if (code != 0 && !take_body->failed)
        ctl_fail(code, "%s", why);
    if (code == 0 && ctl->json)
        printf("%.*s\n", (int)n, text);
    else if (code == 0)
        printf("%s %s\n", ctl->words[1], done);
    buf_fini(take_body);
    mem_free(text);
    return code;
}

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
    open_body(&body, &writer, ctl);
    json_field_string(&writer, STR("reason"), str_of(ctl->reason ? ctl->reason : REASON));
    if (ctl->time) {
        json_field_int(&writer, STR("for_ms"), for_ms);
        json_field_string(&writer, STR("then"), tenure_then_text(then));
    }
    json_close_object(&writer);
    return send_body(ctl, ADMIN_DRAIN_PATH, &body, "drains: it is out of discovery and DNS");
}

int drain_run_undrain(const struct ctl *ctl)
{
    struct json_writer writer;
    struct buf body;
    open_body(&body, &writer, ctl);
    json_close_object(&writer);
    return send_body(ctl, ADMIN_UNDRAIN_PATH, &body, "does not drain");
}
