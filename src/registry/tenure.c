/* SPDX-License-Identifier: Apache-2.0
 *
 * See tenure.h. */
#include "registry/tenure.h"

#include "base/mem.h"

static const struct str then_words[TENURE_THEN_COUNT] = {
    [TENURE_UNDRAIN] = { "undrain", 7 }, [TENURE_DEREGISTER] = { "deregister", 10 }
};

struct tenure *tenure_new(const struct tenure *draft, struct str instance_id)
{
    struct tenure *tenure = mem_alloc(sizeof(*tenure) + instance_id.n);

    if (!tenure)
        return NULL;
    *tenure = *draft;
    tenure->id_len = (uint8_t)instance_id.n;
    memcpy(tenure->id, instance_id.p, instance_id.n);
    return tenure;
}

struct str tenure_instance_id(const struct tenure *tenure)
{
    return (struct str){ tenure->id, tenure->id_len };
}

void tenure_renew(struct tenure *tenure, int64_t end_mono_ms)
{
    __atomic_store_n(&tenure->lease_end_mono_ms, end_mono_ms, __ATOMIC_RELAXED);
}

int64_t tenure_lease_end(const struct tenure *tenure)
{
    return __atomic_load_n(&tenure->lease_end_mono_ms, __ATOMIC_RELAXED);
}

int64_t tenure_next_mono_ms(const struct tenure *tenure)
{
    int64_t drain = tenure->drain_end_mono_ms;
    int64_t lease = tenure->held_wall_ms      ? 0
                    : tenure->expired_wall_ms ? tenure->remove_mono_ms
                                              : tenure_lease_end(tenure);

    if (drain && lease)
        return drain < lease ? drain : lease;
    return drain ? drain : lease;
}

struct str tenure_then_text(enum tenure_then then)
{
    return then_words[then];
}

int tenure_parse_then(struct str word, enum tenure_then *ret_then)
{
    for (unsigned i = 0; i < TENURE_THEN_COUNT; i++)
        if (str_eq(word, then_words[i])) {
            *ret_then = (enum tenure_then)i;
            return 0;
        }
    return 1;
}
