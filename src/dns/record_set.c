/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of records; see record_set.h. */
#include "dns/record_set.h"

#include "base/mem.h"
#include "dnswire/packet.h"

#include <stdlib.h>

#define FIXED 8 /* type, TTL, length */

void record_set_put(struct buf *buf, struct str name, unsigned type, uint32_t ttl, struct str data)
{
    const uint8_t fixed[FIXED] = { (uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(ttl >> 24),   (uint8_t)(ttl >> 16),
                                   (uint8_t)(ttl >> 8),  (uint8_t)ttl,  (uint8_t)(data.n >> 8), (uint8_t)data.n };

    buf_put_char(buf, (char)name.n);
    buf_put_str(buf, name);
    buf_put(buf, fixed, sizeof(fixed));
    buf_put_str(buf, data);
}

static size_t record_size(const uint8_t *record)
{
    const uint8_t *fixed = record + 1 + record[0];

    return 1u + record[0] + FIXED + packet_get_u16(fixed + 6);
}

void record_set_read(const uint8_t *record, struct record_view *ret_view)
{
    const uint8_t *fixed = record + 1 + record[0];

    ret_view->name = (struct str){ (const char *)record + 1, record[0] };
    ret_view->type = packet_get_u16(fixed);
    ret_view->ttl = packet_get_u32(fixed + 2);
    ret_view->data = (struct str){ (const char *)fixed + FIXED, packet_get_u16(fixed + 6) };
    ret_view->n = record_size(record);
}

static int record_compare(const uint8_t *a, const uint8_t *b)
{
    return str_cmp((struct str){ (const char *)a, record_size(a) }, (struct str){ (const char *)b, record_size(b) });
}

static int record_compare_places(const void *a, const void *b)
{
    return record_compare(*(const uint8_t *const *)a, *(const uint8_t *const *)b);
}

/* Pointers to the records, in order. */
static const uint8_t **record_list(const struct buf *records, bool sorted, uint32_t *ret_n)
{
    uint32_t n = 0, kept = 0;
    const uint8_t **places;

    for (size_t at = 0; at < records->n; at += record_size((const uint8_t *)records->p + at))
        n++;
    places = mem_alloc((n + 1u) * sizeof(places[0]));
    if (!places)
        return NULL;
    n = 0;
    for (size_t at = 0; at < records->n; at += record_size((const uint8_t *)records->p + at))
        places[n++] = (const uint8_t *)records->p + at;
    if (sorted && n > 1) {
        qsort(places, n, sizeof(places[0]), record_compare_places);
        for (uint32_t i = 0; i < n; i++)
            if (i == 0 || record_compare(places[kept - 1], places[i]) != 0)
                places[kept++] = places[i];
        n = kept;
    }
    *ret_n = n;
    return places;
}

struct record_set *record_set_new(const struct buf *records, bool sorted)
{
    struct record_set *set;
    const uint8_t **places;
    uint32_t n = 0, size = 0;

    if (records->failed || records->n > UINT32_MAX)
        return NULL;
    places = record_list(records, sorted, &n);
    if (!places)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        size += (uint32_t)record_size(places[i]);
    set = mem_alloc(sizeof(*set) + n * sizeof(set->at[0]) + size);
    if (set) {
        uint8_t *data = (uint8_t *)&set->at[n];
        *set = (struct record_set){ .refs = 1, .n = n, .size = size };
        for (uint32_t i = 0, at = 0; i < n; i++) {
            size_t one = record_size(places[i]);
            set->at[i] = at;
            memcpy(data + at, places[i], one);
            at += (uint32_t)one;
        }
    }
    mem_free(places);
    return set;
}

struct record_set *record_set_ref(struct record_set *set)
{
    __atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
    return set;
}

void record_set_unref(struct record_set *set)
{
    if (set && __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL) == 0)
        mem_free(set);
}

bool record_set_diff(const struct record_set *old, const struct record_set *next, struct buf *removed,
                     struct buf *added)
{
    uint32_t n_old = old ? old->n : 0, n_next = next ? next->n : 0, i = 0, k = 0;
    bool differs = false;

    while (i < n_old || k < n_next) {
        const uint8_t *a = i < n_old ? record_set_get(old, i) : NULL, *b = k < n_next ? record_set_get(next, k) : NULL;
        int order = !a ? 1 : !b ? -1 : record_compare(a, b);
        if (order < 0)
            buf_put(removed, a, record_size(a));
        else if (order > 0)
            buf_put(added, b, record_size(b));
        differs = differs || order != 0;
        i += order <= 0;
        k += order >= 0;
    }
    return differs;
}
