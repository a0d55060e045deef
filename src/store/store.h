/* SPDX-License-Identifier: Apache-2.0
 *
 * The durable form of the registry: an ordered map from readable keys to JSON records, changed only by batches that
 * are all or nothing and durable on return. The shape is the one that SQLite and etcd share: a batch is expectations,
 * puts and deletes; there are no interactive transactions and no reads after the load.
 *
 * store.c is the front that every backend shares. It seals each value (format version and CRC-32 of key and value as
 * the first members of the JSON object), keeps the ledger record (revision, number of records, digest), and adds to
 * every batch the expectation that the ledger is as this process left it, so that a second writer is noticed. Each put
 * and delete is an expectation too: it names the record that it replaces.
 *
 * Threads: one thread loads and commits; store_stat may be called from any thread. Format: docs/store-format.md. */
#pragma once

#include "base/clock.h"
#include "base/str.h"
#include "store/store_trail.h"

struct store;
struct store_batch;

/* Conditions. Negative results are -errno and fatal for the call. */
enum store_result {
    STORE_CONFLICT = 1, /* an expectation did not hold: another writer was here */
    STORE_FULL,         /* no space; nothing was changed, a later commit may succeed */
    STORE_LOST,    /* a write or flush failed in a way that leaves durability unknown: refused from now on, for good */
    STORE_DAMAGED, /* truncated, bit-flipped, incomplete, or a file that is no Cloudmap store */
    STORE_NEWER,   /* written by a newer format than this program knows */
    STORE_BUSY,    /* another process holds the data directory */
    STORE_UNWRITABLE, /* directory or file cannot be created or written */
    STORE_MISSING,    /* open without STORE_CREATE: there is no store here */
    STORE_EXISTS,     /* restore: there is already a store here */
};

/* One clear sentence for people: what is wrong with which file, and what to do next. */
struct store_message {
    char text[512];
};

/* How a program ends whose open, load, backup or restore ended so: 65 damaged, foreign, missing or in the way; 66
 * newer; 73 cannot write; 75 in use by another process; 1 anything else. */
int store_exit_code(int result);

/* --- opening ----------------------------------------------------------------------------------------------------- */

enum store_open_flags { STORE_CREATE = 1 };

/* Takes the exclusive lock of `dir` (created with mode 0700 when STORE_CREATE) and opens `dir`/cloudmap.db. Nothing in
 * an existing store is modified before store_load has succeeded. 0 or STORE_DAMAGED, _NEWER, _BUSY, _UNWRITABLE,
 * _MISSING. */
int store_open_sqlite(const char *dir, unsigned flags, const struct clock *clock, struct store **ret_store,
                      struct store_message *ret_message);

/* Kept in memory only; the oracle of the tests. */
int store_open_memory(const struct clock *clock, struct store **ret_store);

/* Brings the log into the database, unless the store was never loaded or is lost; releases the lock. Accepts NULL. */
void store_close(struct store *store);

/* --- loading ----------------------------------------------------------------------------------------------------- */

/* One record. `value` is the JSON object as it was given to store_put, mutable until the call returns; `sum` is what
 * later replacements of this record must name. Non-zero stops the load and is returned by it. */
typedef int store_load_fn(void *arg, struct str key, char *value, size_t n, uint32_t sum);

/* Every record once, in bytewise key order, consistent at one revision; checks the file's structure, every seal, the
 * count and the digest, and that no acknowledged commit is missing: what fn was given counts only when this returns 0.
 * Must succeed once before the first commit; a later load reads again, with what another writer did. 0, STORE_DAMAGED,
 * STORE_NEWER, STORE_BUSY, STORE_UNWRITABLE, -errno with the message, or what fn returned. */
int store_load(struct store *store, store_load_fn *fn, void *arg, struct store_message *ret_message);

/* The revision of the last commit; the next commit makes it one more. Starts high (creation time in ms << 11), so that
 * a store that was made anew or restored does not repeat an older one's revisions; the lower 32 bits of a restored one
 * are ahead of the old one's (RFC 1982). The thread that commits. */
uint64_t store_revision(const struct store *store);

/* --- committing -------------------------------------------------------------------------------------------------- */

/* A batch borrows nothing: keys and values are copied in. Errors are sticky and reported by store_commit (-ENOMEM).
 * Caps: 4 KiB a key, 8 MiB a value, 256 MiB a batch; what is over fails in the same way. */
