/* SPDX-License-Identifier: Apache-2.0
 *
 * Records by type; see rdata.h. */
#include "dnswire/rdata.h"

#include "base/mem.h"

bool rdata_put_address(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl,
                       enum packet_type type, const uint8_t *address)
{
    size_t start = composer->n, data;

    composer_put_pointer(composer, owner);
    data = composer_begin_data(composer, type, ttl);
    composer_put(composer, address, type == PACKET_A ? 4 : 16);
    return composer_end_record(composer, section, start, data);
}

bool rdata_put_name(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl,
                    enum packet_type type, const struct dname *name)
{
    size_t start = composer->n, data;

    composer_put_pointer(composer, owner);
    data = composer_begin_data(composer, type, ttl);
    composer_put_name(composer, name, false);
    return composer_end_record(composer, section, start, data);
}

bool rdata_put_srv(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl, uint16_t port,
                   const struct dname *target, size_t *ret_target)
{
    size_t start = composer->n, data;

    composer_put_pointer(composer, owner);
    data = composer_begin_data(composer, PACKET_SRV, ttl);
    composer_put_u16(composer, 1);
    composer_put_u16(composer, 1);
    composer_put_u16(composer, port);
    *ret_target = composer->n;
    composer_put_name(composer, target, true);
    return composer_end_record(composer, section, start, data);
}

bool rdata_put_soa(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl,
                   const struct rdata_soa *soa)
{
    size_t start = composer->n, data;

    composer_put_pointer(composer, owner);
    data = composer_begin_data(composer, PACKET_SOA, ttl);
    composer_put_name(composer, soa->primary, false);
    composer_put_name(composer, soa->mailbox, false);
    composer_put_u32(composer, soa->serial);
    composer_put_u32(composer, soa->refresh);
    composer_put_u32(composer, soa->retry);
    composer_put_u32(composer, soa->expire);
    composer_put_u32(composer, soa->minimum);
    return composer_end_record(composer, section, start, data);
}

bool rdata_put_txt(struct composer *composer, enum composer_section section, size_t owner, uint32_t ttl,
                   struct str text)
{
    size_t start = composer->n, data;
    uint8_t length = (uint8_t)text.n;

    ASSERT(text.n <= 255);
    composer_put_pointer(composer, owner);
    data = composer_begin_data(composer, PACKET_TXT, ttl);
    composer_put(composer, &length, 1);
    composer_put(composer, text.p, text.n);
    return composer_end_record(composer, section, start, data);
}
