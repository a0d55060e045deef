/* SPDX-License-Identifier: Apache-2.0
 *
 * An IPv4 or IPv6 address as bytes, so that every spelling of it is the same; or a prefix that was delegated to an
 * interface, all addresses of which are its own. Usable from any thread. */
#pragma once

#include "base/str.h"

#define EC2_ADDRESS_TEXT 50 /* the longest text, NUL included */

struct ec2_address {
    uint8_t n; /* 4 or 16 */
    uint8_t bytes[16];
    uint8_t bits; /* of a prefix: 1 to 128; 0: an address */
};

/* Dotted decimal, or any spelling of IPv6 without a zone. 0, or 1 when the text is no address. */
int ec2_address_parse(struct str text, struct ec2_address *ret_address);
/* ADDRESS/BITS. 0, or 1 when the text is no prefix. */
int ec2_address_parse_prefix(struct str text, struct ec2_address *ret_prefix);
/* Whether the address is the other one, or in it. */
bool ec2_address_is_in(const struct ec2_address *address, const struct ec2_address *other);
/* Some total order. */
int ec2_address_cmp(const struct ec2_address *a, const struct ec2_address *b);
/* Dotted decimal or RFC 5952, a prefix with its bits, NUL-terminated. Returns the length without it. */
size_t ec2_address_format(const struct ec2_address *address, char ret[EC2_ADDRESS_TEXT]);
