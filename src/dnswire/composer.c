/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing messages; see composer.h. */
#include "dnswire/composer.h"

#include "base/mem.h"

#define POINTER 0xc000u
#define POINTER_MAX 0x3fffu

static void put_u16(uint8_t *p, unsigned value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

void composer_begin(struct composer *composer, uint8_t *p, size_t limit, const struct packet *query)
{
    size_t n = query->has_question ? query->question_end : PACKET_HEADER;

    ASSERT(limit >= n);
    composer->p = p;
    composer->n = n;
    composer->limit = limit;
    composer->full = false;
    composer->n_names = 0;
    memset(composer->counts, 0, sizeof(composer->counts));
    put_u16(p, query->id);
    put_u16(p + 2, PACKET_QR | (query->flags & (PACKET_OPCODE | PACKET_RD)));
    put_u16(p + 4, query->has_question);
    if (query->has_question) {
        memcpy(p + PACKET_HEADER, query->p + PACKET_HEADER, n - PACKET_HEADER);
        composer_note_name(composer, PACKET_HEADER);
    }
}

size_t composer_end(struct composer *composer, unsigned flags, unsigned rcode)
{
    uint8_t *p = composer->p;

    put_u16(p + 2, packet_get_u16(p + 2) | flags | (rcode & 0xf));
    put_u16(p + 6, composer->counts[COMPOSER_ANSWER]);
    put_u16(p + 8, composer->counts[COMPOSER_AUTHORITY]);
    put_u16(p + 10, composer->counts[COMPOSER_ADDITIONAL]);
    return composer->n;
}

bool composer_put(struct composer *composer, const void *p, size_t n)
{
    if (composer->full || composer->limit - composer->n < n) {
        composer->full = true;
        return false;
    }
    memcpy(composer->p + composer->n, p, n);
    composer->n += n;
    return true;
}

bool composer_put_u16(struct composer *composer, unsigned value)
{
    uint8_t bytes[2];

    put_u16(bytes, value);
    return composer_put(composer, bytes, sizeof(bytes));
}

bool composer_put_u32(struct composer *composer, uint32_t value)
{
    uint8_t bytes[4];

    put_u16(bytes, value >> 16);
    put_u16(bytes + 2, value & 0xffff);
    return composer_put(composer, bytes, sizeof(bytes));
}

bool composer_put_pointer(struct composer *composer, size_t at)
{
    ASSERT(at <= POINTER_MAX);
    return composer_put_u16(composer, POINTER | (unsigned)at);
}

void composer_note_name(struct composer *composer, size_t at)
{
    if (at <= POINTER_MAX && composer->n_names < COMPOSER_MAX_NAMES)
        composer->names[composer->n_names++] = (uint16_t)at;
}

/* Where the octets of `suffix` stand as the end of the name at `at`, or 0. Messages of our own: names are sound. */
static size_t composer_find_in(const struct composer *composer, size_t at, struct str suffix)
{
    struct dname name;
    size_t end;

    if (dname_read(composer->p, composer->n, at, &name, &end) || name.n < suffix.n)
        return 0;
    for (unsigned i = 0; i < name.n_labels; i++) {
        if (name.n - name.at[i] != (int)suffix.n)
            continue;
        if (!str_eq_nocase(dname_suffix(&name, i), suffix))
            return 0;
        /* Only where the label itself stands at the name's own place, not behind a pointer of it. */
        return at + name.at[i] < end - 1 ? at + name.at[i] : 0;
    }
    return 0;
}

static size_t composer_find(const struct composer *composer, struct str suffix)
{
    for (unsigned i = 0; i < composer->n_names; i++) {
        size_t at = composer_find_in(composer, composer->names[i], suffix);
        if (at && at <= POINTER_MAX)
            return at;
    }
    return 0;
}

bool composer_put_name(struct composer *composer, const struct dname *name, bool plain)
{
    size_t start = composer->n, found = 0;
    unsigned i = 0;

    while (!plain && i < name->n_labels && !(found = composer_find(composer, dname_suffix(name, i))))
        i++;
    if (!composer_put(composer, name->wire, found ? name->at[i] : name->n))
        return false;
    if (found && !composer_put_pointer(composer, found))
        return false;
    if (composer->n - start > 2)
        composer_note_name(composer, start);
    return true;
}

size_t composer_begin_data(struct composer *composer, enum packet_type type, uint32_t ttl)
{
    composer_put_u16(composer, type);
    composer_put_u16(composer, PACKET_IN);
    composer_put_u32(composer, ttl);
    composer_put_u16(composer, 0);
    return composer->n;
}

bool composer_end_record(struct composer *composer, enum composer_section section, size_t start, size_t data)
{
    if (composer->full) {
        composer->n = start;
        composer->full = false;
        while (composer->n_names && composer->names[composer->n_names - 1] >= start)
            composer->n_names--;
        return false;
    }
    put_u16(composer->p + data - 2, (unsigned)(composer->n - data));
    composer->counts[section]++;
    return true;
}
