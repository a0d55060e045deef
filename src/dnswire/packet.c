/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading queries; see packet.h. */
#include "dnswire/packet.h"

#define RECORD_FIXED 10 /* type, class, TTL, length */

/* One record of the additional section. 0 or 1. */
static int packet_read_record(struct packet *packet, size_t *at, bool last)
{
    const uint8_t *p = packet->p;
    size_t name_at = *at, end;
    uint16_t type, length;

    if (dname_skip(p, packet->n, *at, &end) || packet->n - end < RECORD_FIXED)
        return 1;
    type = packet_get_u16(p + end);
    length = packet_get_u16(p + end + 8);
    *at = end + RECORD_FIXED + length;
    if (*at > packet->n)
        return 1;
    if (type == PACKET_OPT) {
        if (packet->edns.present || p[name_at] != 0)
            return 1; /* RFC 6891 6.1.1: one, and its name is the root */
        return edns_read(p + end + 2, length, &packet->edns);
    }
    if (type == PACKET_TSIG) {
        packet->has_tsig = true;
        return !last || packet_get_u16(p + end + 2) != PACKET_ANY; /* RFC 8945 5.1 */
    }
    return 0;
}

/* What stands behind the question. A query has no answers; an IXFR carries the SOA it knows as authority. */
static int packet_read_rest(struct packet *packet)
{
    unsigned n_answers = packet_get_u16(packet->p + 6), n_authority = packet_get_u16(packet->p + 8);
    unsigned n_additional = packet_get_u16(packet->p + 10);
    size_t at = packet->question_end;

    if (n_answers || (n_authority && !(packet->has_question && packet->type == PACKET_IXFR && n_authority == 1)))
        return 1;
    if (n_authority) {
        if (dname_skip(packet->p, packet->n, at, &at) || packet->n - at < RECORD_FIXED)
            return 1;
        at += RECORD_FIXED + (size_t)packet_get_u16(packet->p + at + 8);
        if (at > packet->n)
            return 1;
    }
    for (unsigned i = 0; i < n_additional; i++)
        if (packet_read_record(packet, &at, i + 1 == n_additional))
            return 1;
    return at != packet->n;
}

static int packet_read_question(struct packet *packet, struct dname *name)
{
    size_t end;

    if (dname_read(packet->p, packet->n, PACKET_HEADER, name, &end) || packet->n - end < 4)
        return 1;
    if (end != PACKET_HEADER + (size_t)name->n)
        return 1; /* nothing stands before it that it could point to */
    packet->type = packet_get_u16(packet->p + end);
    packet->class = packet_get_u16(packet->p + end + 2);
    packet->question_end = end + 4;
    packet->has_question = true;
    return 0;
}

enum packet_verdict packet_read(const uint8_t *p, size_t n, struct packet *ret_packet, struct dname *ret_name)
{
    struct packet *packet = ret_packet;
    unsigned n_questions;

    packet->p = p;
    packet->n = n;
    packet->has_question = packet->has_tsig = false;
    packet->question_end = PACKET_HEADER;
    edns_init(&packet->edns);
    if (n < PACKET_HEADER)
        return PACKET_DROP;
    packet->id = packet_get_u16(p);
    packet->flags = packet_get_u16(p + 2);
    if (packet->flags & PACKET_QR)
        return PACKET_DROP;
    if (packet_opcode(packet) != PACKET_QUERY)
        return PACKET_FOREIGN;
    n_questions = packet_get_u16(p + 4);
    if (n_questions > 1 || (n_questions == 1 && packet_read_question(packet, ret_name)) || packet_read_rest(packet))
        return PACKET_MALFORMED;
    /* RFC 7873 5.4: a question may be missing when a cookie is what is asked for. */
    if (n_questions == 0 && !packet->edns.has_cookie)
        return PACKET_MALFORMED;
    /* Types of meta records ask for nothing. */
    if (packet->has_question && (packet->type == PACKET_OPT || packet->type == PACKET_TSIG))
        return PACKET_MALFORMED;
    return PACKET_OK;
}
