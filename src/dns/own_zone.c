/* SPDX-License-Identifier: Apache-2.0
 *
 * See own_zone.h. */
#include "dns/own_zone.h"

#include "dns/answer_priv.h"
#include "dnswire/rdata.h"

#include <arpa/inet.h>

#define DATA_PREFIX "data-"
#define NAME_TEXT_MAX 254

/* --- making --------------------------------------------------------------------------------------------------------
 */

static int own_zone_put(struct own_zones *own, struct str text)
{
    struct own_zone *place = &own->zones[own->n];
    struct dname name;

    if (dname_of_text(text, &name) || name.n_labels == 0)
        return 1;
    dname_fold(&name);
    for (size_t i = 0; i < own->n; i++)
        if (dname_equal(&own->zones[i].name, &name))
            return 0;
    if (own->n == OWN_ZONE_MAX)
        return 1;
    place->name = name;
    place->ns.soa_ttl = OWN_ZONE_TTL;
    place->zone.ns = &place->ns;
    own->n++;
    return 0;
}

int own_zone_add_name(struct own_zones *own, struct str name)
{
    char data[sizeof(DATA_PREFIX) + NAME_TEXT_MAX] = DATA_PREFIX;
    size_t n = strlen(DATA_PREFIX);

    if (name.n > NAME_TEXT_MAX || own_zone_put(own, name))
        return 1;
    memcpy(data + n, name.p, name.n);
    return own_zone_put(own, (struct str){ data, n + name.n });
}

/* 0, or 1 when there is no room. */
static int own_zone_put_address(uint8_t *table, size_t *n, const uint8_t *address, size_t size)
{
    for (size_t i = 0; i < *n; i++)
        if (memcmp(table + i * size, address, size) == 0)
            return 0;
    if (*n == OWN_ZONE_MAX_ADDRESSES)
        return 1;
    memcpy(table + (*n)++ * size, address, size);
    return 0;
}

int own_zone_add_address(struct own_zones *own, struct str address)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t octets[16];

    if (address.n >= sizeof(text))
        return 1;
    memcpy(text, address.p, address.n);
    text[address.n] = '\0';
    if (inet_pton(AF_INET, text, octets) == 1)
        return own_zone_put_address(own->ipv4[0], &own->n_ipv4, octets, 4);
    if (inet_pton(AF_INET6, text, octets) == 1)
        return own_zone_put_address(own->ipv6[0], &own->n_ipv6, octets, 16);
    return 1;
}

/* --- answering -----------------------------------------------------------------------------------------------------
 */

bool own_zone_find(const struct own_zones *own, const struct authority_name *name, const struct authority *found,
                   struct authority *ret_authority)
{
    unsigned n_labels = name->name.n_labels;

    for (size_t i = 0; i < own->n; i++) {
        const struct dname *zone = &own->zones[i].name;
        unsigned apex;
        struct str suffix;
        if (zone->n_labels > n_labels || (found && n_labels - found->apex > zone->n_labels))
            continue;
        apex = n_labels - zone->n_labels;
        suffix = dname_suffix(&name->name, apex);
        if (suffix.n != zone->n || memcmp(suffix.p, zone->wire, zone->n) != 0)
            continue;
        *ret_authority = (struct authority){ .zone = &own->zones[i].zone, .apex = apex };
        return true;
    }
    return false;
}

/* The addresses of one family: how many, or -1 when they do not fit. */
static int own_zone_put_addresses(struct answer *answer, enum packet_type type, const uint8_t *table, size_t n)
{
    size_t size = type == PACKET_A ? 4 : 16;

    for (size_t i = 0; i < n; i++)
        if (!rdata_put_address(&answer->out, COMPOSER_ANSWER, answer->name_at, OWN_ZONE_TTL, type, table + i * size))
            return -1;
    return (int)n;
}

/* What stands at the apex: how many records, or -1 when they do not fit. */
static int own_zone_put_records(const struct own_zones *own, struct answer *answer, const struct authority *authority)
{
    unsigned type = answer->query.type;
    int n = 0;

    if (type == PACKET_A || type == PACKET_ANY)
        n = own_zone_put_addresses(answer, PACKET_A, own->ipv4[0], own->n_ipv4);
    if (type == PACKET_AAAA || (type == PACKET_ANY && n == 0))
        n = own_zone_put_addresses(answer, PACKET_AAAA, own->ipv6[0], own->n_ipv6);
    if (type == PACKET_SOA)
        n = answer_put_soa(answer, authority, COMPOSER_ANSWER) == ANSWER_DONE ? 1 : -1;
    if (type == PACKET_NS)
        n = answer_put_ns(answer, authority) == ANSWER_DONE ? 1 : -1;
    return n;
}

bool own_zone_answer(const struct own_zones *own, struct answer *answer, bool is_found, const struct authority *found)
{
    struct composer *out = &answer->out;
    struct authority authority;
    int n = 0;

    if (!own_zone_find(own, &answer->name, is_found ? found : NULL, &authority))
        return false;
    answer->flags |= PACKET_AA;
    if (authority.apex == 0)
        n = own_zone_put_records(own, answer, &authority);
    if (n > 0)
        return true;
    if (n < 0 && !answer->is_tcp) {
        out->n = answer->query.question_end;
        memset(out->counts, 0, sizeof(out->counts));
        answer->flags |= PACKET_TC;
        return true;
    }
    answer->rcode = authority.apex == 0 || found->has_zones_below ? PACKET_NOERROR : PACKET_NXDOMAIN;
    answer_explain(answer, EDNS_ERROR_OTHER,
                   answer->rcode ? STR("only the name of the API is here, nothing below it")
                                 : STR("the API has no addresses of this type"));
    answer_put_soa(answer, &authority, COMPOSER_AUTHORITY);
    return true;
}
