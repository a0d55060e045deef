/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the store share: scratch directories, files as byte strings, the contents of a store as one text,
 * and a workload whose state after each commit can be computed anew. Every helper fails the test when it cannot do its
 * work. */
#pragma once

#include "../test.h"

#include "base/buf.h"
#include "base/rand.h"
#include "store/store.h"

/* The seed of this run: STORE_TEST_SEED or a fresh one; printed once. */
uint64_t fixture_seed(void);

/* A number from the environment, or `otherwise`. */
long fixture_number(const char *variable, long otherwise);

#define FIXTURE_PATH 256

/* A fresh directory; in memory when `quick`, otherwise where temporary files go. */
void fixture_dir(bool quick, char ret_path[FIXTURE_PATH]);
void fixture_remove(const char *dir);
void fixture_path(const char *dir, const char *name, char ret_path[FIXTURE_PATH]);

/* Whole files. Reading an absent one gives the absent slice; writing the absent slice removes the file. */
struct str fixture_read(const char *dir, const char *name);
void fixture_write(const char *dir, const char *name, struct str bytes);
void fixture_free(struct str *bytes);

/* The three files that are the store. */
struct fixture_files {
    struct str db, log, ack;
};
void fixture_files_read(const char *dir, struct fixture_files *ret_files);
void fixture_files_write(const char *dir, const struct fixture_files *files);
void fixture_files_free(struct fixture_files *files);
/* Whether the files in dir are these still. An empty log is as good as none. */
bool fixture_files_same(const char *dir, const struct fixture_files *files);

/* Opens and loads the store of dir, which must succeed. */
struct store *fixture_open(const char *dir);
/* Opens and loads; the result of the one that failed, or 0 with the contents appended to *contents. The message of a
 * failure must not be empty. Closes the store. */
int fixture_try(const char *dir, struct buf *contents, struct store_message *ret_message);
/* Loads, and appends a line for each record: key, blank, JSON, blank, sum. */
int fixture_contents(struct store *store, struct buf *contents, struct store_message *ret_message);

/* The workload: commit number i, from 1, changes a few of FIXTURE_KEYS records, in a way that depends on i and on the
 * state before only. */
#define FIXTURE_KEYS 24
#define FIXTURE_VALUE_MAX 20000
struct fixture_work {
    struct store_batch *batch;
    uint32_t sums[FIXTURE_KEYS];
    uint32_t counter_sum;
    uint64_t n;        /* commits done */
    size_t value_size; /* of the larger values */
};
void fixture_work_init(struct fixture_work *work, size_t value_size);
void fixture_work_free(struct fixture_work *work);
/* The next commit; counted when it succeeds. The result of store_commit. */
int fixture_work_commit(struct fixture_work *work, struct store *store);
/* The contents after n commits. */
void fixture_work_contents(uint64_t n, size_t value_size, struct buf *contents);
/* Takes up the work where the store stands: its number of commits is in the record `counter`. */
void fixture_work_resume(struct fixture_work *work, struct store *store);
