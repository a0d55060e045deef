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

int64_t tenure_next_mono_ms(const struct tenure *tenure)
{
    return tenure->drain_end_mono_ms;
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
