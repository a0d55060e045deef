/* SPDX-License-Identifier: Apache-2.0
 *
 * A persistent hash trie, 32 ways a level: the index of names that DNS answers are looked up in. A write copies the
 * path to the root, as in tree.h; a lookup touches a node for every 32nd part of what there is. Items begin with a
 * struct trie_item; keys are bytes, hashes are the caller's and spread over their lower 60 bits.
 *
 * Reading: any thread, on a root it may hold. Writing: the writer thread, inside an edit; after a failure the root is
 * good for edit_abandon only. */
#pragma once

#include "base/str.h"
#include "registry/edit.h"

struct trie_item {
    uint64_t hash;
    const uint8_t *key;
    uint32_t key_n;
    uint32_t epoch; /* of whoever owns the item; the trie does not look at it */
};

#define TRIE_WAYS 32
#define TRIE_BITS 5
#define TRIE_DEPTH                                                                                     \
    12 /* levels told apart by the hash; below, items of one hash stand in any slot, at most TRIE_WAYS \
        */

struct trie_node {
    uint32_t epoch;
    uint32_t n;                 /* slots in use */
    uintptr_t slots[TRIE_WAYS]; /* 0, a node, or an item with the lowest bit set */
};

struct trie {
    struct trie_node *root;
};

/* The item, or NULL. */
const struct trie_item *trie_find(const struct trie *trie, uint64_t hash, struct str key);
/* Inserts the item or puts it in the place of the one with its key; returns what it replaced. */
const struct trie_item *trie_put(struct edit *edit, struct trie *trie, const struct trie_item *item);
/* Returns the removed item, or NULL when there is none. */
const struct trie_item *trie_del(struct edit *edit, struct trie *trie, uint64_t hash, struct str key);

/* A lookup in steps, so that many can wait for memory at once. Each step fetches what the next one reads. */
struct trie_probe {
    const struct trie_node *node; /* NULL: at its end */
    const struct trie_item *item; /* that is there then; its key was not compared. Or NULL */
    uint64_t hash;
    unsigned depth;
};

static inline void trie_probe_start(struct trie_probe *probe, const struct trie *trie, uint64_t hash)
{
    *probe = (struct trie_probe){ .node = trie->root, .hash = hash };
}
/* One node further, fetching the next one without waiting for it; nothing once it is at its end. */
void trie_probe_step(struct trie_probe *probe);

/* Calls fn for each item, in no order that means anything; fn may free the item. */
typedef void trie_each_fn(void *arg, const struct trie_item *item);
void trie_each(const struct trie *trie, trie_each_fn *fn, void *arg);
/* Frees all nodes, not the items. */
void trie_free(struct trie *trie);
/* Sets the epoch of every node to 0. */
void trie_forget_epochs(struct trie *trie);
