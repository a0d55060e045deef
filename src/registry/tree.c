/* SPDX-License-Identifier: Apache-2.0
 *
 * The persistent search tree; see tree.h. Insertion and deletion recurse along one path, which balance keeps below
 * TREE_MAX_HEIGHT for any 32-bit number of items. */
#include "registry/tree.h"

#include "base/mem.h"

enum { DELTA = 3, GAMMA = 2 };

static uint32_t tree_count(const struct tree_node *node)
{
    return node ? node->count : 0;
}

static uint32_t tree_weight(const struct tree_node *node)
{
    return node ? node->weight : 0;
}

static uint32_t tree_item_weight(const struct tree_node *node)
{
    return node->weight - tree_weight(node->left) - tree_weight(node->right);
}

static void tree_sum(struct tree_node *node, uint32_t own_weight)
{
    node->count = tree_count(node->left) + tree_count(node->right) + 1;
    node->weight = tree_weight(node->left) + tree_weight(node->right) + own_weight;
}

/* A node that this edit may change: itself when the edit made it, else a copy. NULL when memory is out. */
static struct tree_node *tree_own(struct edit *edit, struct tree_node *node)
{
    struct tree_node *copy;

    if (node->epoch == edit->epoch)
        return node;
    copy = edit_dup(edit, node, sizeof(*node));
    if (!copy)
        return NULL;
    copy->epoch = edit->epoch;
    edit_replace(edit, node);
    return copy;
}

/* Both rotations take an owned node whose child on the heavy side exists, and return the new top. */
static struct tree_node *tree_rotate_left(struct edit *edit, struct tree_node *node)
{
    uint32_t own = tree_item_weight(node), top_own;
    struct tree_node *top = tree_own(edit, node->right);

    if (!top)
        return node;
    top_own = tree_item_weight(top);
    node->right = top->left;
    top->left = node;
    tree_sum(node, own);
    tree_sum(top, top_own);
    return top;
}

static struct tree_node *tree_rotate_right(struct edit *edit, struct tree_node *node)
{
    uint32_t own = tree_item_weight(node), top_own;
    struct tree_node *top = tree_own(edit, node->left);

    if (!top)
        return node;
    top_own = tree_item_weight(top);
    node->left = top->right;
    top->right = node;
    tree_sum(node, own);
    tree_sum(top, top_own);
    return top;
}

static bool tree_is_heavy(const struct tree_node *heavy, const struct tree_node *light)
{
    return (uint64_t)tree_count(heavy) + 1 > (uint64_t)DELTA * (tree_count(light) + 1);
}

/* Does the heavy child lean inwards, so that it must be turned first? */
static bool tree_leans_in(const struct tree_node *inner, const struct tree_node *outer)
{
    return (uint64_t)tree_count(inner) + 1 >= (uint64_t)GAMMA * (tree_count(outer) + 1);
}

/* Restores the balance of an owned node after one insertion or deletion below it. Sums of the node are right. */
static struct tree_node *tree_balance(struct edit *edit, struct tree_node *node)
{
    if (tree_is_heavy(node->right, node->left)) {
        if (tree_leans_in(node->right->left, node->right->right)) {
            struct tree_node *right = tree_own(edit, node->right);
            if (!right)
                return node;
            node->right = right;
            node->right = tree_rotate_right(edit, right);
        }
        return edit->failed ? node : tree_rotate_left(edit, node);
    }
    if (tree_is_heavy(node->left, node->right)) {
        if (tree_leans_in(node->left->right, node->left->left)) {
            struct tree_node *left = tree_own(edit, node->left);
            if (!left)
                return node;
            node->left = left;
            node->left = tree_rotate_left(edit, left);
        }
        return edit->failed ? node : tree_rotate_right(edit, node);
    }
    return node;
}

struct tree_insertion {
    struct edit *edit;
    const struct tree_type *type;
    struct tree_key key;
    const void *item, *replaced;
    uint32_t tag, weight;
};

static struct tree_node *tree_insert(struct tree_insertion *in, struct tree_node *node)
{
    uint32_t own;
    int order;

