/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole records by type (RFC 1035 3.3, RFC 2782, RFC 3596). The owner is a place in the message. Each returns false
 * when the record does not fit; the message is then as it was. */
#pragma once

#include "dnswire/composer.h"

struct rdata_soa {
    const struct dname *primary, *mailbox;
    uint32_t serial, refresh, retry, expire, minimum;
};

bool rdata_put_address(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl,
                       enum packet_type type, const uint8_t *address); /* A: 4 octets, AAAA: 16 */
/* CNAME and NS. */
bool rdata_put_name(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl,
                    enum packet_type type, const struct dname *name);
/* The target is not compressed (RFC 2782). *ret_target is where it stands; it is kept only for records that fit. */
bool rdata_put_srv(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl, uint16_t port,
                   const struct dname *target, size_t *ret_target);
bool rdata_put_soa(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl,
                   const struct rdata_soa *soa);
/* One string of at most 255 octets. */
bool rdata_put_txt(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl,
                   struct str text);
