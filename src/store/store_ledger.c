/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeping, writing and reading the ledger record. */
#include "store/store_ledger.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/store.h"
#include "store/store_seal.h"

#include <inttypes.h>
#include <stdio.h>

#define HEX_LEN (2 * HASH_SHA256_LEN)

uint64_t store_ledger_first_revision(const struct clock *clock)
{
    /* 2,048 commits a millisecond are out of reach; the result is below 2^53 until 2109, exact in any JSON reader */
    return (uint64_t)clock_wall_ms(clock) << 11;
}

#define SERIAL_LOST (UINT32_C(1) << 28) /* commits after the copy that may have been lost */
#define SERIAL_LOST_A_SECOND 16         /* on top: a second restore of the same copy is ahead of the first */
#define SERIAL_LOST_SECONDS (INT64_C(1) << 25)
#define SERIAL_NEAR (UINT32_C(1) << 30) /* farther ahead is another store's */

uint64_t store_ledger_restored_revision(const struct clock *clock, uint64_t copied, uint64_t here)
{
    uint64_t least = store_ledger_first_revision(clock);
    uint32_t serial = (uint32_t)copied;
    int64_t age_s = (clock_wall_ms(clock) - (int64_t)(copied >> 11)) / 1000;

    if (least <= copied)
        least = copied + 1;
    if (least <= here)
        least = here + 1;
    if (here && (uint32_t)here - serial <= SERIAL_NEAR)
        serial = (uint32_t)here;
    age_s = age_s < 0 ? 0 : age_s > SERIAL_LOST_SECONDS ? SERIAL_LOST_SECONDS : age_s;
    serial += SERIAL_LOST + SERIAL_LOST_A_SECOND * (uint32_t)age_s; /* in all less than 2^31 */
    return least + (uint32_t)(serial - (uint32_t)least);
}

/* The finaliser of splitmix64: one to one, so that different sums never mix to the same value. */
static uint64_t mix(uint32_t sum)
{
    uint64_t x = sum + UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void store_ledger_add(struct store_ledger *ledger, uint32_t sum)
{
    ledger->records++;
    ledger->digest += mix(sum);
}

void store_ledger_remove(struct store_ledger *ledger, uint32_t sum)
{
    ledger->records--;
    ledger->digest -= mix(sum);
}

/* The trail is told once it has begun, so that a store without one is as it ever was. */
static size_t format(const struct store_ledger *ledger, char *ret_text, size_t size)
{
    const struct store_trail_head *trail = &ledger->trail;
    int n = snprintf(ret_text, size, "{\"revision\":%" PRIu64 ",\"records\":%" PRIu64 ",\"digest\":\"%016" PRIx64 "\"",
                     ledger->revision, ledger->records, ledger->digest);
    ASSERT(n > 0);
    if (trail->last) {
        char base[HEX_LEN + 1] = "", hash[HEX_LEN + 1] = "";
        text_hex(trail->base, HASH_SHA256_LEN, base);
        text_hex(trail->hash, HASH_SHA256_LEN, hash);
        n += snprintf(ret_text + n, size - (size_t)n,
                      ",\"trail\":{\"gone\":%" PRIu64 ",\"last\":%" PRIu64 ",\"bytes\":%" PRIu64
                      ",\"base\":\"%s\",\"hash\":\"%s\"}",
                      trail->gone, trail->last, trail->bytes, base, hash);
    }
    n += snprintf(ret_text + n, size - (size_t)n, "}");
    ASSERT((size_t)n < size);
    return (size_t)n;
}

struct str store_ledger_write(const struct store_ledger *ledger, char ret_text[STORE_LEDGER_SIZE], uint32_t *ret_sum)
{
    char text[STORE_LEDGER_SIZE - STORE_SEAL_LEN];
    struct str json = { text, format(ledger, text, sizeof(text)) };
    *ret_sum = store_seal_write(STORE_LEDGER_KEY, json, ret_text);
    return (struct str){ ret_text, store_seal_size(json) };
}

int store_ledger_parse(struct str members, struct store_ledger *ret_ledger)
{
    char given[STORE_LEDGER_SIZE], again[STORE_LEDGER_SIZE];
    struct store_ledger ledger = { 0 };
    struct store_trail_head *trail = &ledger.trail;
    if (members.n + 1 >= sizeof(given))
        return STORE_DAMAGED;
    given[0] = '{';
    memcpy(given + 1, members.p, members.n);
    given[members.n + 1] = '\0';
    char base[HEX_LEN + 1], hash[HEX_LEN + 1];
    int found = sscanf(
        given,
        "{\"revision\":%" SCNu64 ",\"records\":%" SCNu64 ",\"digest\":\"%" SCNx64 "\",\"trail\":{\"gone\":%" SCNu64
        ",\"last\":%" SCNu64 ",\"bytes\":%" SCNu64 ",\"base\":\"%64[0-9a-f]\",\"hash\":\"%64[0-9a-f]\"}",
        &ledger.revision, &ledger.records, &ledger.digest, &trail->gone, &trail->last, &trail->bytes, base, hash);
    if (found != 3 && found != 8)
        return STORE_DAMAGED;
    if (found == 8 && (strlen(base) != HEX_LEN || text_parse_hex(str_of(base), trail->base) ||
                       strlen(hash) != HEX_LEN || text_parse_hex(str_of(hash), trail->hash)))
        return STORE_DAMAGED;
    /* sscanf is lenient: only what would be written so is accepted */
    size_t n = format(&ledger, again, sizeof(again));
    if (n != members.n + 1 || memcmp(given, again, n) != 0)
        return STORE_DAMAGED;
    *ret_ledger = ledger;
    return 0;
}
