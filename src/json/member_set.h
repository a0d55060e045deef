/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds out whether a key came twice in one object, for all objects that are open at a time. The keys lie on one stack,
 * the innermost object's on top. Small objects are compared key by key; larger ones get an index hashed with a random
 * secret, so that no text can make it slow. Memory comes from the arena. One thread at a time. */
#pragma once

#include "base/arena.h"
#include "base/hash.h"

#define MEMBER_SET_LINEAR 32 /* members up to which an object has no index */
#define MEMBER_SET_INLINE 64 /* keys the stack holds without memory from the arena */

struct member_slot {
    uint32_t hash, key; /* key: position within the set plus one, 0 = free */
};

struct member_stack {
    struct arena *arena;
    struct str *keys; /* of all sets; `first` until they are more */
    uint32_t n, size;
    bool has_secret;
    struct hash_key secret; /* drawn when the first index is made */
    struct str first[MEMBER_SET_INLINE];
};

/* The keys of one open object: those of the stack from `base` up to the next set. */
struct member_set {
    uint32_t base;
    uint32_t n_slots; /* a power of two, or 0 without index */
    struct member_slot *slots;
};

enum member_set_result {
    MEMBER_SET_DUPLICATE = 1,
    MEMBER_SET_MEMORY,
};

/* No object is open; takes no memory. */
void member_set_init_stack(struct member_stack *stack, struct arena *arena);

/* Opens a set on top. */
static inline void member_set_open(struct member_set *set, const struct member_stack *stack)
{
    set->base = stack->n;
    set->n_slots = 0;
}

/* Forgets the set, which must be the top one, and its keys. */
static inline void member_set_close(struct member_set *set, struct member_stack *stack)
{
    stack->n = set->base;
}

/* Adds a key to the top set; its bytes must stay as they are until the set is closed. 0 or enum member_set_result. */
int member_set_add(struct member_set *set, struct member_stack *stack, struct str key);
