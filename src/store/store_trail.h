/* SPDX-License-Identifier: Apache-2.0
 *
 * The trail: rows that are appended by commits beside their records and never changed, numbered from 1; the oldest go
 * when they are no longer kept. They are not read at load. Each carries the hash of everything up to it, and the ledger
 * says how far they reach (the head), so that a row that was changed, removed or put elsewhere, and a missing end, are
 * found: hash = SHA-256(hash before | number | time | SHA-256(text)), numbers as 8 bytes, big-endian; 32 zeros before
 * row 1. Format: docs/store-format.md. */
#pragma once

#include "base/hash.h"

struct store_message;
struct store_trail;

struct store_trail_head {
    uint64_t gone;                 /* rows up to this one are no longer kept */
    uint64_t last;                 /* number of the newest row; 0: there never was one */
    uint64_t bytes;                /* of the texts that are kept */
    uint8_t base[HASH_SHA256_LEN]; /* of row `gone` */
    uint8_t hash[HASH_SHA256_LEN]; /* of row `last` */
};

struct store_row {
    uint64_t number;
    int64_t time_ms; /* wall clock */
    uint8_t hash[HASH_SHA256_LEN];
    struct str text;
};

/* The row that follows `head`, which is moved on to it; fills number and hash of *row. Any thread. */
void store_trail_chain(struct store_trail_head *head, struct store_row *row);

/* Reads the trail of the store in `dir`, also while a daemon writes it. One thread at a time.
 * 0, STORE_DAMAGED, STORE_NEWER, STORE_MISSING, STORE_BUSY, STORE_UNWRITABLE or -errno, with the message. */
int store_trail_open(const char *dir, struct store_trail **ret_trail, struct store_message *ret_message);
void store_trail_close(struct store_trail *take_trail); /* accepts NULL */

/* The head as it is now. Results as above. */
int store_trail_head(struct store_trail *trail, struct store_trail_head *ret_head, struct store_message *ret_message);

/* One row, borrowed for the call. Non-zero stops the reading and is returned by it. */
typedef int store_trail_fn(void *arg, const struct store_row *row);

/* The rows from number `from` on, or from it back to the oldest. 0, what fn returned, or results as above. */
int store_trail_read(struct store_trail *trail, uint64_t from, bool backwards, store_trail_fn *fn, void *arg,
                     struct store_message *ret_message);

/* The number of the first row that is not older than `time_ms`; one behind the last when all are older. */
int store_trail_seek(struct store_trail *trail, int64_t time_ms, uint64_t *ret_number,
                     struct store_message *ret_message);

/* Every row against its hash, and the chain against the head, in one state of the store; fn (or NULL) sees each row
 * that is good, *ret_head being filled. 0 with the head, STORE_DAMAGED with a message that names the first row that is
 * wrong, or results as above. */
int store_trail_verify(struct store_trail *trail, store_trail_fn *fn, void *arg, struct store_trail_head *ret_head,
                       struct store_message *ret_message);