struct store_batch *store_batch_new(void);
void store_batch_free(struct store_batch *batch);
void store_batch_clear(struct store_batch *batch);
/* Puts and deletes in it, one for those that found no room, one for touches: 0 is an empty batch. */
size_t store_batch_size(const struct store_batch *batch);
/* The commit is made even if it changes no record: it makes a new revision. */
void store_touch(struct store_batch *batch);

/* `json` is an object `{...}` with at least one member. `old_sum` is the sum of the record it replaces, 0 when the key
 * is new; the commit is STORE_CONFLICT when that is not so. Returns the sum of the new record (never 0), to be named
 * when it is replaced or deleted. A key may be put or deleted again in one batch: the last word stands, and old_sum
 * names the one before. The key `ledger` is the store's own. */
uint32_t store_put(struct store_batch *batch, struct str key, struct str json, uint32_t old_sum);
/* old_sum is not 0. */
void store_del(struct store_batch *batch, struct str key, uint32_t old_sum);

/* Appends a row to the trail, a JSON object of at most 8 MiB on one line. */
void store_append(struct store_batch *batch, int64_t time_ms, struct str text);
/* Lets the oldest rows of the trail go, `n` of them or what there is of them; at most STORE_MAX_TRIM. */
void store_trim(struct store_batch *batch, uint64_t n);
#define STORE_MAX_TRIM 1024

/* All or nothing, durable on return. 0, STORE_CONFLICT, STORE_FULL, STORE_LOST, or -ENOMEM (nothing changed). The batch
 * is left as it was; an empty one changes nothing and is no commit. */
int store_commit(struct store *store, const struct store_batch *batch);

struct store_stat {
    uint64_t records;
    uint64_t file_bytes, log_bytes; /* database and write-ahead log */
    uint64_t commits, failed_commits, checkpoints;
    uint64_t trail_rows, trail_bytes; /* kept; of the texts */
    bool lost;
};
/* How many of the oldest rows of the trail, STORE_MAX_TRIM of them at most, are older than `time_ms`. The thread that
 * commits. */
uint64_t store_count_older(const struct store *store, int64_t time_ms);
/* The same: how many of them have `bytes` of text together, or a little more. */
uint64_t store_count_excess(const struct store *store, uint64_t bytes);
/* Where the trail stands. The thread that commits. */
const struct store_trail_head *store_head(const struct store *store);
/* Any thread, between open and close. */
void store_stat(const struct store *store, struct store_stat *ret_stat);

/* --- copies ------------------------------------------------------------------------------------------------------ */

/* `done` of `total` pages; called from the same thread. */
typedef void store_progress_fn(void *arg, uint64_t done, uint64_t total);

/* A consistent copy of the store in `dir` into the new file `file`, also while a daemon writes to it. The copy is
 * verified before it gets its name. STORE_EXISTS when the file is there already. */
int store_backup(const char *dir, const char *file, store_progress_fn *progress, void *arg,
                 struct store_message *ret_message);

/* Verifies `file`, then makes it the store of `dir`, under the lock. STORE_EXISTS when there is a store and `replace`
 * is false; with `replace` the old one is kept beside it under a dated name, which the message tells. */
int store_restore(const char *dir, const char *file, bool replace, const struct clock *clock,
                  store_progress_fn *progress, void *arg, struct store_message *ret_message);

/* --- for tests --------------------------------------------------------------------------------------------------- */

enum store_fault_kind {
    STORE_FAULT_FULL,  /* the k-th commit answers STORE_FULL, nothing changed */
    STORE_FAULT_LOST,  /* the k-th commit and all after it answer STORE_LOST, nothing changed */
    STORE_FAULT_TORN,  /* the k-th commit is durable but answers STORE_LOST, as do all after it */
    STORE_FAULT_CRASH, /* the k-th commit kills the process (SIGKILL) before, or with `after` behind, the inner commit
                        */
};

struct store_fault {
    enum store_fault_kind kind;
    uint64_t at; /* 1 = the first commit; 0 = never */
    bool after;
};

/* A store that passes everything on to `take_inner` but for the planned fault. */
int store_open_fault(struct store **take_inner, const struct store_fault *fault, struct store **ret_store);
