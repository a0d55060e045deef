/* SPDX-License-Identifier: Apache-2.0
 *
 * Records as plain octets, and immutable sets of them that several holders share: what a zone transfer sends. A record
 * is its owner's length and octets, type, TTL, the data's length, and the data, all as in a message but uncompressed.
 */
#pragma once

#include "base/buf.h"
#include "dnswire/dname.h"

struct record_set {
    uint32_t refs; /* atomic */
    uint32_t n;
    uint32_t size; /* octets of the records */
    uint32_t at[]; /* where each record begins, in the octets behind the table */
};

/* A record taken apart. */
struct record_view {
    struct str name, data;
    uint16_t type;
    uint32_t ttl;
    size_t n; /* octets of all of it */
};

/* Appends a record. */
void record_set_put(struct buf *buf, struct str name, unsigned type, uint32_t ttl, struct str data);
/* Of n records in the buffer, sorted and without repetitions if wanted. NULL when memory is out; the only reference is
 * the caller's. An empty set takes memory, too. */
struct record_set *record_set_new(const struct buf *records, bool sorted);
struct record_set *record_set_ref(struct record_set *set);
/* Any thread; accepts NULL. */
void record_set_unref(struct record_set *set);

static inline const uint8_t *record_set_get(const struct record_set *set, uint32_t i)
{
    return (const uint8_t *)&set->at[set->n] + set->at[i];
}
/* Takes a record apart; slices are borrowed from it. */
void record_set_read(const uint8_t *record, struct record_view *ret_view);

/* Appends what only `old` has to `removed` and what only `next` has to `added`; both are sorted, NULL is empty. Returns
 * whether they differ. */
bool record_set_diff(const struct record_set *old, const struct record_set *next, struct buf *removed,
                     struct buf *added);
