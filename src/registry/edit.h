/* SPDX-License-Identifier: Apache-2.0
 *
 * One edit of the registry: what it made and what it replaced. Everything that a published snapshot can reach is
 * immutable, so the writer builds copies; an edit remembers the blocks it made (freed when it is abandoned) and the
 * blocks it replaced (freed when no reader can hold them any more). Blocks made by an edit carry its epoch and may be
 * changed in place until it ends. Blocks come from base/mem.h and are freed by one mem_free each.
 *
 * The first failed allocation makes the edit `failed`, for good; the caller abandons it. Writer thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edit_list {
    void **items;
    size_t n, size;
};

struct edit {
    uint32_t epoch;
    bool solo; /* no reader exists yet (load): replaced blocks are freed at once, made ones not remembered */
    bool failed;
    struct edit_list made, replaced;
};

/* Forgets the lists of the last edit; their memory is used again. */
void edit_begin(struct edit *edit, uint32_t epoch, bool solo);

/* Memory that belongs to the edit until it ends. NULL and failed when memory is out. */
void *edit_alloc(struct edit *edit, size_t n);
void *edit_dup(struct edit *edit, const void *block, size_t n);
/* Takes over a block made by a model's _new or _dup; NULL makes the edit failed. Returns the block, or NULL when it
 * could not be remembered (then it is freed). */
void *edit_adopt(struct edit *edit, void *block);
/* The block is not reachable from the edit's result any more; accepts NULL. */
void edit_replace(struct edit *edit, const void *block);

/* Gives the list of replaced blocks to the caller (edit_list_free frees blocks and list) and keeps the made ones. */
void edit_finish(struct edit *edit, struct edit_list *ret_replaced);
/* Frees everything the edit made; the old snapshot is as it was. */
void edit_abandon(struct edit *edit);
/* Frees the blocks and the list. Any thread. */
void edit_list_free(struct edit_list *list);
