/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy of probed addresses; see target_address.h. */
#include "model/target_address.h"

#include <arpa/inet.h>

#define MAX_EMBEDDED 2

struct range {
    uint8_t prefix[16];
    uint8_t bits;
    bool is_private; /* denied only where private targets are */
};

/* RFC 6890, RFC 5771; the private ones are what Route 53 refuses besides. */
static const struct range ipv4_ranges[] = {
    { { 0 }, 8, false },                   /* this network */
    { { 10 }, 8, true },                   /* RFC 1918 */
    { { 100, 64 }, 10, true },             /* carrier-grade NAT */
    { { 100, 100, 100, 200 }, 32, false }, /* the metadata service of Alibaba Cloud */
    { { 127 }, 8, false },                 /* loopback */
    { { 168, 63, 129, 16 }, 32, false },   /* the host services of Azure */
    { { 169, 254 }, 16, false },           /* link-local, with the metadata services */
    { { 172, 16 }, 12, true },             /* RFC 1918 */
    { { 192, 0, 0 }, 24, true },           /* protocol assignments */
    { { 192, 0, 0, 192 }, 32, false },     /* the metadata service of Oracle Cloud, of old */
    { { 192, 0, 2 }, 24, true },           /* TEST-NET-1 */
    { { 192, 168 }, 16, true },            /* RFC 1918 */
    { { 198, 18 }, 15, true },             /* benchmarks */
    { { 198, 51, 100 }, 24, true },        /* TEST-NET-2 */
    { { 203, 0, 113 }, 24, true },         /* TEST-NET-3 */
    { { 224 }, 3, false },                 /* multicast, reserved, broadcast */
};

static const struct range ipv6_ranges[] = {
    { { 0 }, 96, false },                         /* ::, ::1, and the IPv4-compatible addresses of old */
    { { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48, false }, /* local NAT64: where the IPv4 address stands only the net knows */
    { { 0xfd, 0x00, 0x0e, 0xc2 }, 32, false },    /* the metadata service of EC2 */
    { { 0xfd, 0x20, 0x00, 0xce }, 32, false },    /* the metadata service of Google Cloud */
    { { 0xfe, 0x80 }, 10, false },                /* link-local */
    { { 0xff }, 8, false },                       /* multicast */
    { { 0xfc }, 7, true },                        /* unique local */
    { { 0xfe, 0xc0 }, 10, true },                 /* site-local of old */
};

static const uint8_t mapped[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool has_prefix(const uint8_t *octets, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(octets, prefix, whole) == 0 && (!rest || (octets[whole] ^ prefix[whole]) >> (8 - rest) == 0);
}

int target_address_parse(struct str text, struct target_address *ret_address)
{
    char copy[INET6_ADDRSTRLEN];

    *ret_address = (struct target_address){ .is_ipv6 = false };
    if (text.n >= sizeof(copy) || str_find_char(text, '\0') < text.n)
        return 1;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, ret_address->octets) == 1)
        return 0;
    ret_address->is_ipv6 = true;
    return inet_pton(AF_INET6, copy, ret_address->octets) == 1 ? 0 : 1;
}

int target_address_parse_network(struct str text, struct target_network *ret_network)
{
    size_t slash = str_find_char(text, '/');
    uint64_t bits;

    if (slash == text.n || str_parse_u64(str_skip(text, slash + 1), &bits) ||
        target_address_parse((struct str){ text.p, slash }, &ret_network->address) ||
        bits > (ret_network->address.is_ipv6 ? 128 : 32))
        return 1;
    ret_network->bits = (uint8_t)bits;
    return 0;
}

bool target_address_is_in(const struct target_network *network, const struct target_address *address)
{
    return network->address.is_ipv6 == address->is_ipv6 &&
           has_prefix(address->octets, network->address.octets, network->bits);
}

