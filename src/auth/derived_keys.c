/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of a few places, found by a hash that no client can foresee; within a set the one used longest ago gives way. */
#include "auth/derived_keys.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"

#include <errno.h>

#define WAYS 8
#define SETS (DERIVED_KEYS_MAX / WAYS)

struct place {
    uint64_t used; /* when; 0: empty */
    uint64_t version;
    size_t n;
    char credential[DERIVED_KEYS_CREDENTIAL_MAX];
    struct signature_key key;
};

struct derived_keys {
    struct hash_key hash;
    uint64_t now; /* counts uses */
    struct place sets[SETS][WAYS];
};

int derived_keys_new(struct derived_keys **ret_keys)
{
    struct derived_keys *keys = mem_zalloc(sizeof(*keys));
    int r = keys ? rand_secret(&keys->hash, sizeof(keys->hash)) : -ENOMEM;
    if (r < 0) {
        mem_free(keys);
        return r;
    }
    *ret_keys = keys;
    return 0;
}

void derived_keys_free(struct derived_keys *keys)
{
    if (!keys)
        return;
    signature_wipe(keys, sizeof(*keys));
    mem_free(keys);
}

static struct place *set_of(struct derived_keys *keys, struct str credential)
{
    return keys->sets[hash_sip(&keys->hash, credential.p, credential.n) % SETS];
}

static struct place *find(struct place *set, struct str credential, uint64_t version)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].used && set[i].version == version && str_eq((struct str){ set[i].credential, set[i].n }, credential))
            return &set[i];
    return NULL;
}

const struct signature_key *derived_keys_find(struct derived_keys *keys, struct str credential, uint64_t version)
{
    struct place *place = find(set_of(keys, credential), credential, version);
    if (!place)
        return NULL;
    place->used = ++keys->now;
    return &place->key;
}

void derived_keys_add(struct derived_keys *keys, struct str credential, uint64_t version,
                      const struct signature_key *key)
{
    if (credential.n > DERIVED_KEYS_CREDENTIAL_MAX)
        return;
    struct place *set = set_of(keys, credential);
    struct place *place = find(set, credential, version);
    for (size_t i = 0; !place && i < WAYS; i++)
        if (set[i].used == 0)
            place = &set[i];
    if (!place) {
        place = &set[0];
        for (size_t i = 1; i < WAYS; i++)
            if (set[i].used < place->used)
                place = &set[i];
    }
    place->used = ++keys->now;
    place->version = version;
    place->n = credential.n;
    memcpy(place->credential, credential.p, credential.n);
    place->key = *key;
}
