/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads answers, by code that shares nothing with the code under test: every name, record and count must be sound. */
#pragma once

#include "base/buf.h"

#define DNS_REPLY_MAX 4200 /* records */
#define DNS_REPLY_NAME 1100

struct dns_reply_record {
    int section; /* 1 answer, 2 authority, 3 additional */
    char owner[DNS_REPLY_NAME];
    unsigned type, class;
    uint32_t ttl;
    size_t data_at, data_n;
};

struct dns_reply {
    const uint8_t *p;
    size_t n;
    unsigned id, flags, rcode; /* rcode with the upper bits of OPT */
    unsigned counts[4];
    char question[DNS_REPLY_NAME];
    size_t question_end;
    unsigned qtype, qclass;
    size_t n_records;
    struct dns_reply_record *records; /* DNS_REPLY_MAX, of the caller */
};

/* 0, or 1 when the message is not sound to its last octet. `reply->records` is the caller's. */
int dns_reply_read(const uint8_t *p, size_t n, struct dns_reply *reply);
/* `NOERROR aa tc`, then one line a record: `an NAME TTL TYPE DATA`; OPT as `opt SIZE`, its options after it. */
void dns_reply_write(struct buf *buf, const struct dns_reply *reply);
