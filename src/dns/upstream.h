/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said to a resolver and what it says back (RFC 1035, 2308, 5452): one question for the addresses of a name,
 * its answer read with the chain of CNAME records in it. Whatever arrives is hostile; nothing is believed that does not
 * follow from the question. Takes no memory; any thread. */
#pragma once

#include "base/rand.h"
#include "dnswire/packet.h"

#define UPSTREAM_QUERY_MAX (PACKET_HEADER + DNAME_MAX + 4 + EDNS_OPT_SIZE)
#define UPSTREAM_ADDRESSES 64 /* kept of one answer */
#define UPSTREAM_LINKS 8      /* CNAME records followed, over all answers of a question */

struct upstream_question {
    uint16_t id;
    enum packet_type type; /* A or AAAA */
    struct dname name;     /* with the case that it was asked in */
};

enum upstream_verdict {
    UPSTREAM_FOREIGN,   /* no answer to this question: wait on */
    UPSTREAM_RECASED,   /* an answer but for the case of the name: forged perhaps, or by a server that changes it */
    UPSTREAM_TRUNCATED, /* ask again over TCP */
    UPSTREAM_FAILED,    /* the server's rcode, or an answer that makes no sense: ask another one */
    UPSTREAM_NEXT,      /* CNAME records lead to a name of which it says nothing: ask for that one */
    UPSTREAM_NONE,      /* there are no addresses */
    UPSTREAM_FOUND
};

struct upstream_answer {
    unsigned rcode;
    unsigned n_links; /* CNAME records followed */
    uint32_t ttl;     /* least of all that the answer rests on; of UPSTREAM_NONE what RFC 2308 says, 0 without SOA */
    unsigned n;       /* addresses; no one twice */
    uint8_t addresses[UPSTREAM_ADDRESSES][16]; /* 4 octets of A */
    struct dname next;                         /* where the chain ends */
};

/* A new question for the name: random id, random case (draft-vixie-dnsext-dns0x20). */
void upstream_ask(struct rand *rand, const struct dname *name, enum packet_type type,
                  struct upstream_question *ret_question);
/* Its octets: recursion desired, EDNS unless `plain`. Returns the size. */
size_t upstream_write(const struct upstream_question *question, bool plain, uint8_t ret_query[UPSTREAM_QUERY_MAX]);
/* Over TCP (`is_tcp`) the case of the name does not count. At most `links` CNAME records are followed; more are
 * UPSTREAM_FAILED. *ret_answer counts for UPSTREAM_FAILED (rcode alone) and the verdicts behind it. */
enum upstream_verdict upstream_read(const struct upstream_question *question, bool is_tcp, unsigned links,
                                    const uint8_t *message, size_t n, struct upstream_answer *ret_answer);
