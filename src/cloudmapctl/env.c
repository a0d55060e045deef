/* SPDX-License-Identifier: Apache-2.0
 *
 * Meant for: eval "$(cloudmapctl env)". Nothing but variables goes to stdout, and never a proxy. */
#include "cloudmapctl/env.h"
#include "cloudmapctl/target.h"
#include "json/writer.h"

#include <stdio.h>
#include <stdlib.h>

static void put_variable(void *arg, const char *name, struct str value)
{
    json_field_string(arg, str_of(name), value);
}

int env_run(const struct ctl *ctl)
{
    char why[512];
    struct target target;
    int r = target_find(ctl, &target, why, sizeof(why));
    if (r != 0)
        return ctl_fail(r, "%s", why);
    struct buf buf;
    buf_init(&buf, 1 << 16);
    if (ctl->json) {
        struct json_writer writer;
        json_writer_init(&writer, &buf);
        json_open_object(&writer);
        endpoint_each_variable(&target.endpoint, target.region, put_variable, &writer);
        json_close_object(&writer);
        buf_put_char(&buf, '\n');
    } else {
        endpoint_write_exports(&buf, &target.endpoint, target.region, "");
    }
    if (target.endpoint.needs_signature)
        fprintf(stderr,
                "Calls must be signed: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are yours to set (cloudmapctl key "
                "create makes a key).\n");
    fwrite(buf_str(&buf).p, 1, buf_str(&buf).n, stdout);
    buf_fini(&buf);
    target_free(&target);
    return EXIT_SUCCESS;
}
