/* SPDX-License-Identifier: Apache-2.0 */
#include "dns_reply.h"

#include <arpa/inet.h>
#include <stdio.h>

static unsigned u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)u16(p) << 16 | u16(p + 2);
}

/* Octets that are no letter, digit or one of _-/:@* are shown as \DDD. Returns where the name ends, or 0. */
static size_t read_name(const struct dns_reply *reply, size_t at, char *text, bool compressed)
{
    size_t end = 0, before = at, octets = 1, n = 0;

    for (;;) {
        if (at >= reply->n)
            return 0;
        unsigned c = reply->p[at];
        if (c >= 0xc0) {
            if (!compressed || at + 1 >= reply->n)
                return 0;
            end = end ? end : at + 2;
            size_t to = u16(reply->p + at) & 0x3fff;
            if (to >= before || to < 12)
                return 0;
            before = at = to;
            continue;
        }
        if (c > 63 || at + c >= reply->n || (octets += c ? c + 1 : 0) > 255)
            return 0;
        if (c == 0)
            break;
        for (size_t i = at + 1; i <= at + c; i++) {
            char one = (char)reply->p[i];
            if ((one >= '-' && one <= 'z' && one != '.' && one != '\\') || one == '@')
                text[n++] = one;
            else
                n += (size_t)snprintf(text + n, 5, "\\%03u", reply->p[i]);
        }
        text[n++] = '.';
        at += c + 1;
    }
    if (n == 0)
        text[n++] = '.';
    text[n] = '\0';
    return end ? end : at + 1;
}

/* Data that a type must have. */
static bool has_sound_data(const struct dns_reply *reply, const struct dns_reply_record *record)
{
    char text[DNS_REPLY_NAME];
    size_t end = record->data_at + record->data_n, at;

    switch (record->type) {
    case 1:
        return record->data_n == 4;
    case 28:
        return record->data_n == 16;
    case 2:
    case 5:
        return read_name(reply, record->data_at, text, true) == end;
    case 33:
        return record->data_n > 6 && read_name(reply, record->data_at + 6, text, false) == end;
    case 6:
        at = read_name(reply, record->data_at, text, true);
        at = at ? read_name(reply, at, text, true) : 0;
        return at && at + 20 == end;
    default:
        return true;
    }
}

static size_t read_record(struct dns_reply *reply, size_t at, int section)
{
    struct dns_reply_record *record = &reply->records[reply->n_records];

    if (reply->n_records == DNS_REPLY_MAX)
        return 0;
    at = read_name(reply, at, record->owner, true);
    if (!at || reply->n - at < 10)
        return 0;
    record->section = section;
    record->type = u16(reply->p + at);
    record->class = u16(reply->p + at + 2);
    record->ttl = u32(reply->p + at + 4);
    record->data_n = u16(reply->p + at + 8);
    record->data_at = at + 10;
    if (reply->n - record->data_at < record->data_n || !has_sound_data(reply, record))
        return 0;
    if (record->type == 41)
        reply->rcode |= record->ttl >> 24 << 4;
    reply->n_records++;
    return record->data_at + record->data_n;
}

int dns_reply_read(const uint8_t *p, size_t n, struct dns_reply *reply)
{
    struct dns_reply_record *records = reply->records;
    size_t at = 12;

    *reply = (struct dns_reply){ .p = p, .n = n, .records = records };
    if (n < 12)
        return 1;
    reply->id = u16(p);
    reply->flags = u16(p + 2);
    reply->rcode = reply->flags & 15;
    for (unsigned i = 0; i < 4; i++)
        reply->counts[i] = u16(p + 4 + 2 * i);
    if (reply->counts[0] > 1)
        return 1;
    if (reply->counts[0]) {
        at = read_name(reply, at, reply->question, false);
        if (!at || n - at < 4)
            return 1;
        reply->qtype = u16(p + at);
        reply->qclass = u16(p + at + 2);
        at += 4;
    }
    reply->question_end = at;
    for (int section = 1; section < 4; section++)
        for (unsigned i = 0; i < reply->counts[section]; i++)
            if ((at = read_record(reply, at, section)) == 0)
                return 1;
    return at != n;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static void write_options(struct buf *buf, const struct dns_reply *reply, const struct dns_reply_record *record)
{
    for (size_t at = record->data_at; at < record->data_at + record->data_n;) {
        unsigned option = u16(reply->p + at), n = u16(reply->p + at + 2);
        const uint8_t *p = reply->p + at + 4;
        if (option == 15)
            buf_printf(buf, " error=%u:%.*s", u16(p), (int)n - 2, (const char *)p + 2);
        else if (option == 3)
            buf_printf(buf, " nsid=%.*s", (int)n, (const char *)p);
        else if (option == 11)
            buf_printf(buf, " keepalive=%u", u16(p));
        else
            buf_printf(buf, " option%u=%u", option, n);
        at += 4 + n;
    }
}

static void write_data(struct buf *buf, const struct dns_reply *reply, const struct dns_reply_record *record)
{
    const uint8_t *p = reply->p + record->data_at;
    char text[DNS_REPLY_NAME], second[DNS_REPLY_NAME];
    size_t at;

    switch (record->type) {
    case 1:
        inet_ntop(AF_INET, p, text, sizeof(text));
        buf_printf(buf, "A %s", text);
        break;
    case 28:
        inet_ntop(AF_INET6, p, text, sizeof(text));
        buf_printf(buf, "AAAA %s", text);
        break;
    case 2:
    case 5:
        read_name(reply, record->data_at, text, true);
        buf_printf(buf, "%s %s", record->type == 2 ? "NS" : "CNAME", text);
        break;
    case 33:
        read_name(reply, record->data_at + 6, text, false);
        buf_printf(buf, "SRV %u %u %u %s", u16(p), u16(p + 2), u16(p + 4), text);
        break;
    case 6:
        at = read_name(reply, record->data_at, text, true);
        at = read_name(reply, at, second, true);
        p = reply->p + at;
        buf_printf(buf, "SOA %s %s %u %u %u %u", text, second, u32(p + 4), u32(p + 8), u32(p + 12), u32(p + 16));
        break;
    default:
        buf_printf(buf, "TYPE%u %zu", record->type, record->data_n);
        break;
    }
}

void dns_reply_write(struct buf *buf, const struct dns_reply *reply)
{
    static const char *const sections[] = { "", "an", "au", "ad" };
    static const char *const rcodes[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };

    if (reply->rcode < sizeof(rcodes) / sizeof(rcodes[0]))
        buf_printf(buf, "%s%s%s\n", rcodes[reply->rcode], reply->flags & 0x400 ? " aa" : "",
                   reply->flags & 0x200 ? " tc" : "");
    else
        buf_printf(buf, "RCODE%u%s%s\n", reply->rcode, reply->flags & 0x400 ? " aa" : "",
                   reply->flags & 0x200 ? " tc" : "");
    for (size_t i = 0; i < reply->n_records; i++) {
        const struct dns_reply_record *record = &reply->records[i];
        if (record->type == 41) {
            buf_printf(buf, "opt %u%s", record->class, record->ttl & 0x8000 ? " do" : "");
            write_options(buf, reply, record);
        } else {
            buf_printf(buf, "%s %s %u ", sections[record->section], record->owner, record->ttl);
            write_data(buf, reply, record);
        }
        buf_put_char(buf, '\n');
    }
}
