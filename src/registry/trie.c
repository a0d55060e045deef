/* SPDX-License-Identifier: Apache-2.0
 *
 * The persistent hash trie; see trie.h. */
#include "registry/trie.h"

#include "base/mem.h"

#define ITEM_BIT ((uintptr_t)1)

static bool trie_is_item(uintptr_t slot)
{
    return slot & ITEM_BIT;
}

static const struct trie_item *trie_item_of(uintptr_t slot)
{
    return (const struct trie_item *)(slot & ~ITEM_BIT);
}

static struct trie_node *trie_node_of(uintptr_t slot)
{
    return (struct trie_node *)slot;
}

static uintptr_t trie_slot_of(const struct trie_item *item)
{
    return (uintptr_t)item | ITEM_BIT;
}

static unsigned trie_way(uint64_t hash, unsigned depth)
{
    return hash >> (depth * TRIE_BITS) & (TRIE_WAYS - 1);
}

static bool trie_is(const struct trie_item *item, uint64_t hash, struct str key)
{
    return item->hash == hash && item->key_n == key.n && memcmp(item->key, key.p, key.n) == 0;
}

/* The slot of the key at the bottom, where hashes do not tell any more: its own, else a free one, else TRIE_WAYS. */
static unsigned trie_bottom_slot(const struct trie_node *node, uint64_t hash, struct str key)
{
    unsigned free_slot = TRIE_WAYS;

    for (unsigned i = TRIE_WAYS; i > 0; i--) {
        uintptr_t slot = node->slots[i - 1];
        if (!slot)
            free_slot = i - 1;
        else if (trie_is(trie_item_of(slot), hash, key))
            return i - 1;
    }
    return free_slot;
}

const struct trie_item *trie_find(const struct trie *trie, uint64_t hash, struct str key)
{
    const struct trie_node *node = trie->root;

    for (unsigned depth = 0; node; depth++) {
        unsigned way = depth < TRIE_DEPTH ? trie_way(hash, depth) : trie_bottom_slot(node, hash, key);
        uintptr_t slot = way < TRIE_WAYS ? node->slots[way] : 0;
        if (trie_is_item(slot))
            return trie_is(trie_item_of(slot), hash, key) ? trie_item_of(slot) : NULL;
        node = trie_node_of(slot);
    }
    return NULL;
}

