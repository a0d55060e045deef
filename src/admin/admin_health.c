/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_health.h. */
#include "admin/admin_health.h"

#include "admin/admin_service.h"
#include "base/text.h"
#include "health/health_view.h"

#define PARAMETER "service="
#define NAME_MAX_OCTETS 2048

/* Percent-decodes (RFC 3986 2.1) the one parameter. 0, or 1 when it is another or malformed. */
static int read_name(struct str query, char ret_text[NAME_MAX_OCTETS], struct str *ret_name)
{
    size_t n = 0;

    if (!str_starts(query, STR(PARAMETER)))
        return 1;
    query = str_skip(query, sizeof(PARAMETER) - 1);
    for (size_t i = 0; i < query.n; i++, n++) {
        if (n == NAME_MAX_OCTETS || query.p[i] == '&')
            return 1;
        ret_text[n] = query.p[i];
        if (query.p[i] != '%')
            continue;
        if (query.n - i < 3 || text_parse_hex((struct str){ query.p + i + 1, 2 }, (uint8_t *)&ret_text[n]))
            return 1;
        i += 2;
    }
    *ret_name = (struct str){ ret_text, n };
    return 0;
}

unsigned admin_health_write(struct buf *buf, struct str query, struct health *health, const struct snapshot_head *head)
{
    const struct snapshot *snapshot;
    const struct service_node *node;
    char text[NAME_MAX_OCTETS];
    struct str name;
    int r;

    if (read_name(query, text, &name)) {
        buf_put_str(buf, STR("{\"error\":\"the query is service=SERVICE\"}"));
        return 400;
    }
    snapshot = snapshot_acquire(head);
    r = admin_service_find(snapshot, name, &node);
    if (r)
        buf_printf(buf, "{\"error\":\"%s\"}", admin_service_text((enum admin_service_result)r));
    else
        health_view_write_service(health, buf, node);
    snapshot_release(head);
    return r ? 404 : 200;
}
