/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing instances; see pick.h.
 *
 * A search walks the part of one tree where everything that matches must stand: all instances, or those that share the
 * rarest of the required attributes. Few candidates are looked at one by one. Of many, random ranks are drawn without
 * repetition until enough match; when matches turn out to be rare, the candidates are read through once, keeping a
 * uniform sample (reservoir). Both ways every matching instance has the same chance. */
#include "registry/pick.h"

#include <errno.h>

struct pick_search {
    const struct tree *tree;      /* instances or index */
    uint32_t skip, n;             /* the candidates' first rank, and how many there are, in `wanted` */
    const struct str_pair *pairs; /* what each must have */
    size_t n_pairs;
    enum tree_unit wanted; /* weight: not UNHEALTHY; lack: UNHEALTHY; count: any */
};

struct pick_result {
    const struct instance **items;
    size_t n, max;
    uint64_t n_matched; /* seen so far, for the reservoir */
};

static uint32_t pick_measure(struct tree_rank rank, enum tree_unit unit)
{
    switch (unit) {
    case TREE_BY_COUNT:
        return rank.count;
    case TREE_BY_WEIGHT:
        return rank.weight;
    case TREE_BY_LACK:
        break;
    }
    return rank.count - rank.weight;
}

/* The rarest required attribute decides where to look. */
static void pick_plan(const struct snapshot *snapshot, const struct service_node *node, struct pick_search *search)
{
    search->tree = &node->instances;
    search->skip = 0;
    search->n = pick_measure(tree_size(&node->instances), search->wanted);
    for (size_t i = 0; i < search->n_pairs; i++) {
        uint32_t tag = state_index_tag(&snapshot->index_key, &search->pairs[i]);
        struct tree_key from = { .n = tag }, to = { .n = (uint64_t)tag + 1 };
        uint32_t first = pick_measure(tree_rank(&node->index, &state_index, &from), search->wanted);
        uint32_t n = pick_measure(tree_rank(&node->index, &state_index, &to), search->wanted) - first;
        if (i == 0 || n < search->n) {
            search->tree = &node->index;
            search->skip = first;
            search->n = n;
        }
    }
}

/* Keeps a uniform sample of what was offered. */
static void pick_offer(struct pick_result *result, const struct instance *instance, struct rand *rand)
{
    result->n_matched++;
    if (result->n < result->max) {
        result->items[result->n++] = instance;
    } else {
        uint64_t at = rand_below(rand, result->n_matched);
        if (at < result->max)
            result->items[at] = instance;
    }
}

static void pick_read_all(const struct pick_search *search, struct pick_result *result, struct rand *rand)
{
    struct tree_iter iter;

    if (search->n_pairs == 0 && search->wanted == TREE_BY_COUNT && search->n <= result->max) {
        tree_read(search->tree, (const void **)result->items);
        result->n = search->n;
        return;
    }
    result->n = 0;
    result->n_matched = 0;
    tree_iter_init_rank(&iter, search->tree, search->wanted, search->skip);
    for (uint32_t i = 0; i < search->n; i++) {
        const struct instance *instance = tree_iter_next(&iter);
        if (instance_has_attributes(instance, search->pairs, search->n_pairs))
            pick_offer(result, instance, rand);
    }
}

static void pick_shuffle(struct pick_result *result, struct rand *rand)
{
    for (size_t i = result->n; i > 1; i--) {
        size_t k = rand_below(rand, i);
        const struct instance *kept = result->items[i - 1];
        result->items[i - 1] = result->items[k];
        result->items[k] = kept;
    }
}

/* A set of drawn ranks: open addressing, never more than half full. Rank 0 is stored as 1. */
struct pick_drawn {
    uint32_t *slots;
    uint32_t mask;
};

static bool pick_draw_is_new(struct pick_drawn *drawn, uint32_t rank)
{
    uint32_t at = rank * UINT32_C(2654435761) & drawn->mask;

    while (drawn->slots[at]) {
        if (drawn->slots[at] == rank + 1)
            return false;
        at = (at + 1) & drawn->mask;
    }
    drawn->slots[at] = rank + 1;
    return true;
}

/* Draws ranks until enough match. 0; 1 when too many did not; -ENOMEM. */
static int pick_draw(const struct pick_search *search, struct pick_result *result, struct rand *rand,
                     struct arena *arena)
{
    uint32_t max_draws = (uint32_t)result->max * 16, size = 64;
    struct pick_drawn drawn;

