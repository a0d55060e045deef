/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers: a fast generator (xoshiro256**) per owner, seeded from the kernel or by a test. Good for samples; ids
 * take rand_id, secrets rand_secret. One thread per struct. */
#pragma once

#include "base/hash.h"

struct rand {
    uint64_t s[4];
    struct hash_key id_key;
    uint64_t n_ids;
};

void rand_init(struct rand *rand);                     /* from getrandom(2) */
void rand_init_seed(struct rand *rand, uint64_t seed); /* repeatable, for tests */

static inline uint64_t rand_rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* The next 64 random bits. */
static inline uint64_t rand_u64(struct rand *rand)
{
    uint64_t *s = rand->s;
    uint64_t result = rand_rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rand_rotate(s[3], 45);
    return result;
}

/* Uniform in [0, n), without modulo bias; n > 0. The high half of a product, redrawn when it falls into the part
 * that would favour small results (Lemire, "Fast random integer generation in an interval"). */
static inline uint64_t rand_below(struct rand *rand, uint64_t n)
{
    __extension__ unsigned __int128 product = (unsigned __int128)rand_u64(rand) * n;
    if (__builtin_expect((uint64_t)product < n, 0)) {
        uint64_t unfair = -n % n;
        while ((uint64_t)product < unfair)
            product = (unsigned __int128)rand_u64(rand) * n;
    }
    return (uint64_t)(product >> 64);
}

/* 16 bytes of which some can be shown to anybody: whoever sees them cannot tell how many others were made, as the state
 * of the generator would. SipHash-1-3-128 of a counter. */
void rand_id(struct rand *rand, uint8_t ret_id[16]);

/* Bytes from getrandom(2). 0 or -errno. */
int rand_secret(void *p, size_t n);
