/* SPDX-License-Identifier: Apache-2.0
 *
 * See explain_reply.h. */
#include "dns/explain_reply.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <stdio.h>

#define UDP_SIZE 1232
#define QUERY_MAX (PACKET_HEADER + DNAME_MAX + 4 + EDNS_OPT_SIZE)

static size_t explain_reply_query(const struct dname *name, unsigned type, uint8_t query[QUERY_MAX])
{
    static const uint8_t header[PACKET_HEADER] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
    const uint8_t tail[] = { (uint8_t)(type >> 8), (uint8_t)type, 0, PACKET_IN };
    size_t n = sizeof(header);

    memcpy(query, header, sizeof(header));
    memcpy(query + n, name->wire, name->n);
    n += name->n;
    memcpy(query + n, tail, sizeof(tail));
    n += sizeof(tail);
    edns_put_opt(query + n, UDP_SIZE, 0, false, 0);
    return n + EDNS_OPT_SIZE;
}

/* One record at *at, which becomes the place behind it. */
static void explain_reply_read(const struct explain_reply *reply, size_t *at, struct explain_record *record)
{
    size_t end = *at;

    ASSERT(dname_read(reply->p, reply->n, *at, &record->owner, &end) == 0 && end + 10 <= reply->n);
    record->type = packet_get_u16(reply->p + end);
    record->ttl = packet_get_u32(reply->p + end + 4);
    record->data_n = packet_get_u16(reply->p + end + 8);
    record->data_at = end + 10;
    *at = record->data_at + record->data_n;
    ASSERT(*at <= reply->n);
}

/* The upper bits of the rcode, and the extended error. */
static void explain_reply_take_opt(struct explain_reply *reply, const struct explain_record *opt)
{
    const uint8_t *p = reply->p + opt->data_at, *end = p + opt->data_n;

    reply->rcode |= opt->ttl >> 24 << 4;
    while (end - p >= 4) {
        unsigned option = packet_get_u16(p), n = packet_get_u16(p + 2);
        if (option == EDNS_ERROR && n > 2)
            snprintf(reply->error, sizeof(reply->error), "%.*s", (int)(n - 2), (const char *)p + 6);
        p += 4 + n;
    }
}

static void explain_reply_open(struct explain_reply *reply)
{
    struct explain_record record;
    struct dname name;
    size_t at = PACKET_HEADER;

    reply->flags = packet_get_u16(reply->p + 2);
    reply->rcode = reply->flags & 0xf;
    for (unsigned i = 0; i < 3; i++)
        reply->counts[i] = packet_get_u16(reply->p + 6 + 2 * i);
    if (packet_get_u16(reply->p + 4)) {
        ASSERT(dname_read(reply->p, reply->n, at, &name, &at) == 0);
        at += 4;
    }
    reply->first = at;
    for (unsigned i = 0; i < reply->counts[0] + reply->counts[1] + reply->counts[2]; i++) {
        explain_reply_read(reply, &at, &record);
        if (record.type == PACKET_OPT)
            explain_reply_take_opt(reply, &record);
    }
}

void explain_reply_ask(struct explain_reply *reply, struct answer_worker *worker, const struct snapshot *snapshot,
                       const struct authority_client *client, const struct dname *name, unsigned type)
{
    uint8_t query[QUERY_MAX];
    size_t n = explain_reply_query(name, type, query);

    memset(reply, 0, offsetof(struct explain_reply, p));
    reply->n = answer_query(worker, snapshot, client, false, query, n, reply->p, sizeof(reply->p));
    if (reply->n >= PACKET_HEADER && packet_get_u16(reply->p + 2) & PACKET_TC) {
        reply->is_truncated = true;
        reply->n = answer_query(worker, snapshot, client, true, query, n, reply->p, sizeof(reply->p));
    }
    reply->is_silent = reply->n < PACKET_HEADER;
    if (!reply->is_silent)
        explain_reply_open(reply);
}

bool explain_reply_next(const struct explain_reply *reply, struct explain_cursor *cursor,
                        struct explain_record *ret_record)
{
    unsigned n_answer = reply->counts[0], n_authority = n_answer + reply->counts[1];

    if (cursor->i == 0)
        cursor->at = reply->first;
    while (cursor->i < n_authority + reply->counts[2]) {
        explain_reply_read(reply, &cursor->at, ret_record);
        ret_record->section = cursor->i < n_answer      ? COMPOSER_ANSWER
                              : cursor->i < n_authority ? COMPOSER_AUTHORITY
                                                        : COMPOSER_ADDITIONAL;
        cursor->i++;
        if (ret_record->type != PACKET_OPT)
            return true;
    }
    return false;
}

/* The name at *at as text; *at becomes the place behind it. */
static void explain_reply_name(const struct explain_reply *reply, size_t *at, char text[DNAME_TEXT_MAX])
{
    struct dname name;

    ASSERT(dname_read(reply->p, reply->n, *at, &name, at) == 0);
    dname_text(&name, text);
}

void explain_reply_data(const struct explain_reply *reply, const struct explain_record *record,
                        char ret_text[EXPLAIN_REPLY_DATA])
{
    char first[DNAME_TEXT_MAX], second[DNAME_TEXT_MAX];
    const uint8_t *data = reply->p + record->data_at;
    size_t at = record->data_at;

    switch (record->type) {
    case PACKET_A:
        inet_ntop(AF_INET, data, ret_text, EXPLAIN_REPLY_DATA);
        break;
    case PACKET_AAAA:
        inet_ntop(AF_INET6, data, ret_text, EXPLAIN_REPLY_DATA);
        break;
    case PACKET_CNAME:
    case PACKET_NS:
        explain_reply_name(reply, &at, first);
        snprintf(ret_text, EXPLAIN_REPLY_DATA, "%s", first);
        break;
    case PACKET_SRV:
        at += 6;
        explain_reply_name(reply, &at, first);
        snprintf(ret_text, EXPLAIN_REPLY_DATA, "%u %u %u %s", packet_get_u16(data), packet_get_u16(data + 2),
                 packet_get_u16(data + 4), first);
        break;
    case PACKET_SOA:
        explain_reply_name(reply, &at, first);
        explain_reply_name(reply, &at, second);
        data = reply->p + at;
        snprintf(ret_text, EXPLAIN_REPLY_DATA, "%s %s %u %u %u %u %u", first, second, packet_get_u32(data),
                 packet_get_u32(data + 4), packet_get_u32(data + 8), packet_get_u32(data + 12),
                 packet_get_u32(data + 16));
        break;
    default:
        snprintf(ret_text, EXPLAIN_REPLY_DATA, "\\# %zu", record->data_n);
        break;
    }
}
