/* SPDX-License-Identifier: Apache-2.0
 *
 * See instance_change.h. */
#include "cloudmapctl/instance_change.h"

#include "base/mem.h"
#include "cloudmapctl/fetch.h"

#include <stdio.h>
#include <sysexits.h>

#define BODY_MAX 4096

void instance_change_open(struct buf *buf, struct json_writer *writer, const struct ctl *ctl)
{
    buf_init(buf, BODY_MAX);
    json_writer_init(writer, buf);
    json_open_object(writer);
    json_field_string(writer, STR("service"), str_of(ctl->words[0]));
    json_field_string(writer, STR("instance"), str_of(ctl->words[1]));
}

int instance_change_send(const struct ctl *ctl, const char *path, struct buf *take_body, const char *done)
{
    char why[1024] = "the arguments are too long", *text = NULL;
    size_t n = 0;
    int code = EX_USAGE;
    if (!take_body->failed)
        code = fetch_admin_post(ctl, path, buf_str(take_body), &text, &n, why, sizeof(why));
    if (code != 0)
        ctl_fail(code, "%s %s: %s", ctl->words[0], ctl->words[1], why);
    else if (ctl->json)
        printf("%.*s\n", (int)n, text);
    else
        printf("%s %s\n", ctl->words[1], done);
    buf_fini(take_body);
    mem_free(text);
    return code;
}
