/* SPDX-License-Identifier: Apache-2.0
 *
 * SipHash-2-4 (Aumasson and Bernstein, 2012); the other hashes come from nettle and zlib. */
#include "base/hash.h"

#include <endian.h>
#include <nettle/sha2.h>
#include <zlib.h>

static inline void sip_word(struct hash_sip *s, uint64_t word)
{
    s->v3 ^= word;
    hash_sip_round(s);
    hash_sip_round(s);
    s->v0 ^= word;
}

uint64_t hash_sip(const struct hash_key *key, const void *p, size_t n)
{
    const unsigned char *at = p;
    struct hash_sip s;
    hash_sip_begin(&s, key);
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
        hash_sip_round(&s);
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
