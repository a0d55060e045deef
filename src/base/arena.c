/* SPDX-License-Identifier: Apache-2.0
 *
 * The bump allocator. The first block of the list is the one that is filled. A large piece gets a block of its own
 * behind it, so that the room left in the first is not lost. Under AddressSanitizer everything not handed out is
 * poisoned. */
#include "base/arena.h"
#include "base/mem.h"

#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>

#define ALIGNMENT ((size_t)16)
#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)65536)

struct arena_block {
    struct arena_block *next;
    size_t size, used; /* of data */
    _Alignas(16) char data[];
};

void arena_init(struct arena *arena, size_t cap)
{
    *arena = (struct arena){ .cap = cap };
}

static void free_list(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        ASAN_UNPOISON_MEMORY_REGION(block->data, block->size);
        mem_free(block);
        block = next;
    }
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = arena->blocks;
    if (kept && kept->size > BLOCK_MAX)
        kept = NULL;
    free_list(kept ? kept->next : arena->blocks);
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
        ASAN_POISON_MEMORY_REGION(kept->data, kept->size);
    }
    arena->blocks = kept;
    arena->used = 0;
    arena->failed = false;
}

void arena_fini(struct arena *arena)
{
    free_list(arena->blocks);
    *arena = (struct arena){ .cap = arena->cap };
}

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = mem_alloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    block->next = NULL;
    block->size = size;
    block->used = 0;
    ASAN_POISON_MEMORY_REGION(block->data, size);
    return block;
}

/* A block with room for n more bytes, linked into the list. */
static struct arena_block *block_add(struct arena *arena, size_t n)
{
    struct arena_block *head = arena->blocks;
    size_t size = head ? head->size * 2 : BLOCK_MIN;
    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    bool own = head && n > size / 4;
    struct arena_block *block = block_new(own || n > size ? n : size);
    if (!block)
        return NULL;
    if (own) {
        block->next = head->next;
        head->next = block;
    } else {
        block->next = head;
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t n)
{
    size_t room = (n ? n + ALIGNMENT - 1 : ALIGNMENT) & ~(ALIGNMENT - 1);
    if (arena->failed || room < n || room > arena->cap - arena->used) {
        arena->failed = true;
        return NULL;
    }
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < room) {
        block = block_add(arena, room);
        if (!block) {
            arena->failed = true;
            return NULL;
        }
    }
    char *p = block->data + block->used;
    block->used += room;
    arena->used += room;
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    return memset(p, 0, n);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) {
        arena->failed = true;
        return NULL;
    }
    return arena_alloc(arena, n);
}

void *arena_grow(struct arena *arena, const void *array, size_t *count, size_t first, size_t size)
{
    size_t more = *count ? *count * 2 : first;
    void *longer = arena_array(arena, more, size);
    if (!longer)
        return NULL;
    if (*count)
        memcpy(longer, array, *count * size);
    *count = more;
    return longer;
}

struct str arena_dup(struct arena *arena, struct str s)
{
    char *copy = str_is_set(s) ? arena_alloc(arena, s.n + 1) : NULL;
    if (!copy)
        return (struct str){ 0 };
    if (s.n)
        memcpy(copy, s.p, s.n);
    return (struct str){ copy, s.n };
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char small[256];
    struct str text = { 0 };
    int n = vsnprintf(small, sizeof(small), format, args);
    ASSERT(n >= 0);
    char *p = arena_alloc(arena, (size_t)n + 1);
    if (p) {
        if ((size_t)n < sizeof(small))
            memcpy(p, small, (size_t)n);
        else
            vsnprintf(p, (size_t)n + 1, format, again);
        text = (struct str){ p, (size_t)n };
    }
    va_end(again);
    va_end(args);
    return text;
}
