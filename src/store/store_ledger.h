/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: one record, key `ledger`, rewritten by every commit. It says at which revision the store stands, how many
 * other records there are, and their digest: the sum, modulo 2^64, of a 64-bit mix of each record's sum. A record that
 * was lost, added or put back to an older state breaks it. And it is the head of the trail (store_trail.h). Usable from
 * any thread. Format: docs/store-format.md. */
#pragma once

#include "base/clock.h"
#include "base/str.h"
#include "store/store_trail.h"

#define STORE_LEDGER_KEY STR("ledger")
#define STORE_LEDGER_SIZE 448 /* bytes that a sealed ledger takes at most, with NUL */

struct store_ledger {
    uint64_t revision, records, digest;
    struct store_trail_head trail;
};

/* Where a new store begins: high enough never to repeat what an older store in its place gave out. */
uint64_t store_ledger_first_revision(const struct clock *clock);
/* Where a store goes on that was restored from a copy that ended at `copied`, in a place that had given out `here` (0:
 * nothing is known): above both and the clock's. The lower 32 bits, the serial of DNS zones, go forward (RFC 1982) from
 * what the copied store may have given out after the copy was made, so that secondaries follow. */
uint64_t store_ledger_restored_revision(const struct clock *clock, uint64_t copied, uint64_t here);

/* A record with this sum comes or goes. */
void store_ledger_add(struct store_ledger *ledger, uint32_t sum);
void store_ledger_remove(struct store_ledger *ledger, uint32_t sum);

/* The sealed value in ret_text; *ret_sum is its sum. */
struct str store_ledger_write(const struct store_ledger *ledger, char ret_text[STORE_LEDGER_SIZE], uint32_t *ret_sum);

/* From the members behind the seal. 0 or STORE_DAMAGED. */
int store_ledger_parse(struct str members, struct store_ledger *ret_ledger);
