/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeding of the generator (splitmix64, as its authors advise) and bytes from the kernel. */
#include "base/rand.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/random.h>

void rand_init(struct rand *rand)
{
    uint64_t seed;
    int r = rand_secret(&seed, sizeof(seed));
    ASSERT(r == 0);
    rand_init_seed(rand, seed);
    r = rand_secret(&rand->id_key, sizeof(rand->id_key));
    ASSERT(r == 0);
}

void rand_init_seed(struct rand *rand, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        rand->s[i] = z ^ (z >> 31);
    }
    rand->id_key = (struct hash_key){ { rand->s[0], rand->s[3] } };
    rand->n_ids = 0;
}

void rand_id(struct rand *rand, uint8_t ret_id[16])
{
    struct hash_sip hash;
    uint64_t words[2];
    hash_sip13_begin_wide(&hash, &rand->id_key);
    hash_sip13_put(&hash, rand->n_ids++);
    hash_sip13_end_wide(&hash, words);
    memcpy(ret_id, words, sizeof(words));
}

int rand_secret(void *p, size_t n)
{
    char *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        at += got;
        n -= (size_t)got;
    }
    return 0;
}
