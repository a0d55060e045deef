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
