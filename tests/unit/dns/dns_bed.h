/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of answers share: a registry, and questions to it without a socket. */
#pragma once

#include "../registry/bed.h"

#include "dns/answer.h"
#include "dns_reply.h"

struct dns_bed {
    struct bed bed;
    struct answer_settings settings;
    struct answer_worker worker;
    struct authority_client client;
    bool is_tcp;
    struct buf query; /* of dns_bed_ask */
    struct buf text;
    struct dns_reply reply;
    uint8_t answer[PACKET_MAX];
};

/* ns1.example.net is the name server, there is no NSID, answers have at most 8 instances. */
struct dns_bed *dns_bed_new(void);
void dns_bed_free(struct dns_bed *dns);

/* The answer to the octets as text (see dns_reply.h), "" when there is none; until the next question. The answer must
 * be sound and within what it may have. */
const char *dns_bed_send(struct dns_bed *dns, const void *query, size_t n);
/* The same for `NAME TYPE`. `opt` are the octets of an OPT record or absent. */
const char *dns_bed_ask(struct dns_bed *dns, const char *name, unsigned type, struct str opt);
/* Without EDNS. */
#define ASK(dns, name, type) dns_bed_ask((dns), (name), PACKET_##type, (struct str){ 0 })
/* With an OPT record that says 4096 octets, followed by options. */
#define ASK_OPT(dns, name, type, options) \
    dns_bed_ask((dns), (name), PACKET_##type, DNS_BED_OPT("\x10\0", "\0\0\0\0", options))
#define DNS_BED_OPT(size, ttl, options) STR("\0\0\x29" size ttl options)

/* Lines of the last answer that begin so. */
size_t dns_bed_count(const struct dns_bed *dns, const char *prefix);
