/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads all rows of a database that is expected to hold exactly what we put there. Private to this folder. */
#pragma once

#include "store/store_backend.h"

#include <sqlite3.h>

/* In one read transaction: checks SQLite's own structures and that our table is the only thing there, then gives every
 * row. The rest is as in store_backend_ops.load. */
int store_sqlite_load(sqlite3 *db, const char *name, store_row_fn *fn, void *arg, struct store_message *ret_message);

/* The row of the trail under a statement of number, time, hash and text; borrowed until its next step. 0, or 1 when it
 * is none. */
int store_sqlite_load_row(sqlite3_stmt *statement, struct store_row *ret_row);
