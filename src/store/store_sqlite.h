/* SPDX-License-Identifier: Apache-2.0
 *
 * A store over one SQLite file outside a data directory: no lock, no acknowledged file, no checkpoint thread. For
 * copies that are verified or prepared. Private to this folder; one thread at a time. */
#pragma once

#include "store/store_sqlite_file.h"

/* `name` is what messages call the file. Commits need STORE_SQLITE_FILE_WRITE; the file is complete, without a log
 * beside it, when the store was loaded and closed. Results as store_open_sqlite. */
int store_sqlite_open_file(const char *path, const char *name, enum store_sqlite_file_mode mode,
                           struct store **ret_store, struct store_message *ret_message);