void trie_probe_step(struct trie_probe *probe)
{
    const struct trie_node *node = probe->node;
    uintptr_t slot;

    if (!node)
        return;
    slot = probe->depth < TRIE_DEPTH ? node->slots[trie_way(probe->hash, probe->depth)] : 0;
    probe->node = NULL;
    if (trie_is_item(slot)) {
        probe->item = trie_item_of(slot);
        __builtin_prefetch(probe->item);
    } else if (slot) {
        probe->node = trie_node_of(slot);
        probe->depth++;
        __builtin_prefetch(&probe->node->slots[trie_way(probe->hash, probe->depth)]);
    }
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static struct trie_node *trie_new_node(struct edit *edit)
{
    struct trie_node *node = edit_alloc(edit, sizeof(*node));

    if (node)
        *node = (struct trie_node){ .epoch = edit->epoch };
    return node;
}

static struct trie_node *trie_own(struct edit *edit, struct trie_node *node)
{
    struct trie_node *copy;

    if (node->epoch == edit->epoch)
        return node;
    copy = edit_dup(edit, node, sizeof(*node));
    if (!copy)
        return NULL;
    copy->epoch = edit->epoch;
    edit_replace(edit, node);
    return copy;
}

/* A node with the one item in it, for the place of the item itself. */
static struct trie_node *trie_push_down(struct edit *edit, const struct trie_item *item, unsigned depth)
{
    struct trie_node *node = trie_new_node(edit);

    if (node) {
        node->slots[depth < TRIE_DEPTH ? trie_way(item->hash, depth) : 0] = trie_slot_of(item);
        node->n = 1;
    }
    return node;
}

struct trie_insertion {
    struct edit *edit;
    const struct trie_item *item, *replaced;
    struct str key;
};

static struct trie_node *trie_insert(struct trie_insertion *in, struct trie_node *node, unsigned depth)
{
    unsigned way;
    uintptr_t slot;

    node = node ? trie_own(in->edit, node) : trie_new_node(in->edit);
    if (!node)
        return NULL;
    way = depth < TRIE_DEPTH ? trie_way(in->item->hash, depth) : trie_bottom_slot(node, in->item->hash, in->key);
    if (way == TRIE_WAYS) {
        in->edit->failed = true; /* 33 names of one 60-bit hash */
        return node;
    }
    slot = node->slots[way];
    if (!slot) {
        node->slots[way] = trie_slot_of(in->item);
        node->n++;
    } else if (trie_is_item(slot) && trie_is(trie_item_of(slot), in->item->hash, in->key)) {
        in->replaced = trie_item_of(slot);
        node->slots[way] = trie_slot_of(in->item);
    } else {
        struct trie_node *below =
            trie_is_item(slot) ? trie_push_down(in->edit, trie_item_of(slot), depth + 1) : trie_node_of(slot);
        if (below)
            below = trie_insert(in, below, depth + 1);
        if (below)
            node->slots[way] = (uintptr_t)below;
    }
    return node;
}

const struct trie_item *trie_put(struct edit *edit, struct trie *trie, const struct trie_item *item)
{
    struct trie_insertion in = { .edit = edit, .item = item, .key = { (const char *)item->key, item->key_n } };
    struct trie_node *root = edit->failed ? NULL : trie_insert(&in, trie->root, 0);

    if (root)
        trie->root = root;
    return in.replaced;
}

/* The one slot in use of a node that holds nothing but an item, or 0. */
static uintptr_t trie_last_item(const struct trie_node *node)
{
    for (unsigned i = 0; node->n == 1 && i < TRIE_WAYS; i++)
        if (node->slots[i])
            return trie_is_item(node->slots[i]) ? node->slots[i] : 0;
    return 0;
}

/* The slot that takes the place of the node's own: the node, its last item, or 0. The item is known to be there. */
static uintptr_t trie_remove(struct edit *edit, struct trie_node *node, const struct trie_item *item, unsigned depth)
{
    unsigned way = depth < TRIE_DEPTH
                       ? trie_way(item->hash, depth)
                       : trie_bottom_slot(node, item->hash, (struct str){ (const char *)item->key, item->key_n });
    uintptr_t rest;

    node = trie_own(edit, node);
    if (!node)
        return 0;
    if (trie_is_item(node->slots[way]))
        node->slots[way] = 0;
    else
        node->slots[way] = trie_remove(edit, trie_node_of(node->slots[way]), item, depth + 1);
    if (!node->slots[way])
        node->n--;
    rest = node->n ? trie_last_item(node) : 0;
    if (node->n && !(rest && depth))
        return (uintptr_t)node;
    edit_replace(edit, node);
    return rest;
}

const struct trie_item *trie_del(struct edit *edit, struct trie *trie, uint64_t hash, struct str key)
{
    const struct trie_item *item = trie_find(trie, hash, key);

    if (item && !edit->failed)
        trie->root = trie_node_of(trie_remove(edit, trie->root, item, 0));
    return item;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void trie_each_in(const struct trie_node *node, trie_each_fn *fn, void *arg)
{
    for (unsigned i = 0; node && i < TRIE_WAYS; i++) {
        uintptr_t slot = node->slots[i];
        if (trie_is_item(slot))
            fn(arg, trie_item_of(slot));
        else
            trie_each_in(trie_node_of(slot), fn, arg);
    }
}

void trie_each(const struct trie *trie, trie_each_fn *fn, void *arg)
{
    trie_each_in(trie->root, fn, arg);
}

static void trie_free_node(struct trie_node *node)
{
    for (unsigned i = 0; i < TRIE_WAYS; i++)
        if (node->slots[i] && !trie_is_item(node->slots[i]))
            trie_free_node(trie_node_of(node->slots[i]));
    mem_free(node);
}

void trie_free(struct trie *trie)
{
    if (trie->root)
        trie_free_node(trie->root);
    trie->root = NULL;
}

static void trie_forget_node_epochs(struct trie_node *node)
{
    node->epoch = 0;
    for (unsigned i = 0; i < TRIE_WAYS; i++)
        if (node->slots[i] && !trie_is_item(node->slots[i]))
            trie_forget_node_epochs(trie_node_of(node->slots[i]));
}

void trie_forget_epochs(struct trie *trie)
{
    if (trie->root)
        trie_forget_node_epochs(trie->root);
}
