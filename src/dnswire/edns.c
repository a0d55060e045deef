/* SPDX-License-Identifier: Apache-2.0
 *
 * EDNS; see edns.h. */
#include "dnswire/edns.h"

#define FLAG_DO 0x8000

static unsigned get_u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put_u16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

void edns_init(struct edns *edns)
{
    edns->present = edns->dnssec_ok = edns->wants_nsid = edns->wants_keepalive = edns->has_cookie = false;
    edns->has_subnet = false;
    edns->version = 0;
    edns->size = EDNS_MIN_SIZE;
}

/* RFC 7871 6: as many octets of address as the prefix needs, nothing set behind it, scope 0 in a query. */
static int edns_read_subnet(const uint8_t *p, size_t n, struct edns_subnet *subnet)
{
    unsigned most, octets;

    if (n < 4)
        return 1;
    subnet->family = (uint16_t)get_u16(p);
    subnet->source = p[2];
    subnet->scope = p[3];
    most = subnet->family == 1 ? 32 : subnet->family == 2 ? 128 : 0;
    octets = (subnet->source + 7u) / 8;
    if (subnet->family > 2 || subnet->source > most || subnet->scope || n - 4 != octets)
        return 1;
    memset(subnet->address, 0, sizeof(subnet->address));
    memcpy(subnet->address, p + 4, octets);
    return subnet->source % 8 && (p[4 + octets - 1] & (0xff >> subnet->source % 8));
}

static int edns_read_option(unsigned option, const uint8_t *p, size_t n, struct edns *edns)
{
    switch (option) {
    case EDNS_NSID:
        edns->wants_nsid = true;
        return 0;
    case EDNS_KEEPALIVE:
        edns->wants_keepalive = true;
        return 0;
    case EDNS_COOKIE:
        if (edns->has_cookie)
            return 0; /* the first one counts */
        if (n != EDNS_CLIENT_COOKIE &&
            (n < EDNS_CLIENT_COOKIE + EDNS_SERVER_COOKIE_MIN || n > EDNS_CLIENT_COOKIE + EDNS_SERVER_COOKIE_MAX))
            return 1;
        edns->has_cookie = true;
        edns->cookie = (struct str){ (const char *)p, n };
        return 0;
    case EDNS_SUBNET:
        if (edns_read_subnet(p, n, &edns->subnet))
            return 1;
        edns->has_subnet = true;
        return 0;
    default:
        return 0;
    }
}

int edns_read(const uint8_t *p, size_t length, struct edns *edns)
{
    size_t at = 0;

    edns->present = true;
    edns->size = (uint16_t)get_u16(p);
    if (edns->size < EDNS_MIN_SIZE)
        edns->size = EDNS_MIN_SIZE;
    edns->version = p[3];
    edns->dnssec_ok = get_u16(p + 4) & FLAG_DO;
    if (edns->version)
        return 0;
    p += 8;
    while (at < length) {
        size_t n;
        if (length - at < 4)
            return 1;
        n = get_u16(p + at + 2);
        if (length - at - 4 < n || edns_read_option(get_u16(p + at), p + at + 4, n, edns))
            return 1;
        at += 4 + n;
    }
    return 0;
}

size_t edns_put_option(uint8_t *p, enum edns_option option, struct str data)
{
    put_u16(p, option);
    put_u16(p + 2, (unsigned)data.n);
    if (data.n)
        memcpy(p + 4, data.p, data.n);
    return 4 + data.n;
}

size_t edns_put_error(uint8_t *p, enum edns_error error, struct str text)
{
    put_u16(p, EDNS_ERROR);
    put_u16(p + 2, (unsigned)text.n + 2);
    put_u16(p + 4, error);
    if (text.n)
        memcpy(p + 6, text.p, text.n);
    return 6 + text.n;
}

void edns_put_opt(uint8_t *p, uint16_t size, unsigned rcode, bool dnssec_ok, size_t n_options)
{
    p[0] = 0;
    put_u16(p + 1, 41);
    put_u16(p + 3, size);
    p[5] = (uint8_t)(rcode >> 4);
    p[6] = 0;
    put_u16(p + 7, dnssec_ok ? FLAG_DO : 0);
    put_u16(p + 9, (unsigned)n_options);
}
