/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of an answer: prepared ones are copied, those of large services are made of their instances. */
#include "dns/answer_priv.h"

#include "dnswire/rdata.h"

#include <endian.h>

#define POINTER 0xc000u
#define FEW 32          /* addresses that are compared one by one */
#define RECORD_FIXED 12 /* a pointer as owner, type, class, TTL, length */

static const uint16_t wire_types[SERVICE_RECORD_TYPE_COUNT] = {
    [SERVICE_A] = PACKET_A, [SERVICE_AAAA] = PACKET_AAAA, [SERVICE_SRV] = PACKET_SRV, [SERVICE_CNAME] = PACKET_CNAME
};

/* What stands before the data of a record; to be copied in front of each. */
static void answer_fill_head(uint8_t head[RECORD_FIXED], size_t owner_at, unsigned type, uint32_t ttl, unsigned length)
{
    const uint16_t words[] = {
        htobe16((uint16_t)(POINTER | owner_at)), htobe16((uint16_t)type), htobe16(PACKET_IN),
        htobe16((uint16_t)(ttl >> 16)),          htobe16((uint16_t)ttl),  htobe16((uint16_t)length)
    };

    memcpy(head, words, sizeof(words));
}

/* How many records a service's name answers with. */
static unsigned answer_max(const struct answer *answer, const struct owner *owner)
{
    unsigned max = answer->worker->settings->max_answers;

    if (owner->is_weighted)
        return 1;
    return max && max < ANSWER_MAX_PICKED ? max : ANSWER_MAX_PICKED;
}

/* Which of a prepared set; returns how many. */
static unsigned answer_pick_prepared(struct answer *answer, const struct owner *owner, const struct owner_set *set,
                                     uint8_t indices[OWNER_MAX])
{
    unsigned n = set->n_healthy ? set->n_healthy : set->n, k = answer_max(answer, owner);

    if (k > n)
        k = n;
    answer_pick_few(&answer->worker->rand, n, k, indices);
    return k;
}

/* --- addresses -----------------------------------------------------------------------------------------------------
 */

/* One address behind the pointer to its owner. */
static bool answer_put_address(struct answer *answer, enum composer_section section, size_t owner_at, unsigned type,
                               uint32_t ttl, const uint8_t *address)
{
    struct composer *out = &answer->out;
    unsigned n = type == PACKET_A ? 4 : 16;
    uint8_t *p = out->p + out->n;

    if (out->limit - out->n < RECORD_FIXED + n)
        return false;
    answer_fill_head(p, owner_at, type, ttl, n);
    memcpy(p + RECORD_FIXED, address, n);
    out->n += RECORD_FIXED + n;
    out->counts[section]++;
    return true;
}

static enum answer_result answer_put_prepared_addresses(struct answer *answer, const struct owner *owner,
                                                        enum service_record_type type)
{
    const struct owner_set *set = &owner->sets[type];
    const uint8_t *data = owner_data(owner, type);
    struct composer *out = &answer->out;
    uint8_t indices[OWNER_MAX], head[RECORD_FIXED], *p = out->p + out->n;
    unsigned k = answer_pick_prepared(answer, owner, set, indices), n = type == SERVICE_A ? 4 : 16;

    if (out->limit - out->n < (size_t)k * (RECORD_FIXED + n))
        return ANSWER_FULL;
    answer_fill_head(head, answer->name_at, wire_types[type], set->ttl, n);
    for (unsigned i = 0; i < k; i++) {
        memcpy(p, head, RECORD_FIXED);
        if (type == SERVICE_A)
            memcpy(p + RECORD_FIXED, data + indices[i] * 4, 4);
        else
            memcpy(p + RECORD_FIXED, data + indices[i] * 16, 16);
        p += RECORD_FIXED + n;
    }
    out->n += (size_t)k * (RECORD_FIXED + n);
    out->counts[COMPOSER_ANSWER] = (uint16_t)(out->counts[COMPOSER_ANSWER] + k);
    return ANSWER_DONE;
}

/* Does one of the records from `first` on have the address? */
static bool answer_has_address(const struct answer *answer, size_t first, const uint8_t *address, unsigned n)
{
    for (size_t at = first + RECORD_FIXED; at < answer->out.n; at += RECORD_FIXED + n)
        if (memcmp(answer->out.p + at, address, n) == 0)
            return true;
    return false;
}

