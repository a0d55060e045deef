/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing: one pointer to the newest snapshot, read without a lock under RCU (liburcu, flavour memb; the only file
 * that includes it is snapshot.c). A reader thread registers once, holds a snapshot for one answer and never across
 * anything that blocks. What a new snapshot no longer reaches is freed when no reader can hold it any more. */
#pragma once

#include "registry/state.h"

struct snapshot_head {
    struct snapshot *newest; /* atomic */
    char readers;            /* has an address: what ThreadSanitizer is told about readers is kept under it */
};

/* Makes the thread that frees, before the first publish: the library would make it there, where nothing may fail. 0 or
 * -errno. */
int snapshot_start(void);

/* Each reading thread, once, before its first and after its last acquire. */
void snapshot_reader_start(void);
void snapshot_reader_stop(void);

/* The newest snapshot; valid until snapshot_release. Does not nest. */
const struct snapshot *snapshot_acquire(const struct snapshot_head *head);
void snapshot_release(const struct snapshot_head *head);

/* Makes `take_next` the newest and frees `*take_replaced` and the structure it replaces after a grace period. Cannot
 * fail. Writer thread. `garbage` was made by snapshot_garbage_new before the point of no return. */
struct snapshot_garbage;
struct snapshot_garbage *snapshot_garbage_new(void); /* NULL when memory is out */
void snapshot_publish(struct snapshot_head *head, struct snapshot *take_next, struct edit_list *take_replaced,
                      struct snapshot_garbage *take_garbage);

/* Blocks that readers find otherwise than from a snapshot, while they hold one: when no new reader can find a block any
 * more it is given up and freed after a grace period. `head` is the one that the readers hold; it outlives the block.
 * Giving up cannot fail; threads that are readers only. NULL when memory is out. */
void *snapshot_block_new(size_t n);
void snapshot_block_give_up(const struct snapshot_head *head, void *take_block);
/* At once, when there are no readers. Accept NULL both. */
void snapshot_block_free(void *block);

/* Waits until everything handed to snapshot_publish and snapshot_block_give_up so far is freed. */
void snapshot_barrier(void);
