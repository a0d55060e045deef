/* SPDX-License-Identifier: Apache-2.0
 *
 * One SQLite file of ours: how it is made, what must hold before SQLite may look into it, and how a connection to it is
 * set up. Opening never changes the file: SQLite is asked to touch it only after its header was found to be ours, and
 * closing neither checkpoints nor deletes the log unless store_sqlite_file_keep said so. Private to this folder. */
#pragma once

#include "store/store.h"

#include <sqlite3.h>

#define STORE_SQLITE_FILE_PAGE 4096

/* The tables; their text is checked at load. Format 1 had no trail. */
#define STORE_SQLITE_FILE_TABLE "CREATE TABLE record(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID"
#define STORE_SQLITE_FILE_TRAIL \
    "CREATE TABLE trail(number INTEGER PRIMARY KEY, time INTEGER NOT NULL, hash BLOB NOT NULL, text TEXT NOT NULL)"

enum store_sqlite_file_mode {
    STORE_SQLITE_FILE_WRITE,  /* the store of a locked data directory */
    STORE_SQLITE_FILE_READ,   /* a store that a daemon may be writing to */
    STORE_SQLITE_FILE_FROZEN, /* a copy that nobody writes to; no log beside it is read or made */
};

/* Asks the kernel for the whole file: in the tree's order a cold disk would be read page by page, ten times as slowly.
 * Only while this process has no connection to the file, whose locks this would drop. */
void store_sqlite_file_read_ahead(const char *path);

/* 0, STORE_DAMAGED, STORE_NEWER, STORE_MISSING, STORE_BUSY, STORE_UNWRITABLE or -errno, with the message. */
int store_sqlite_file_open(const char *path, enum store_sqlite_file_mode mode, sqlite3 **ret_db,
                           struct store_message *ret_message);

/* Makes an empty store with its ledger at `revision` in the new file `path`, flushed, without a log beside it.
 * 0, STORE_UNWRITABLE or -errno, with the message. */
int store_sqlite_file_create(const char *path, uint64_t revision, struct store_message *ret_message);

/* Makes a store of an older format, found good, one of the present format. 0 or as open, with the message. */
int store_sqlite_file_upgrade(sqlite3 *db, const char *path, struct store_message *ret_message);

/* From now on closing the connection checkpoints and removes the log; or no more. */
void store_sqlite_file_keep(sqlite3 *db, bool keep_current);

/* The condition for the error that `db` has just reported while doing `what` ("reading"), with its message. `db` NULL:
 * out of memory. */
int store_sqlite_file_error(sqlite3 *db, const char *path, const char *what, struct store_message *ret_message);

/* The error that `db` has just reported: no space, quota or file size left for a write to `file`, which therefore did
 * nothing; no memory. */
enum store_sqlite_file_part { STORE_SQLITE_FILE_DATABASE, STORE_SQLITE_FILE_LOG };
bool store_sqlite_file_is_full(sqlite3 *db, enum store_sqlite_file_part part);
/* The same of a write to `file` that ended with `code`. */
bool store_sqlite_file_found_no_space(sqlite3_file *file, int code);
bool store_sqlite_file_is_nomem(sqlite3 *db);
