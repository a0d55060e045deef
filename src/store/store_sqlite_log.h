/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite writes a commit to its log in two pieces a page, a system call each. Here they are gathered, and written as
 * one when the log is flushed; and the log grows ahead of them, by a mebibyte at a time at most, so that few flushes
 * find it longer than the one before. Private to this folder. */
#pragma once

#include <sqlite3.h>

struct store_sqlite_log;

/* From now on the log of `db`, a connection that has read its database, is written in this manner; other connections
 * keep theirs. Errors of gathered writes are reported by the call that writes them: the next flush, read or truncation.
 * NULL when there is no memory. */
struct store_sqlite_log *store_sqlite_log_gather(sqlite3 *db);

/* After the connection is closed. Accepts NULL. */
void store_sqlite_log_free(struct store_sqlite_log *log);