    if (!node) {
        node = edit_alloc(in->edit, sizeof(*node));
        if (node)
            *node = (struct tree_node){
                .item = in->item, .count = 1, .weight = in->weight, .tag = in->tag, .epoch = in->edit->epoch
            };
        return node;
    }
    order = in->type->compare(&in->key, node);
    node = tree_own(in->edit, node);
    if (!node)
        return NULL;
    own = tree_item_weight(node);
    if (order == 0) {
        in->replaced = node->item;
        node->item = in->item;
        own = in->weight;
    } else if (order < 0) {
        node->left = tree_insert(in, node->left);
    } else {
        node->right = tree_insert(in, node->right);
    }
    tree_sum(node, own);
    return in->edit->failed ? node : tree_balance(in->edit, node);
}

const void *tree_put(struct edit *edit, struct tree *tree, const struct tree_type *type, const void *item, uint32_t tag)
{
    struct tree_insertion in = { .edit = edit,
                                 .type = type,
                                 .key = type->key(item, tag),
                                 .item = item,
                                 .tag = tag,
                                 .weight = type->weigh ? type->weigh(item) : 0 };

    if (!edit->failed)
        tree->root = tree_insert(&in, tree->root);
    return in.replaced;
}

/* Takes the leftmost node out of an owned-or-not subtree; *ret_first is that node, still as it was. */
static struct tree_node *tree_cut_first(struct edit *edit, struct tree_node *node, const struct tree_node **ret_first)
{
    uint32_t own;

    if (!node->left) {
        *ret_first = node;
        return node->right;
    }
    node = tree_own(edit, node);
    if (!node)
        return NULL;
    own = tree_item_weight(node);
    node->left = tree_cut_first(edit, node->left, ret_first);
    tree_sum(node, own);
    return edit->failed ? node : tree_balance(edit, node);
}

/* The subtree without its top. */
static struct tree_node *tree_cut_top(struct edit *edit, struct tree_node *node)
{
    const struct tree_node *first = NULL;
    struct tree_node *top, *rest;

    if (!node->left || !node->right) {
        struct tree_node *child = node->left ? node->left : node->right;
        edit_replace(edit, node);
        return child;
    }
    top = tree_own(edit, node);
    if (!top)
        return NULL;
    rest = tree_cut_first(edit, top->right, &first);
    if (edit->failed || !first)
        return top;
    top->right = rest;
    top->item = first->item;
    top->tag = first->tag;
    tree_sum(top, first->weight - tree_weight(first->right));
    edit_replace(edit, first);
    return tree_balance(edit, top);
}

static struct tree_node *tree_remove(struct tree_insertion *in, struct tree_node *node)
{
    uint32_t own;
    int order = in->type->compare(&in->key, node);

    if (order == 0)
        return tree_cut_top(in->edit, node);
    node = tree_own(in->edit, node);
    if (!node)
        return NULL;
    own = tree_item_weight(node);
    if (order < 0)
        node->left = tree_remove(in, node->left);
    else
        node->right = tree_remove(in, node->right);
    tree_sum(node, own);
    return in->edit->failed ? node : tree_balance(in->edit, node);
}

const void *tree_del(struct edit *edit, struct tree *tree, const struct tree_type *type, const struct tree_key *key)
{
    struct tree_insertion in = { .edit = edit, .type = type, .key = *key };
    const void *item = tree_find(tree, type, key);

    if (item && !edit->failed)
        tree->root = tree_remove(&in, tree->root);
    return item;
}

const void *tree_find(const struct tree *tree, const struct tree_type *type, const struct tree_key *key)
{
    const struct tree_node *node = tree->root;

    while (node) {
        int order = type->compare(key, node);
        if (order == 0)
            return node->item;
        node = order < 0 ? node->left : node->right;
    }
    return NULL;
}

struct tree_rank tree_size(const struct tree *tree)
{
    return (struct tree_rank){ tree_count(tree->root), tree_weight(tree->root) };
}

struct tree_rank tree_rank(const struct tree *tree, const struct tree_type *type, const struct tree_key *key)
{
    const struct tree_node *node = tree->root;
    struct tree_rank rank = { 0 };

    while (node) {
        if (type->compare(key, node) <= 0) {
            node = node->left;
        } else {
            rank.count += node->count - tree_count(node->right);
            rank.weight += node->weight - tree_weight(node->right);
            node = node->right;
        }
    }
    return rank;
}

