/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing what an answer holds: healthy ones, and all when none is healthy; as many as wanted, each with the same
 * chance, in random order. */
#include "dns/answer_priv.h"

#define FEW_PER_DRAW 8 /* picks out of one 64-bit number: 64^8 < 2^64, the bias is below 2^-16 */

void answer_pick_few(struct rand *rand, unsigned n, unsigned k, uint8_t ret_indices[OWNER_MAX])
{
    uint64_t random = 0;

    for (unsigned i = 0; i < n; i++)
        ret_indices[i] = (uint8_t)i;
    for (unsigned i = 0; i < k; i++) {
        __extension__ unsigned __int128 product;
        unsigned at;
        uint8_t kept = ret_indices[i];
        if (i % FEW_PER_DRAW == 0)
            random = rand_u64(rand);
        product = (unsigned __int128)random * (n - i);
        random = (uint64_t)product;
        at = i + (unsigned)(product >> 64);
        ret_indices[i] = ret_indices[at];
        ret_indices[at] = kept;
    }
}

/* --- many instances ------------------------------------------------------------------------------------------------
 */

bool answer_pick_has_type(const struct instance *instance, enum service_record_type type)
{
    static const uint8_t wanted[SERVICE_RECORD_TYPE_COUNT] = { [SERVICE_A] = INSTANCE_IPV4 | INSTANCE_ALIAS,
                                                               [SERVICE_AAAA] = INSTANCE_IPV6 | INSTANCE_ALIAS,
                                                               [SERVICE_SRV] = INSTANCE_PORT,
                                                               [SERVICE_CNAME] = INSTANCE_CNAME };

    return instance->dns & wanted[type];
}

/* Draws ranks until max instances have the type; false when that takes too long. */
static bool answer_draw(struct answer_worker *worker, const struct tree *tree, enum tree_unit unit, unsigned n_all,
                        enum service_record_type type, unsigned max, unsigned *ret_n)
{
    unsigned n = 0;

    for (unsigned tries = 0; tries < 4 * max + 16 && n < max; tries++) {
        const struct instance *one = tree_select(tree, unit, (uint32_t)rand_below(&worker->rand, n_all));
        bool again = !answer_pick_has_type(one, type);
        for (unsigned i = 0; !again && i < n; i++)
            again = worker->picked[i] == one;
        if (!again)
            worker->picked[n++] = one;
    }
    *ret_n = n;
    return n == max;
}

/* Reads all, keeping a fair sample of as many as there is room for, and shuffles. */
static unsigned answer_read(struct answer_worker *worker, const struct tree *tree, enum tree_unit unit,
                            enum service_record_type type, unsigned max)
{
    const struct instance *instance;
    struct tree_iter iter;
    unsigned n = 0, seen = 0;

    tree_iter_init_rank(&iter, tree, unit, 0);
    while ((instance = tree_iter_next(&iter))) {
        if (!answer_pick_has_type(instance, type))
            continue;
        seen++;
        if (n < ANSWER_MAX_PICKED) {
            worker->picked[n++] = instance;
        } else {
            uint64_t at = rand_below(&worker->rand, seen);
            if (at < n)
                worker->picked[at] = instance;
        }
    }
    for (unsigned i = 0; i < n && i < max; i++) {
        unsigned at = i + (unsigned)rand_below(&worker->rand, n - i);
        instance = worker->picked[i];
        worker->picked[i] = worker->picked[at];
        worker->picked[at] = instance;
    }
    return n < max ? n : max;
}

#define DRAW_MAX 64 /* drawing compares each with those before */

static unsigned answer_pick_unit(struct answer_worker *worker, const struct tree *tree, enum tree_unit unit,
                                 enum service_record_type type, unsigned max)
{
    struct tree_rank size = tree_size(tree);
    unsigned n_all = unit == TREE_BY_WEIGHT ? size.weight : size.count, n;

    if (n_all == 0)
        return 0;
    if (max <= DRAW_MAX && max <= n_all / 4 && answer_draw(worker, tree, unit, n_all, type, max, &n))
        return n;
    return answer_read(worker, tree, unit, type, max);
}

unsigned answer_pick_instances(struct answer_worker *worker, const struct owner *owner, enum service_record_type type,
                               unsigned max)
{
    const struct tree *tree = &owner->service->instances;
    unsigned n = answer_pick_unit(worker, tree, TREE_BY_WEIGHT, type, max);

    return n ? n : answer_pick_unit(worker, tree, TREE_BY_COUNT, type, max);
}
