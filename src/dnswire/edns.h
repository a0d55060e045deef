/* SPDX-License-Identifier: Apache-2.0
 *
 * The OPT record (RFC 6891) and the options that matter here: NSID (RFC 5001), client subnet (RFC 7871), cookie (RFC
 * 7873), TCP keepalive (RFC 7828), extended errors (RFC 8914). What is read are borrowed slices of the message. */
#pragma once

#include "base/str.h"

#define EDNS_MIN_SIZE 512
#define EDNS_OPT_SIZE 11 /* an OPT record without options */

enum edns_option { EDNS_NSID = 3, EDNS_SUBNET = 8, EDNS_COOKIE = 10, EDNS_KEEPALIVE = 11, EDNS_ERROR = 15 };

/* Info codes of extended errors. */
enum edns_error {
    EDNS_ERROR_OTHER = 0,
    EDNS_ERROR_STALE = 3,
    EDNS_ERROR_NOT_READY = 14,
    EDNS_ERROR_PROHIBITED = 18,
    EDNS_ERROR_NOT_AUTHORITATIVE = 20,
    EDNS_ERROR_NOT_SUPPORTED = 21,
    EDNS_ERROR_UNREACHABLE = 22,
    EDNS_ERROR_NETWORK = 23
};

#define EDNS_CLIENT_COOKIE 8
#define EDNS_SERVER_COOKIE_MIN 8
#define EDNS_SERVER_COOKIE_MAX 32

struct edns_subnet {
    uint16_t family; /* 1: IPv4, 2: IPv6, 0: with no address */
    uint8_t source, scope;
    uint8_t address[16]; /* what lies behind `source` bits is 0 */
};

struct edns {
    bool present;
    bool dnssec_ok, wants_nsid, wants_keepalive, has_cookie, has_subnet;
    uint8_t version;
    uint16_t size; /* of answers, as the client says it, at least 512 */
    struct str cookie;
    struct edns_subnet subnet;
};

/* No EDNS. */
void edns_init(struct edns *edns);
/* `p` is the record's class, TTL and length (8 octets), and then `length` octets of options. 0, or 1: FORMERR. Options
 * of other kinds are passed over; of a version that is not 0 none is looked at. */
int edns_read(const uint8_t *p, size_t length, struct edns *edns);

/* Writes one option; returns its size. The buffer has room for 4 octets more than the data. */
size_t edns_put_option(uint8_t *p, enum edns_option option, struct str data);
/* Code and text of an extended error; room for 6 octets and the text. */
size_t edns_put_error(uint8_t *p, enum edns_error error, struct str text);
/* The OPT record: `rcode` is the whole one, of which this holds the upper bits, `options` are n octets that stand
 * behind the record already, at p + EDNS_OPT_SIZE. */
void edns_put_opt(uint8_t *p, uint16_t size, unsigned rcode, bool dnssec_ok, size_t n_options);