/* The same of many records, by a table of those before; it is clear before the first. */
static bool answer_is_seen(struct answer *answer, size_t first, unsigned n_written, const uint8_t *address, unsigned n)
{
    uint16_t *seen = answer->worker->seen;
    size_t mask = sizeof(answer->worker->seen) / sizeof(seen[0]) - 1, at;
    uint32_t word;

    memcpy(&word, address + n - 4, 4);
    for (at = word * UINT32_C(2654435761) >> 16 & mask; seen[at]; at = (at + 1) & mask)
        if (memcmp(answer->out.p + first + (seen[at] - 1u) * (RECORD_FIXED + n) + RECORD_FIXED, address, n) == 0)
            return true;
    seen[at] = (uint16_t)(n_written + 1);
    return false;
}

static enum answer_result answer_put_picked_addresses(struct answer *answer, const struct owner *owner,
                                                      enum service_record_type type)
{
    unsigned n = type == SERVICE_A ? 4 : 16, written = 0;
    unsigned n_picked = answer_pick_instances(answer->worker, owner, type, answer_max(answer, owner));
    size_t first = answer->out.n;

    if (n_picked > FEW)
        memset(answer->worker->seen, 0, sizeof(answer->worker->seen));
    for (unsigned i = 0; i < n_picked; i++) {
        const struct instance *instance = answer->worker->picked[i];
        const uint8_t *address = type == SERVICE_A ? instance->ipv4 : instance_ipv6(instance);
        if (instance->dns & INSTANCE_ALIAS) { /* weighted: it is the only one */
            answer->alias = instance;
            answer->alias_type = type;
            return ANSWER_ALIAS;
        }
        if (n_picked > FEW ? answer_is_seen(answer, first, written, address, n)
                           : answer_has_address(answer, first, address, n))
            continue;
        if (!answer_put_address(answer, COMPOSER_ANSWER, answer->name_at, wire_types[type], owner->sets[type].ttl,
                                address))
            return ANSWER_FULL;
        written++;
    }
    return written ? ANSWER_DONE : ANSWER_EMPTY;
}

/* --- SRV -----------------------------------------------------------------------------------------------------------
 */

/* The addresses of a target, as far as there is room: nobody is told to ask again for them (RFC 2181 9). */
static void answer_put_target_addresses(struct answer *answer, size_t target_at, uint8_t dns, uint32_t ttl,
                                        const uint8_t *ipv4, const uint8_t *ipv6)
{
    if (target_at >= POINTER >> 2)
        return;
    if (dns & INSTANCE_IPV4)
        answer_put_address(answer, COMPOSER_ADDITIONAL, target_at, PACKET_A, ttl, ipv4);
    if (dns & INSTANCE_IPV6)
        answer_put_address(answer, COMPOSER_ADDITIONAL, target_at, PACKET_AAAA, ttl, ipv6);
}

static enum answer_result answer_put_prepared_srv(struct answer *answer, const struct owner *owner)
{
    const struct owner_set *set = &owner->sets[SERVICE_SRV];
    const struct owner_srv *table = (const void *)owner_data(owner, SERVICE_SRV);
    uint16_t pointer = htobe16((uint16_t)(POINTER | answer->name_at));
    struct composer *out = &answer->out;
    uint8_t indices[OWNER_MAX];
    unsigned k = answer_pick_prepared(answer, owner, set, indices);
    size_t at = out->n;

    for (unsigned i = 0; i < k; i++) {
        const struct owner_srv *srv = &table[indices[i]];
        if (out->limit - out->n < srv->n) {
            out->n = at;
            return ANSWER_FULL;
        }
        memcpy(out->p + out->n, (const uint8_t *)owner + srv->at, srv->n);
        memcpy(out->p + out->n, &pointer, 2);
        out->n += srv->n;
    }
    out->counts[COMPOSER_ANSWER] = (uint16_t)(out->counts[COMPOSER_ANSWER] + k);
    for (unsigned i = 0; i < k; i++) {
        const struct owner_srv *srv = &table[indices[i]];
        answer_put_target_addresses(answer, at + OWNER_SRV_TARGET, srv->dns, set->ttl, srv->ipv4, srv->ipv6);
        at += srv->n;
    }
    return ANSWER_DONE;
}

/* The name of an instance below its service's. False when the id cannot stand in one. */
static bool answer_target(const struct owner *owner, const struct instance *instance, struct dname *target)
{
    dname_init(target);
    if (dname_put_dotted(target, instance_id(instance)) || target->n + owner->item.key_n > DNAME_MAX)
        return false;
    dname_fold(target);
    memcpy(target->wire + target->n, owner->item.key, owner->item.key_n);
    target->n = (uint8_t)(target->n + owner->item.key_n);
    return true;
}

/* Is the record that ends the message, from `at` on, among those from `first` on? Of instances whose ids differ in case
 * only. */
