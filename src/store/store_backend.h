/* SPDX-License-Identifier: Apache-2.0
 *
 * What a backend owes the front (store.c), private to this folder. The front seals values, keeps the ledger and counts;
 * a backend moves rows. A backend is opened by its own file, handed to store_new and closed through its table.
 *
 * Threads: load, accept, commit and close come from the one thread that owns the store; stat from any thread. */
#pragma once

#include "store/store.h"

/* Caps: a batch beyond STORE_MAX_BATCH fails like one that found no memory; a value beyond STORE_MAX_VALUE too. */
#define STORE_MAX_KEY 4096
#define STORE_MAX_VALUE ((size_t)8 << 20)
#define STORE_MAX_BATCH ((size_t)256 << 20)

/* One step of a batch: the record `key` must have the sum `old_sum` (0: must not exist), then it becomes `value`. */
struct store_op {
    struct str key;
    struct str value; /* sealed; absent: the record goes */
    uint32_t old_sum;
    uint32_t sum; /* of `value`, 0 when absent */
};

/* What a commit does to the trail. */
struct store_trail_step {
    const struct store_row *rows; /* appended */
    size_t n_rows;
    uint64_t gone; /* rows up to this number go; 0: none does */
};

/* One row, borrowed for the call. Non-zero stops the load and is returned by it. */
typedef int store_row_fn(void *arg, struct str key, struct str value);

struct store_backend {
    const struct store_backend_ops *ops;
    const char *name; /* for messages: the path of the file; lives as long as the backend */
};

struct store_backend_ops {
    /* Every row, the ledger included, in bytewise key order and at one revision. Changes nothing.
     * 0, STORE_DAMAGED, STORE_BUSY, STORE_UNWRITABLE, -errno, or what fn returned; the message is set except in the
     * last case. */
    int (*load)(struct store_backend *backend, store_row_fn *fn, void *arg, struct store_message *ret_message);

    /* The rows were found good, the ledger stands at `revision`: from here on the backend may write. STORE_DAMAGED when
     * it knows of acknowledged commits beyond `revision`. 0, STORE_DAMAGED, STORE_BUSY, STORE_UNWRITABLE or -errno,
     * with the message. */
    int (*accept)(struct store_backend *backend, uint64_t revision, struct store_message *ret_message);

    /* The ops in order, then the trail and the ledger, all or nothing, durable on return; makes the store's revision
     * `revision`.
     * 0, STORE_CONFLICT, STORE_FULL, STORE_LOST, -ENOMEM; nothing is changed in all but the first and STORE_LOST. */
    int (*commit)(struct store_backend *backend, const struct store_op *ops, size_t n_ops,
                  const struct store_trail_step *trail, const struct store_op *ledger, uint64_t revision);

    /* Gives the rows of the trail from number `from` to `to`. 0, STORE_LOST, or what fn returned. */
    int (*rows)(struct store_backend *backend, uint64_t from, uint64_t to, store_trail_fn *fn, void *arg);

    /* Fills file_bytes, log_bytes and checkpoints. */
    void (*stat)(struct store_backend *backend, struct store_stat *ret_stat);

    void (*close)(struct store_backend *backend);
};

/* The front over a backend, which it then owns. NULL: no memory, the backend is still the caller's. */
struct store *store_new(struct store_backend *backend);

/* Puts another backend in the place of the present one, which is returned to the caller. */
struct store_backend *store_swap_backend(struct store *store, struct store_backend *backend);

/* A commit that changes nothing but the revision, which becomes at least `revision`. Results as store_commit. */
int store_raise_revision(struct store *store, uint64_t revision);

/* Fills in *message unless it is NULL. Returns `result`, so that an error can be told and returned in one line. */
int store_tell(struct store_message *message, int result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The end of every message about a store that cannot be used any more. */
#define STORE_HINT_RESTORE "restore a backup with `cloudmapctl restore FILE --replace`"
#define STORE_HINT_NEWER "use the version of Cloudmap that wrote it, or a later one"
