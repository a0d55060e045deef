/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012); the other hashes come from nettle and zlib. */
#include "base/hash.h"

#include <endian.h>
#include <nettle/sha2.h>
#include <zlib.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

uint64_t hash_sip(const struct hash_key *key, const void *p, size_t n)
{
    const unsigned char *at = p;
    struct sip s = {
        .v0 = key->k[0] ^ 0x736f6d6570736575,
        .v1 = key->k[1] ^ 0x646f72616e646f6d,
        .v2 = key->k[0] ^ 0x6c7967656e657261,
        .v3 = key->k[1] ^ 0x7465646279746573,
    };
    size_t left = n;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        sip_word(&s, le64toh(word));
    }
    uint64_t last = (uint64_t)n << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)at[i] << (8 * i);
    sip_word(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void hash_sha256(const void *p, size_t n, uint8_t ret_digest[HASH_SHA256_LEN])
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, n, p);
    sha256_digest(&context, HASH_SHA256_LEN, ret_digest);
}

uint32_t hash_crc32(uint32_t crc, const void *p, size_t n)
{
    /* crc32_z takes a null pointer as "give the start value". */
    return n ? (uint32_t)crc32_z(crc, p, n) : crc;
}
