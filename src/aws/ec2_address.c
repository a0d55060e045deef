/* SPDX-License-Identifier: Apache-2.0
 *
 * The C library's own reading and writing of addresses. */
#include "aws/ec2_address.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <stdio.h>

int ec2_address_parse(struct str text, struct ec2_address *ret_address)
{
    char copy[EC2_ADDRESS_TEXT];
    struct ec2_address address = { 0 };
    if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, '\0', text.n))
        return 1;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, address.bytes) == 1)
        address.n = 4;
    else if (inet_pton(AF_INET6, copy, address.bytes) == 1)
        address.n = 16;
    else
        return 1;
    *ret_address = address;
    return 0;
}

int ec2_address_parse_prefix(struct str text, struct ec2_address *ret_prefix)
{
    struct ec2_address prefix;
    uint64_t bits;
    size_t slash = str_find_char(text, '/');
    if (slash == text.n || ec2_address_parse((struct str){ text.p, slash }, &prefix) ||
        str_parse_u64(str_skip(text, slash + 1), &bits) || bits == 0 || bits > prefix.n * 8u)
        return 1;
    prefix.bits = (uint8_t)bits;
    *ret_prefix = prefix;
    return 0;
}

bool ec2_address_is_in(const struct ec2_address *address, const struct ec2_address *other)
{
    unsigned bits = other->bits ? other->bits : other->n * 8u, whole = bits / 8, rest = bits % 8;
    if (address->n != other->n || memcmp(address->bytes, other->bytes, whole) != 0)
        return false;
    return rest == 0 || ((address->bytes[whole] ^ other->bytes[whole]) >> (8 - rest)) == 0;
}

int ec2_address_cmp(const struct ec2_address *a, const struct ec2_address *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    int c = memcmp(a->bytes, b->bytes, a->n);
    return c ? c : a->bits - b->bits;
}

size_t ec2_address_format(const struct ec2_address *address, char ret[EC2_ADDRESS_TEXT])
{
    const char *text = inet_ntop(address->n == 4 ? AF_INET : AF_INET6, address->bytes, ret, EC2_ADDRESS_TEXT);
    ASSERT(text);
    size_t n = strlen(ret);
    if (address->bits)
        n += (size_t)snprintf(ret + n, EC2_ADDRESS_TEXT - n, "/%u", address->bits);
    return n;
}
