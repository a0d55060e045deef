/* SPDX-License-Identifier: Apache-2.0
 *
 * See due_heap.h. */
#include "health/due_heap.h"

#include "base/mem.h"

#include <errno.h>

int due_heap_reserve(struct due_heap *heap, size_t n)
{
    size_t size = heap->size ? heap->size : 64;
    struct due_node **nodes;

    if (n < heap->size)
        return 0;
    while (size <= n)
        size *= 2;
    nodes = mem_realloc(heap->nodes, size * sizeof(struct due_node *));
    if (!nodes)
        return -ENOMEM;
    heap->nodes = nodes;
    heap->size = size;
    return 0;
}

void due_heap_fini(struct due_heap *heap)
{
    mem_free(heap->nodes);
    *heap = (struct due_heap){ 0 };
}

static void set(struct due_heap *heap, size_t place, struct due_node *node)
{
    heap->nodes[place] = node;
    node->place = place;
}

/* Moves the node from an empty place to where it belongs. */
static void settle(struct due_heap *heap, size_t place, struct due_node *node)
{
    for (; place > 1 && heap->nodes[place / 2]->due_ns > node->due_ns; place /= 2)
        set(heap, place, heap->nodes[place / 2]);
    for (;;) {
        size_t child = 2 * place;
        if (child < heap->n && heap->nodes[child + 1]->due_ns < heap->nodes[child]->due_ns)
            child++;
        if (child > heap->n || heap->nodes[child]->due_ns >= node->due_ns)
            break;
        set(heap, place, heap->nodes[child]);
        place = child;
    }
    set(heap, place, node);
}

void due_heap_put(struct due_heap *heap, struct due_node *node, int64_t due_ns)
{
    ASSERT(node->place == 0 && heap->n + 1 < heap->size);
    node->due_ns = due_ns;
    settle(heap, ++heap->n, node);
}

void due_heap_remove(struct due_heap *heap, struct due_node *node)
{
    size_t place = node->place;

    if (place == 0)
        return;
    ASSERT(place <= heap->n && heap->nodes[place] == node);
    struct due_node *last = heap->nodes[heap->n--];
    node->place = 0;
    if (last != node)
        settle(heap, place, last);
}

struct due_node *due_heap_first(const struct due_heap *heap, int64_t by_ns)
{
    return heap->n && heap->nodes[1]->due_ns <= by_ns ? heap->nodes[1] : NULL;
}
