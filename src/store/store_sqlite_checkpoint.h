/* SPDX-License-Identifier: Apache-2.0
 *
 * Moves the log into the database beside the writer: a thread with its own connection makes passive checkpoints, which
 * never wait for the writer nor make it wait. Because the writer goes on meanwhile, the thread alone may never reach
 * the end of the log; so when the log is over its bound, pass follows pass until few frames are left, and these the
 * writer takes upon itself, between two commits. The next commit then starts the log anew in the same, already laid-out
 * file. Private to this folder. */
#pragma once

#include "store/store.h"

#include <sqlite3.h>

struct store_sqlite_checkpoint;

/* In frames (pages) of log: between two passes of the thread; from where on the log is brought to its end; from where
 * on the writer does so whatever is left, because the disk does not keep up. */
struct store_sqlite_checkpoint_limits {
    unsigned every, bound, limit;
};
/* 16, 64 and 256 MiB: large enough that pages changed often are written once for many commits, small enough that a
 * start after a crash reads the log in well under a second. */
extern const struct store_sqlite_checkpoint_limits store_sqlite_checkpoint_limits;

/* Starts the thread. `limits` is kept. Results as store_sqlite_file_open. */
int store_sqlite_checkpoint_start(const char *path, const struct store_sqlite_checkpoint_limits *limits,
                                  struct store_sqlite_checkpoint **ret_checkpoint, struct store_message *ret_message);

/* Ends the thread after the pass it is in. Returns store_sqlite_checkpoint_is_lost. Accepts NULL. */
bool store_sqlite_checkpoint_stop(struct store_sqlite_checkpoint *checkpoint);

/* From the writer after each commit, with the frames that the log holds. */
void store_sqlite_checkpoint_after_commit(struct store_sqlite_checkpoint *checkpoint, sqlite3 *writer, unsigned frames);

/* A write or flush of the database failed: the log must stay as it is until a restart. Any thread. */
bool store_sqlite_checkpoint_is_lost(struct store_sqlite_checkpoint *checkpoint);

/* Passes that ended well. Any thread. */
uint64_t store_sqlite_checkpoint_count(struct store_sqlite_checkpoint *checkpoint);
