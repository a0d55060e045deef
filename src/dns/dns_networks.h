/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks of addresses, and to which of them an address belongs: the longest prefix. Immutable once made: any thread;
 * a lookup is a binary search in the sorted places where one network's addresses end and another's begin. */
#pragma once

#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define DNS_NETWORKS_WEAK 0 /* the value that gives way to another one of the same network */

struct dns_network {
    const char *text; /* ADDRESS/BITS, nothing set behind the prefix */
    unsigned value;
};

struct dns_networks;

/* 0; -ENOMEM; or 1 with the place of a network that an item before it has with another value, or that is none. */
int dns_networks_new(const struct dns_network *items, size_t n, struct dns_networks **ret_networks, size_t *ret_bad);
void dns_networks_free(struct dns_networks *networks); /* accepts NULL */

/* The value of the longest network that holds all addresses that begin with the `bits` bits (at most 32 of AF_INET, 128
 * of AF_INET6); false when there is none. *ret_scope, unless it is NULL: how many bits of this address belong to its
 * network alone (scope prefix length, RFC 7871 7.2.1); more than `bits` when some of those addresses are elsewhere. */
bool dns_networks_find(const struct dns_networks *networks, uint16_t family, const uint8_t *address, unsigned bits,
                       unsigned *ret_value, unsigned *ret_scope);
