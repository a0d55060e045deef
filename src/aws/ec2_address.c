/* SPDX-License-Identifier: Apache-2.0
 *
 * The C library's own reading and writing of addresses. */
#include "aws/ec2_address.h"
#include "base/mem.h"

#include <arpa/inet.h>

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

int ec2_address_cmp(const struct ec2_address *a, const struct ec2_address *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    return memcmp(a->bytes, b->bytes, a->n);
}

size_t ec2_address_format(const struct ec2_address *address, char ret[EC2_ADDRESS_TEXT])
{
    const char *text = inet_ntop(address->n == 4 ? AF_INET : AF_INET6, address->bytes, ret, EC2_ADDRESS_TEXT);
    ASSERT(text);
    return strlen(ret);
}
