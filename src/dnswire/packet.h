/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a query (RFC 1035 4.1, RFC 6891): header, its one question, and what stands behind it, of which EDNS counts.
 * Reading takes no memory and keeps borrowed slices of the message. */
#pragma once

#include "dnswire/dname.h"
#include "dnswire/edns.h"

#define PACKET_HEADER 12
#define PACKET_MAX 65535

enum packet_opcode { PACKET_QUERY = 0, PACKET_NOTIFY = 4, PACKET_UPDATE = 5 };

enum packet_rcode {
    PACKET_NOERROR = 0,
    PACKET_FORMERR = 1,
    PACKET_SERVFAIL = 2,
    PACKET_NXDOMAIN = 3,
    PACKET_NOTIMP = 4,
    PACKET_REFUSED = 5,
    PACKET_NOTAUTH = 9,
    PACKET_BADVERS = 16, /* extended: the upper bits stand in OPT */
    PACKET_BADCOOKIE = 23
};

/* Octets 2 and 3 of the header, as one number. */
enum packet_flag {
    PACKET_QR = 0x8000,
    PACKET_OPCODE = 0x7800,
    PACKET_AA = 0x0400,
    PACKET_TC = 0x0200,
    PACKET_RD = 0x0100
};
#define PACKET_OPCODE_SHIFT 11

enum packet_type {
    PACKET_A = 1,
    PACKET_NS = 2,
    PACKET_CNAME = 5,
    PACKET_SOA = 6,
    PACKET_TXT = 16,
    PACKET_AAAA = 28,
    PACKET_SRV = 33,
    PACKET_OPT = 41,
    PACKET_TSIG = 250,
    PACKET_IXFR = 251,
    PACKET_AXFR = 252,
    PACKET_ANY = 255
};

enum packet_class { PACKET_IN = 1, PACKET_CH = 3 };

struct packet {
    const uint8_t *p;
    size_t n;
    uint16_t id, flags;
    bool has_question; /* then the three below hold */
    uint16_t type, class;
    size_t question_end; /* first octet behind the question */
    bool has_tsig;
    struct edns edns;
};

/* What to do with a message. */
enum packet_verdict {
    PACKET_OK = 0,
    PACKET_DROP,      /* too short, or an answer */
    PACKET_MALFORMED, /* FORMERR; id and flags are there, the question perhaps, EDNS not */
    PACKET_FOREIGN    /* an opcode that is not QUERY: only the header was read */
};
/* *ret_name is the question's, as it was asked; it means something when there is a question. */
enum packet_verdict packet_read(const uint8_t *p, size_t n, struct packet *ret_packet, struct dname *ret_name);

static inline uint16_t packet_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t packet_get_u32(const uint8_t *p)
{
    return (uint32_t)packet_get_u16(p) << 16 | packet_get_u16(p + 2);
}

static inline unsigned packet_opcode(const struct packet *packet)
{
    return (packet->flags & PACKET_OPCODE) >> PACKET_OPCODE_SHIFT;
}
