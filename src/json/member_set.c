/* SPDX-License-Identifier: Apache-2.0
 *
 * Key sets: a stack of slices, and for large sets an open-addressed index (linear probing, at most half full). An
 * index remembers 32 bits of each hash: it grows without hashing again, and compares bytes only when they agree. */
#include "json/member_set.h"
#include "base/mem.h"
#include "base/rand.h"

#define SLOTS_MIN 64
#define SLOTS_GROWTH 2

void member_set_init_stack(struct member_stack *stack, struct arena *arena)
{
    stack->arena = arena;
    stack->keys = stack->first;
    stack->n = 0;
    stack->size = MEMBER_SET_INLINE;
    stack->has_secret = false;
}

static int push(struct member_stack *stack, struct str key)
{
    if (__builtin_expect(stack->n == stack->size, 0)) {
        struct str *keys = ARENA_ARRAY(stack->arena, struct str, (size_t)stack->size * 2);
        if (!keys)
            return MEMBER_SET_MEMORY;
        memcpy(keys, stack->keys, stack->n * sizeof(*keys));
        stack->keys = keys;
        stack->size *= 2;
    }
    stack->keys[stack->n++] = key;
    return 0;
}

static uint32_t hash_of(struct member_stack *stack, struct str key)
{
    if (!stack->has_secret) {
        int r = rand_secret(&stack->secret, sizeof(stack->secret));
        ASSERT(r == 0);
        stack->has_secret = true;
    }
    return (uint32_t)hash_sip(&stack->secret, key.p, key.n);
}

/* The slots must have a free one and lack the key. */
static void place(struct member_slot *slots, uint32_t n_slots, struct member_slot slot)
{
    uint32_t at = slot.hash & (n_slots - 1);
    while (slots[at].key)
        at = (at + 1) & (n_slots - 1);
    slots[at] = slot;
}

/* Makes the index, or a larger one. */
static int grow(struct member_set *set, struct member_stack *stack)
{
    uint32_t n_slots = set->n_slots ? set->n_slots * SLOTS_GROWTH : SLOTS_MIN;
    struct member_slot *slots = ARENA_ARRAY(stack->arena, struct member_slot, n_slots);
    if (!slots)
        return MEMBER_SET_MEMORY;
    if (set->n_slots == 0) {
        for (uint32_t i = 0; i < stack->n - set->base; i++)
            place(slots, n_slots,
                  (struct member_slot){ .hash = hash_of(stack, stack->keys[set->base + i]), .key = i + 1 });
    }
    for (uint32_t i = 0; i < set->n_slots; i++)
        if (set->slots[i].key)
            place(slots, n_slots, set->slots[i]);
    set->slots = slots;
    set->n_slots = n_slots;
    return 0;
}

/* Large sets; the key is not on the stack yet. */
static int add_indexed(struct member_set *set, struct member_stack *stack, struct str key)
{
    const struct str *keys = stack->keys + set->base;
    uint32_t n = stack->n - set->base;
    if (n >= set->n_slots / 2) {
        int r = grow(set, stack);
        if (r != 0)
            return r;
    }
    uint32_t hash = hash_of(stack, key), mask = set->n_slots - 1, at = hash & mask;
    for (; set->slots[at].key; at = (at + 1) & mask)
        if (set->slots[at].hash == hash && str_eq(keys[set->slots[at].key - 1], key))
            return MEMBER_SET_DUPLICATE;
    set->slots[at] = (struct member_slot){ .hash = hash, .key = n + 1 };
    return push(stack, key);
}

int member_set_add(struct member_set *set, struct member_stack *stack, struct str key)
{
    const struct str *known = stack->keys + set->base, *end = stack->keys + stack->n;
    if (end - known >= MEMBER_SET_LINEAR)
        return add_indexed(set, stack, key);
    /* Keys of one length mostly differ in their last byte: looked at first, it saves the call. */
    for (; known < end; known++)
        if (known->n == key.n && (key.n == 0 || (known->p[key.n - 1] == key.p[key.n - 1] && str_eq(*known, key))))
            return MEMBER_SET_DUPLICATE;
    return push(stack, key);
}
