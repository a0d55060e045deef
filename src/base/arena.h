/* SPDX-License-Identifier: Apache-2.0
 *
 * A bump allocator with a byte cap: what one request needs, freed at once. Once an allocation fails the arena is
 * `failed` until it is reset; callers may go on and check once at the end. One thread at a time. */
#pragma once

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out, alignment included */
    size_t cap;
    bool failed;
};

/* Takes no memory yet. */
void arena_init(struct arena *arena, size_t cap);
/* Frees everything but one block, kept for the next request. */
void arena_reset(struct arena *arena);
void arena_fini(struct arena *arena);

/* Aligned to 16, zeroed. NULL when the cap or memory is exhausted. */
void *arena_alloc(struct arena *arena, size_t n);
/* An array of `count` elements, overflow-checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy of a full array with room for as many again: of `first` elements when it had none. *count, the elements there
 * is room for, is set when it succeeds. */
void *arena_grow(struct arena *arena, const void *array, size_t *count, size_t first, size_t size);
/* A copy of s, NUL-terminated behind its end. The absent slice on failure. */
struct str arena_dup(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), (count), sizeof(type)))