static bool answer_has_srv(const struct answer *answer, size_t first, size_t at)
{
    const uint8_t *p = answer->out.p;
    size_t n = answer->out.n - at;

    while (first < at) {
        size_t size = RECORD_FIXED + packet_get_u16(p + first + RECORD_FIXED - 2);
        if (size == n && memcmp(p + first, p + at, n) == 0)
            return true;
        first += size;
    }
    return false;
}

static enum answer_result answer_put_picked_srv(struct answer *answer, const struct owner *owner)
{
    unsigned n_picked = answer_pick_instances(answer->worker, owner, SERVICE_SRV, answer_max(answer, owner));
    uint32_t ttl = owner->sets[SERVICE_SRV].ttl;
    size_t at = answer->out.n;
    unsigned written = 0;

    for (unsigned i = 0; i < n_picked; i++) {
        const struct instance *instance = answer->worker->picked[i];
        size_t start = answer->out.n, target_at;
        struct dname target;
        if (!answer_target(owner, instance, &target))
            continue;
        if (!rdata_put_srv(&answer->out, COMPOSER_ANSWER, answer->name_at, ttl, instance->port, &target, &target_at))
            return ANSWER_FULL;
        if (state_shares_name(owner->service, instance) && answer_has_srv(answer, at, start)) {
            answer->out.n = start;
            answer->out.counts[COMPOSER_ANSWER]--;
            continue;
        }
        answer->worker->picked[written++] = instance;
    }
    for (unsigned i = 0; i < written; i++) {
        const struct instance *instance = answer->worker->picked[i];
        if (!state_shares_name(owner->service, instance))
            answer_put_target_addresses(answer, at + OWNER_SRV_TARGET, instance->dns, ttl, instance->ipv4,
                                        instance_ipv6(instance));
        at += RECORD_FIXED + packet_get_u16(answer->out.p + at + RECORD_FIXED - 2);
    }
    return written ? ANSWER_DONE : ANSWER_EMPTY;
}

/* --- by type -------------------------------------------------------------------------------------------------------
 */

enum answer_result answer_put_records(struct answer *answer, const struct owner *owner, enum service_record_type type)
{
    if (!owner->sets[type].is_configured)
        return ANSWER_EMPTY;
    if (owner->is_prepared) {
        if (owner->sets[type].n == 0)
            return ANSWER_EMPTY;
        return type == SERVICE_SRV ? answer_put_prepared_srv(answer, owner)
                                   : answer_put_prepared_addresses(answer, owner, type);
    }
    return type == SERVICE_SRV ? answer_put_picked_srv(answer, owner)
                               : answer_put_picked_addresses(answer, owner, type);
}

bool answer_pick_cname(struct answer *answer, const struct owner *owner, struct dname *ret_target)
{
    struct dname *target = ret_target;
    const struct owner_set *set = &owner->sets[SERVICE_CNAME];

    dname_init(target);
    if (owner->is_prepared) {
        uint8_t indices[OWNER_MAX];
        uint16_t at;
        struct dname wire;
        size_t end;
        if (set->n == 0)
            return false;
        answer_pick_few(&answer->worker->rand, set->n_healthy ? set->n_healthy : set->n, 1, indices);
        memcpy(&at, owner_data(owner, SERVICE_CNAME) + indices[0] * sizeof(at), sizeof(at));
        if (dname_read((const uint8_t *)owner + at, ((const uint8_t *)owner)[at - 1], 0, &wire, &end))
            return false;
        *target = wire;
        return true;
    }
    if (answer_pick_instances(answer->worker, owner, SERVICE_CNAME, 1) == 0)
        return false;
    return dname_put_dotted(target, instance_cname(answer->worker->picked[0])) == 0 && dname_put_root(target) == 0;
}

enum answer_result answer_put_cname(struct answer *answer, const struct owner *owner, struct dname *ret_target,
                                    size_t *ret_at)
{
    if (!answer_pick_cname(answer, owner, ret_target))
        return ANSWER_EMPTY;
    *ret_at = answer->out.n + RECORD_FIXED;
    return rdata_put_name(&answer->out, COMPOSER_ANSWER, answer->name_at, owner->sets[SERVICE_CNAME].ttl, PACKET_CNAME,
                          ret_target)
               ? ANSWER_DONE
               : ANSWER_FULL;
}

enum answer_result answer_put_instance(struct answer *answer, const struct owner *owner, const struct instance *found,
                                       enum service_record_type type)
{
    uint32_t ttl = owner->sets[SERVICE_SRV].ttl;
    unsigned wanted = type == SERVICE_A ? INSTANCE_IPV4 : INSTANCE_IPV6, n = type == SERVICE_A ? 4 : 16;
    size_t first = answer->out.n;
    const struct instance *instance;
    struct state_name_iter iter;