static uint32_t tree_measure(const struct tree_node *node, enum tree_unit unit)
{
    if (!node)
        return 0;
    switch (unit) {
    case TREE_BY_COUNT:
        return node->count;
    case TREE_BY_WEIGHT:
        return node->weight;
    case TREE_BY_LACK:
        break;
    }
    return node->count - node->weight;
}

const void *tree_select(const struct tree *tree, enum tree_unit unit, uint32_t rank)
{
    const struct tree_node *node = tree->root;

    for (;;) {
        uint32_t before, through;
        ASSERT(node);
        before = tree_measure(node->left, unit);
        through = tree_measure(node, unit) - tree_measure(node->right, unit);
        if (rank < before) {
            node = node->left;
        } else if (rank < through) {
            return node->item;
        } else {
            rank -= through;
            node = node->right;
        }
    }
}

static void tree_iter_push(struct tree_iter *iter, const struct tree_node *node)
{
    ASSERT(iter->depth < TREE_MAX_HEIGHT);
    iter->stack[iter->depth++] = node;
}

void tree_iter_init(struct tree_iter *iter, const struct tree *tree, const struct tree_type *type,
                    const struct tree_key *key)
{
    const struct tree_node *node = tree->root;

    iter->depth = 0;
    iter->unit = TREE_BY_COUNT;
    while (node) {
        if (key && type->compare(key, node) > 0) {
            node = node->right;
        } else {
            tree_iter_push(iter, node);
            node = node->left;
        }
    }
}

void tree_iter_init_rank(struct tree_iter *iter, const struct tree *tree, enum tree_unit unit, uint32_t rank)
{
    const struct tree_node *node = tree->root;

    iter->depth = 0;
    iter->unit = unit;
    while (rank < tree_measure(node, unit)) {
        uint32_t before = tree_measure(node->left, unit);
        uint32_t through = tree_measure(node, unit) - tree_measure(node->right, unit);
        if (rank >= through) {
            rank -= through;
            node = node->right;
            continue;
        }
        tree_iter_push(iter, node);
        if (rank >= before)
            return;
        node = node->left;
    }
}

const void *tree_iter_next(struct tree_iter *iter)
{
    while (iter->depth) {
        const struct tree_node *node = iter->stack[--iter->depth], *next = node->right;
        uint32_t others = tree_measure(node->left, iter->unit) + tree_measure(next, iter->unit);
        for (; tree_measure(next, iter->unit); next = next->left)
            tree_iter_push(iter, next);
        if (tree_measure(node, iter->unit) > others)
            return node->item;
    }
    return NULL;
}

static const void **tree_read_nodes(const struct tree_node *node, const void **at)
{
    for (; node; node = node->right) {
        at = tree_read_nodes(node->left, at);
        *at++ = node->item;
    }
    return at;
}

void tree_read(const struct tree *tree, const void **ret_items)
{
    tree_read_nodes(tree->root, ret_items);
}

static void tree_free_nodes(struct tree_node *node)
{
    if (!node)
        return;
    tree_free_nodes(node->left);
    tree_free_nodes(node->right);
    mem_free(node);
}

void tree_free(struct tree *tree)
{
    tree_free_nodes(tree->root);
    tree->root = NULL;
}

static void tree_forget_node_epochs(struct tree_node *node)
{
    if (!node)
        return;
    node->epoch = 0;
    tree_forget_node_epochs(node->left);
    tree_forget_node_epochs(node->right);
}

void tree_forget_epochs(struct tree *tree)
{
    tree_forget_node_epochs(tree->root);
}

static bool tree_node_is_sound(const struct tree_node *node, const struct tree_type *type)
{
    uint32_t own;
    struct tree_key key;

    if (!node)
        return true;
    key = type->key(node->item, node->tag);
    own = type->weigh ? type->weigh(node->item) : 0;
    if (node->count != tree_count(node->left) + tree_count(node->right) + 1 || own != tree_item_weight(node))
        return false;
    if (tree_is_heavy(node->left, node->right) || tree_is_heavy(node->right, node->left))
        return false;
    if ((node->left && type->compare(&key, node->left) <= 0) || (node->right && type->compare(&key, node->right) >= 0))
        return false;
    return tree_node_is_sound(node->left, type) && tree_node_is_sound(node->right, type);
}

bool tree_is_sound(const struct tree *tree, const struct tree_type *type)
{
    return tree_node_is_sound(tree->root, type);
}
