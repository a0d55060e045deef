/* SPDX-License-Identifier: Apache-2.0
 *
 * Hashes: SipHash for tables that hostile keys may enter, SHA-256 for ids (nettle), CRC-32 for records (zlib).
 * Usable from any thread. */
#pragma once

#include "base/str.h"

#define HASH_SHA256_LEN 32

struct hash_key {
    uint64_t k[2];
};

/* --- SipHash a word at a time --------------------------------------------------------------------------------------
 */

struct hash_sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t hash_rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void hash_sip_begin(struct hash_sip *s, const struct hash_key *key)
{
    s->v0 = key->k[0] ^ 0x736f6d6570736575;
    s->v1 = key->k[1] ^ 0x646f72616e646f6d;
    s->v2 = key->k[0] ^ 0x6c7967656e657261;
    s->v3 = key->k[1] ^ 0x7465646279746573;
}

static inline void hash_sip_round(struct hash_sip *s)
{
    s->v0 += s->v1;
    s->v1 = hash_rotate(s->v1, 13) ^ s->v0;
    s->v0 = hash_rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = hash_rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = hash_rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = hash_rotate(s->v1, 17) ^ s->v2;
    s->v2 = hash_rotate(s->v2, 32);
}

/* SipHash-1-3, for tables on a hot path. The words say themselves how many there are. */
static inline void hash_sip13_put(struct hash_sip *s, uint64_t word)
{
    s->v3 ^= word;
    hash_sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t hash_sip13_end(struct hash_sip *s)
{
    s->v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        hash_sip_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Two words instead of one. SipHash's variant with 128 bits. */
static inline void hash_sip13_begin_wide(struct hash_sip *s, const struct hash_key *key)
{
    hash_sip_begin(s, key);
    s->v1 ^= 0xee;
}

static inline void hash_sip13_end_wide(struct hash_sip *s, uint64_t ret[2])
{
    s->v2 ^= 0xee;
    for (int i = 0; i < 3; i++)
        hash_sip_round(s);
    ret[0] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
    s->v1 ^= 0xdd;
    for (int i = 0; i < 3; i++)
        hash_sip_round(s);
    ret[1] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* --- the whole at once ---------------------------------------------------------------------------------------------
 */

/* SipHash-2-4 of n bytes, and their SHA-256. */
uint64_t hash_sip(const struct hash_key *key, const void *p, size_t n);
void hash_sha256(const void *p, size_t n, uint8_t ret_digest[HASH_SHA256_LEN]);
/* Continues from `crc`; start with 0. */
uint32_t hash_crc32(uint32_t crc, const void *p, size_t n);
