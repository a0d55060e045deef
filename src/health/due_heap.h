/* SPDX-License-Identifier: Apache-2.0
 *
 * What is due next, of many: a binary heap of nodes that live in their owners. All zero is an empty heap. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due_node {
    int64_t due_ns;
    size_t place; /* in the heap, from 1; 0: in none */
};

struct due_heap {
    struct due_node **nodes; /* from 1 */
    size_t n, size;
};

/* Makes room for n nodes in all. 0 or -ENOMEM. */
int due_heap_reserve(struct due_heap *heap, size_t n);
void due_heap_fini(struct due_heap *heap); /* the nodes are their owners' */
/* The node is in no heap, and there is room. */
void due_heap_put(struct due_heap *heap, struct due_node *node, int64_t due_ns);
/* Nothing when it is in no heap; else it must be this one. */
void due_heap_remove(struct due_heap *heap, struct due_node *node);
/* The first one that is due by then, or NULL; it stays. */
struct due_node *due_heap_first(const struct due_heap *heap, int64_t by_ns);

/* The structure that holds the node as its member. */
#define DUE_HEAP_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))