    state_name_iter_init(&iter, owner->service, found);
    while ((instance = state_name_iter_next(&iter))) {
        const uint8_t *address = type == SERVICE_A ? instance->ipv4 : instance_ipv6(instance);
        if (!(instance->dns & wanted) || answer_has_address(answer, first, address, n))
            continue;
        if (!answer_put_address(answer, COMPOSER_ANSWER, answer->name_at, wire_types[type], ttl, address))
            return ANSWER_FULL;
    }
    return answer->out.n > first ? ANSWER_DONE : ANSWER_EMPTY;
}

/* --- the zone's own ------------------------------------------------------------------------------------------------
 */

static uint8_t *answer_put_word(uint8_t *p, uint32_t value)
{
    uint32_t be = htobe32(value);

    memcpy(p, &be, 4);
    return p + 4;
}

/* Where the zone's name stands: it is the end of the name looked up, which stands whole in the question only. */
static bool answer_apex_at(struct answer *answer, const struct authority *authority, size_t *ret_at)
{
    if (answer->name_at != PACKET_HEADER)
        return false;
    *ret_at = PACKET_HEADER + answer->name.name.at[authority->apex];
    return true;
}

/* The name of the zone, written out, of an answer that a CNAME record led to. */
static bool answer_put_soa_far(struct answer *answer, const struct authority *authority, uint32_t ttl,
                               enum composer_section section)
{
    struct composer *out = &answer->out;
    struct dname apex;
    size_t start = out->n, data, end;
    struct str suffix = dname_suffix(&answer->name.name, authority->apex);

    if (dname_read((const uint8_t *)suffix.p, suffix.n, 0, &apex, &end))
        return false;
    composer_put_name(out, &apex, false);
    data = composer_begin_data(out, PACKET_SOA, ttl);
    composer_put_name(out, &answer->worker->settings->name_servers[0], false);
    composer_put(out, "\12hostmaster", 11);
    composer_put_name(out, &apex, false);
    composer_put_u32(out, (uint32_t)answer->snapshot->revision);
    composer_put_u32(out, ANSWER_SOA_REFRESH);
    composer_put_u32(out, ANSWER_SOA_RETRY);
    composer_put_u32(out, ANSWER_SOA_EXPIRE);
    composer_put_u32(out, ANSWER_SOA_MINIMUM);
    return composer_end_record(out, section, start, data);
}

enum answer_result answer_put_soa(struct answer *answer, const struct authority *authority,
                                  enum composer_section section)
{
    const struct dname *primary = &answer->worker->settings->name_servers[0];
    uint32_t ttl = (uint32_t)authority->zone->ns->soa_ttl;
    unsigned length = primary->n + 11u + 2u + 20u;
    struct composer *out = &answer->out;
    uint16_t pointer;
    uint8_t *p = out->p + out->n;
    size_t apex_at;

    if (section == COMPOSER_AUTHORITY && ttl > ANSWER_SOA_MINIMUM)
        ttl = ANSWER_SOA_MINIMUM; /* RFC 2308 3 */
    if (!answer_apex_at(answer, authority, &apex_at))
        return answer_put_soa_far(answer, authority, ttl, section) ? ANSWER_DONE : ANSWER_FULL;
    if (out->limit - out->n < RECORD_FIXED + length)
        return ANSWER_FULL;
    answer_fill_head(p, apex_at, PACKET_SOA, ttl, length);
    p += RECORD_FIXED;
    memcpy(p, primary->wire, primary->n);
    p += primary->n;
    memcpy(p, "\12hostmaster", 11);
    pointer = htobe16((uint16_t)(POINTER | apex_at));
    memcpy(p + 11, &pointer, 2);
    p = answer_put_word(p + 13, (uint32_t)answer->snapshot->revision);
    p = answer_put_word(p, ANSWER_SOA_REFRESH);
    p = answer_put_word(p, ANSWER_SOA_RETRY);
    p = answer_put_word(p, ANSWER_SOA_EXPIRE);
    answer_put_word(p, ANSWER_SOA_MINIMUM);
    out->n += RECORD_FIXED + length;
    out->counts[section]++;
    return ANSWER_DONE;
}

enum answer_result answer_put_ns(struct answer *answer, const struct authority *authority)
{
    const struct answer_settings *settings = answer->worker->settings;

    (void)authority; /* the name looked up is the apex */
    for (size_t i = 0; i < settings->n_name_servers; i++)
        if (!rdata_put_name(&answer->out, COMPOSER_ANSWER, answer->name_at, ANSWER_NS_TTL, PACKET_NS,
                            &settings->name_servers[i]))
            return ANSWER_FULL;
    return ANSWER_DONE;
}
