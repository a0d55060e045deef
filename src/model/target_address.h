/* SPDX-License-Identifier: Apache-2.0
 *
 * Which addresses health checks may connect to. Targets are named by whoever may register an instance, so a probe must
 * not become a way to reach what only this machine reaches: its own loopback, its link, its cloud's metadata service,
 * and whatever spelling IPv6 has for them (RFC 4291, 6052, 8215, 3056, 4380, 5214). Pure; any thread. */
#pragma once

#include "base/str.h"

struct target_address {
    uint8_t octets[16]; /* of IPv4 the first four, the others 0 */
    bool is_ipv6;
};

struct target_network {
    struct target_address address;
    uint8_t bits;
};

/* All zero: the default denials, and private addresses denied as AWS does. The lists are borrowed. */
struct target_policy {
    const struct target_network *allow, *deny; /* allow opens what is denied by default; deny beats it */
    size_t n_allow, n_deny;
    bool private_targets; /* RFC 1918 and its like may be probed unless deny names them */
    /* Is it a port that this process itself serves? NULL: none is. What it says yes to cannot be allowed. */
    bool (*is_own)(void *arg, const struct target_address *address, uint16_t port);
    void *arg;
};

enum target_verdict { TARGET_ALLOWED, TARGET_FORBIDDEN, TARGET_OWN };

/* 0, or 1 when the text is no numeric address. */
int target_address_parse(struct str text, struct target_address *ret_address);
/* ADDRESS/BITS. 0, or 1. */
int target_address_parse_network(struct str text, struct target_network *ret_network);
bool target_address_is_in(const struct target_network *network, const struct target_address *address);
bool target_address_eq(const struct target_address *a, const struct target_address *b);
/* The IPv4 address of its mapped spelling (::ffff:0:0/96), where the kernel itself goes to IPv4; others as they are. */
struct target_address target_address_unmap(const struct target_address *address);

/* May it be probed at that port? An address that holds an IPv4 address is judged by both. */
enum target_verdict target_address_check(const struct target_policy *policy, const struct target_address *address,
                                         uint16_t port);
