/* SPDX-License-Identifier: Apache-2.0
 *
 * A question asked and its answer read as a client would: EDNS with 1232 octets over UDP, and when that is truncated
 * once more over TCP, without a socket. One thread. */
#pragma once

#include "dns/answer.h"

struct explain_reply {
    bool is_silent;        /* nothing is sent; all below is 0 */
    unsigned flags, rcode; /* of the message that counts, the whole rcode */
    bool is_truncated;     /* over UDP */
    char error[256];       /* text of the extended error; "" when there is none */
    size_t n, first;       /* octets; where the records begin */
    unsigned counts[3];    /* answer, authority, additional */
    uint8_t p[PACKET_MAX];
};

struct explain_record {
    enum composer_section section;
    struct dname owner;
    unsigned type;
    uint32_t ttl;
    size_t data_at, data_n;
};

/* Asks; `worker` is the caller's own. Answers are sound, so that reading them cannot fail. */
void explain_reply_ask(struct explain_reply *reply, struct answer_worker *worker, const struct snapshot *snapshot,
                       const struct authority_client *client, const struct dname *name, unsigned type);

/* A place among the records; zeroed at first. */
struct explain_cursor {
    unsigned i;
    size_t at;
};
/* The next record; false behind the last. OPT is not among them. */
bool explain_reply_next(const struct explain_reply *reply, struct explain_cursor *cursor,
                        struct explain_record *ret_record);

#define EXPLAIN_REPLY_DATA (2 * DNAME_TEXT_MAX + 64)
/* What a record says, as zone files write it; NUL-terminated. */
void explain_reply_data(const struct explain_reply *reply, const struct explain_record *record,
                        char ret_text[EXPLAIN_REPLY_DATA]);
