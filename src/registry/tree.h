/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry's one data structure: a persistent, weight-balanced search tree (Adams; delta 3, gamma 2). A write
 * copies the path to the root and leaves every older root as it was, so readers need no lock. Each node counts its
 * subtree's items and the sum of their weights: by them the tree is balanced, ranks are found, samples are drawn and
 * ranges are counted in O(log n). Items are borrowed; the order comes from the tree's type.
 *
 * Reading: any thread, on a root it may hold. Writing: the writer thread, inside an edit. When the edit fails, roots
 * are left in a state that is only good for edit_abandon. */
#pragma once

#include "base/str.h"
#include "registry/edit.h"

struct tree_node {
    struct tree_node *left, *right;
    const void *item;
    uint32_t count, weight; /* of the subtree */
    uint32_t tag;           /* part of the order where one item has several places; else 0 */
    uint32_t epoch;
};

struct tree {
    struct tree_node *root;
};

/* What a lookup names. Which parts count, and how, is the type's matter. */
struct tree_key {
    uint64_t n, m;
    struct str a, b;
};

struct tree_type {
    /* Order of the key relative to the node: < 0, 0, > 0. */
    int (*compare)(const struct tree_key *key, const struct tree_node *node);
    /* The key of an item at `tag`; slices are borrowed from the item. */
    struct tree_key (*key)(const void *item, uint32_t tag);
    /* NULL weighs nothing. */
    uint32_t (*weigh)(const void *item);
};

/* The item, or NULL. */
const void *tree_find(const struct tree *tree, const struct tree_type *type, const struct tree_key *key);

/* Inserts the item, or puts it in the place of the one with the same key. Returns what it replaced, or NULL. */
const void *tree_put(struct edit *edit, struct tree *tree, const struct tree_type *type, const void *item,
                     uint32_t tag);
/* Returns the removed item, or NULL when there is none. */
const void *tree_del(struct edit *edit, struct tree *tree, const struct tree_type *type, const struct tree_key *key);

/* A position: how many items, and what weight, stand before it. */
struct tree_rank {
    uint32_t count, weight;
};

/* Items, and the weight of all of them. */
struct tree_rank tree_size(const struct tree *tree);
/* What stands before the first item that is not below the key. */
struct tree_rank tree_rank(const struct tree *tree, const struct tree_type *type, const struct tree_key *key);

/* The item at a rank, counted in items, in weight, or in items without weight (for weights of 0 and 1). */
enum tree_unit { TREE_BY_COUNT, TREE_BY_WEIGHT, TREE_BY_LACK };
/* rank must be below the tree's total in that unit. */
const void *tree_select(const struct tree *tree, enum tree_unit unit, uint32_t rank);

/* In-order walk. */
#define TREE_MAX_HEIGHT 96
struct tree_iter {
    const struct tree_node *stack[TREE_MAX_HEIGHT];
    unsigned depth;
    enum tree_unit unit;
};
/* From the first item that is not below the key; NULL key: from the start. */
void tree_iter_init(struct tree_iter *iter, const struct tree *tree, const struct tree_type *type,
                    const struct tree_key *key);
/* From the item at a rank, over those that count in the unit; what lies between costs nothing. */
void tree_iter_init_rank(struct tree_iter *iter, const struct tree *tree, enum tree_unit unit, uint32_t rank);
/* The next item, or NULL at the end. */
const void *tree_iter_next(struct tree_iter *iter);
/* All items in order, at once; `ret_items` has room for as many as tree_size counts. */
void tree_read(const struct tree *tree, const void **ret_items);

/* Frees all nodes, not the items. For the last owner. */
void tree_free(struct tree *tree);
/* Sets the epoch of every node to 0. */
void tree_forget_epochs(struct tree *tree);
/* Walks everything and checks order, sums and balance; for tests. */
bool tree_is_sound(const struct tree *tree, const struct tree_type *type);
