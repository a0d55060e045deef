/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a message into a buffer with a limit. What does not fit makes the composer `full` and is not written; a
 * record that failed half-way is taken back. Names are compressed against the ones written before (RFC 1035 4.1.4). */
#pragma once

#include "dnswire/packet.h"

#define COMPOSER_MAX_NAMES 32

enum composer_section { COMPOSER_ANSWER, COMPOSER_AUTHORITY, COMPOSER_ADDITIONAL };

struct composer {
    uint8_t *p;
    size_t n, limit;
    bool full;                          /* since composer_begin or the last record taken back */
    uint16_t names[COMPOSER_MAX_NAMES]; /* where names stand that may be pointed into */
    unsigned n_names;
    uint16_t counts[3];
};

/* Copies header and question of the query: QR set, RD kept, everything else clear. `limit` is at least what that takes.
 * The buffer must have room for `limit` octets. */
void composer_begin(struct composer *composer, uint8_t *p, size_t limit, const struct packet *query);
/* Puts flags, rcode (its lower four bits) and counts into the header; returns the size of the message. */
size_t composer_end(struct composer *composer, unsigned flags, unsigned rcode);

/* Octets as they are; false (and full) when they do not fit. */
bool composer_put(struct composer *composer, const void *p, size_t n);
bool composer_put_u16(struct composer *composer, unsigned value);
bool composer_put_u32(struct composer *composer, uint32_t value);
/* The name; compressed against names before unless `plain`. Either way it may be pointed into later. */
bool composer_put_name(struct composer *composer, const struct dname *name, bool plain);
/* A pointer to a place in the message below 16,384. */
bool composer_put_pointer(struct composer *composer, size_t at);
/* Lets later names point into the one at `at`; without room in the table it is forgotten. */
void composer_note_name(struct composer *composer, size_t at);

/* A record behind its owner's name: type, class IN, TTL and the place of the length; RDATA is put next. Returns where
 * the record's data begin. */
size_t composer_begin_data(struct composer *composer, enum packet_type type, uint32_t ttl);
/* Ends the record that began at `start` (its owner) and whose data began at `data`: false, and the record is gone, when
 * it did not fit. */
bool composer_end_record(struct composer *composer, enum composer_section section, size_t start, size_t data);
