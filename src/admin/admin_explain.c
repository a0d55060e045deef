/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_explain.h. */
#include "admin/admin_explain.h"

#include "base/text.h"

#define VALUE_MAX DNAME_TEXT_MAX /* octets of a decoded parameter */

struct parameter {
    char text[VALUE_MAX];
    struct str value; /* absent until it was given */
};

/* Percent-decodes (RFC 3986 2.1). 0, or 1 when it is malformed or too long. */
static int decode(struct str encoded, struct parameter *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < encoded.n; i++, n++) {
        if (n == sizeof(ret->text))
            return 1;
        ret->text[n] = encoded.p[i];
        if (encoded.p[i] != '%')
            continue;
        if (encoded.n - i < 3 || text_parse_hex((struct str){ encoded.p + i + 1, 2 }, &ret->text[n]))
            return 1;
        i += 2;
    }
    ret->value = (struct str){ ret->text, n };
    return 0;
}

enum { NAME, TYPE, FROM, PARAMETER_COUNT };

static int parse(struct str query, struct parameter parameters[PARAMETER_COUNT])
{
    static const char *const names[] = { [NAME] = "name", [TYPE] = "type", [FROM] = "from" };

    while (query.n > 0) {
        size_t n = str_find_char(query, '&'), i = 0;
        struct str one = { query.p, n };
        size_t equals = str_find_char(one, '=');
        while (i < PARAMETER_COUNT && !str_eq((struct str){ one.p, equals }, str_of(names[i])))
            i++;
        if (i == PARAMETER_COUNT || equals == one.n || str_is_set(parameters[i].value) ||
            decode(str_skip(one, equals + 1), &parameters[i]))
            return 1;
        query = str_skip(query, n < query.n ? n + 1 : n);
    }
    return str_is_set(parameters[NAME].value) ? 0 : 1;
}

static unsigned refuse(struct buf *buf, unsigned status, const char *why)
{
    buf_printf(buf, "{\"error\":\"%s\"}", why);
    return status;
}

unsigned admin_explain_write(struct buf *buf, struct str query, const struct answer_settings *settings,
                             const struct snapshot_head *head, const struct clock *clock)
{
    static const char *const reasons[] = { [EXPLAIN_BAD_NAME] = "that is not a domain name",
                                           [EXPLAIN_BAD_TYPE] = "that is not a record type, such as A or TYPE28",
                                           [EXPLAIN_BAD_ADDRESS] = "that is not an IP address" };
    struct parameter parameters[PARAMETER_COUNT] = { 0 };
    struct explain_question question;
    const struct snapshot *snapshot;
    struct json_writer writer;
    int r;

    if (!settings)
        return refuse(buf, 503, "the DNS server does not run");
    if (parse(query, parameters))
        return refuse(buf, 400, "the query is name=NAME[&type=TYPE][&from=IP]");
    r = explain_parse(parameters[NAME].value, parameters[TYPE].value, parameters[FROM].value, &question);
    if (r)
        return refuse(buf, 400, reasons[r]);
    json_writer_init(&writer, buf);
    snapshot = snapshot_acquire(head);
    r = explain_write(&writer, settings, snapshot, &question, (uint32_t)(clock_wall_ms(clock) / 1000));
    snapshot_release(head);
    return r ? refuse(buf, 500, "out of memory") : 200;
}

void admin_explain_put_parameter(struct buf *buf, const char *name, struct str value)
{
    buf_printf(buf, "%s=", name);
    for (size_t i = 0; i < value.n; i++)
        buf_printf(buf, "%%%02x", (unsigned char)value.p[i]);
}