bool target_address_eq(const struct target_address *a, const struct target_address *b)
{
    return a->is_ipv6 == b->is_ipv6 && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

struct target_address target_address_unmap(const struct target_address *address)
{
    struct target_address plain = { .is_ipv6 = false };

    if (!address->is_ipv6 || !has_prefix(address->octets, mapped, 96))
        return *address;
    memcpy(plain.octets, address->octets + 12, 4);
    return plain;
}

static void put_embedded(struct target_address *embedded, const uint8_t *octets, uint8_t mask)
{
    *embedded = (struct target_address){ .is_ipv6 = false };
    for (size_t i = 0; i < 4; i++)
        embedded->octets[i] = octets[i] ^ mask;
}

/* The IPv4 addresses that an IPv6 address leads to where a translator or a tunnel understands it; returns how many. */
static size_t find_embedded(const struct target_address *address, struct target_address ret[MAX_EMBEDDED])
{
    static const uint8_t translated[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0 };
    static const uint8_t nat64[] = { 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t six_to_four[] = { 0x20, 0x02 }, teredo[] = { 0x20, 0x01, 0, 0 };
    const uint8_t *a = address->octets;

    if (!address->is_ipv6)
        return 0;
    if (has_prefix(a, mapped, 96) || has_prefix(a, translated, 96) || has_prefix(a, nat64, 96)) {
        put_embedded(&ret[0], a + 12, 0);
        return 1;
    }
    if (has_prefix(a, teredo, 32)) {
        put_embedded(&ret[0], a + 4, 0);     /* the server */
        put_embedded(&ret[1], a + 12, 0xff); /* the client */
        return 2;
    }
    size_t n = 0;
    if (has_prefix(a, six_to_four, 16))
        put_embedded(&ret[n++], a + 2, 0);
    if ((a[8] & 0xfc) == 0 && a[9] == 0 && a[10] == 0x5e && a[11] == 0xfe) /* ISATAP, the u and g bits whatever */
        put_embedded(&ret[n++], a + 12, 0);
    return n;
}

static bool is_listed(const struct target_network *networks, size_t n, const struct target_address *address)
{
    for (size_t i = 0; i < n; i++)
        if (target_address_is_in(&networks[i], address))
            return true;
    return false;
}

static bool is_denied_by_default(const struct target_policy *policy, const struct target_address *address)
{
    const struct range *ranges = address->is_ipv6 ? ipv6_ranges : ipv4_ranges;
    size_t n = address->is_ipv6 ? sizeof(ipv6_ranges) / sizeof(*ranges) : sizeof(ipv4_ranges) / sizeof(*ranges);

    for (size_t i = 0; i < n; i++)
        if (has_prefix(address->octets, ranges[i].prefix, ranges[i].bits))
            if (!ranges[i].is_private || !policy->private_targets)
                return true;
    return false;
}

static bool is_forbidden(const struct target_policy *policy, const struct target_address *address)
{
    struct target_address embedded[MAX_EMBEDDED];
    size_t n = find_embedded(address, embedded);

    if (is_listed(policy->deny, policy->n_deny, address))
        return true;
    for (size_t i = 0; i < n; i++)
        if (is_listed(policy->deny, policy->n_deny, &embedded[i]))
            return true;
    if (!is_listed(policy->allow, policy->n_allow, address) && is_denied_by_default(policy, address))
        return true;
    for (size_t i = 0; i < n; i++) /* an IPv6 network that is allowed opens no IPv4 address */
        if (!is_listed(policy->allow, policy->n_allow, &embedded[i]) && is_denied_by_default(policy, &embedded[i]))
            return true;
    return false;
}

/* Would a connection end at this process? By the embedded address, too, where the kernel itself maps it. */
static bool is_own(const struct target_policy *policy, const struct target_address *address, uint16_t port)
{
    struct target_address embedded[MAX_EMBEDDED];
    size_t n = find_embedded(address, embedded);

    if (!policy->is_own)
        return false;
    for (size_t i = 0; i < n; i++)
        if (policy->is_own(policy->arg, &embedded[i], port))
            return true;
    return policy->is_own(policy->arg, address, port);
}

enum target_verdict target_address_check(const struct target_policy *policy, const struct target_address *address,
                                         uint16_t port)
{
    if (is_forbidden(policy, address))
        return TARGET_FORBIDDEN;
    return is_own(policy, address, port) ? TARGET_OWN : TARGET_ALLOWED;
}