    if (max_draws > search->n / 2)
        max_draws = search->n / 2;
    while (size < 2 * max_draws)
        size *= 2;
    drawn.mask = size - 1;
    drawn.slots = ARENA_ARRAY(arena, uint32_t, size);
    if (!drawn.slots)
        return -ENOMEM;
    for (uint32_t draws = 0; draws < max_draws && result->n < result->max;) {
        uint32_t rank = (uint32_t)rand_below(rand, search->n);
        const struct instance *instance;
        if (!pick_draw_is_new(&drawn, rank))
            continue;
        draws++;
        instance = tree_select(search->tree, search->wanted, search->skip + rank);
        if (instance_has_attributes(instance, search->pairs, search->n_pairs))
            result->items[result->n++] = instance;
    }
    return result->n < result->max;
}

static int pick_search(const struct pick_search *search, struct pick_result *result, struct rand *rand,
                       struct arena *arena)
{
    int r = 1;

    result->n = 0;
    if (search->n > 4 * result->max + 64)
        r = pick_draw(search, result, rand, arena);
    if (r < 0)
        return r;
    if (r) {
        pick_read_all(search, result, rand);
        pick_shuffle(result, rand);
    }
    return 0;
}

/* The pairs of both lists, in the arena. */
static struct str_pair *pick_join(const struct pick_query *query, struct arena *arena)
{
    struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, query->n_required + query->n_optional);

    if (!pairs)
        return NULL;
    if (query->n_required)
        memcpy(pairs, query->required, query->n_required * sizeof(*pairs));
    memcpy(pairs + query->n_required, query->optional, query->n_optional * sizeof(*pairs));
    return pairs;
}

/* Without a check an instance is unhealthy only when its lease ran out; until then no status is asked for. */
static bool pick_has_health(const struct service_node *node)
{
    struct tree_rank size = tree_size(&node->instances);

    return node->config->check != SERVICE_CHECK_NONE || size.weight < size.count;
}

/* HEALTHY_OR_ELSE_ALL looks at health after the required attributes and before the optional ones. */
static int pick_wanted(const struct snapshot *snapshot, const struct service_node *node, const struct pick_query *query,
                       struct rand *rand, struct arena *arena, enum tree_unit *ret_wanted)
{
    const struct instance *one;
    struct pick_result result = { .items = &one, .max = 1 };
    struct pick_search search = { .pairs = query->required, .n_pairs = query->n_required, .wanted = TREE_BY_WEIGHT };
    int r = 0;

    *ret_wanted = TREE_BY_COUNT;
    if (query->health == PICK_ALL || !pick_has_health(node))
        return 0;
    *ret_wanted = query->health == PICK_UNHEALTHY ? TREE_BY_LACK : TREE_BY_WEIGHT;
    if (query->health == PICK_HEALTHY_OR_ELSE_ALL) {
        pick_plan(snapshot, node, &search);
        r = pick_search(&search, &result, rand, arena);
        if (result.n == 0)
            *ret_wanted = TREE_BY_COUNT;
    }
    return r;
}

int pick_instances(const struct snapshot *snapshot, const struct service_node *node, const struct pick_query *query,
                   struct rand *rand, struct arena *arena, const struct instance ***ret_instances, size_t *ret_n)
{
    struct pick_search search = { 0 };
    struct pick_result result = { .max = query->max };
    uint32_t n_all = tree_size(&node->instances).count;
    int r = pick_wanted(snapshot, node, query, rand, arena, &search.wanted);

    if (r)
        return r;
    if (result.max > n_all)
        result.max = n_all;
    result.items = ARENA_ARRAY(arena, const struct instance *, result.max + 1);
    if (!result.items)
        return -ENOMEM;
    if (query->n_optional) {
        search.pairs = pick_join(query, arena);
        search.n_pairs = query->n_required + query->n_optional;
        if (!search.pairs)
            return -ENOMEM;
        pick_plan(snapshot, node, &search);
        r = pick_search(&search, &result, rand, arena);
    }
    if (!r && result.n == 0) {
        search.pairs = query->required;
        search.n_pairs = query->n_required;
        pick_plan(snapshot, node, &search);
        r = pick_search(&search, &result, rand, arena);
    }
    *ret_instances = result.items;
    *ret_n = result.n;
    return r;
}
