/* SPDX-License-Identifier: Apache-2.0
 *
 * An IPv4 or IPv6 address as bytes, so that every spelling of it is the same. Usable from any thread. */
#pragma once

#include "base/str.h"

#define EC2_ADDRESS_TEXT 46 /* the longest text, NUL included */

struct ec2_address {
    uint8_t n; /* 4 or 16 */
    uint8_t bytes[16];
};

/* Dotted decimal, or any spelling of IPv6 without a zone. 0, or 1 when the text is no address. */
int ec2_address_parse(struct str text, struct ec2_address *ret_address);
/* Some total order. */
int ec2_address_cmp(const struct ec2_address *a, const struct ec2_address *b);
/* Dotted decimal or RFC 5952, NUL-terminated. Returns the length without it. */
size_t ec2_address_format(const struct ec2_address *address, char ret[EC2_ADDRESS_TEXT]);
